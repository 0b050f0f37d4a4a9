//! Sums along an axis, the band of a matrix, and where elements are not zero.

use super::{Form, Kernel};
use crate::memory::{Io, Stored};
use crate::plan::{Moves, PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::ops::tensor::*;
use anemone_ir::reference::to_f16;
use anemone_ir::{DType, Dims};
use half::f16;

impl Kernel for Cumsum {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let Some(x) = cx.id("x") else { return Form::Reference };
        let dims = cx.ty(x).dims;
        let (size, inner) = (dims[self.axis], dims[self.axis + 1..].iter().product());
        let step = Sums { op: self.clone(), size, inner, lines: dims.elements() / size };
        Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 0 })
    }
}

/// Sums along lines of `size` elements, `inner` apart: in `f64`, in the reference's order, and so with its bits.
struct Sums {
    op: Cumsum,
    size: usize,
    inner: usize,
    lines: usize,
}

impl Step for Sums {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match io.dtype(0) {
            DType::Fp16 => self.sum::<f16, f64>(io, team, |sum, x| sum + x.to_f64(), to_f16),
            DType::Fp32 => self.sum::<f32, f64>(io, team, |sum, x| sum + f64::from(x), |sum| sum as f32),
            _ => self.sum::<i32, i32>(io, team, i32::wrapping_add, |sum| sum),
        }
    }
}

impl Sums {
    fn sum<T: Stored, S: Copy + Default>(
        &self,
        io: &mut Io<'_>,
        team: &Team<'_>,
        add: impl Fn(S, T) -> S + Sync,
        round: impl Fn(S) -> T + Sync,
    ) {
        let (x, to) = (io.read::<T>(0), io.target(0));
        let piece = (team.piece(self.lines * self.size, 1) / self.size).max(1);
        team.run(self.lines.div_ceil(piece), |task, _| {
            for line in task * piece..(task * piece + piece).min(self.lines) {
                let first = line / self.inner * self.size * self.inner + line % self.inner;
                let mut sum = S::default();
                for i in 0..self.size {
                    let at = first + if self.op.reverse { self.size - 1 - i } else { i } * self.inner;
                    let next = add(sum, x[at]);
                    // SAFETY: each line has places of its own in the result.
                    let to = unsafe { to.slice::<T>(at, 1) };
                    to[0] = round(if self.op.exclusive { sum } else { next });
                    sum = next;
                }
            }
        });
    }
}

struct Band {
    op: BandPart,
    dims: Dims,
}

impl Kernel for BandPart {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let Some(x) = cx.id("x") else { return Form::Reference };
        let step = Band { op: self.clone(), dims: cx.ty(x).dims };
        Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 0 })
    }
}

impl Moves for Band {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let [.., rows, columns] = self.dims[..] else { unreachable!("a matrix has two axes") };
        let (x, to) = (io.read::<T>(0), io.write::<T>(0));
        let piece = team.piece(to.len(), 1).next_multiple_of(columns);
        team.chunks(to, piece, |start, to, _| {
            let lines = to.chunks_exact_mut(columns).zip(x[start..].chunks_exact(columns));
            for (row, (to, x)) in (start / columns..).zip(lines) {
                let kept = self.op.columns(row % rows, columns);
                to.fill(T::zeroed());
                to[kept.clone()].copy_from_slice(&x[kept]);
            }
        });
    }
}

// Of constants only, so that its result is one.
impl Kernel for NonZero {}
