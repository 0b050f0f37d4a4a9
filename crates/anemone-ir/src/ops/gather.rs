//! Elements taken by indices that are computed at run time.
//!
//! # Indices
//! Up to iOS 16 a negative index counts from the end of its axis. Since iOS 17 it is out of range. MIL leaves undefined what
//! an index out of range gives. Here it is moved to the nearest end of the axis, by [`Indexing`], so that nothing outside of
//! the operand is ever read or written, and every executor gives the same. `validate_indices` asks for an error instead:
//! constant indices get it, those of the run are moved all the same.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, Opset, TensorType};

/// How an index becomes a position on its axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indexing {
    /// Whether negative indices count from the end.
    pub from_end: bool,
}

impl Indexing {
    pub(crate) fn of(opset: Opset) -> Indexing {
        Indexing { from_end: opset < Opset::Ios17 }
    }

    /// The position on an axis of `size` elements, which is at least 1.
    pub fn position(self, index: i64, size: usize) -> usize {
        let size = size as i64;
        let index = if self.from_end && index < 0 { index + size } else { index };
        index.clamp(0, size - 1) as usize
    }
}

/// Rows of a tensor that is seen as `[batch, outer, sizes…, inner]`, chosen by `count` tuples of indices for each batch: a
/// tuple has an index for each of `sizes`, and chooses `inner` elements that lie one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rows {
    /// Batches, each with indices of its own.
    pub batch: usize,
    /// Slices of a batch that are indexed alike.
    pub outer: usize,
    /// The axes that are indexed.
    pub sizes: Vec<usize>,
    /// Elements of a row.
    pub inner: usize,
    /// Tuples of indices for each batch.
    pub count: usize,
    /// What indices mean.
    pub indexing: Indexing,
}

impl Rows {
    /// Rows of one slice.
    pub fn rows(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The row within its slice that a tuple of indices chooses.
    pub fn row(&self, tuple: impl IntoIterator<Item = i64>) -> usize {
        tuple.into_iter().zip(&self.sizes).fold(0, |row, (i, size)| row * size + self.indexing.position(i, *size))
    }

    /// For each batch, outer slice and tuple, in this order, the row of the tensor.
    pub(crate) fn all(&self, indices: &[f64]) -> Vec<usize> {
        let depth = self.sizes.len();
        let tuple = |batch: usize, i: usize| &indices[(batch * self.count + i) * depth..][..depth];
        let slices = (0..self.batch).flat_map(|b| (0..self.outer).map(move |o| (b, o)));
        let rows = slices.flat_map(|(b, o)| {
            let first = (b * self.outer + o) * self.rows();
            (0..self.count).map(move |i| first + self.row(tuple(b, i).iter().map(|x| *x as i64)))
        });
        rows.collect()
    }

    /// Rows along `axis` of a tensor.
    pub(crate) fn along(x: &Dims, indices: &Dims, axis: usize, batch: usize, indexing: Indexing) -> Rows {
        Rows {
            batch: x[..batch].iter().product(),
            outer: x[batch..axis].iter().product(),
            sizes: vec![x[axis]],
            inner: x[axis + 1..].iter().product(),
            count: indices[batch..].iter().product(),
            indexing,
        }
    }

    /// Rows by tuples along the last axis of `indices`.
    ///
    /// # Errors
    /// The indices have no axis for tuples, or tuples are longer than the tensor has axes.
    pub(crate) fn tuples(
        name: &str,
        x: &Dims,
        indices: &Dims,
        batch: usize,
        indexing: Indexing,
    ) -> Result<Rows, OpError> {
        let Some(last) = indices.rank().checked_sub(1) else {
            fail!("rank", "`indices` is a scalar; its last axis is to hold a position in `{name}`");
        };
        let depth = indices[last];
        ensure!(
            batch <= last && batch + depth <= x.rank(),
            "rank",
            "`indices` is {indices} and `{name}` {x}: {batch} axes of batches and {depth} indices are too many"
        );
        Ok(Rows {
            batch: x[..batch].iter().product(),
            outer: 1,
            sizes: x[batch..batch + depth].to_vec(),
            inner: x[batch + depth..].iter().product(),
            count: indices[batch..last].iter().product(),
            indexing,
        })
    }
}

/// Single elements of a tensor that is seen as `[outer, size, inner]`: each index is one of its own, `count` along the axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Along {
    /// Elements before the axis.
    pub outer: usize,
    /// Elements along the axis.
    pub size: usize,
    /// Elements after the axis.
    pub inner: usize,
    /// Indices along the axis.
    pub count: usize,
    /// What indices mean.
    pub indexing: Indexing,
}

impl Along {
    /// The position in the tensor that the index at a position chooses.
    pub fn position(&self, at: usize, index: i64) -> usize {
        let (outer, inner) = (at / (self.count * self.inner), at % self.inner);
        (outer * self.size + self.indexing.position(index, self.size)) * self.inner + inner
    }

    pub(crate) fn read(name: &str, x: &Dims, indices: &Dims, axis: usize, opset: Opset) -> Result<Along, OpError> {
        let alike = x.rank() == indices.rank() && (0..x.rank()).all(|a| a == axis || x[a] == indices[a]);
        ensure!(
            alike,
            "shape",
            "`indices` is {indices} and `{name}` {x}; equal dimensions but for axis {axis} are wanted"
        );
        Ok(Along {
            outer: x[..axis].iter().product(),
            size: x[axis],
            inner: x[axis + 1..].iter().product(),
            count: indices[axis],
            indexing: Indexing::of(opset),
        })
    }
}

/// Refuses constant indices that are out of range, if `validate_indices` asks for it; `sizes` are those of the axes that a
/// tuple of indices is for.
pub(crate) fn validate(call: &Call<'_>, sizes: &[usize]) -> Result<(), OpError> {
    if !call.bool("validate_indices", false)? {
        return Ok(());
    }
    let Some(indices) = call.ints("indices") else { return Ok(()) };
    let mut each = indices.iter().zip(sizes.iter().cycle());
    if let Some((index, size)) = each.find(|(index, size)| !(0..**size as i64).contains(index)) {
        fail!("range", "`indices` holds {index}, for an axis of {size} elements");
    }
    Ok(())
}

const X: Param = Param::t("x");
const INDICES: Param = Param::new("indices", TypeRule::Indices);
const AXIS: Param = Param::ints("axis").optional();
const BATCH_DIMS: Param = Param::ints("batch_dims").optional().since(Opset::Ios16);
pub(crate) const VALIDATE: Param = Param::bools("validate_indices").optional().since(Opset::Ios17);

const fn schema(mnemonic: &'static str, params: &'static [Param]) -> Schema {
    Schema::new(mnemonic, DTypeSet::NUMBER, params).t_ios17(DTypeSet::NUMBERS)
}

/// The number of leading axes that `x` and `indices` share.
fn batch_dims(call: &Call<'_>, x: &Dims, indices: &Dims) -> Result<usize, OpError> {
    let given = call.int("batch_dims", 0)?;
    let batch = usize::try_from(given).ok().filter(|b| *b <= indices.rank() && *b < x.rank().max(1));
    let Some(batch) = batch else {
        fail!("axis", "`batch_dims` is {given}, with `x` {x} and `indices` {indices}");
    };
    ensure!(
        x[..batch] == indices[..batch],
        "shape",
        "the first {batch} axes of `x` {x} and of `indices` {indices} must be equal"
    );
    Ok(batch)
}

/// Slices of `x` along an axis, for each of the indices. The axis is replaced by the axes of `indices`, without the
/// `batch_dims` that it shares with `x`.
#[derive(Clone, PartialEq, Debug)]
pub struct Gather {
    /// Which rows.
    pub rows: Rows,
}

impl Operation for Gather {
    const SCHEMA: Schema = schema("gather", &[X, INDICES, AXIS, BATCH_DIMS, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, indices) = (call.ty("x"), call.ty("indices"));
        let axis = call.axis("axis", 0, &x.dims)?;
        let batch = batch_dims(call, &x.dims, &indices.dims)?;
        ensure!(batch <= axis, "axis", "`axis` is {axis}, one of the first {batch}, which `batch_dims` takes");
        validate(call, &[x.dims[axis]])?;
        let dims = [&x.dims[..axis], &indices.dims[batch..], &x.dims[axis + 1..]].concat();
        let rows = Rows::along(&x.dims, &indices.dims, axis, batch, Indexing::of(call.opset));
        Ok(Inferred::one(Gather { rows }, TensorType::new(x.dtype, Dims::new(&dims)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![gathered(&self.rows, x)]
    }
}

/// Slices of `x` at positions that the last axis of `indices` holds.
#[derive(Clone, PartialEq, Debug)]
pub struct GatherNd {
    /// Which rows.
    pub rows: Rows,
}

impl Operation for GatherNd {
    const SCHEMA: Schema = schema("gather_nd", &[X, INDICES, BATCH_DIMS, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, indices) = (call.ty("x"), call.ty("indices"));
        let batch = batch_dims(call, &x.dims, &indices.dims)?;
        let rows = Rows::tuples("x", &x.dims, &indices.dims, batch, Indexing::of(call.opset))?;
        validate(call, &rows.sizes)?;
        let depth = rows.sizes.len();
        let dims = [&indices.dims[..indices.dims.rank() - 1], &x.dims[batch + depth..]].concat();
        Ok(Inferred::one(GatherNd { rows }, TensorType::new(x.dtype, Dims::new(&dims)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![gathered(&self.rows, x)]
    }
}

fn gathered(rows: &Rows, x: &Inputs<'_>) -> Vec<f64> {
    let data = &x.get("x").data;
    rows.all(&x.get("indices").data).iter().flat_map(|row| &data[row * rows.inner..][..rows.inner]).copied().collect()
}

/// For each element of `indices`, the element of `x` at the same place, but along an axis at the index.
#[derive(Clone, PartialEq, Debug)]
pub struct GatherAlongAxis {
    /// Which elements.
    pub along: Along,
}

impl Operation for GatherAlongAxis {
    const SCHEMA: Schema = schema("gather_along_axis", &[X, INDICES, AXIS, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, indices) = (call.ty("x"), call.ty("indices"));
        let axis = call.axis("axis", 0, &x.dims)?;
        let along = Along::read("x", &x.dims, &indices.dims, axis, call.opset)?;
        validate(call, &[along.size])?;
        Ok(Inferred::one(GatherAlongAxis { along }, TensorType::new(x.dtype, indices.dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let data = &x.get("x").data;
        let indices = x.get("indices").data.iter().enumerate();
        vec![indices.map(|(at, i)| data[self.along.position(at, *i as i64)]).collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::Indexing;

    #[test]
    fn indices_stay_on_the_axis() {
        let (old, new) = (Indexing { from_end: true }, Indexing { from_end: false });
        for (index, [before, since]) in [
            (0, [0, 0]),
            (2, [2, 2]),
            (3, [2, 2]),
            (-1, [2, 0]),
            (-3, [0, 0]),
            (-4, [0, 0]),
            (i64::from(i32::MIN), [0, 0]),
        ] {
            assert_eq!(old.position(index, 3), before, "{index}");
            assert_eq!(new.position(index, 3), since, "{index}");
        }
    }
}
