//! An `fp32` program as an `fp16` one, as the converter of Core ML models makes it when it is asked for half precision.
//!
//! Inputs and outputs keep their types. An operation is lowered if it takes halves and none of its constants is beyond their
//! range; casts stand where halves and singles meet. Settings that may stay `fp32` beside halves since iOS 17, such as an
//! `epsilon`, do. A constant below the least half becomes the least half and not 0, unless it is one of many.

use crate::check::{Diagnostics, check};
use crate::draft::{DraftFunction, DraftNode, DraftValue};
use crate::literal::Literal;
use crate::op::{Param, Schema, TypeRule, schema};
use crate::program::{Arg, Function, Program, ValueId};
use crate::reference::to_f16;
use crate::types::{DType, Kind, Opset, TensorType};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Operations that stay as they are: those that convert, control, and hold.
const KEPT: &[&str] = &[
    "const",
    "cast",
    "cond",
    "while_loop",
    "make_list",
    "list_length",
    "list_read",
    "list_write",
    "list_gather",
    "list_scatter",
    "read_state",
    "write_state",
];

/// Settings that stay `fp32` where an operation set lets them differ from `x`.
const SETTINGS: &[&str] = &["alpha", "beta", "epsilon"];

/// Operations that have such settings; elsewhere these names are those of tensors.
const WITH_SETTINGS: &[&str] = &[
    "elu",
    "leaky_relu",
    "prelu",
    "thresholded_relu",
    "clamped_relu",
    "linear_activation",
    "scaled_tanh",
    "sigmoid_hard",
    "softplus_parametric",
    "inverse",
    "log",
    "rsqrt",
];

/// Constants with as many elements or more may lose small ones.
const MANY: usize = 400;

/// The program in halves.
///
/// # Errors
/// What the check of the result finds; for a checked program that is a mistake of ours.
///
/// ```
/// use anemone_ir::{Builder, DType, Dims, TensorType, args, check, half};
/// let mut b = Builder::new();
/// let x = b.input("x", TensorType::new(DType::Fp32, Dims::new(&[4]).unwrap()));
/// let y = b.tanh(args! { x: x });
/// b.output(y);
/// let program = half::lower(&check(b.finish()).unwrap()).unwrap();
/// let operations: Vec<_> = program.main().nodes.iter().map(|n| n.mnemonic()).filter(|m| *m != "const").collect();
/// assert_eq!(operations, ["cast", "tanh", "cast"]);
/// ```
pub fn lower(program: &Program) -> Result<Program, Diagnostics> {
    let mut draft = program.draft();
    draft.functions = program.functions().iter().map(function).collect();
    check(draft)
}

fn function(source: &Function) -> DraftFunction {
    let mut out = source.draft();
    let names = out.values.iter().map(|v| v.name.clone()).collect();
    let (nodes, outputs) = (std::mem::take(&mut out.nodes), out.outputs.clone());
    let mut lowering = Lowering { source, out, halves: HashMap::new(), singles: HashSet::new(), names };
    let mut nodes = lowering.nodes(nodes);
    outputs.iter().for_each(|(id, _)| lowering.single(*id, &mut nodes));
    let mut out = lowering.out;
    out.nodes = nodes;
    without_unread(&mut out);
    out
}

/// A function on its way. Values of the source keep their places in it.
struct Lowering<'a> {
    source: &'a Function,
    out: DraftFunction,
    /// The half of a single.
    halves: HashMap<ValueId, ValueId>,
    /// Singles of which so far only the halves are there.
    singles: HashSet<ValueId>,
    names: HashSet<Arc<str>>,
}

impl Lowering<'_> {
    fn is_single(&self, id: ValueId) -> bool {
        let value = self.source.value(id);
        value.ty.dtype == DType::Fp32 && value.kind == Kind::Tensor
    }

    fn literal(&self, id: ValueId) -> Option<&Literal> {
        self.source.value(id).literal.as_ref()
    }

    fn value(&mut self, like: ValueId, suffix: &str) -> ValueId {
        let DraftValue { name, location, .. } = self.out.values[like.index()].clone();
        let base = if name.is_empty() { "constant" } else { &*name };
        let mut name: Arc<str> = format!("{base}_{suffix}").into();
        while !self.names.insert(name.clone()) {
            name = format!("{name}_").into();
        }
        self.out.value(DraftValue { name, declared: None, literal: None, location })
    }

    fn nodes(&mut self, nodes: Vec<DraftNode>) -> Vec<DraftNode> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            match schema(&node.mnemonic).filter(|schema| self.lowers(schema, &node)) {
                Some(schema) => self.lowered(schema, node, &mut out),
                None => self.kept(node, &mut out),
            }
        }
        out
    }

    /// Whether an operation becomes one on halves.
    fn lowers(&self, schema: &Schema, node: &DraftNode) -> bool {
        let singles = || self.singles_of(schema, node);
        let known = |(param, id): (&Param, ValueId)| match self.literal(id) {
            Some(literal) => in_range(literal),
            // What is known when the program is compiled stays so: a cast of it is not.
            None => !param.known.is_needed(self.source.opset),
        };
        !KEPT.contains(&schema.mnemonic) && singles().next().is_some() && singles().all(known)
    }

    /// The operands that become halves.
    fn singles_of<'n>(
        &'n self,
        schema: &'n Schema,
        node: &'n DraftNode,
    ) -> impl Iterator<Item = (&'n Param, ValueId)> + 'n {
        let param = |name: &str| Some(&schema.params[schema.position(name)?]);
        let opset = self.source.opset;
        node.args
            .iter()
            .filter_map(move |(name, arg)| Some((param(name)?, arg)))
            .filter(move |(param, _)| becomes_half(schema, param, opset))
            .flat_map(|(param, arg)| arg.ids().iter().map(move |id| (param, *id)))
            .filter(|(_, id)| self.is_single(*id))
    }

    fn lowered(&mut self, schema: &Schema, mut node: DraftNode, out: &mut Vec<DraftNode>) {
        for (name, arg) in &mut node.args {
            let becomes = schema.position(name).map(|at| becomes_half(schema, &schema.params[at], self.source.opset));
            for id in arg.ids_mut() {
                if becomes == Some(true) && self.is_single(*id) {
                    *id = self.half(*id, out);
                } else {
                    self.single(*id, out);
                }
            }
        }
        for id in &mut node.results {
            if self.is_single(*id) {
                let half = self.value(*id, "cast_fp16");
                self.halves.insert(*id, half);
                self.singles.insert(*id);
                *id = half;
            }
        }
        node.name = node.results.first().map(|id| self.out.values[id.index()].name.clone());
        out.push(node);
    }

    /// An operation on what it had, and its blocks.
    fn kept(&mut self, mut node: DraftNode, out: &mut Vec<DraftNode>) {
        let mut read = Vec::new();
        node.for_each_read(&mut |id| read.push(id));
        // What a block reads from outside is there before it.
        read.into_iter().filter(|id| self.singles.contains(id)).collect::<Vec<_>>().into_iter().for_each(|id| {
            self.single(id, out);
        });
        for block in &mut node.blocks {
            let (halves, singles) = (self.halves.clone(), self.singles.clone());
            let mut nodes = self.nodes(std::mem::take(&mut block.nodes));
            block.outputs.iter().for_each(|id| self.single(*id, &mut nodes));
            block.nodes = nodes;
            // What was made inside is not to be seen outside.
            (self.halves, self.singles) = (halves, singles);
        }
        out.push(node);
    }

    /// The half of a single: a constant, or a cast, made where it is first needed.
    fn half(&mut self, id: ValueId, out: &mut Vec<DraftNode>) -> ValueId {
        if let Some(half) = self.halves.get(&id) {
            return *half;
        }
        let half = self.value(id, "to_fp16");
        let node = match self.literal(id).and_then(rounded) {
            Some(literal) => self.call("const", Vec::new(), vec![("val".into(), literal)], half),
            None => self.cast(id, "fp16", half),
        };
        out.push(node);
        self.halves.insert(id, half);
        half
    }

    /// Makes a single of which only the half is there.
    fn single(&mut self, id: ValueId, out: &mut Vec<DraftNode>) {
        if self.singles.remove(&id) {
            let node = self.cast(self.halves[&id], "fp32", id);
            out.push(node);
        }
    }

    fn cast(&mut self, from: ValueId, to: &str, result: ValueId) -> DraftNode {
        let location = self.out.values[from.index()].location;
        let dtype = self.out.immediate(Literal::from(to), location);
        let args = vec![("x".into(), Arg::One(from)), ("dtype".into(), Arg::One(dtype))];
        self.call("cast", args, Vec::new(), result)
    }

    fn call(
        &self,
        mnemonic: &str,
        args: Vec<(Arc<str>, Arg)>,
        attributes: Vec<(Arc<str>, Literal)>,
        result: ValueId,
    ) -> DraftNode {
        let DraftValue { name, location, .. } = self.out.values[result.index()].clone();
        let (mnemonic, results) = (mnemonic.into(), vec![result]);
        DraftNode { mnemonic, args, attributes, results, name: Some(name), blocks: Vec::new(), location }
    }
}

fn becomes_half(schema: &Schema, param: &Param, opset: Opset) -> bool {
    let setting = opset >= Opset::Ios17
        && param.rule == TypeRule::U
        && SETTINGS.contains(&param.name)
        && WITH_SETTINGS.contains(&schema.mnemonic);
    let follows = matches!(param.rule, TypeRule::T | TypeRule::U);
    follows && !setting && schema.accepts(param, opset).contains(DType::Fp16)
}

/// Whether halves hold all numbers of a constant. Those beyond 1e38 stand for infinity.
fn in_range(literal: &Literal) -> bool {
    let beyond = |x: &f64| x.abs() > half::f16::MAX.to_f64() && x.abs() < 1e38;
    literal.to_f64().is_none_or(|v| !v.iter().any(beyond))
}

/// A constant in halves.
fn rounded(literal: &Literal) -> Option<Literal> {
    let least = half::f16::MIN_POSITIVE_SUBNORMAL.to_f64();
    let mut numbers = literal.to_f64()?;
    if numbers.len() < MANY {
        for x in &mut numbers {
            if *x != 0.0 && to_f16(*x).to_f64() == 0.0 {
                *x = least.copysign(*x);
            }
        }
    }
    Literal::from_f64(TensorType::new(DType::Fp16, literal.ty().dims), &numbers).ok()
}

/// Leaves out constants that nothing reads any more, and values that nothing makes any more.
fn without_unread(function: &mut DraftFunction) {
    let mut read: HashSet<ValueId> = function.outputs.iter().map(|(id, _)| *id).collect();
    for node in &function.nodes {
        node.for_each_read(&mut |id| {
            read.insert(id);
        });
    }
    let mut there: Vec<bool> = function.values.iter().map(|v| v.literal.is_some()).collect();
    function.params.iter().for_each(|id| there[id.index()] = true);
    keep_read(&mut function.nodes, &read, &mut there);
    function.remove(&there.iter().map(|there| !there).collect::<Vec<_>>());
}

fn keep_read(nodes: &mut Vec<DraftNode>, read: &HashSet<ValueId>, there: &mut [bool]) {
    nodes.retain(|node| &*node.mnemonic != "const" || node.results.iter().any(|id| read.contains(id)));
    for node in nodes {
        node.results.iter().for_each(|id| there[id.index()] = true);
        for block in &mut node.blocks {
            block.params.iter().for_each(|id| there[id.index()] = true);
            keep_read(&mut block.nodes, read, there);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Profile, run};
    use crate::{Builder, Dims, args};

    fn single(dims: &[usize]) -> TensorType {
        TensorType::new(DType::Fp32, Dims::new(dims).unwrap())
    }

    fn operations(program: &Program) -> Vec<String> {
        let f = program.main();
        let shown = |n: &crate::Node| format!("{} {}", n.mnemonic(), f.ty(n.results[0]).dtype);
        f.nodes.iter().filter(|n| n.mnemonic() != "const").map(shown).collect()
    }

    #[test]
    fn what_halves_cannot_hold_stays() {
        let mut b = Builder::new();
        let x = b.input("x", single(&[2]));
        let large = Literal::fp32(&[], vec![1e6]).unwrap();
        let y = b.mul(args! { x: x, y: large });
        let mask = Literal::fp32(&[2], vec![0.0, -3e38]).unwrap();
        let z = b.add(args! { x: y, y: mask });
        let tiny = b.rsqrt(args! { x: z, epsilon: Literal::fp32(&[], vec![1e-12]).unwrap() });
        b.output(z);
        b.output(tiny);
        let program = lower(&check(b.finish()).unwrap()).unwrap();
        assert_eq!(operations(&program), ["mul fp32", "cast fp16", "add fp16", "rsqrt fp16", "cast fp32", "cast fp32"]);
        let out = run(program.main(), &[vec![1e-6, 2e-6]], Profile::Fp16);
        assert_eq!(out[0].data, [1.0, f64::NEG_INFINITY]);
        let consts = program.main().nodes.iter().filter(|n| n.mnemonic() == "const").count();
        assert_eq!(consts, 3, "the singles that nothing reads are gone");
    }

    #[test]
    fn blocks_are_lowered_by_themselves() {
        let mut b = Builder::new();
        let x = b.input("x", single(&[2]));
        let n = b.input("n", TensorType::scalar(DType::Int32));
        let y = b.exp(args! { x: x });
        let zero = b.constant(0);
        let out = b.while_loop(
            &[zero, y],
            |b, v| b.less(args! { x: v[0], y: n }),
            |b, v| {
                let next = b.add(args! { x: v[1], y: y });
                let next = b.relu(args! { x: next });
                vec![b.add(args! { x: v[0], y: 1 }), next]
            },
        );
        b.output(out[1]);
        let before = check(b.finish()).unwrap();
        let after = lower(&before).unwrap();
        let body = &after.main().nodes.iter().find(|n| n.mnemonic() == "while_loop").unwrap().blocks[1];
        let inside: Vec<_> = body.nodes.iter().map(|n| n.mnemonic()).filter(|m| *m != "const").collect();
        assert_eq!(inside, ["cast", "add", "relu", "add", "cast"]);
        for n in [0.0, 3.0] {
            let of = |p: &Program| run(p.main(), &[vec![0.5, -1.0], vec![n]], Profile::Fp16)[0].data.clone();
            let (a, b) = (of(&before), of(&after));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 4e-3), "{a:?} {b:?}");
        }
    }
}
