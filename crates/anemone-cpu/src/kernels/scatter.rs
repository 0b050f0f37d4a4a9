//! Elements put where indices say. Replaced elements are moved as memory. For sums and the like, which are rounded when all
//! updates have been made, pieces of the result are worked on in `f64`, as the reference does, so that the bits are its own.

use super::gather::Indices;
use super::{Form, Kernel};
use crate::memory::{Io, Stored};
use crate::plan::{Moves, PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::DType;
use anemone_ir::ops::gather::{Along, Rows};
use anemone_ir::ops::scatter::*;
use anemone_ir::reference::to_f16;
use half::f16;

/// Elements of the result that are worked on at a time.
const PIECE: usize = 8192;

/// Where updates go.
#[derive(Clone)]
enum Places {
    Rows(Rows),
    Elements(Along),
}

impl Places {
    /// Calls `run` for updates in their order, as many as lie one after the other: where the first is among the updates,
    /// where it goes, and how many.
    fn visit(&self, indices: Indices<'_>, mut run: impl FnMut(usize, usize, usize)) {
        match self {
            Places::Rows(rows) => {
                let (depth, slice) = (rows.sizes.len(), rows.rows());
                for at in 0..rows.outer * rows.count {
                    let (outer, tuple) = (at / rows.count, at % rows.count * depth);
                    let row = outer * slice + rows.row((tuple..tuple + depth).map(|at| indices.get(at)));
                    run(at * rows.inner, row * rows.inner, rows.inner);
                }
            }
            Places::Elements(along) => {
                indices.iter().enumerate().for_each(|(at, index)| run(at, along.position(at, index), 1));
            }
        }
    }
}

fn form(cx: &PlanCx<'_>, places: Places, mode: Mode) -> Form {
    let reads: Option<Vec<_>> = ["data", "indices", "updates"].into_iter().map(|p| cx.id(p)).collect();
    let Some(reads) = reads else { return Form::Reference };
    match mode {
        Mode::Update => Form::Step(Planned { step: Box::new(Replace(places)), reads, scratch: 0 }),
        // Two singles of scratch hold a double.
        mode => Form::Step(Planned { step: Box::new(Combine { places, mode }), reads, scratch: 2 * PIECE }),
    }
}

impl Kernel for Scatter {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Places::Rows(self.scatter.rows.clone()), self.scatter.mode)
    }
}

impl Kernel for ScatterNd {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Places::Rows(self.scatter.rows.clone()), self.scatter.mode)
    }
}

impl Kernel for ScatterAlongAxis {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Places::Elements(self.along.clone()), self.mode)
    }
}

struct Replace(Places);

impl Moves for Replace {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let (data, indices, updates) = (io.read::<T>(0), Indices::of(io, 1), io.read::<T>(2));
        let to = io.write::<T>(0);
        let piece = team.piece(to.len(), 1);
        team.chunks(to, piece, |start, to, _| to.copy_from_slice(&data[start..][..to.len()]));
        // Of updates that meet the last counts, so that they are made in their order.
        self.0.visit(indices, |from, at, count| to[at..][..count].copy_from_slice(&updates[from..][..count]));
    }
}

struct Combine {
    places: Places,
    mode: Mode,
}

impl Step for Combine {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match io.dtype(0) {
            DType::Fp16 => self.combine::<f16>(io, team, f16::to_f64, to_f16),
            DType::Fp32 => self.combine::<f32>(io, team, f64::from, |x| x as f32),
            DType::Int32 => self.combine::<i32>(io, team, f64::from, |x| x as i64 as i32),
            other => unreachable!("{other} is not scattered"),
        }
    }
}

impl Combine {
    fn combine<T: Stored>(
        &self,
        io: &mut Io<'_>,
        team: &Team<'_>,
        widen: impl Fn(T) -> f64 + Sync,
        round: impl Fn(f64) -> T + Sync,
    ) {
        let (data, indices, updates) = (io.read::<T>(0), Indices::of(io, 1), io.read::<T>(2));
        let integer = io.dtype(0) == DType::Int32;
        team.chunks(io.write::<T>(0), PIECE, |start, to, scratch| {
            let numbers: &mut [f64] = bytemuck::cast_slice_mut(&mut scratch[..2 * PIECE]);
            let numbers = &mut numbers[..to.len()];
            numbers.iter_mut().zip(&data[start..]).for_each(|(to, x)| *to = widen(*x));
            let end = start + numbers.len();
            self.places.visit(indices, |from, at, count| {
                // What of the update falls into this piece.
                let (low, high) = (at.max(start), (at + count).min(end));
                for at_in in low..high {
                    let update = widen(updates[from + at_in - at]);
                    let number = &mut numbers[at_in - start];
                    *number = self.mode.apply(integer, *number, update);
                }
            });
            to.iter_mut().zip(numbers).for_each(|(to, x)| *to = round(*x));
        });
    }
}
