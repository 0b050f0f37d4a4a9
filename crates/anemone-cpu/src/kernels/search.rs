//! The index of the largest or the smallest element of an axis.

use super::sort::put_index;
use super::{Form, Kernel};
use crate::memory::{Io, Stored};
use crate::plan::{PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::DType;
use anemone_ir::ops::reduce::{Axes, ReduceArgmax, ReduceArgmin};
use half::f16;

impl Kernel for ReduceArgmax {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, &self.axes, true)
    }
}

impl Kernel for ReduceArgmin {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, &self.axes, false)
    }
}

fn form(cx: &PlanCx<'_>, axes: &Axes, largest: bool) -> Form {
    let (Some(x), &[axis]) = (cx.id("x"), &axes.axes[..]) else { return Form::Reference };
    let dims = cx.ty(x).dims;
    let (size, inner) = (dims[axis], dims[axis + 1..].iter().product());
    if u32::try_from(size).is_err() {
        return Form::Reference;
    }
    let step = Search { size, inner, groups: dims.elements() / size, largest };
    Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 0 })
}

/// A search in groups of `size` elements, `inner` apart.
struct Search {
    size: usize,
    inner: usize,
    groups: usize,
    largest: bool,
}

impl Step for Search {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match (io.dtype(0), self.largest) {
            (DType::Fp16, true) => self.search::<f16, f32>(io, team, f16::to_f32, |x, best| x > best),
            (DType::Fp16, false) => self.search::<f16, f32>(io, team, f16::to_f32, |x, best| x < best),
            (DType::Fp32, true) => self.search::<f32, f32>(io, team, |x| x, |x, best| x > best),
            (DType::Fp32, false) => self.search::<f32, f32>(io, team, |x| x, |x, best| x < best),
            (_, true) => self.search::<i32, i32>(io, team, |x| x, |x, best| x > best),
            (_, false) => self.search::<i32, i32>(io, team, |x| x, |x, best| x < best),
        }
    }
}

impl Search {
    /// The first element that none `beats`, or the first NaN, which compares with nothing.
    fn search<T: Stored, N: Copy + PartialOrd>(
        &self,
        io: &mut Io<'_>,
        team: &Team<'_>,
        number: fn(T) -> N,
        beats: impl Fn(N, N) -> bool + Sync,
    ) {
        let (x, to) = (io.read::<T>(0), io.target(0));
        let is_nan = |x: N| x.partial_cmp(&x).is_none();
        let piece = (team.piece(self.groups * self.size, 1) / self.size).max(1);
        team.run(self.groups.div_ceil(piece), |task, _| {
            for group in task * piece..(task * piece + piece).min(self.groups) {
                let first = group / self.inner * self.size * self.inner + group % self.inner;
                let (mut best, mut index) = (number(x[first]), 0);
                for i in 1..self.size {
                    if is_nan(best) {
                        break;
                    }
                    let x = number(x[first + i * self.inner]);
                    if is_nan(x) || beats(x, best) {
                        (best, index) = (x, i);
                    }
                }
                // SAFETY: each group has a place of its own in the result.
                unsafe { put_index(&to, group, index as u32) };
            }
        });
    }
}
