//! Reductions.

use crate::diagnostic::OpError;
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::maximum;
use crate::ops::sort::index_dtype;
use crate::reference::{Inputs, truncate_to};
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};

/// Which axes are reduced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axes {
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Whether they stay as 1.
    pub keep_dims: bool,
}

impl Axes {
    fn read(call: &Call<'_>) -> Result<(Axes, TensorType), OpError> {
        let x = call.ty("x");
        let axes = call.axes("axes", &x.dims)?.unwrap_or_else(|| (0..x.dims.rank()).collect());
        Axes::over(axes, call.bool("keep_dims", false)?, &x)
    }

    fn over(axes: Vec<usize>, keep_dims: bool, x: &TensorType) -> Result<(Axes, TensorType), OpError> {
        let kept = x.dims.iter().enumerate().filter_map(|(axis, d)| match (axes.contains(&axis), keep_dims) {
            (false, _) => Some(*d),
            (true, true) => Some(1),
            (true, false) => None,
        });
        let dims = Dims::new(&kept.collect::<Vec<_>>())?;
        Ok((Axes { axes, keep_dims }, TensorType::new(x.dtype, dims)))
    }
}

/// For each position of the result, the elements that are reduced into it, in row-major order.
pub(crate) fn groups(data: &[f64], dims: &Dims, axes: &[usize]) -> Vec<Vec<f64>> {
    let count: usize = (0..dims.rank()).filter(|a| !axes.contains(a)).map(|a| dims[a]).product();
    let mut groups = vec![Vec::new(); count];
    for (at, value) in data.iter().enumerate() {
        groups[group_of(at, dims, axes)].push(*value);
    }
    groups
}

/// The position in the result of the element at a position.
pub(crate) fn group_of(at: usize, dims: &Dims, axes: &[usize]) -> usize {
    let (mut rest, mut step, mut group) = (at, 1, 0);
    for axis in (0..dims.rank()).rev() {
        if !axes.contains(&axis) {
            group += rest % dims[axis] * step;
            step *= dims[axis];
        }
        rest /= dims[axis];
    }
    group
}

/// Declares a reduction: its function of a group of numbers, and that of a group of integers.
macro_rules! reductions {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal, $f:expr, $integer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// Over which axes.
            pub axes: Axes,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new(
                $mnemonic,
                DTypeSet::NUMBER,
                &[Param::t("x"), Param::ints("axes").vector().optional(), Param::bools("keep_dims").optional()],
            );

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let (axes, ty) = Axes::read(call)?;
                Ok(Inferred::one($Type { axes }, ty))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let a = x.get("x");
                let f: fn(&[f64]) -> f64 = if a.ty.dtype.is_float() { $f } else { $integer };
                vec![groups(&a.data, &a.ty.dims, &self.axes.axes).iter().map(|g| f(g)).collect()]
            }
        }
    )*};
}

fn max(v: &[f64]) -> f64 {
    v.iter().copied().fold(f64::NEG_INFINITY, maximum)
}

fn min(v: &[f64]) -> f64 {
    -v.iter().map(|x| -x).fold(f64::NEG_INFINITY, maximum)
}

fn log_sum_exp(v: &[f64]) -> f64 {
    let max = max(v);
    if max.is_infinite() || max.is_nan() {
        return max;
    }
    max + libm::log(v.iter().map(|x| libm::exp(x - max)).sum())
}

/// The exact sum of functions of integers: `i128` holds that of as many as a tensor can have.
fn total(v: &[f64], f: impl Fn(i128) -> i128) -> i128 {
    v.iter().map(|x| f(*x as i128)).sum()
}

fn wrap(x: i128) -> f64 {
    f64::from(x as i32)
}

fn wrapping_product(v: &[f64]) -> f64 {
    f64::from(v.iter().fold(1, |product: i32, x| product.wrapping_mul(*x as i32)))
}

/// Of integers, sums and products wrap; whatever is no integer is computed in reals and then as `cast` does it.
fn cut(x: f64) -> f64 {
    truncate_to(DType::Int32, x)
}

reductions! {
    /// The sum.
    ReduceSum "reduce_sum", |v| v.iter().sum(), |v| wrap(total(v, |x| x));
    /// The mean; of integers, rounded towards zero.
    ReduceMean "reduce_mean", |v| v.iter().sum::<f64>() / v.len() as f64, |v| wrap(total(v, |x| x) / v.len() as i128);
    /// The smallest; NaN if there is one.
    ReduceMin "reduce_min", min, min;
    /// The largest; NaN if there is one.
    ReduceMax "reduce_max", max, max;
    /// The product.
    ReduceProd "reduce_prod", |v| v.iter().product(), wrapping_product;
    /// The sum of magnitudes.
    ReduceL1Norm "reduce_l1_norm", |v| v.iter().map(|x| x.abs()).sum(), |v| wrap(total(v, i128::abs));
    /// The sum of squares.
    ReduceSumSquare "reduce_sum_square", |v| v.iter().map(|x| x * x).sum(), |v| wrap(total(v, |x| x * x));
    /// The square root of the sum of squares.
    ReduceL2Norm "reduce_l2_norm", |v| v.iter().map(|x| x * x).sum::<f64>().sqrt(), |v| cut(total(v, |x| x * x).isqrt() as f64);
    /// The logarithm of the sum.
    ReduceLogSum "reduce_log_sum", |v| libm::log(v.iter().sum()), |v| cut(libm::log(total(v, |x| x) as f64));
    /// The logarithm of the sum of exponentials, without overflow on the way.
    ReduceLogSumExp "reduce_log_sum_exp", log_sum_exp, |v| cut(log_sum_exp(v));
}

/// Declares a search along one axis for the element that no other `beats`. The first of equals is found, and the first NaN
/// before any number, as in NumPy.
macro_rules! searches {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal, $beats:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// Along which axis: the only one of these.
            pub axes: Axes,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, DTypeSet::NUMBER, SEARCH);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let (axes, ty) = search(call)?;
                Ok(Inferred::one($Type { axes }, ty))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let (a, beats): (_, fn(f64, f64) -> bool) = (x.get("x"), $beats);
                let first = |g: &Vec<f64>| {
                    let better = |best: usize, at: usize| {
                        !g[best].is_nan() && (g[at].is_nan() || beats(g[at], g[best]))
                    };
                    (1..g.len()).fold(0, |best, at| if better(best, at) { at } else { best }) as f64
                };
                vec![groups(&a.data, &a.ty.dims, &self.axes.axes).iter().map(first).collect()]
            }
        }
    )*};
}

const SEARCH: &[Param] = &[
    Param::t("x"),
    Param::ints("axis").optional(),
    Param::bools("keep_dims").optional(),
    Param::string("output_dtype").optional().since(Opset::Ios17),
];

fn search(call: &Call<'_>) -> Result<(Axes, TensorType), OpError> {
    let x = call.ty("x");
    let axis = call.axis("axis", -1, &x.dims)?;
    let (axes, ty) = Axes::over(vec![axis], call.bool("keep_dims", false)?, &x)?;
    let dtype = index_dtype(call, "output_dtype", axis, &x.dims)?;
    Ok((axes, TensorType::new(dtype, ty.dims)))
}

searches! {
    /// The index of the largest element of an axis.
    ReduceArgmax "reduce_argmax", |x, best| x > best;
    /// The index of the smallest element of an axis.
    ReduceArgmin "reduce_argmin", |x, best| x < best;
}
