//! Writing a function anew, operation by operation: what a pass from program to program is made with.
//!
//! Every value keeps the name and the place that it had. A value that a pass adds takes the place of the operation it was
//! made for, and a name that is free.

use crate::builder::{Argument, Arguments, Builder, Var};
use crate::check::check;
use crate::diagnostic::Location;
use crate::draft::{DraftFunction, DraftNode};
use crate::literal::Literal;
use crate::op::schema;
use crate::program::{Function, ValueId};
use crate::reference::{self, Profile};
use crate::types::{Opset, TensorType};
use std::collections::HashSet;
use std::sync::Arc;

/// A function being written from another one.
pub(crate) struct Rewrite {
    builder: Builder,
    /// What stands for each value of the function that is read.
    vars: Vec<Option<Var>>,
    names: HashSet<Arc<str>>,
    reserved: HashSet<Arc<str>>,
    inputs: HashSet<Var>,
    opset: Opset,
}

impl Rewrite {
    /// Begins a function with the name of `source`. New values are given none of the names that `source` has, and none of
    /// `reserved`.
    pub(crate) fn new(source: &Function, opset: Opset, reserved: impl IntoIterator<Item = Arc<str>>) -> Rewrite {
        let reserved: HashSet<Arc<str>> = reserved.into_iter().collect();
        let names = source.values.iter().map(|v| v.name.clone()).chain(reserved.iter().cloned()).collect();
        let builder = Builder::function(&source.name, opset);
        Rewrite { builder, vars: vec![None; source.values.len()], names, reserved, inputs: HashSet::new(), opset }
    }

    /// A name that nothing has: `wanted`, or one like it. It is taken from then on.
    pub(crate) fn free(&mut self, wanted: &str) -> Arc<str> {
        let mut name: Arc<str> = wanted.into();
        while !self.names.insert(name.clone()) {
            name = format!("{name}_").into();
        }
        name
    }

    /// The name of a value of the function that is read, for what stands for it; another one if it is reserved.
    pub(crate) fn claim(&mut self, name: &Arc<str>) -> Arc<str> {
        if self.reserved.contains(name) { self.free(name) } else { name.clone() }
    }

    /// An input.
    pub(crate) fn input(&mut self, name: &str, ty: TensorType, location: Location) -> Var {
        let var = self.builder.input_at(name, ty, location);
        self.inputs.insert(var);
        var
    }

    /// Whether it is an input.
    pub(crate) fn is_input(&self, var: Var) -> bool {
        self.inputs.contains(&var)
    }

    /// Whether it is a constant.
    pub(crate) fn is_constant(&self, var: Var) -> bool {
        self.builder.literal(var).is_some()
    }

    /// A constant, under a name that the caller has made sure is free.
    pub(crate) fn constant(&mut self, name: &str, literal: Literal, location: Location) -> Var {
        self.builder.named_constant(name, literal, location)
    }

    /// An operation, under a name that the caller has made sure is free; its results. Constants among the arguments are given
    /// names.
    pub(crate) fn call(&mut self, mnemonic: &str, name: &str, args: Arguments, location: Location) -> Vec<Var> {
        let args = args.into_iter().map(|(param, argument)| {
            let Argument::Literal(literal) = argument else { return (param, argument) };
            let constant = self.free(&format!("{name}_{param}"));
            (param, Argument::Var(self.constant(&constant, literal, location)))
        });
        let args = args.collect();
        self.builder.call_at(name, mnemonic, args, location)
    }

    /// What an operation with one result gives, if all its arguments are constants.
    pub(crate) fn fold(&self, mnemonic: &str, args: &Arguments) -> Option<Literal> {
        let mut alone = Builder::function("main", self.opset);
        let mut constants = Arguments::new();
        for (param, argument) in args {
            let argument = match argument {
                Argument::Var(var) => Argument::Literal(self.builder.literal(*var)?.clone()),
                Argument::Tuple(vars) => {
                    let literals = vars.iter().map(|var| self.builder.literal(*var).cloned());
                    let literals = literals.collect::<Option<Vec<_>>>()?;
                    Argument::Tuple(literals.into_iter().map(|l| alone.constant(l)).collect())
                }
                constant => constant.clone(),
            };
            constants.push((*param, argument));
        }
        let result = alone.call(mnemonic, constants);
        alone.output(result);
        let program = check(alone.finish()).ok()?;
        let array = reference::run(program.main(), &[], Profile::Fp16).pop()?;
        Literal::from_f64(array.ty, &array.data).ok()
    }

    /// Gives a value a name that is free.
    pub(crate) fn rename(&mut self, var: Var, name: &str) {
        self.builder.name(var, name);
    }

    /// Stands for something in error; whatever uses it is not checked.
    pub(crate) fn poison(&mut self) -> Var {
        self.builder.poison()
    }

    /// What stands for a value of the function that is read.
    pub(crate) fn get(&self, id: ValueId) -> Option<Var> {
        self.vars[id.index()]
    }

    /// Has `var` stand for a value of the function that is read.
    pub(crate) fn bind(&mut self, id: ValueId, var: Var) {
        self.vars[id.index()] = Some(var);
    }

    /// The function, with these outputs.
    pub(crate) fn finish(mut self, outputs: &[(Var, Location)]) -> DraftFunction {
        outputs.iter().for_each(|(var, location)| self.builder.output_at(*var, *location));
        let mut function = self.builder.finish_function();
        constants_where_read(&mut function);
        function
    }
}

/// Puts each constant before the first operation that reads it, leaves those out that nothing reads, and puts arguments in the
/// order of the declaration: what is written does not depend on the order in which a pass made it.
fn constants_where_read(function: &mut DraftFunction) {
    let mut constants: Vec<Option<DraftNode>> = Vec::new();
    constants.resize_with(function.values.len(), || None);
    let (mut computing, mut nodes) = (Vec::new(), Vec::with_capacity(function.nodes.len()));
    for node in std::mem::take(&mut function.nodes) {
        match (&*node.mnemonic, node.results.first()) {
            ("const", Some(id)) => {
                let at = id.index();
                constants[at] = Some(node);
            }
            _ => computing.push(node),
        }
    }
    for mut node in computing {
        if let Some(schema) = schema(&node.mnemonic) {
            node.args.sort_by_key(|(name, _)| schema.position(name));
        }
        let read = node.args.iter().flat_map(|(_, arg)| arg.ids());
        nodes.extend(read.filter_map(|id| constants[id.index()].take()));
        nodes.push(node);
    }
    function.nodes = nodes;
    let unread: Vec<bool> = constants.iter().map(Option::is_some).collect();
    function.remove(&unread);
}
