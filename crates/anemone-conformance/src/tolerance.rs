//! How far the engine may be from the reference: one table.
//!
//! An operation that is not in the table must give the reference's bits. The reference computes one operation in `f64` and
//! rounds once; the engine computes it in `f32` and rounds once. So sums, products, quotients and square roots of two
//! halves, or of two singles, are the same in both (a wide enough format makes double rounding harmless), and what has
//! more than one rounding on the way is listed here.

use crate::compare::Allowed;
use crate::numbers::Random;
use anemone_ir::op::Known;
use anemone_ir::program::{Function, Node, ValueId};
use anemone_ir::reference::{Array, Inputs};
use anemone_ir::{Arg, DType, Op, Profile, TensorType};
use std::collections::BTreeMap;
use std::fmt;

/// How far a number may be from the wanted one. What is given of the three adds nothing to the others: `steps` alone is
/// enough, or `abs` and `rel` together.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Tolerance {
    /// Floats of the result's type in between ("ulp"); for integers, the difference.
    pub steps: u64,
    /// A difference.
    pub abs: f64,
    /// A part of the wanted number.
    pub rel: f64,
}

impl Tolerance {
    /// So many floats of the result's type.
    pub const fn steps(steps: u64) -> Tolerance {
        Tolerance { steps, abs: 0.0, rel: 0.0 }
    }

    /// The wider of two.
    pub fn or(self, other: Tolerance) -> Tolerance {
        Tolerance { steps: self.steps.max(other.steps), abs: self.abs.max(other.abs), rel: self.rel.max(other.rel) }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ulp", self.steps)?;
        if self.abs > 0.0 {
            write!(f, " or {:e}", self.abs)?;
        }
        if self.rel > 0.0 {
            write!(f, " or {:e} of it", self.rel)?;
        }
        Ok(())
    }
}

/// How an operation's rounding errors grow with its operands.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Condition {
    /// They do not.
    Good,
    /// Sums of products: with the sum of the products' magnitudes, which the operation itself gives for the magnitudes of
    /// its operands.
    Sums,
    /// As the result moves when each operand moves by as much as an `f32` can tell: by trying.
    Tried,
    /// The same, but what moves most stands for all: the error of a mean or of a sum of squares is everyone's.
    Shared,
    /// As tried; and nothing is said where an `f32` cannot hold what the product is on the way.
    Products,
    /// As tried; and nothing is said of infinities with weights that an `f32` may not hold.
    Weights,
    /// As tried; and nothing is said of the logarithm of a sum that may as well be 0 or below it.
    Logarithms,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Row {
    /// Floats of the result's type: where it is kept as `fp16`, and as `fp32`.
    steps: (u64, u64),
    condition: Condition,
    /// An absolute error that comes from functions that approach a limit.
    abs: f64,
}

/// The table.
fn row(mnemonic: &str) -> Row {
    let good = |fp16, fp32| Row { steps: (fp16, fp32), condition: Condition::Good, abs: 0.0 };
    match mnemonic {
        // Polynomials in `f32`, with errors below a few of its units; `fp16` then rounds once more.
        "exp" | "exp2" | "erf" | "tanh" | "sigmoid" | "softplus" | "silu" | "elu" => good(1, 4),
        "sin" | "cos" | "tan" | "acos" | "asin" | "atan" | "atanh" | "cosh" | "sinh" => good(1, 4),
        "scaled_tanh" => good(1, 6),
        // Two correctly rounded operations.
        "rsqrt" | "softsign" => good(1, 2),
        // The sum with `epsilon`, or with `beta`, is rounded before the function, or cancels.
        "log" | "inverse" | "linear_activation" | "sigmoid_hard" => Row { condition: Condition::Tried, ..good(1, 4) },
        // 1 + erf and 1 + tanh cancel on the left.
        "gelu" => Row { abs: 2e-7, ..good(1, 4) },
        // The exponent's error is the exponent's size; a quotient may round to the next integer.
        "pow" | "floor_div" | "mod" => Row { condition: Condition::Tried, ..good(1, 4) },
        // Sums in `f32`, in the engine's order.
        "linear" | "matmul" | "einsum" | "conv" | "conv_transpose" | "avg_pool" | "reduce_sum" | "reduce_mean"
        | "reduce_l1_norm" | "reduce_sum_square" | "reduce_l2_norm" | "l2_pool" | "upsample_bilinear"
        | "resize_bilinear" | "resize" => Row { condition: Condition::Sums, ..good(1, 2) },
        // Sums within functions.
        "reduce_prod" => Row { condition: Condition::Products, ..good(1, 4) },
        "reduce_log_sum" => Row { condition: Condition::Logarithms, ..good(1, 4) },
        "batch_norm" => Row { condition: Condition::Tried, ..good(1, 4) },
        // The distance from the largest, up to 88 before results vanish, is rounded before the exponential.
        "scaled_dot_product_attention" => Row { condition: Condition::Weights, ..good(1, 96) },
        "softmax" => Row { condition: Condition::Tried, ..good(1, 96) },
        // Sums in `f32` go through functions, and on to the next step.
        "lstm" | "gru" | "rnn" => Row { condition: Condition::Tried, ..good(1, 4) },
        // 1, for the largest, plus small exponentials is rounded before the logarithm.
        "reduce_log_sum_exp" => Row { abs: 1.2e-7, condition: Condition::Tried, ..good(1, 4) },
        "layer_norm" | "instance_norm" | "l2_norm" => Row { condition: Condition::Shared, ..good(1, 4) },
        _ => good(0, 0),
    }
}

/// Units of an `f32` that a sum's magnitude is multiplied by, besides the square root of the number of its terms; n terms
/// err by about that, and by n at the very most. Squares of halves leave few remainders, so that their errors go one way:
/// a sum of 42,025 of them in sixteen partial sums is 32 units off.
const SUM_UNITS: f64 = 16.0;
/// Sums of squares of larger numbers may overflow an `f32`, but not the reference's `f64`.
const LARGE: f64 = 1e18;
/// How much further than the tried changes a result may be: they are few, and the engine's errors many.
const TRIED_UNITS: f64 = 32.0;
/// Units of an `f32` that a mean may be off, of the largest number that it is made of.
const MEAN_UNITS: f64 = 8.0;
/// Tries.
const TRIES: u64 = 16;
/// Half a unit in the last place of an `f32` near 1.
const UNIT: f64 = 1.0 / (1u64 << 24) as f64;
/// Squares of smaller singles vanish.
const TINY: f64 = 1e-18;

/// Singles below 2^-126 have fewer bits; a factor of a result may be there though the result is not.
const FADING: f64 = 1e-40;

impl Row {
    /// For results of a type, where they are kept as `fp16` or as `fp32`.
    fn tolerance(&self, half: bool) -> Tolerance {
        let steps = if half { self.steps.0 } else { self.steps.1 };
        Tolerance { steps, abs: if half || steps == 0 { self.abs } else { self.abs.max(FADING) }, rel: 0.0 }
    }
}

/// Whether an operation must give the reference's bits.
pub fn is_exact(mnemonic: &str) -> bool {
    row(mnemonic).steps == (0, 0)
}

/// What is allowed of a result of a function by the table alone: the sum of its operations' rows.
pub fn of_function(function: &Function, dtype: DType) -> Tolerance {
    let unknown = |id: &ValueId| function.value(*id).literal.is_none();
    let computing = function.nodes.iter().filter(|n| n.results.iter().any(unknown));
    let rows = computing.map(|n| row(n.mnemonic()));
    rows.fold(Tolerance::default(), |sum, row| {
        let row = row.tolerance(dtype == DType::Fp16);
        Tolerance { steps: sum.steps + row.steps, abs: sum.abs + row.abs, rel: 0.0 }
    })
}

/// What is allowed of each result of a node, whose operands `lookup` gives: what the table says, or `wider`.
pub fn of_node<'a>(
    function: &Function,
    node: &Node,
    profile: Profile,
    wider: Tolerance,
    lookup: impl Fn(ValueId) -> &'a Array,
) -> Vec<Allowed> {
    let row = row(node.mnemonic());
    let results: Vec<TensorType> = node.results.iter().map(|id| *function.ty(*id)).collect();
    let operands: Vec<Vec<&Array>> = node.args.iter().map(|arg| numbers(function, arg, &lookup)).collect();
    let numbers = || operands.iter().flatten().filter(|a| a.ty.dtype.is_float()).flat_map(|a| &a.data);
    let anything = || results.iter().map(|ty| vec![f64::INFINITY; ty.dims.elements()]).collect();
    let moved = match row.condition {
        Condition::Good => vec![Vec::new(); results.len()],
        Condition::Sums | Condition::Shared if numbers().any(|x| x.is_finite() && x.abs() > LARGE) => anything(),
        Condition::Sums => magnitudes(node, &operands, &results),
        // The third operand is what is weighted.
        Condition::Weights if operands[2].iter().flat_map(|a| &a.data).any(|x| x.is_infinite()) => anything(),
        Condition::Tried | Condition::Weights => changes(node, &operands, &results),
        Condition::Shared => {
            let mean = of_mean(node, &operands);
            changes(node, &operands, &results).iter().map(|r| shared(r, mean)).collect()
        }
        Condition::Products => products(node, &operands, &results),
        Condition::Logarithms => logarithms(node, &operands, &results),
    };
    let allowed = |(ty, slack): (&TensorType, Vec<f64>)| {
        if !ty.dtype.is_float() {
            return Allowed::default();
        }
        let half = profile.storage(ty.dtype) == DType::Fp16;
        let tiny = if half { 0.0 } else { TINY };
        let slack = slack.into_iter().map(|s| s + tiny).collect();
        Allowed { tolerance: row.tolerance(half).or(wider), slack }
    };
    results.iter().zip(moved).map(allowed).collect()
}

fn numbers<'a>(function: &Function, arg: &Arg, lookup: &impl Fn(ValueId) -> &'a Array) -> Vec<&'a Array> {
    let ids = arg.ids().iter().filter(|id| function.ty(**id).dtype != DType::String);
    ids.map(|id| lookup(*id)).collect()
}

/// The node's results for other operands: `other` is given the number of the operand, and an element of it.
fn evaluate(
    node: &Node,
    operands: &[Vec<&Array>],
    results: &[TensorType],
    mut other: impl FnMut(usize, f64) -> f64,
) -> Vec<Vec<f64>> {
    let mut array = |operand: usize, a: &Array| {
        let float = a.ty.dtype.is_float();
        Array { ty: a.ty, data: a.data.iter().map(|x| if float { other(operand, *x) } else { *x }).collect() }
    };
    let mut list = |(operand, list): (usize, &Vec<&Array>)| list.iter().map(|a| array(operand, a)).collect();
    let others: Vec<Vec<Array>> = operands.iter().enumerate().map(&mut list).collect();
    let args = others.iter().map(|list| list.iter().collect()).collect();
    node.op.eval(&Inputs::new(node.op.schema(), args, results))
}

fn magnitudes(node: &Node, operands: &[Vec<&Array>], results: &[TensorType]) -> Vec<Vec<f64>> {
    let mut sums = evaluate(node, operands, results, |_, x| x.abs());
    let outputs: usize = results.iter().map(|ty| ty.dims.elements()).sum();
    let inputs: usize = operands.iter().flatten().map(|a| a.data.len()).sum();
    let terms = if node.macs > 0 { node.macs as f64 } else { inputs as f64 } / outputs as f64;
    let units = SUM_UNITS + terms.sqrt();
    sums.iter_mut().flatten().for_each(|s| *s = if s.is_finite() { *s * units * UNIT } else { 0.0 });
    sums
}

/// As [`changes`], but any number will do where the factors above 1, or those below, go beyond an `f32` by themselves: the
/// engine may meet them first.
fn products(node: &Node, operands: &[Vec<&Array>], results: &[TensorType]) -> Vec<Vec<f64>> {
    let mut slack = changes(node, operands, results);
    let factor = |x: f64| if x.is_finite() && x != 0.0 { x.abs() } else { 1.0 };
    let above = evaluate(node, operands, results, |_, x| factor(x).max(1.0));
    let below = evaluate(node, operands, results, |_, x| factor(x).min(1.0));
    for ((slack, above), below) in slack.iter_mut().flatten().zip(above.iter().flatten()).zip(below.iter().flatten()) {
        if *above >= 2f64.powi(127) || *below <= 2f64.powi(-126) {
            *slack = f64::INFINITY;
        }
    }
    slack
}

/// As [`changes`], but any number will do where the sum is lost in the rounding of its terms.
fn logarithms(node: &Node, operands: &[Vec<&Array>], results: &[TensorType]) -> Vec<Vec<f64>> {
    let mut slack = tried(node, operands, results, f64::INFINITY);
    let here = evaluate(node, operands, results, |_, x| x);
    let most = evaluate(node, operands, results, |_, x| x.abs());
    for ((slack, here), most) in slack.iter_mut().flatten().zip(here.iter().flatten()).zip(most.iter().flatten()) {
        // How much larger the terms are than the sum.
        let ratio = (most - here).exp();
        if ratio.is_finite() && ratio * TRIED_UNITS * UNIT > 0.5 {
            *slack = f64::INFINITY;
        }
    }
    slack
}

fn changes(node: &Node, operands: &[Vec<&Array>], results: &[TensorType]) -> Vec<Vec<f64>> {
    tried(node, operands, results, 0.0)
}

/// The largest changes of the results when operands move, many times over; `broken` for where one is a number and
/// the other none.
fn tried(node: &Node, operands: &[Vec<&Array>], results: &[TensorType], broken: f64) -> Vec<Vec<f64>> {
    let here = evaluate(node, operands, results, |_, x| x);
    let mut most: Vec<Vec<f64>> = here.iter().map(|r| vec![0.0; r.len()]).collect();
    // A small operand is lost in the sum with a constant such as `epsilon`.
    let params = node.op.schema().params.iter().zip(operands);
    let constants = params.filter(|(p, _)| p.known == Known::AtCompile).flat_map(|(_, list)| list.iter());
    let scalars = constants.filter(|a| a.ty.dtype.is_float() && a.ty.dims.rank() == 0).map(|a| a.data[0].abs());
    let least = scalars.filter(|s| s.is_finite()).fold(0.0, f64::max);
    for pattern in 0..TRIES {
        let mut random = Random::new(pattern);
        let moved = evaluate(node, operands, results, |operand, x| {
            // First all of the first operand up or down, against all of the others; then each element by chance.
            let up = if pattern < 4 { pattern >> operand.min(1) & 1 == 1 } else { random.bit() };
            let by = UNIT * x.abs().max(least);
            if up { x + by } else { x - by }
        });
        let pairs = moved.iter().flatten().zip(here.iter().flatten());
        for (most, (moved, here)) in most.iter_mut().flatten().zip(pairs) {
            let change = (moved - here).abs();
            *most = most.max(match (moved.is_finite(), here.is_finite()) {
                (true, true) => change,
                (false, false) => 0.0,
                _ => broken,
            });
        }
    }
    most.iter_mut().flatten().for_each(|s| *s *= TRIED_UNITS);
    most
}

/// The largest number and `more`, for every element.
fn shared(slack: &[f64], more: f64) -> Vec<f64> {
    let most = slack.iter().copied().fold(0.0, f64::max);
    vec![most + more; slack.len()]
}

/// What the rounding of a mean does to what is normalised by it. Moving operands does not show it: the mean moves along.
fn of_mean(node: &Node, operands: &[Vec<&Array>]) -> f64 {
    let x = operands[0][0];
    let (axes, epsilon) = match &node.op {
        Op::LayerNorm(op) => (op.axes.clone(), op.epsilon),
        Op::InstanceNorm(op) => ((2..x.ty.dims.rank()).collect(), op.epsilon),
        _ => return 0.0,
    };
    let strides = x.ty.dims.strides();
    let kept: Vec<usize> = (0..x.ty.dims.rank()).filter(|axis| !axes.contains(axis)).collect();
    let mut groups: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (at, value) in x.data.iter().enumerate() {
        let group = kept.iter().map(|axis| at / strides[*axis] % x.ty.dims[*axis] * strides[*axis]).sum();
        groups.entry(group).or_default().push(*value);
    }
    let largest = |v: &[f64]| v.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let ratio = |v: &Vec<f64>| {
        let n = v.len() as f64;
        let mean = v.iter().sum::<f64>() / n;
        let variance = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        largest(v) / (variance + epsilon).sqrt()
    };
    let most = groups.values().map(ratio).filter(|r| r.is_finite()).fold(0.0, f64::max);
    let gamma = node.op.schema().position("gamma").and_then(|at| operands[at].first());
    let gamma = gamma.map_or(1.0, |g| largest(&g.data));
    // An infinite `gamma` makes infinity of the least error, and NaN of none: anything will do.
    if gamma.is_finite() { MEAN_UNITS * UNIT * most * gamma } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anemone_ir::op::SCHEMAS;
    use anemone_ir::{Builder, Dims, args, check};

    /// Every mnemonic of the table, to see that it names operations.
    const LISTED: &[&str] = &[
        "exp",
        "exp2",
        "erf",
        "tanh",
        "sigmoid",
        "softplus",
        "silu",
        "elu",
        "sin",
        "cos",
        "rsqrt",
        "softsign",
        "log",
        "inverse",
        "linear_activation",
        "sigmoid_hard",
        "gelu",
        "pow",
        "floor_div",
        "mod",
        "tan",
        "acos",
        "asin",
        "atan",
        "atanh",
        "cosh",
        "sinh",
        "scaled_tanh",
        "linear",
        "matmul",
        "einsum",
        "conv",
        "conv_transpose",
        "avg_pool",
        "reduce_sum",
        "reduce_mean",
        "reduce_l1_norm",
        "reduce_sum_square",
        "reduce_l2_norm",
        "l2_pool",
        "upsample_bilinear",
        "resize_bilinear",
        "resize",
        "lstm",
        "gru",
        "rnn",
        "reduce_prod",
        "reduce_log_sum",
        "reduce_log_sum_exp",
        "softmax",
        "scaled_dot_product_attention",
        "layer_norm",
        "instance_norm",
        "batch_norm",
        "l2_norm",
    ];

    #[test]
    fn rows_are_of_operations_that_exist() {
        let exact = row("identity");
        let in_table = SCHEMAS.iter().filter(|s| row(s.mnemonic) != exact).count();
        assert!(LISTED.iter().all(|m| row(m) != exact));
        assert_eq!(in_table, LISTED.len());
    }

    /// What is allowed of `reduce_sum` of numbers that cancel is a part of their magnitudes, not of their sum.
    #[test]
    fn sums_that_cancel_get_slack() {
        let slack = |mnemonic: &str, data: Vec<f64>| {
            let ty = TensorType::new(DType::Fp32, Dims::new(&[data.len()]).unwrap());
            let mut b = Builder::new();
            let x = b.input("x", ty);
            let y = b.call(mnemonic, args! { x: x });
            b.output(y);
            let program = check(b.finish()).unwrap();
            let (function, array) = (program.main(), Array { ty, data });
            of_node(function, function.nodes.last().unwrap(), Profile::Fp16, Tolerance::default(), |_| &array)
                .remove(0)
                .slack
        };
        let sum = slack("reduce_sum", vec![1000.0, -1000.0, 0.5])[0];
        assert!((1e-3..1e-2).contains(&sum), "{sum}");
        let norm = slack("layer_norm", vec![1000.0, 1000.0, 1000.25]);
        assert!(norm.iter().all(|s| *s > 1e-4), "{norm:?}");
        // The product of the first two is beyond an `f32`, and the third takes it back to 0.
        assert_eq!(slack("reduce_prod", vec![1e15, 1e15, 1e15, 0.0]), [f64::INFINITY]);
        assert!(slack("reduce_prod", vec![1e15, 1e15, 0.0])[0].is_finite());
        assert_eq!(slack("reduce_l2_norm", vec![1e19, 1e19]), [f64::INFINITY]);
        assert_eq!(slack("reduce_l2_norm", vec![f64::INFINITY, 1.0]), [TINY]);
        assert_eq!(slack("reduce_log_sum", vec![65_504.0, -65_504.0, 1e-3]), [f64::INFINITY]);
        assert_eq!(slack("reduce_log_sum", vec![65_504.0, -65_504.0, -1e-3]), [f64::INFINITY]);
        assert!(slack("reduce_log_sum", vec![1.0, 2.0, 3.0])[0] < 1e-4);
        let soft = slack("softmax", vec![0.0, 1.0]);
        assert!(soft.iter().all(|s| *s < 1e-5), "{soft:?}");
        assert!(slack("abs", vec![1.0]).is_empty());
    }
}
