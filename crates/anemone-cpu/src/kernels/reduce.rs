//! Reductions. A group's result depends on its elements in their row-major order among the reduced axes, see
//! [`super::groups`]; integers are left to the reference.

use super::groups::Groups;
use super::{Form, Kernel};
use crate::chain::Piece;
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::reduce::*;
use anemone_simd::map::{self, Keep};
use anemone_simd::reduce::{self, PARTIALS, Reduction};
use anemone_simd::{Level, Unary, normal};

/// What is done with the outcome of a reduction.
#[derive(Clone, Copy, PartialEq)]
enum Finish {
    None,
    Mean,
    Sqrt,
    Log,
    /// The sum is one of exponentials, less the largest element.
    LogOfExp,
}

macro_rules! reduction_kernels {
    ($($Type:ty => $reduction:ident, $finish:ident;)*) => {$(
        impl Kernel for $Type {
            fn form(&self, cx: &PlanCx<'_>) -> Form {
                form(cx, &self.axes.axes, Reduction::$reduction, Finish::$finish)
            }
        }
    )*};
}
reduction_kernels! {
    ReduceSum => Sum, None;
    ReduceMean => Sum, Mean;
    ReduceMin => Min, None;
    ReduceMax => Max, None;
    ReduceProd => Product, None;
    ReduceL1Norm => SumAbs, None;
    ReduceSumSquare => SumSquare, None;
    ReduceL2Norm => SumSquare, Sqrt;
    ReduceLogSum => Sum, Log;
    ReduceLogSumExp => Sum, LogOfExp;
}

/// Elements of a group that are read at a time; a multiple of [`PARTIALS`].
const CHUNK: usize = 1024;
/// Results that are handed on at a time.
const RESULTS: usize = 128;

fn form(cx: &PlanCx<'_>, axes: &[usize], reduction: Reduction, finish: Finish) -> Form {
    let Some(x) = cx.id("x").filter(|id| cx.computes_as_float(*id)) else { return Form::Reference };
    let groups = Groups::new(&cx.ty(x).dims, axes);
    let lanes = RESULTS.min(groups.columns);
    // Results and the largest elements; then what is read, and for columns partial results and shifts.
    let work = if groups.columns == 1 { CHUNK } else { 3 * PARTIALS * lanes };
    let step = Reduce { groups, reduction, finish, lanes };
    Form::Source(Planned { step: Box::new(step), reads: vec![x], scratch: 2 * RESULTS + work })
}

struct Reduce {
    groups: Groups,
    reduction: Reduction,
    finish: Finish,
    /// Columns that are reduced at a time.
    lanes: usize,
}

impl Source for Reduce {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let x = io.values(0);
        let Groups { outer, columns, count, .. } = self.groups;
        let elements = outer * columns * count;
        if columns == 1 {
            let piece = (team.piece(elements, 1) / count).clamp(1, outer);
            return team.run(outer.div_ceil(piece), |task, scratch| {
                let end = (task * piece + piece).min(outer);
                for first in (task * piece..end).step_by(RESULTS) {
                    self.rows(team.level, &x, first, RESULTS.min(end - first), out, scratch);
                }
            });
        }
        let tiles = columns.div_ceil(self.lanes);
        let piece = (team.piece(elements, 1) / (count * self.lanes)).clamp(1, outer * tiles);
        team.run((outer * tiles).div_ceil(piece), |task, scratch| {
            for tile in task * piece..(task * piece + piece).min(outer * tiles) {
                self.columns(team.level, &x, (tile / tiles, tile % tiles * self.lanes), out, scratch);
            }
        });
    }
}

impl Reduce {
    /// Reduces `number` groups of rows.
    fn rows(&self, level: Level, x: &Values<'_>, first: usize, number: usize, out: &Out<'_>, scratch: &mut [f32]) {
        let (put, scratch) = scratch.split_at_mut(out.scratch());
        let (results, scratch) = scratch.split_at_mut(RESULTS);
        let (largest, scratch) = scratch.split_at_mut(RESULTS);
        let (results, largest) = (&mut results[..number], &mut largest[..number]);
        let mut each = |group: usize, f: &mut dyn FnMut(&mut [f32])| {
            for at in (0..self.groups.count).step_by(CHUNK) {
                let chunk = &mut scratch[..CHUNK.min(self.groups.count - at)];
                self.groups.load_row(level, x, group, at, chunk);
                f(chunk);
            }
        };
        for ((result, largest), group) in results.iter_mut().zip(&mut *largest).zip(first..) {
            let mut total = |reduction: Reduction| {
                let mut partials = [reduction.identity(); PARTIALS];
                each(group, &mut |chunk| reduce::extend(level, reduction, chunk, &mut partials));
                reduce::fold(level, reduction, &mut partials, 1);
                partials[0]
            };
            if self.finish == Finish::LogOfExp {
                *largest = total(Reduction::Max);
                let mut sums = [0.0; PARTIALS];
                each(group, &mut |chunk| normal::exp_sum(level, chunk, &[*largest; PARTIALS], &mut sums));
                reduce::fold(level, Reduction::Sum, &mut sums, 1);
                *result = sums[0];
            } else {
                *result = total(self.reduction);
            }
        }
        self.finish(level, results, largest);
        let piece = Piece { start: first, rows: 1, width: number, step: number };
        // SAFETY: each group's result is put once, here.
        unsafe { out.put(piece, results, number, put) };
    }

    /// Reduces groups side by side: those from a column on, as many as are reduced at a time.
    fn columns(&self, level: Level, x: &Values<'_>, (outer, lane): (usize, usize), out: &Out<'_>, scratch: &mut [f32]) {
        let lanes = self.lanes.min(self.groups.columns - lane);
        let (put, scratch) = scratch.split_at_mut(out.scratch());
        let (results, scratch) = scratch.split_at_mut(RESULTS);
        let (largest, scratch) = scratch.split_at_mut(RESULTS);
        let (partials, scratch) = scratch.split_at_mut(PARTIALS * lanes);
        let (chunk, scratch) = scratch.split_at_mut(PARTIALS * lanes);
        let shifts = &mut scratch[..PARTIALS * lanes];
        let (results, largest) = (&mut results[..lanes], &mut largest[..lanes]);
        let mut each = |f: &mut dyn FnMut(&mut [f32])| {
            for at in (0..self.groups.count).step_by(PARTIALS) {
                let rows = PARTIALS.min(self.groups.count - at);
                let chunk = &mut chunk[..rows * lanes];
                self.groups.load_columns(level, x, (outer, lane), at, lanes, chunk);
                f(chunk);
            }
        };
        let mut total = |reduction: Reduction, to: &mut [f32]| {
            partials.fill(reduction.identity());
            each(&mut |chunk| reduce::accumulate(level, reduction, chunk, partials, lanes, 0));
            reduce::fold(level, reduction, partials, lanes);
            to.copy_from_slice(&partials[..lanes]);
        };
        if self.finish == Finish::LogOfExp {
            total(Reduction::Max, largest);
            shifts.chunks_exact_mut(lanes).for_each(|row| row.copy_from_slice(largest));
            partials.fill(0.0);
            each(&mut |chunk| normal::exp_sum(level, chunk, shifts, partials));
            reduce::fold(level, Reduction::Sum, partials, lanes);
            results.copy_from_slice(&partials[..lanes]);
        } else {
            total(self.reduction, results);
        }
        self.finish(level, results, largest);
        let piece = Piece { start: outer * self.groups.columns + lane, rows: 1, width: lanes, step: lanes };
        // SAFETY: each group's result is put once, here.
        unsafe { out.put(piece, results, lanes, put) };
    }

    fn finish(&self, level: Level, results: &mut [f32], largest: &[f32]) {
        match self.finish {
            Finish::None => {}
            Finish::Mean => results.iter_mut().for_each(|x| *x /= self.groups.count as f32),
            Finish::Sqrt => map::unary(level, Unary::Sqrt, results, Keep::F32),
            Finish::Log => map::unary(level, Unary::Log(0.0), results, Keep::F32),
            Finish::LogOfExp => {
                map::unary(level, Unary::Log(0.0), results, Keep::F32);
                for (x, largest) in results.iter_mut().zip(largest) {
                    // An infinite or undefined largest element decides alone.
                    *x = if largest.is_finite() { *x + largest } else { *largest };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
