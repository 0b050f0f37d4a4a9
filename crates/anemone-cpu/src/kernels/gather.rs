//! Elements taken by indices: rows are copied as memory, whatever the element type.

use super::{Form, Kernel};
use crate::memory::{Io, Stored};
use crate::plan::{Moves, PlanCx, Planned};
use crate::team::Team;
use anemone_ir::DType;
use anemone_ir::ops::gather::*;

/// Integers of any type.
#[derive(Clone, Copy)]
pub(super) enum Indices<'a> {
    I32(&'a [i32]),
    I16(&'a [u16]),
    U16(&'a [u16]),
    I8(&'a [u8]),
    U8(&'a [u8]),
}

impl<'a> Indices<'a> {
    /// Those of an operand.
    pub(super) fn of(io: &Io<'a>, read: usize) -> Indices<'a> {
        match io.dtype(read) {
            DType::Int32 => Indices::I32(io.read(read)),
            DType::Int16 => Indices::I16(io.read(read)),
            DType::UInt16 => Indices::U16(io.read(read)),
            DType::Int8 => Indices::I8(io.read(read)),
            DType::UInt8 => Indices::U8(io.read(read)),
            other => unreachable!("operand {read} is {other}: indices are integers"),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Indices::I32(v) => v.len(),
            Indices::I16(v) | Indices::U16(v) => v.len(),
            Indices::I8(v) | Indices::U8(v) => v.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> i64 {
        match self {
            Indices::I32(v) => i64::from(v[at]),
            Indices::I16(v) => i64::from(v[at] as i16),
            Indices::U16(v) => i64::from(v[at]),
            Indices::I8(v) => i64::from(v[at] as i8),
            Indices::U8(v) => i64::from(v[at]),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = i64> {
        (0..self.len()).map(move |at| self.get(at))
    }
}

fn form(cx: &PlanCx<'_>, step: impl Moves + 'static) -> Form {
    let reads: Option<Vec<_>> = ["x", "indices"].into_iter().map(|p| cx.id(p)).collect();
    match reads {
        Some(reads) => Form::Step(Planned { step: Box::new(step), reads, scratch: 0 }),
        None => Form::Reference,
    }
}

struct GatherRows(Rows);

impl Kernel for Gather {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, GatherRows(self.rows.clone()))
    }
}

impl Kernel for GatherNd {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, GatherRows(self.rows.clone()))
    }
}

impl Moves for GatherRows {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let Rows { batch, outer, ref sizes, inner, count, .. } = self.0;
        let (x, indices, to) = (io.read::<T>(0), Indices::of(io, 1), io.target(0));
        let (depth, rows) = (sizes.len(), self.0.rows());
        let total = batch * outer * count;
        let piece = (team.piece(total * inner, 1) / inner).max(1);
        team.run(total.div_ceil(piece), |task, _| {
            let first = task * piece;
            let number = piece.min(total - first);
            // SAFETY: each task has rows of its own.
            let to = unsafe { to.slice::<T>(first * inner, number * inner) };
            for (at, to) in (first..).zip(to.chunks_exact_mut(inner)) {
                let (slice, i) = (at / count, at % count);
                let tuple = (slice / outer * count + i) * depth;
                let row = self.0.row((tuple..tuple + depth).map(|at| indices.get(at)));
                to.copy_from_slice(&x[(slice * rows + row) * inner..][..inner]);
            }
        });
    }
}

struct GatherElements(Along);

impl Kernel for GatherAlongAxis {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, GatherElements(self.along.clone()))
    }
}

impl Moves for GatherElements {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let (x, indices) = (io.read::<T>(0), Indices::of(io, 1));
        let to = io.write::<T>(0);
        let piece = team.piece(to.len(), 1);
        team.chunks(to, piece, |start, to, _| {
            for (at, to) in (start..).zip(to) {
                *to = x[self.0.position(at, indices.get(at))];
            }
        });
    }
}
