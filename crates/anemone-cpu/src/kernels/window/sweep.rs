//! Folding the elements under a window, row by row of the result, with vectors along the row.

use super::{Axis, Element, Space, copy};
use crate::chain::Piece;
use crate::memory::Values;
use crate::plan::Out;
use crate::team::Team;
use anemone_simd::{Level, Simd, WithSimd, dispatch};
use std::ops::Range;

/// Elements of the result in a task: partial results stay in the first-level cache.
const BLOCK: usize = 2048;
/// What may be written behind the last element.
const SLACK: usize = 16;
/// Elements that are brought together at a time where the window moves by more than one.
const GATHER: usize = 64;

/// What becomes of the elements under a window. Elements outside of the input take no part.
pub(crate) trait Fold: Sync {
    /// What the fold begins with.
    const START: f32;

    /// The weights of a plane of the result, one for each channel and tap; `to` is empty if the sweep has none.
    fn weights(&self, level: Level, plane: usize, to: &mut [f32]) {
        let _ = (level, plane, to);
    }

    /// Takes one element more.
    fn step<S: Simd>(s: S, acc: S::V, x: S::V, weight: S::V) -> S::V;

    /// Finishes elements of a row of the result, from `column` on. A row is given by its plane and its positions on the
    /// outer axes.
    fn finish(&self, plane: usize, row: [usize; 2], column: usize, values: &mut [f32]);
}

/// A window that sweeps over planes. Each plane of the result sees the same number of planes of the input, its channels;
/// `sharing` planes of the result that follow each other see the same channels.
pub(crate) struct Sweep<'a> {
    pub(crate) space: &'a Space,
    pub(crate) planes: usize,
    pub(crate) channels: usize,
    pub(crate) sharing: usize,
    /// Weights of a plane of the result.
    pub(crate) weights: usize,
}

/// Elements of scratch that a sweep with so many weights to a plane needs.
pub(crate) fn sweep_scratch(weights: usize) -> usize {
    BLOCK + SLACK + weights
}

impl Sweep<'_> {
    /// Folds, in the order channel, then taps row-major, and hands the results on.
    pub(crate) fn run<F: Fold>(&self, team: &Team<'_>, x: Values<'_>, fold: &F, out: &Out<'_>) {
        let [outer, middle, inner] = &self.space.axes;
        let (level, width) = (team.level, inner.output);
        let (columns, rows) = (width.min(BLOCK), (BLOCK / width).max(1));
        let (all_rows, pieces) = (self.planes * outer.output * middle.output, width.div_ceil(columns));
        team.run(all_rows.div_ceil(rows) * pieces, |task, scratch| {
            let (row, column) = (task / pieces * rows, task % pieces * columns);
            let (rows, columns) = (rows.min(all_rows - row), columns.min(width - column));
            let (for_out, scratch) = scratch.split_at_mut(out.scratch());
            let (weights, scratch) = scratch.split_at_mut(self.weights);
            let acc = &mut scratch[..rows * columns + SLACK];
            acc.fill(F::START);
            let part = Part { row, rows, columns: column..column + columns };
            match x {
                Values::F16(data) => dispatch(level, Rows { sweep: self, level, part, data, fold, weights, acc }),
                Values::F32(data) => dispatch(level, Rows { sweep: self, level, part, data, fold, weights, acc }),
                Values::Bool(_) => unreachable!("windows slide over floats"),
            }
            for (i, values) in acc[..rows * columns].chunks_exact_mut(columns).enumerate() {
                let (plane, at) = self.position(row + i);
                fold.finish(plane, at, column, values);
            }
            let piece = Piece { start: row * width + column, rows, width: columns, step: width };
            // SAFETY: each task has rows, or a piece of a row, of its own.
            unsafe { out.put(piece, &acc[..rows * columns], columns, for_out) };
        });
    }

    /// The plane of a row of the result, and the row's positions on the outer axes.
    fn position(&self, row: usize) -> (usize, [usize; 2]) {
        let [outer, middle, _] = &self.space.axes;
        let (rest, at) = (row / middle.output, row % middle.output);
        (rest / outer.output, [rest % outer.output, at])
    }
}

/// Rows, or a piece of a row, of the result.
struct Part {
    row: usize,
    rows: usize,
    columns: Range<usize>,
}

struct Rows<'a, T, F> {
    sweep: &'a Sweep<'a>,
    level: Level,
    part: Part,
    data: &'a [T],
    fold: &'a F,
    weights: &'a mut [f32],
    acc: &'a mut [f32],
}

impl<T: Element, F: Fold> WithSimd for Rows<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows { sweep, level, part, data, fold, weights, acc } = self;
        let [outer, middle, inner] = &sweep.space.axes;
        let input = sweep.space.input();
        let width = part.columns.len();
        let mut loaded = None;
        for i in 0..part.rows {
            let (plane, [at0, at1]) = sweep.position(part.row + i);
            if sweep.weights > 0 && loaded.replace(plane) != Some(plane) {
                fold.weights(level, plane, weights);
            }
            let acc = &mut acc[i * width..];
            let mut k = 0;
            for channel in 0..sweep.channels {
                let first = (plane / sweep.sharing * sweep.channels + channel) * input;
                for t0 in 0..outer.taps.len() {
                    let Some(e0) = outer.inside(t0, at0) else {
                        k += middle.taps.len() * inner.taps.len();
                        continue;
                    };
                    for t1 in 0..middle.taps.len() {
                        if let Some(e1) = middle.inside(t1, at1) {
                            let line = &data[first + (e0 * middle.input + e1) * inner.input..];
                            let weights = weights.get(k..).unwrap_or(&[]);
                            row::<S, T, F>(s, inner, line, &part.columns, weights, acc);
                        }
                        k += inner.taps.len();
                    }
                }
            }
        }
    }
}

/// Folds a row of the input into a row of the result.
#[inline(always)]
fn row<S: Simd, T: Element, F: Fold>(
    s: S,
    axis: &Axis,
    line: &[T],
    columns: &Range<usize>,
    weights: &[f32],
    acc: &mut [f32],
) {
    for (i, tap) in axis.taps.iter().enumerate() {
        let (low, high) = (tap.inside.start.max(columns.start), tap.inside.end.min(columns.end));
        if low >= high {
            continue;
        }
        let weight = s.splat(weights.get(i).copied().unwrap_or(0.0));
        let (from, acc) = (&line[axis.element(tap, low)..], &mut acc[low - columns.start..]);
        if axis.stride == 1 {
            fold::<S, T, F>(s, from, weight, high - low, acc);
            continue;
        }
        let mut together = [0.0; GATHER];
        for start in (0..high - low).step_by(GATHER) {
            let count = GATHER.min(high - low - start);
            copy(s, &from[start * axis.stride..], axis.stride, count, &mut together);
            fold::<S, f32, F>(s, &together, weight, count, &mut acc[start..]);
        }
    }
}

/// Folds `count` elements; `acc` has room for a vector behind them.
#[inline(always)]
fn fold<S: Simd, T: Element, F: Fold>(s: S, from: &[T], weight: S::V, count: usize, acc: &mut [f32]) {
    const NUMBERS: [f32; 16] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
    let whole = count / S::LANES * S::LANES;
    for (x, acc) in from[..whole].chunks_exact(S::LANES).zip(acc.chunks_exact_mut(S::LANES)) {
        s.store(F::step(s, s.load(acc), T::load(s, x), weight), acc);
    }
    let rest = count - whole;
    if rest == 0 {
        return;
    }
    let (from, acc) = (&from[whole..], &mut acc[whole..]);
    let x = if from.len() >= S::LANES {
        T::load(s, from)
    } else {
        let mut padded = [T::ZERO; 16];
        padded[..rest].copy_from_slice(&from[..rest]);
        T::load(s, &padded)
    };
    let old = s.load(acc);
    let wanted = s.lt(s.load(&NUMBERS), s.splat(rest as f32));
    s.store(s.select(wanted, F::step(s, old, x, weight), old), acc);
}
