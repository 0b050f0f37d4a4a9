//! Parts of tensors.

mod update;

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::movement::GatherMap;
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};
pub use update::{SliceUpdate, Target};

/// Where a part begins that is chosen at run time: for each axis of the whole, the last place at which the part still ends
/// inside. `begin` counts from the end if it is negative; what does not fit is moved to where it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Begin {
    /// For each axis: its elements, the last first index, and elements from one index to the next.
    pub axes: Vec<(usize, usize, usize)>,
}

impl Begin {
    /// The position of the part's first element.
    pub fn position(&self, begin: impl IntoIterator<Item = i64>) -> usize {
        let axis = |(begin, (size, most, stride)): (i64, &(usize, usize, usize))| {
            let from = if begin < 0 { begin.saturating_add(*size as i64) } else { begin };
            from.clamp(0, *most as i64) as usize * stride
        };
        begin.into_iter().zip(&self.axes).map(axis).sum()
    }
}

/// `size` elements from `begin` on each axis; -1 for the rest. If `begin` is computed at run time, the part is moved to where
/// it ends inside of `x`, and there is no -1.
#[derive(Clone, PartialEq, Debug)]
pub struct SliceBySize {
    /// Where elements come from, for a part that begins where `begin` says, or at 0 if that is computed at run time.
    pub map: GatherMap,
    /// Where the part begins at run time.
    pub begin: Option<Begin>,
}

impl Operation for SliceBySize {
    const SCHEMA: Schema = Schema::new("slice_by_size", DTypeSet::BASIC, &[Param::t("x"), BEGIN, Param::index("size")])
        .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        let size = call.ints("size").unwrap_or_default();
        let given = call.ints("begin");
        ensure!(
            *call.ty("begin").dims == [rank] && size.len() == rank,
            "length",
            "`begin` {} and `size` {size:?} must have one element for each axis of {}",
            given.as_ref().map_or_else(|| format!("of {} elements", call.ty("begin").dims[0]), |b| format!("{b:?}")),
            x.dims
        );
        let strides = x.dims.strides();
        let (mut sizes, mut axes, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for axis in 0..rank {
            let d = x.dims[axis] as i64;
            ensure!(
                given.is_some() || size[axis] != -1,
                "not-constant",
                "`size` {size:?} asks for the rest of axis {axis}, but `begin` is computed at run time"
            );
            // A negative begin counts from the end, as everywhere in MIL.
            let begin = given.as_ref().map_or(0, |b| b[axis]);
            let from = if begin < 0 { begin.saturating_add(d) } else { begin };
            let count = if size[axis] == -1 { d.saturating_sub(from) } else { size[axis] };
            if from < 0 || count < 1 || from.saturating_add(count) > d {
                fail!("slice", "axis {axis} of {} has {d} elements: {} from {begin} do not exist", x.dims, size[axis]);
            }
            sizes.push(count as usize);
            axes.push((count as usize, from as usize * strides[axis], strides[axis] as isize));
            places.push((d as usize, (d - count) as usize, strides[axis]));
        }
        let begin = given.is_none().then_some(Begin { axes: places });
        let op = SliceBySize { map: GatherMap::steps(axes), begin };
        Ok(Inferred::one(op, TensorType::new(x.dtype, Dims::new(&sizes)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let first = self.begin.as_ref().map_or(0, |b| b.position(x.get("begin").data.iter().map(|i| *i as i64)));
        vec![self.map.apply(&x.get("x").data[first..], 0.0)]
    }
}

/// A position that may be computed at run time.
const BEGIN: Param = Param::new("begin", TypeRule::Index).vector();

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
        let (begin, end) = (ints(call, "begin", &x.dims, 0)?, ints(call, "end", &x.dims, 0)?);
        let stride = ints(call, "stride", &x.dims, 1)?;
        let [begin_mask, end_mask, squeeze] = masks(call, rank)?;
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

/// All windows of `size` elements along an axis, `stride` apart: the axis becomes two, the windows and their elements.
#[derive(Clone, PartialEq, Debug)]
pub struct SlidingWindows {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for SlidingWindows {
    const SCHEMA: Schema = Schema::new(
        "sliding_windows",
        DTypeSet::NUMBER,
        &[Param::t("x"), Param::ints("axis"), Param::ints("size"), Param::ints("stride").optional()],
    )
    .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let axis = call.axis("axis", 0, &x.dims)?;
        let (d, size, stride) = (x.dims[axis] as i64, call.int("size", 1)?, call.int("stride", 1)?);
        ensure!(stride >= 1, "range", "`stride` is {stride}; at least 1 is wanted");
        ensure!((1..=d).contains(&size), "range", "`size` is {size}, axis {axis} of {} has {d} elements", x.dims);
        let windows = ((d - size) / stride) as usize + 1;
        let (mut dims, strides) = (x.dims.to_vec(), x.dims.strides());
        dims.splice(axis..=axis, [windows, size as usize]);
        let dims = Dims::new(&dims)?;
        // With one window the stride is never taken, and may not fit.
        let step = if windows == 1 { 0 } else { stride as usize * strides[axis] };
        let mut steps: Vec<usize> = strides[..x.dims.rank()].to_vec();
        steps.insert(axis, step);
        let map = GatherMap::steps(dims.iter().zip(steps).map(|(count, step)| (*count, 0, step as isize)));
        Ok(Inferred::one(SlidingWindows { map }, TensorType::new(x.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// A constant with a number for each axis; `default` for all if it is left out or computed at run time.
fn ints(call: &Call<'_>, name: &str, x: &Dims, default: i64) -> Result<Vec<i64>, OpError> {
    let v = call.ints(name).unwrap_or_else(|| vec![default; x.rank()]);
    ensure!(v.len() == x.rank(), "length", "`{name}` {v:?} must have one element for each axis of {x}");
    Ok(v)
}

/// `begin_mask`, `end_mask` and `squeeze_mask`.
fn masks(call: &Call<'_>, rank: usize) -> Result<[Vec<bool>; 3], OpError> {
    let mask = |name: &str| -> Result<Vec<bool>, OpError> {
        let v = call.literal(name).and_then(|l| l.to_bools()).unwrap_or_else(|| vec![false; rank]);
        ensure!(v.len() == rank, "length", "`{name}` has {} elements, {rank} axes are there", v.len());
        Ok(v)
    };
    Ok([mask("begin_mask")?, mask("end_mask")?, mask("squeeze_mask")?])
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
