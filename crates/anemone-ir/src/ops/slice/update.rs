//! A tensor with a part of it replaced.

use super::{BEGIN, ints, masks, range};
use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Opset};

/// Where the elements of an update go along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Elements of the axis.
    pub size: usize,
    /// Elements that are replaced.
    pub count: usize,
    /// From one to the next; not 0.
    pub step: i64,
    /// Whether `begin` does not count: they begin at the end that the step comes from.
    pub masked: bool,
}

impl Target {
    /// The index of the first. A negative `begin` counts from the end; if not all would lie on the axis, they are moved to
    /// where they do.
    pub fn first(&self, begin: i64) -> usize {
        let size = self.size as i64;
        let (reach, forward) = ((self.count as i64 - 1) * self.step, self.step > 0);
        let from = match (self.masked, forward) {
            (true, true) => 0,
            (true, false) => size - 1,
            (false, _) if begin < 0 => begin.saturating_add(size),
            (false, _) => begin,
        };
        (if forward { from.clamp(0, size - 1 - reach) } else { from.clamp(-reach, size - 1) }) as usize
    }
}

/// `x` with the elements from `begin` to before `end`, every `stride`-th, replaced by those of `update`: the elements that
/// `slice_by_index` would give.
///
/// `begin` and `end` may be computed at run time. Then `update` says how many elements there are, `end` says nothing, and
/// what would not lie inside of `x` is moved to where it does.
#[derive(Clone, PartialEq, Debug)]
pub struct SliceUpdate {
    /// For each axis of `x`.
    pub axes: Vec<Target>,
}

impl SliceUpdate {
    /// For runs of elements of `update`, in their order: the position in `x` of the first, and how far it is to the next.
    pub fn visit(&self, begin: &[i64], mut run: impl FnMut(usize, usize, isize)) {
        let mut stride = 1;
        let (mut first, mut axes) = (0, Vec::with_capacity(self.axes.len()));
        for (axis, begin) in self.axes.iter().zip(begin).rev() {
            first += axis.first(*begin) * stride;
            axes.push((axis.count, axis.step as isize * stride as isize));
            stride *= axis.size;
        }
        let ((count, step), outer) = axes.split_first().map_or(((1, 0), &axes[..]), |(last, outer)| (*last, outer));
        for mut at in 0..outer.iter().map(|(count, _)| count).product() {
            let mut from = first;
            for (count, step) in outer {
                from = from.wrapping_add_signed((at % count) as isize * step);
                at /= count;
            }
            run(from, count, step);
        }
    }
}

impl Operation for SliceUpdate {
    const SCHEMA: Schema = Schema::new(
        "slice_update",
        DTypeSet::MOVABLE,
        &[
            Param::t("x"),
            Param::t("update"),
            BEGIN,
            Param::new("end", TypeRule::Index).vector(),
            Param::index("stride").optional(),
            Param::bools("begin_mask").vector().optional(),
            Param::bools("end_mask").vector().optional(),
            Param::bools("squeeze_mask").vector().optional(),
        ],
    )
    .since(Opset::Ios18);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, update) = (call.ty("x"), call.ty("update"));
        let rank = x.dims.rank();
        for name in ["begin", "end"] {
            let found = call.ty(name).dims[0];
            ensure!(found == rank, "length", "`{name}` has {found} elements, {rank} axes are there");
        }
        let known = call.ints("begin").is_some() && call.ints("end").is_some();
        let (begin, end) = (ints(call, "begin", &x.dims, 0)?, ints(call, "end", &x.dims, 0)?);
        let stride = ints(call, "stride", &x.dims, 1)?;
        let [begin_mask, end_mask, squeeze] = masks(call, rank)?;
        ensure!(update.dims.rank() > 0, "rank", "`update` is a scalar, which MIL does not take here");
        let kept = squeeze.iter().filter(|s| !**s).count();
        ensure!(
            update.dims.rank() == kept,
            "rank",
            "`update` is {}, but {kept} axes of `x` {} are not squeezed",
            update.dims,
            x.dims
        );
        let (mut sizes, mut axes) = (update.dims.iter(), Vec::with_capacity(rank));
        for axis in 0..rank {
            let (size, masked, step) = (x.dims[axis], begin_mask[axis], stride[axis]);
            ensure!(step != 0, "slice", "`stride` is 0 on axis {axis}");
            if squeeze[axis] {
                let begin = if masked { 0 } else { begin[axis] };
                let at = if begin < 0 { begin.saturating_add(size as i64) } else { begin };
                ensure!(
                    !known || (0..size as i64).contains(&at),
                    "slice",
                    "axis {axis} of {} has no element {begin}",
                    x.dims
                );
                axes.push(Target { size, count: 1, step: 1, masked });
                continue;
            }
            let count = sizes.next().copied().unwrap_or(1);
            if known || masked && end_mask[axis] {
                let from = (!masked).then_some(begin[axis]);
                let to = (!end_mask[axis]).then_some(end[axis]);
                let (_, wanted) = range(size as i64, from, to, step);
                ensure!(
                    wanted == count as i64,
                    "shape",
                    "`update` is {}, but {wanted} elements of axis {axis} of `x` {} are to be replaced",
                    update.dims,
                    x.dims
                );
            }
            let reach = (count as u64 - 1).saturating_mul(step.unsigned_abs());
            if reach >= size as u64 {
                fail!(
                    "shape",
                    "`update` is {}: axis {axis} of `x` {} has {size} elements, not {count} that are {step} apart",
                    update.dims,
                    x.dims
                );
            }
            // With one element the step is never taken, and may not fit.
            axes.push(Target { size, count, step: if count == 1 { step.signum() } else { step }, masked });
        }
        Ok(Inferred::one(SliceUpdate { axes }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (mut out, update) = (x.get("x").data.clone(), &x.get("update").data);
        let begin: Vec<i64> = x.get("begin").data.iter().map(|i| *i as i64).collect();
        let mut rest = update.iter();
        self.visit(&begin, |first, count, step| {
            let places = (0..count as isize).map(|i| first.wrapping_add_signed(i * step));
            places.zip(rest.by_ref()).for_each(|(at, value)| out[at] = *value);
        });
        vec![out]
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn updates_stay_on_the_axis() {
        let target = |count, step, masked| Target { size: 10, count, step, masked };
        for (target, begin, first) in [
            (target(3, 1, false), 4, 4),
            (target(3, 1, false), -4, 6),
            (target(3, 1, false), 9, 7),
            (target(3, 1, false), i64::MIN, 0),
            (target(3, 3, false), 5, 3),
            (target(3, -3, false), 5, 6),
            (target(3, -3, false), 99, 9),
            (target(10, 1, true), 5, 0),
            (target(2, -1, true), 5, 9),
            (target(1, -1, false), -10, 0),
        ] {
            assert_eq!(target.first(begin), first, "{target:?} {begin}");
        }
    }
}
