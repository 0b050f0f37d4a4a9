//! Matrix products: `linear` and `matmul`.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::broadcast_positions;
use crate::reference::{Array, Inputs};
use crate::types::{DType, DTypeSet, Dims, TensorType};

fn integers(a: &Array, b: &Array) -> bool {
    !a.ty.dtype.is_float() && !b.ty.dtype.is_float()
}

/// The sum of products; that of integers wraps, as it would in `int32`.
fn dot(integer: bool, pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    if integer {
        let sum = pairs.fold(0i64, |sum, (a, b)| sum.wrapping_add((a as i64).wrapping_mul(b as i64)));
        f64::from(sum as i32)
    } else {
        pairs.fold(0.0, |sum, (a, b)| sum + a * b)
    }
}

/// `x * transposed(weight) + bias` over the last axis of `x`. Weight: `[out, in]`; bias: `[out]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Linear {
    /// Features that come in: the last axis of `x`.
    pub inputs: usize,
    /// Features that go out.
    pub outputs: usize,
}

impl Operation for Linear {
    const SCHEMA: Schema = Schema::new(
        "linear",
        DTypeSet::NUMBER,
        &[Param::t("x"), Param::const_u("weight"), Param::const_u("bias").optional()],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, w) = (call.ty("x"), call.ty("weight"));
        ensure!(w.dims.rank() == 2, "rank", "`weight` is {}, [out, in] is wanted", w.dims);
        let (outputs, inputs) = (w.dims[0], w.dims[1]);
        let Some(last) = x.dims.rank().checked_sub(1) else {
            fail!("rank", "`x` is a scalar, rank 1 or more is wanted")
        };
        ensure!(
            x.dims[last] == inputs,
            "shape",
            "`x` is {}, whose last axis has {} elements, but `weight` is {} and takes {inputs}",
            x.dims,
            x.dims[last],
            w.dims
        );
        if let Some(bias) = call.ty_opt("bias") {
            ensure!(*bias.dims == [outputs], "shape", "`bias` is {}, [{outputs}] is wanted", bias.dims);
        }
        let dims = x.dims.with(last, outputs)?;
        Ok(Inferred::one(Linear { inputs, outputs }, TensorType::new(x.dtype, dims)).macs(dims.elements(), inputs))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, w) = (&x.get("x").data, &x.get("weight").data);
        let bias = x.opt("bias");
        let rows = a.chunks_exact(self.inputs);
        let integer = integers(x.get("x"), x.get("weight"));
        let one = |row: &[f64], o: usize| {
            let weights = &w[o * self.inputs..][..self.inputs];
            dot(integer, row.iter().zip(weights).map(|(a, b)| (*a, *b))) + bias.map_or(0.0, |b| b.data[o])
        };
        vec![rows.flat_map(|row| (0..self.outputs).map(move |o| (row, o))).map(|(row, o)| one(row, o)).collect()]
    }
}

/// The matrix product of the last two axes, broadcast over the others.
#[derive(Clone, PartialEq, Debug)]
pub struct Matmul {
    /// Whether `x` is read transposed.
    pub transpose_x: bool,
    /// Whether `y` is read transposed.
    pub transpose_y: bool,
    /// Rows of the result.
    pub m: usize,
    /// Elements of each dot product.
    pub k: usize,
    /// Columns of the result.
    pub n: usize,
    /// The leading axes of the result.
    pub batch: Dims,
    /// The leading axes of `x`.
    pub batch_x: Dims,
    /// The leading axes of `y`.
    pub batch_y: Dims,
}

/// A shape as a stack of matrices: leading axes, rows, columns. A vector is a row on the left, a column on the right.
fn as_matrices(dims: &Dims, left: bool) -> Option<(Dims, usize, usize)> {
    match **dims {
        [] => None,
        [n] if left => Some((Dims::SCALAR, 1, n)),
        [n] => Some((Dims::SCALAR, n, 1)),
        [ref batch @ .., rows, columns] => Some((Dims::new(batch).ok()?, rows, columns)),
    }
}

/// The element type of a product: since iOS 17 a constant may have another one than what it is multiplied with, which is
/// that of the result.
fn result_type(call: &Call<'_>, x: TensorType, y: TensorType) -> Result<DType, OpError> {
    match (call.literal("x").is_some(), call.literal("y").is_some()) {
        (true, false) => Ok(y.dtype),
        (false, true) => Ok(x.dtype),
        _ if x.dtype == y.dtype => Ok(x.dtype),
        _ => Err(OpError::new("dtype", format!("`x` is {}, `y` {}; only a constant may differ", x.dtype, y.dtype))
            .hint("convert one of them with `cast`")),
    }
}

impl Operation for Matmul {
    const SCHEMA: Schema = Schema::new(
        "matmul",
        DTypeSet::NUMBER,
        &[
            Param::t("x"),
            Param::new("y", crate::op::TypeRule::U),
            Param::bools("transpose_x").optional(),
            Param::bools("transpose_y").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, y) = (call.ty("x"), call.ty("y"));
        let (transpose_x, transpose_y) = (call.bool("transpose_x", false)?, call.bool("transpose_y", false)?);
        let (Some((batch_x, rows_x, columns_x)), Some((batch_y, rows_y, columns_y))) =
            (as_matrices(&x.dims, true), as_matrices(&y.dims, false))
        else {
            fail!("rank", "`x` is {} and `y` {}: scalars have no matrix product", x.dims, y.dims);
        };
        for (name, ty, transpose) in [("x", x, transpose_x), ("y", y, transpose_y)] {
            ensure!(
                !(transpose && ty.dims.rank() == 1),
                "rank",
                "`{name}` is {}, a vector, which cannot be transposed: leave out `transpose_{name}`",
                ty.dims
            );
        }
        let (m, k) = if transpose_x { (columns_x, rows_x) } else { (rows_x, columns_x) };
        let (k_y, n) = if transpose_y { (columns_y, rows_y) } else { (rows_y, columns_y) };
        ensure!(
            k == k_y,
            "shape",
            "{}{} times {}{}: {k} columns meet {k_y} rows",
            x.dims,
            if transpose_x { " transposed" } else { "" },
            y.dims,
            if transpose_y { " transposed" } else { "" }
        );
        let Some(batch) = batch_x.broadcast(&batch_y) else {
            fail!("broadcast", "the leading axes {batch_x} and {batch_y} do not broadcast");
        };
        let mut dims = batch.to_vec();
        if x.dims.rank() > 1 {
            dims.push(m);
        }
        if y.dims.rank() > 1 {
            dims.push(n);
        }
        let dims = Dims::new(&dims)?;
        let op = Matmul { transpose_x, transpose_y, m, k, n, batch, batch_x, batch_y };
        Ok(Inferred::one(op, TensorType::new(result_type(call, x, y)?, dims)).macs(dims.elements(), k))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, b) = (&x.get("x").data, &x.get("y").data);
        let (m, k, n) = (self.m, self.k, self.n);
        let at_x = |i: usize, l: usize| if self.transpose_x { l * m + i } else { i * k + l };
        let at_y = |l: usize, j: usize| if self.transpose_y { j * k + l } else { l * n + j };
        let pairs =
            broadcast_positions(&self.batch_x, &self.batch).zip(broadcast_positions(&self.batch_y, &self.batch));
        let integer = integers(x.get("x"), x.get("y"));
        let mut out = Vec::with_capacity(self.batch.elements() * m * n);
        for (p, q) in pairs {
            for i in 0..m {
                for j in 0..n {
                    let pair = |l| (a[p * m * k + at_x(i, l)], b[q * k * n + at_y(l, j)]);
                    out.push(dot(integer, (0..k).map(pair)));
                }
            }
        }
        vec![out]
    }
}
