//! What operations become. Whatever MIL has a default for is written out here too.

mod conv;
mod join;

use super::emitter::Emitter;
use crate::args;
use crate::builder::Var;
use crate::ops::activation::GeluMode;
use crate::program::{Arg, Node, ValueId};
use crate::types::DType;
use crate::{Literal, Op};

pub(super) use conv::{bias_apart, product};
pub(super) use join::{FACTORS, concat, repeat, stack};

/// The one value of a required argument.
fn value(node: &Node, name: &str) -> ValueId {
    match node.arg(name) {
        Arg::One(id) => *id,
        Arg::Absent | Arg::Many(_) => unreachable!("`{name}` is required, and no tuple"),
    }
}

/// Nothing: what reads it reads its operand.
pub(super) fn operand(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    vec![e.operand(value(node, "x"))]
}

/// `cast` of halves to truth values: everything but 0 is true, NaN too.
pub(super) fn truth(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let x = e.operand(value(node, "x"));
    vec![e.result(node, "not_equal", args! { x: x, y: 0.0 })]
}

/// `cast` of truth values to halves.
pub(super) fn halves(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let x = e.operand(value(node, "x"));
    vec![e.result(node, "select", args! { cond: x, a: 1.0, b: 0.0 })]
}

/// A truth value as 1 or 0.
fn number(e: &mut Emitter<'_>, node: &Node, param: &str) -> Var {
    let cond = e.operand(value(node, param));
    e.step(node, &format!("{param}_number"), "select", args! { cond: cond, a: 1.0, b: 0.0 })
}

/// Logic of two truth values by arithmetic on 1 and 0.
pub(super) fn logic(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let (x, y) = (number(e, node, "x"), number(e, node, "y"));
    let fold = match node.op {
        Op::LogicalAnd(_) => "minimum",
        Op::LogicalOr(_) => "maximum",
        _ => return vec![e.result(node, "not_equal", args! { x: x, y: y })],
    };
    let both = e.step(node, "number", fold, args! { x: x, y: y });
    vec![e.result(node, "not_equal", args! { x: both, y: 0.0 })]
}

/// From how many elements on they are made smaller before they are added up: fewer, if all are below 4,000, have a sum that
/// `fp16` can hold.
const MANY: usize = 16;

/// The sum, times `1 / n`. Of many elements the sum may be above 65,504 though the mean is not: then half of the division,
/// a power of 2, comes first.
pub(super) fn mean(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let Op::ReduceMean(op) = &node.op else { return e.keep(node) };
    let id = value(node, "x");
    let dims = e.ty(id).dims;
    let n: usize = op.axes.axes.iter().map(|axis| dims[*axis]).product();
    let mut x = e.operand(id);
    let mut factor = 1.0 / n as f64;
    if n >= MANY {
        let part = f64::from(1u32 << (n.ilog2() / 2));
        x = e.step(node, "part", "mul", args! { x: x, y: 1.0 / part });
        factor *= part;
    }
    let axes: Vec<i32> = op.axes.axes.iter().map(|axis| *axis as i32).collect();
    let mut args = args! { x: x, keep_dims: op.axes.keep_dims };
    if !axes.is_empty() {
        args.extend(args! { axes: &axes[..] });
    }
    let sum = e.step(node, "sum", "reduce_sum", args);
    vec![e.result(node, "mul", args! { x: sum, y: factor })]
}

/// Gelu by its formula.
pub(super) fn gelu(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let Op::Gelu(op) = &node.op else { return e.keep(node) };
    let x = e.operand(value(node, "x"));
    if op.mode == GeluMode::Sigmoid {
        let scaled = e.step(node, "scaled", "mul", args! { x: x, y: 1.702 });
        let gate = e.step(node, "gate", "sigmoid", args! { x: scaled });
        return vec![e.result(node, "mul", args! { x: x, y: gate })];
    }
    let bent = if op.mode == GeluMode::Exact {
        let scaled = e.step(node, "scaled", "mul", args! { x: x, y: std::f64::consts::FRAC_1_SQRT_2 });
        e.step(node, "bent", "erf", args! { x: scaled })
    } else {
        // x + 0.044715 x^3 = x (1 + 0.044715 x^2), which overflows later.
        let square = e.step(node, "square", "mul", args! { x: x, y: x });
        let cubic = e.step(node, "cubic", "mul", args! { x: square, y: 0.044_715 });
        let more = e.step(node, "more", "add", args! { x: cubic, y: 1.0 });
        let inner = e.step(node, "inner", "mul", args! { x: x, y: more });
        let root = (2.0 / std::f64::consts::PI).sqrt();
        let scaled = e.step(node, "scaled", "mul", args! { x: inner, y: root });
        e.step(node, "bent", "tanh", args! { x: scaled })
    };
    let raised = e.step(node, "raised", "add", args! { x: bent, y: 1.0 });
    let half = e.step(node, "half", "mul", args! { x: x, y: 0.5 });
    vec![e.result(node, "mul", args! { x: half, y: raised })]
}

/// The bounds one after the other: since iOS 17 `clip` wants the lower one to be lower.
pub(super) fn bounds(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let Op::Clip(op) = &node.op else { return e.keep(node) };
    let x = e.operand(value(node, "x"));
    let raised = e.step(node, "raised", "maximum", args! { x: x, y: op.alpha });
    vec![e.result(node, "minimum", args! { x: raised, y: op.beta })]
}

/// A vector of sizes.
fn sizes(dims: &[usize]) -> Literal {
    Literal::from(&*dims.iter().map(|d| *d as i32).collect::<Vec<_>>())
}

/// A constant as halves.
fn as_halves(literal: &Literal) -> Option<Literal> {
    let ty = crate::TensorType::new(DType::Fp16, literal.ty().dims);
    Literal::from_f64(ty, &literal.to_f64()?).ok()
}
