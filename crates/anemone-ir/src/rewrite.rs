//! Writing a function anew, operation by operation: what a pass from program to program is made with.
//!
//! Every value keeps the name and the place that it had. A value that a pass adds takes the place of the operation it was
//! made for, and a name that is free.

use crate::builder::{Arguments, Builder, Var};
use crate::diagnostic::Location;
use crate::draft::DraftFunction;
use crate::literal::Literal;
use crate::program::{Function, ValueId};
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
}

impl Rewrite {
    /// Begins a function with the name of `source`. New values are given none of the names that `source` has, and none of
    /// `reserved`.
    pub(crate) fn new(source: &Function, opset: Opset, reserved: impl IntoIterator<Item = Arc<str>>) -> Rewrite {
        let reserved: HashSet<Arc<str>> = reserved.into_iter().collect();
        let names = source.values.iter().map(|v| v.name.clone()).chain(reserved.iter().cloned()).collect();
        let builder = Builder::function(&source.name, opset);
        Rewrite { builder, vars: vec![None; source.values.len()], names, reserved, inputs: HashSet::new() }
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

    /// Whether an operation makes it while the program runs.
    pub(crate) fn is_computed(&self, var: Var) -> bool {
        !self.inputs.contains(&var) && self.builder.literal(var).is_none()
    }

    /// A constant, under a name that the caller has made sure is free.
    pub(crate) fn constant(&mut self, name: &str, literal: Literal, location: Location) -> Var {
        self.builder.named_constant(name, literal, location)
    }

    /// An operation, under a name that the caller has made sure is free; its results.
    pub(crate) fn call(&mut self, mnemonic: &str, name: &str, args: Arguments, location: Location) -> Vec<Var> {
        self.builder.call_at(name, mnemonic, args, location)
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
        self.builder.finish_function()
    }
}
