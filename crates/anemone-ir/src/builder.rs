//! The builder: appends operations, never fails, remembers who called.

use crate::check::{Checked, check_node, known};
use crate::diagnostic::{Diagnostic, Location};
use crate::draft::{Draft, DraftBlock, DraftFunction, DraftNode, DraftValue};
use crate::literal::{Literal, LiteralError};
use crate::op::{BlockTypes, TypeRule, ValueInfo, schema};
use crate::program::{Arg, ValueId};
use crate::types::{DType, Declared, Kind, Opset, TensorType};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A value of a [`Builder`]. Symbolic: it holds no data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Var {
    builder: u32,
    id: ValueId,
}

/// An argument given to a builder method.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A value.
    Var(Var),
    /// Several values.
    Tuple(Vec<Var>),
    /// Constant data; a `const` operation is made for it.
    Literal(Literal),
    /// A number that takes the element type of the operation's `x`.
    Number(f64),
    /// Constant data that could not be made.
    Bad(LiteralError),
}

macro_rules! argument_from {
    ($($t:ty),*) => {$(impl From<$t> for Argument {
        fn from(v: $t) -> Argument {
            Argument::Literal(v.into())
        }
    })*};
}
argument_from!(i32, &[i32], bool, &str, half::f16, Literal);

impl<const N: usize> From<[i32; N]> for Argument {
    fn from(v: [i32; N]) -> Argument {
        Argument::Literal(v.into())
    }
}
impl<const N: usize> From<[bool; N]> for Argument {
    fn from(v: [bool; N]) -> Argument {
        Argument::Literal(v.into())
    }
}
impl From<f64> for Argument {
    fn from(v: f64) -> Argument {
        Argument::Number(v)
    }
}
impl From<Var> for Argument {
    fn from(v: Var) -> Argument {
        Argument::Var(v)
    }
}
impl From<Vec<Var>> for Argument {
    fn from(v: Vec<Var>) -> Argument {
        Argument::Tuple(v)
    }
}
impl From<&[Var]> for Argument {
    fn from(v: &[Var]) -> Argument {
        Argument::Tuple(v.to_vec())
    }
}
impl<const N: usize> From<[Var; N]> for Argument {
    fn from(v: [Var; N]) -> Argument {
        Argument::Tuple(v.to_vec())
    }
}
impl From<Result<Literal, LiteralError>> for Argument {
    fn from(v: Result<Literal, LiteralError>) -> Argument {
        v.map_or_else(Argument::Bad, Argument::Literal)
    }
}

/// Arguments by name; write them with [`crate::args!`].
pub type Arguments = Vec<(&'static str, Argument)>;

/// Arguments by MIL's names: `args! { x: value, strides: [2, 2], epsilon: 1e-5 }`.
#[macro_export]
macro_rules! args {
    ($($name:ident : $value:expr),* $(,)?) => {
        vec![$((stringify!($name), $crate::builder::Argument::from($value))),*]
    };
}

/// Builds one function of MIL operations.
///
/// No method fails. A mistake is recorded with the line of the caller, the result is *poisoned*, and
/// [`crate::check()`] reports every independent mistake.
///
/// ```
/// use anemone_ir::{args, check, Builder, DType, Dims, TensorType};
/// let mut b = Builder::new();
/// let x = b.input("x", TensorType::new(DType::Fp16, Dims::new(&[1, 64, 1, 64]).unwrap()));
/// let y = b.relu(args! { x: x });
/// b.output(y);
/// let program = check(b.finish()).unwrap();
/// assert_eq!(program.main().nodes.len(), 1);
/// ```
#[derive(Debug)]
pub struct Builder {
    id: u32,
    function: DraftFunction,
    infos: Vec<ValueInfo>,
    calls: usize,
    /// Values whose names the author chose.
    named: Vec<ValueId>,
}

static NEXT_BUILDER: AtomicU32 = AtomicU32::new(0);

impl Default for Builder {
    #[track_caller]
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// A builder of a function `main` in the default operation set.
    #[track_caller]
    pub fn new() -> Builder {
        Builder::function("main", Opset::default())
    }

    /// A builder of a function.
    #[track_caller]
    pub fn function(name: &str, opset: Opset) -> Builder {
        let id = NEXT_BUILDER.fetch_add(1, Ordering::Relaxed);
        Builder {
            id,
            function: DraftFunction::new(name, opset, Location::caller()),
            infos: Vec::new(),
            calls: 0,
            named: Vec::new(),
        }
    }

    fn value(&mut self, name: &str, info: ValueInfo, declared: Option<Declared>, location: Location) -> Var {
        self.infos.push(info);
        let id = self.function.value(DraftValue { name: name.into(), declared, literal: None, location });
        Var { builder: self.id, id }
    }

    /// Records an error that a front end found, at the caller's line.
    #[track_caller]
    pub fn error(&mut self, slug: &'static str, message: impl Into<String>) {
        self.function.errors.push(Diagnostic::error(slug, message, Location::caller()));
    }

    /// Records a finding as it is.
    pub fn record(&mut self, diagnostic: Diagnostic) {
        self.function.errors.push(diagnostic);
    }

    /// A value that stands for something in error: whatever uses it is not checked.
    #[track_caller]
    pub fn poison(&mut self) -> Var {
        let name = format!("poisoned_{}", self.function.values.len());
        self.value(&name, ValueInfo::default(), None, Location::caller())
    }

    /// A run-time input. Inputs bind in the order of these calls.
    #[track_caller]
    pub fn input(&mut self, name: &str, ty: TensorType) -> Var {
        self.input_at(name, ty, Location::caller())
    }

    pub(crate) fn input_at(&mut self, name: &str, ty: TensorType, location: Location) -> Var {
        let var = self.value(name, ValueInfo::of(ty), Some(ty.into()), location);
        self.function.params.push(var.id);
        self.named.push(var.id);
        var
    }

    /// A state: a tensor that begins as zeros and lives from run to run. `read_state` reads it, [`Builder::write_state`]
    /// writes it.
    #[track_caller]
    pub fn state(&mut self, name: &str, ty: TensorType) -> Var {
        let info = ValueInfo { kind: Kind::State, ..ValueInfo::of(ty) };
        let declared = Declared::from(ty).of(Kind::State);
        let var = self.value(name, info, Some(declared), Location::caller());
        self.function.params.push(var.id);
        self.named.push(var.id);
        var
    }

    /// Appends `write_state`, which has no result: from here on, also in the next run, the state holds `data`.
    #[track_caller]
    pub fn write_state(&mut self, state: Var, data: Var) {
        self.call_many("write_state", crate::args! { input: state, data: data });
    }

    /// A constant.
    #[track_caller]
    pub fn constant(&mut self, literal: impl Into<Literal>) -> Var {
        self.constant_at(literal.into(), Location::caller())
    }

    /// A constant that was written elsewhere than where it is first used.
    pub fn constant_at(&mut self, literal: Literal, location: Location) -> Var {
        let name = format!("const_{}", self.calls);
        self.calls += 1;
        self.named_constant(&name, literal, location)
    }

    pub(crate) fn named_constant(&mut self, name: &str, literal: Literal, location: Location) -> Var {
        let var = self.value(name, ValueInfo::constant(literal.clone()), None, location);
        self.function.nodes.push(DraftNode {
            mnemonic: "const".into(),
            args: Vec::new(),
            attributes: vec![("val".into(), literal)],
            results: vec![var.id],
            name: Some(name.into()),
            blocks: Vec::new(),
            location,
        });
        var
    }

    /// Marks an output. Outputs bind in the order of these calls.
    #[track_caller]
    pub fn output(&mut self, var: Var) {
        self.output_at(var, Location::caller());
    }

    pub(crate) fn output_at(&mut self, var: Var, location: Location) {
        match self.own(var) {
            Some(id) => self.function.outputs.push((id, location)),
            None => {
                let message = "this output belongs to another builder";
                self.record(Diagnostic::error("foreign-tensor", message, location));
            }
        }
    }

    /// Names a value. The name appears in text, in diagnostics and, for inputs and outputs, is how the value is found.
    #[track_caller]
    pub fn name(&mut self, var: Var, name: &str) {
        let Some(id) = self.own(var) else {
            return self.error("foreign-tensor", format!("the tensor to be named `{name}` belongs to another builder"));
        };
        self.function.values[id.index()].name = name.into();
        self.named.push(id);
        if let Some(node) = self.function.nodes.iter_mut().rev().find(|n| n.results == [id]) {
            node.name = Some(name.into());
        }
    }

    /// The type of a value; `None` if it is poisoned or foreign.
    pub fn ty(&self, var: Var) -> Option<TensorType> {
        self.infos[self.own(var)?.index()].ty
    }

    /// The data of a constant.
    pub fn literal(&self, var: Var) -> Option<&Literal> {
        self.infos[self.own(var)?.index()].literal.as_ref()
    }

    fn own(&self, var: Var) -> Option<ValueId> {
        (var.builder == self.id).then_some(var.id)
    }

    /// Values that nothing reads and that are computed, in the order of their making.
    pub fn unread(&self) -> Vec<Var> {
        let mut read = vec![false; self.function.values.len()];
        let nodes = &self.function.nodes;
        nodes.iter().for_each(|node| node.for_each_read(&mut |id| read[id.index()] = true));
        let computed = nodes.iter().filter(|n| &*n.mnemonic != "const").flat_map(|n| n.results.iter().copied());
        computed.filter(|id| !read[id.index()]).map(|id| Var { builder: self.id, id }).collect()
    }

    /// The outputs marked so far.
    pub fn outputs(&self) -> usize {
        self.function.outputs.len()
    }

    /// Appends `cond`: what `yes` appends and gives is computed if `pred` is true, else what `no` does.
    #[track_caller]
    pub fn cond(
        &mut self,
        pred: Var,
        yes: impl FnOnce(&mut Builder) -> Vec<Var>,
        no: impl FnOnce(&mut Builder) -> Vec<Var>,
    ) -> Vec<Var> {
        let location = Location::caller();
        let blocks = vec![self.block(&[], |b, _| yes(b)), self.block(&[], |b, _| no(b))];
        self.control("cond", crate::args! { pred: pred }, blocks, location)
    }

    /// Appends `while_loop`: as long as `condition` gives true for the values, they become what `body` gives for them.
    #[track_caller]
    pub fn while_loop(
        &mut self,
        vars: &[Var],
        condition: impl FnOnce(&mut Builder, &[Var]) -> Var,
        body: impl FnOnce(&mut Builder, &[Var]) -> Vec<Var>,
    ) -> Vec<Var> {
        let location = Location::caller();
        let blocks = vec![self.block(vars, |b, vars| vec![condition(b, vars)]), self.block(vars, body)];
        self.control("while_loop", crate::args! { loop_vars: vars }, blocks, location)
    }

    /// A block whose parameters stand for `vars`.
    #[track_caller]
    fn block(&mut self, vars: &[Var], write: impl FnOnce(&mut Builder, &[Var]) -> Vec<Var>) -> DraftBlock {
        let location = Location::caller();
        let param = |var: &Var| {
            let info = self.own(*var).map(|id| self.infos[id.index()].clone()).unwrap_or_default();
            let name = format!("block_{}", self.function.values.len());
            self.value(&name, ValueInfo { literal: None, ..info }, None, location)
        };
        let params: Vec<Var> = vars.iter().map(param).collect();
        let outside = std::mem::take(&mut self.function.nodes);
        let given = write(self, &params);
        let nodes = std::mem::replace(&mut self.function.nodes, outside);
        let own = |var: &Var| match self.own(*var) {
            Some(id) => id,
            None => {
                self.error("foreign-tensor", "what a block gives belongs to another builder");
                self.poison().id
            }
        };
        let outputs = given.iter().map(own).collect();
        DraftBlock { params: params.iter().map(|var| var.id).collect(), nodes, outputs }
    }

    fn control(&mut self, mnemonic: &str, args: Arguments, blocks: Vec<DraftBlock>, location: Location) -> Vec<Var> {
        let name = format!("{mnemonic}_{}", self.calls);
        self.calls += 1;
        self.append(&name, mnemonic, args, blocks, location)
    }

    /// Appends an operation by its mnemonic and returns its first result.
    #[track_caller]
    pub fn call(&mut self, mnemonic: &str, args: impl Into<Arguments>) -> Var {
        self.call_many(mnemonic, args)[0]
    }

    /// Appends an operation by its mnemonic and returns all its results: one if it is in error.
    #[track_caller]
    pub fn call_many(&mut self, mnemonic: &str, args: impl Into<Arguments>) -> Vec<Var> {
        let name = format!("{mnemonic}_{}", self.calls);
        self.calls += 1;
        self.call_at(&name, mnemonic, args.into(), Location::caller())
    }

    /// Appends an operation under a name of its own, written at `location`.
    pub(crate) fn call_at(&mut self, name: &str, mnemonic: &str, args: Arguments, location: Location) -> Vec<Var> {
        self.append(name, mnemonic, args, Vec::new(), location)
    }

    fn append(
        &mut self,
        name: &str,
        mnemonic: &str,
        args: Arguments,
        blocks: Vec<DraftBlock>,
        location: Location,
    ) -> Vec<Var> {
        let number_type = self.number_type(&args);
        let args = args.into_iter().map(|(param, argument)| {
            let arg = self.argument(name, mnemonic, param, argument, number_type, location);
            (Arc::from(param), arg)
        });
        let args = args.collect();
        let first = self.value(name, ValueInfo::default(), None, location);
        let mut node = DraftNode {
            mnemonic: mnemonic.into(),
            args,
            attributes: Vec::new(),
            results: vec![first.id],
            name: Some(name.into()),
            blocks,
            location,
        };
        let vars = self.infer_results(name, &mut node, first);
        self.function.nodes.push(node);
        vars
    }

    /// The type a bare number takes: that of `x`, or of the first typed float argument.
    fn number_type(&self, args: &Arguments) -> DType {
        let ty = |a: &Argument| match a {
            Argument::Var(v) => self.ty(*v).map(|t| t.dtype),
            Argument::Literal(l) => Some(l.ty().dtype),
            Argument::Tuple(_) | Argument::Number(_) | Argument::Bad(_) => None,
        };
        let x = args.iter().find(|(n, _)| *n == "x").and_then(|(_, a)| ty(a));
        x.or_else(|| args.iter().filter_map(|(_, a)| ty(a)).find(|d| d.is_float())).unwrap_or(DType::Fp16)
    }

    fn argument(
        &mut self,
        op: &str,
        mnemonic: &str,
        param: &str,
        argument: Argument,
        number_type: DType,
        location: Location,
    ) -> Arg {
        let literal = match argument {
            Argument::Var(v) => return self.own(v).map_or_else(|| self.foreign(op, param, location), Arg::One),
            Argument::Tuple(vs) => {
                let ids: Option<Vec<_>> = vs.iter().map(|v| self.own(*v)).collect();
                return ids.map_or_else(|| self.foreign(op, param, location), Arg::Many);
            }
            Argument::Bad(e) => {
                let message = format!("`{op}`, argument `{param}`: {e}");
                self.record(Diagnostic::error("constant", message, location));
                return Arg::Absent;
            }
            Argument::Literal(l) => l,
            Argument::Number(n) => {
                let rule = schema(mnemonic).and_then(|s| s.params.iter().find(|p| p.name == param)).map(|p| p.rule);
                let dtype = match rule {
                    Some(TypeRule::Of(set)) => set.iter().next().unwrap_or(number_type),
                    _ => number_type,
                };
                match Literal::scalar(dtype, n) {
                    Some(l) => l,
                    None => return Arg::Absent,
                }
            }
        };
        Arg::One(self.named_constant(&format!("{op}_{param}"), literal, location).id)
    }

    fn foreign(&mut self, op: &str, param: &str, location: Location) -> Arg {
        let message = format!("`{op}`, argument `{param}`: the tensor belongs to another graph");
        self.record(Diagnostic::error("foreign-tensor", message, location));
        Arg::Absent
    }

    /// Gives the node's results their types, and makes the values of all results but the first.
    fn infer_results(&mut self, name: &str, node: &mut DraftNode, first: Var) -> Vec<Var> {
        let block = |block: &DraftBlock| {
            let infos = block.outputs.iter().map(|id| &self.infos[id.index()]);
            Some(BlockTypes { outputs: infos.map(|info| Some((info.kind, info.ty?))).collect::<Option<_>>()? })
        };
        let blocks: Option<Vec<_>> = node.blocks.iter().map(block).collect();
        let checked = check_node(&self.function, &self.infos, node, blocks.as_deref());
        let Checked::Ok(checked) = checked else { return vec![first] };
        let (inferred, args) = *checked;
        let mut known = known(&inferred, &args, &self.infos).into_iter();
        let mut info = |index: usize| ValueInfo {
            kind: inferred.kind(index),
            literal: known.next(),
            ..ValueInfo::of(inferred.results[index])
        };
        let count = inferred.results.len();
        if count == 0 {
            // The value that was to be its result is the last one made.
            self.function.values.pop();
            self.infos.pop();
            node.results.clear();
            return Vec::new();
        }
        if count > 1 {
            self.function.values[first.id.index()].name = format!("{name}_0").into();
        }
        self.infos[first.id.index()] = info(0);
        let rest: Vec<ValueInfo> = (1..count).map(info).collect();
        let mut vars = vec![first];
        for (i, info) in rest.into_iter().enumerate() {
            let var = self.value(&format!("{name}_{}", i + 1), info, None, node.location);
            node.results.push(var.id);
            vars.push(var);
        }
        vars
    }

    /// The draft, ready to be checked.
    pub fn finish(self) -> Draft {
        Draft { functions: vec![self.finish_function()], ..Draft::default() }
    }

    pub(crate) fn finish_function(mut self) -> DraftFunction {
        yield_names(&mut self.function, &self.named);
        self.function
    }

    /// The draft so far.
    pub fn draft(&self) -> Draft {
        let mut function = self.function.clone();
        yield_names(&mut function, &self.named);
        Draft { functions: vec![function], ..Draft::default() }
    }
}

/// Gives other names to values whose generated name is one that the author chose for another value.
fn yield_names(function: &mut DraftFunction, named: &[ValueId]) {
    let named: HashSet<ValueId> = named.iter().copied().collect();
    let chosen: HashSet<Arc<str>> = named.iter().map(|id| function.values[id.index()].name.clone()).collect();
    let mut taken: HashSet<Arc<str>> = function.values.iter().map(|v| v.name.clone()).collect();
    for at in 0..function.values.len() {
        let (id, old) = (ValueId::at(at), function.values[at].name.clone());
        if named.contains(&id) || !chosen.contains(&old) {
            continue;
        }
        let mut name = format!("{old}_");
        while !taken.insert(name.as_str().into()) {
            name.push('_');
        }
        let name: Arc<str> = name.into();
        function.values[at].name = name.clone();
        if let Some(node) = function.nodes.iter_mut().find(|n| n.results == [id]) {
            node.name = Some(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Dims;

    #[test]
    fn generated_names_yield_to_chosen_ones() {
        let mut b = Builder::new();
        let x = b.input("relu_0", TensorType::new(DType::Fp16, Dims::new(&[1, 64]).unwrap()));
        let y = b.relu(crate::args! { x: x });
        let z = b.relu(crate::args! { x: y });
        b.name(z, "relu_0_");
        b.output(z);
        let program = crate::check(b.finish()).unwrap();
        let names: Vec<_> = program.main().nodes.iter().map(|n| n.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["relu_0__", "relu_0_"]);
    }
}
