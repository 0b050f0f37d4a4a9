//! Tensors joined: two at a time.

use super::{sizes, value};
use crate::ane::emitter::Emitter;
use crate::args;
use crate::builder::Var;
use crate::program::Node;
use crate::{Literal, Op};

/// Concatenations of two, of which the last is the node's result, or a step to it if something follows.
fn pairs(e: &mut Emitter<'_>, node: &Node, mut vars: Vec<Var>, axis: usize, follows: bool) -> Var {
    let mut made = 0;
    while vars.len() > 1 {
        let last = vars.len() == 2 && !follows;
        let pair = |pair: &[Var]| match pair {
            [x, y] => {
                let args = args! { values: [*x, *y], axis: axis as i32, interleave: false };
                made += 1;
                if last {
                    e.result(node, "concat", args)
                } else {
                    e.step(node, &format!("pair_{}", made - 1), "concat", args)
                }
            }
            others => others[0],
        };
        vars = vars.chunks(2).map(pair).collect();
    }
    vars[0]
}

/// Each value with an axis of size 1 more.
fn widened(e: &mut Emitter<'_>, node: &Node, axis: usize) -> Vec<Var> {
    let ids = node.arg("values").ids();
    let mut vars = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        let mut dims = e.ty(*id).dims.to_vec();
        dims.insert(axis, 1);
        let x = e.operand(*id);
        vars.push(e.step(node, &format!("value_{at}"), "reshape", args! { x: x, shape: sizes(&dims) }));
    }
    vars
}

/// More or fewer than two: pairs of pairs. Interleaved: side by side on a new axis, which becomes part of the one before it.
/// Scalars are vectors of one.
pub(in crate::ane) fn concat(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let Op::Concat(op) = &node.op else { return e.keep(node) };
    let ids = node.arg("values").ids();
    if op.interleave && ids.len() > 1 {
        let apart = widened(e, node, op.axis + 1);
        let joined = pairs(e, node, apart, op.axis + 1, true);
        let shape = sizes(&e.ty(node.results[0]).dims);
        return vec![e.result(node, "reshape", args! { x: joined, shape: shape })];
    }
    let vars = match e.ty(ids[0]).dims.rank() {
        0 => widened(e, node, 0),
        _ => ids.iter().map(|id| e.operand(*id)).collect(),
    };
    vec![pairs(e, node, vars, op.axis, false)]
}

/// Side by side on a new axis: pairs of pairs.
pub(in crate::ane) fn stack(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let Op::Stack(op) = &node.op else { return e.keep(node) };
    let vars = widened(e, node, op.axis);
    vec![pairs(e, node, vars, op.axis, false)]
}

/// How often the engine repeats a tensor at once.
pub(in crate::ane) const FACTORS: [usize; 4] = [8, 4, 3, 2];

/// Repeated by factors that the engine takes, one axis after the other.
pub(in crate::ane) fn repeat(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let id = value(node, "x");
    let reps = e.literal(value(node, "reps")).and_then(Literal::to_i64).unwrap_or_default();
    let mut var = e.operand(id);
    let mut steps = 0;
    for (axis, times) in reps.iter().enumerate().filter(|(_, times)| **times > 1) {
        var = repeated(e, node, var, (axis, reps.len()), *times as usize, &mut steps);
    }
    vec![e.settle(node, var)]
}

/// `x` so many times along an axis of so many: by factors, and where there are none, once less and once more.
fn repeated(e: &mut Emitter<'_>, node: &Node, x: Var, axis: (usize, usize), times: usize, steps: &mut usize) -> Var {
    if times == 1 {
        return x;
    }
    let factor = FACTORS.into_iter().find(|factor| times.is_multiple_of(*factor));
    let part = repeated(e, node, x, axis, factor.map_or(times - 1, |factor| times / factor), steps);
    *steps += 1;
    let step = format!("part_{}", *steps - 1);
    match factor {
        Some(factor) => {
            let mut reps = vec![1; axis.1];
            reps[axis.0] = factor;
            e.step(node, &step, "tile", args! { x: part, reps: sizes(&reps) })
        }
        None => {
            let args = args! { values: [part, x], axis: axis.0 as i32, interleave: false };
            e.step(node, &step, "concat", args)
        }
    }
}
