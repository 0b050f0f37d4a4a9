//! Parts of tensors.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::movement::GatherMap;
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// `size` elements from `begin` on each axis; -1 for the rest.
#[derive(Clone, PartialEq, Debug)]
pub struct SliceBySize {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for SliceBySize {
    const SCHEMA: Schema =
        Schema::new("slice_by_size", DTypeSet::BASIC, &[Param::t("x"), Param::index("begin"), Param::index("size")])
            .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        let (begin, size) = (call.ints("begin").unwrap_or_default(), call.ints("size").unwrap_or_default());
        ensure!(
            begin.len() == rank && size.len() == rank,
            "length",
            "`begin` {begin:?} and `size` {size:?} must have one element for each axis of {}",
            x.dims
        );
        let strides = x.dims.strides();
        let (mut sizes, mut axes) = (Vec::with_capacity(rank), Vec::with_capacity(rank));
        for axis in 0..rank {
            let d = x.dims[axis] as i64;
            // A negative begin counts from the end, as everywhere in MIL.
            let from = if begin[axis] < 0 { begin[axis].saturating_add(d) } else { begin[axis] };
            let count = if size[axis] == -1 { d.saturating_sub(from) } else { size[axis] };
            if from < 0 || count < 1 || from.saturating_add(count) > d {
                fail!(
                    "slice",
                    "axis {axis} of {} has {d} elements: {} from {} do not exist",
                    x.dims,
                    size[axis],
                    begin[axis]
                );
            }
            sizes.push(count as usize);
            axes.push((count as usize, from as usize * strides[axis], strides[axis] as isize));
        }
        Ok(Inferred::one(SliceBySize { map: GatherMap::steps(axes) }, TensorType::new(x.dtype, Dims::new(&sizes)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// The elements from `begin` to before `end`, every `stride`-th, as NumPy slices.
#[derive(Clone, PartialEq, Debug)]
pub struct SliceByIndex {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for SliceByIndex {
    const SCHEMA: Schema = Schema::new(
        "slice_by_index",
        DTypeSet::BASIC,
        &[
            Param::t("x"),
            Param::index("begin"),
            Param::index("end"),
            Param::index("stride").optional(),
            Param::bools("begin_mask").vector().optional(),
            Param::bools("end_mask").vector().optional(),
            Param::bools("squeeze_mask").vector().optional(),
        ],
    )
    .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        let ints = |name: &str, default: i64| -> Result<Vec<i64>, OpError> {
            let v = call.ints(name).unwrap_or_else(|| vec![default; rank]);
            ensure!(v.len() == rank, "length", "`{name}` {v:?} must have one element for each axis of {}", x.dims);
            Ok(v)
        };
        let masks = |name: &str| -> Result<Vec<bool>, OpError> {
            let v = call.literal(name).and_then(|l| l.to_bools()).unwrap_or_else(|| vec![false; rank]);
            ensure!(v.len() == rank, "length", "`{name}` has {} elements, {} axes are there", v.len(), rank);
            Ok(v)
        };
        let (begin, end, stride) = (ints("begin", 0)?, ints("end", 0)?, ints("stride", 1)?);
        let (begin_mask, end_mask, squeeze) = (masks("begin_mask")?, masks("end_mask")?, masks("squeeze_mask")?);
        let strides = x.dims.strides();
        let (mut sizes, mut axes) = (Vec::new(), Vec::new());
        for axis in 0..rank {
            let d = x.dims[axis] as i64;
            ensure!(stride[axis] != 0, "slice", "`stride` is 0 on axis {axis}");
            let (first, count) = if squeeze[axis] {
                let begin = if begin_mask[axis] { 0 } else { begin[axis] };
                let at = if begin < 0 { begin.saturating_add(d) } else { begin };
                ensure!((0..d).contains(&at), "slice", "axis {axis} of {} has no element {begin}", x.dims);
                (at, 1)
            } else {
                let from = (!begin_mask[axis]).then_some(begin[axis]);
                let to = (!end_mask[axis]).then_some(end[axis]);
                range(d, from, to, stride[axis])
            };
            if count == 0 {
                let what = format!("{}..{} by {}", begin[axis], end[axis], stride[axis]);
                fail!("slice", "axis {axis} of {} has {d} elements, of which {what} takes none", x.dims);
            }
            // With one element the step is never taken, and may not fit.
            let step = if count == 1 { 0 } else { stride[axis] as isize * strides[axis] as isize };
            axes.push((count as usize, first as usize * strides[axis], step));
            if !squeeze[axis] {
                sizes.push(count as usize);
            }
        }
        Ok(Inferred::one(SliceByIndex { map: GatherMap::steps(axes) }, TensorType::new(x.dtype, Dims::new(&sizes)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// The first index and the number of indices of `from..to` by `step` on an axis of `d` elements, by NumPy's rules: negative
/// positions count from the end, those outside are clamped, a missing one stands for the end that the step comes from or
/// goes to.
fn range(d: i64, from: Option<i64>, to: Option<i64>, step: i64) -> (i64, i64) {
    let (low, high) = if step > 0 { (0, d) } else { (-1, d - 1) };
    let place = |p: i64| (if p < 0 { p.saturating_add(d) } else { p }).clamp(low, high);
    let first = from.map_or(if step > 0 { low } else { high }, place);
    let last = to.map_or(if step > 0 { high } else { low }, place);
    let distance = if step > 0 { last - first } else { first - last };
    (first, if distance <= 0 { 0 } else { (distance - 1) / step.saturating_abs() + 1 })
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_numpys() {
        assert_eq!(range(5, Some(1), Some(4), 1), (1, 3));
        assert_eq!(range(5, Some(-2), None, 1), (3, 2));
        assert_eq!(range(5, None, None, -1), (4, 5));
        assert_eq!(range(5, Some(3), Some(0), -2), (3, 2));
        assert_eq!(range(5, Some(9), Some(i64::MIN), -3), (4, 2));
        assert_eq!(range(5, Some(2), Some(2), 1), (2, 0));
        assert_eq!(range(5, Some(0), Some(5), i64::MAX), (0, 1));
        assert_eq!(range(5, Some(4), Some(-9), i64::MIN), (4, 1));
    }
}
