//! Data movement: one step for every operation that a [`GatherMap`] describes, whatever the element type.
//!
//! While planning, axes that walk on where the next one ends become one, so that what is left says what kind of copy it is:
//! runs of memory, a transposition of two axes, or single elements.

mod blocks;

use super::Form;
use super::gather::Indices;
use crate::memory::{Io, Place, Stored};
use crate::plan::{Moves, PlanCx, Planned};
use crate::team::Team;
use anemone_ir::ops::movement::{GatherMap, Run};
use anemone_ir::ops::slice::Begin;
use anemone_ir::reference::to_f16;
use anemone_ir::{DType, ValueId};
pub(super) use blocks::{Cut, Joined};

/// Rows and columns of a block that is transposed in registers.
const BLOCK: usize = 16;
/// Columns below which a row is too short to be copied by itself.
const NARROW: usize = 8;
/// Rows of narrow columns that are filled while they are in the first-level cache.
const STRIP: usize = 512;

/// The form of an operation that moves elements of `x`; `fill` stands where none comes from.
pub(super) fn form(cx: &PlanCx<'_>, map: &GatherMap, fill: f64) -> Form {
    let Some(x) = cx.id("x") else { return Form::Reference };
    let (axes, base) = merge(map);
    let identity = match &axes[..] {
        [] => true,
        [axis] => matches!(axis[..], [Run { source: Some((0, 1)), .. }]),
        _ => false,
    };
    if identity && base == 0 && map.elements() == cx.ty(x).dims.elements() {
        return Form::View(x);
    }
    let fill = match cx.storage(x) {
        DType::Fp16 => u32::from(to_f16(fill).to_bits()),
        // Only floats are padded.
        _ => (fill as f32).to_bits(),
    };
    let step = Movement::new(axes, base, fill.to_ne_bytes());
    Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 0 })
}

/// The form of an operation that moves elements of `x` from a position on that `begin` says at run time.
pub(super) fn form_from(cx: &PlanCx<'_>, map: &GatherMap, begin: &Begin, at: ValueId) -> Form {
    let Some(x) = cx.id("x") else { return Form::Reference };
    let (axes, base) = merge(map);
    let step = Movement { begin: Some(begin.clone()), ..Movement::new(axes, base, [0; 4]) };
    Form::Step(Planned { step: Box::new(step), reads: vec![x, at], scratch: 0 })
}

/// The axes of a map, those that walk as one merged, and what they all add to.
fn merge(map: &GatherMap) -> (Vec<Vec<Run>>, usize) {
    let (mut axes, mut base): (Vec<Vec<Run>>, usize) = (Vec::new(), 0);
    for runs in &map.axes {
        let runs = join(runs);
        if let [Run { count: 1, source: Some((first, _)) }] = runs[..] {
            base += first;
            continue;
        }
        let merged = match (&runs[..], axes.last()) {
            ([Run { count, source: Some((first, step)) }], Some(outer)) => within(outer, *count, *first, *step),
            _ => None,
        };
        match (merged, axes.last_mut()) {
            (Some(merged), Some(outer)) => *outer = merged,
            _ => axes.push(runs),
        }
    }
    (axes, base)
}

/// Neighbouring runs of an axis that walk as one, merged.
fn join(runs: &[Run]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    for run in runs {
        if let (Some(Run { count, source: Some((first, step)) }), Some((next, next_step))) =
            (out.last_mut(), run.source)
        {
            let joint = if *count == 1 { next as isize - *first as isize } else { *step };
            let goes_on = next as isize == *first as isize + *count as isize * joint;
            if goes_on && (run.count == 1 || next_step == joint) {
                (*count, *step) = (*count + run.count, joint);
                continue;
            }
        }
        out.push(*run);
    }
    out
}

/// The runs of an axis whose every index is followed by `count` indices of another, if they walk as one.
fn within(outer: &[Run], count: usize, first: usize, step: isize) -> Option<Vec<Run>> {
    let merged = |run: &Run| {
        let source = match run.source {
            None => None,
            Some((at, by)) if run.count == 1 || by == count as isize * step => Some((at + first, step)),
            Some(_) => return None,
        };
        Some(Run { count: run.count * count, source })
    };
    outer.iter().map(merged).collect()
}

/// An axis of the result.
struct Axis {
    runs: Vec<Run>,
    /// The first index of each run.
    firsts: Vec<usize>,
    count: usize,
    /// Elements of the result from one index to the next.
    stride: usize,
}

impl Axis {
    fn new(runs: Vec<Run>, stride: usize) -> Axis {
        let (mut firsts, mut count) = (Vec::with_capacity(runs.len()), 0);
        for run in &runs {
            firsts.push(count);
            count += run.count;
        }
        Axis { runs, firsts, count, stride }
    }

    /// What it adds for an index; `None` fills.
    fn source(&self, index: usize) -> Option<usize> {
        let run = self.firsts.partition_point(|first| *first <= index) - 1;
        let (first, step) = self.runs[run].source?;
        Some(first.wrapping_add_signed((index - self.firsts[run]) as isize * step))
    }

    /// How it steps, if it is one run.
    fn step(&self) -> Option<isize> {
        match self.runs[..] {
            [Run { source: Some((_, step)), .. }] => Some(step),
            _ => None,
        }
    }

    /// The parts of its runs among `count` indices from `from` on: the first index, and the part.
    fn parts(&self, from: usize, count: usize) -> impl Iterator<Item = (usize, Run)> + '_ {
        let first = self.firsts.partition_point(|first| *first <= from) - 1;
        let end = from + count;
        let runs = self.runs[first..].iter().zip(&self.firsts[first..]);
        runs.take_while(move |(_, first)| **first < end).map(move |(run, first)| {
            let low = from.max(*first);
            let source = run.source.map(|(at, by)| (at.wrapping_add_signed((low - first) as isize * by), by));
            (low, Run { count: (first + run.count).min(end) - low, source })
        })
    }
}

/// A copy of rows and columns, for each index of the outer axes. Columns are the last axis of the result; rows are the axis
/// before it or, if the columns do not lie one after the other but those of another axis do, that one.
struct Movement {
    outer: Vec<Axis>,
    rows: Axis,
    columns: Axis,
    base: usize,
    /// Where the second operand says that `x` begins.
    begin: Option<Begin>,
    fill: [u8; 4],
    elements: usize,
}

impl Movement {
    fn new(axes: Vec<Vec<Run>>, base: usize, fill: [u8; 4]) -> Movement {
        let mut elements = 1;
        let mut outer: Vec<Axis> = Vec::with_capacity(axes.len());
        for runs in axes.into_iter().rev() {
            let axis = Axis::new(runs, elements);
            elements *= axis.count;
            outer.push(axis);
        }
        outer.reverse();
        let one = || Axis::new(vec![Run { count: 1, source: Some((0, 0)) }], elements);
        let columns = outer.pop().unwrap_or_else(one);
        let straight = matches!(columns.step(), None | Some(0 | 1));
        let walks = if straight { None } else { outer.iter().rposition(|axis| axis.step() == Some(1)) };
        let rows = match walks {
            Some(at) => outer.remove(at),
            None => outer.pop().unwrap_or_else(one),
        };
        Movement { outer, rows, columns, base, begin: None, fill, elements }
    }

    /// Copies `count` rows from `first` on, for a row-major position on the outer axes.
    ///
    /// # Safety
    /// As [`Copy::rectangle`].
    unsafe fn plane<T: Stored>(&self, copy: &Copy<'_, T>, at: usize, first: usize, count: usize) {
        let (mut source, mut target, mut rest) = (Some(self.base), 0, at);
        for axis in self.outer.iter().rev() {
            let index = rest % axis.count;
            rest /= axis.count;
            target += index * axis.stride;
            source = source.zip(axis.source(index)).map(|(a, b)| a + b);
        }
        for (row, rows) in self.rows.parts(first, count) {
            for (columns, column) in self.columns.runs.iter().zip(&self.columns.firsts) {
                let from = source.zip(rows.source).zip(columns.source);
                let rectangle = Rectangle {
                    target: target + row * self.rows.stride + column,
                    stride: self.rows.stride,
                    rows: rows.count,
                    columns: columns.count,
                    source: from.map(|((a, (b, row)), (c, column))| Source { first: a + b + c, row, column }),
                };
                // SAFETY: a part of these rows; the caller's.
                unsafe { copy.rectangle(&rectangle) };
            }
        }
    }
}

impl Moves for Movement {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let fill = bytemuck::pod_read_unaligned(&self.fill[..size_of::<T>()]);
        let first = self.begin.as_ref().map_or(0, |begin| begin.position(Indices::of(io, 1).iter()));
        let copy = Copy::<T> { from: &io.read(0)[first..], to: io.target(0), fill };
        let rows = self.elements / self.columns.count;
        let piece = (team.piece(self.elements, 1) / self.columns.count).max(1).next_multiple_of(BLOCK);
        team.run(rows.div_ceil(piece), |task, _| {
            let mut at = task * piece;
            let end = (at + piece).min(rows);
            while at < end {
                let first = at % self.rows.count;
                let count = (self.rows.count - first).min(end - at);
                // SAFETY: each task has rows of its own.
                unsafe { self.plane(&copy, at / self.rows.count, first, count) };
                at += count;
            }
        });
    }
}

/// Where the elements of a rectangle come from: the first, and how far it is to the next row and the next column.
#[derive(Clone, Copy)]
struct Source {
    first: usize,
    row: isize,
    column: isize,
}

impl Source {
    fn at(&self, row: usize, column: usize) -> usize {
        self.first.wrapping_add_signed(row as isize * self.row + column as isize * self.column)
    }
}

/// Rows of the result, `stride` apart, from `target` on.
struct Rectangle {
    target: usize,
    stride: usize,
    rows: usize,
    columns: usize,
    source: Option<Source>,
}

struct Copy<'a, T> {
    from: &'a [T],
    to: Place,
    fill: T,
}

impl<T: Stored> Copy<'_, T> {
    /// Fills a rectangle of the result.
    ///
    /// # Safety
    /// Nobody else touches its elements meanwhile.
    unsafe fn rectangle(&self, r: &Rectangle) {
        // SAFETY: rows of the rectangle; the caller's.
        let row = |row: usize, column, len| unsafe { self.to.slice::<T>(r.target + row * r.stride + column, len) };
        let Some(source) = r.source else {
            (0..r.rows).for_each(|i| row(i, 0, r.columns).fill(self.fill));
            return;
        };
        if r.columns < NARROW && r.stride == r.columns {
            for first in (0..r.rows).step_by(STRIP) {
                let count = STRIP.min(r.rows - first);
                self.narrow(
                    Source { first: source.at(first, 0), ..source },
                    r.columns,
                    row(first, 0, count * r.columns),
                );
            }
        } else if source.column == 1 {
            for i in 0..r.rows {
                row(i, 0, r.columns).copy_from_slice(&self.from[source.at(i, 0)..][..r.columns]);
            }
        } else if source.row == 1 && source.column > 1 {
            self.transpose(source, r.rows, r.columns, row);
        } else {
            (0..r.rows).for_each(|i| self.gather(source.at(i, 0), source.column, row(i, 0, r.columns)));
        }
    }

    /// Elements `step` apart.
    fn gather(&self, first: usize, step: isize, to: &mut [T]) {
        if step == 0 {
            return to.fill(self.from[first]);
        }
        to.iter_mut().zip(0..).for_each(|(to, i)| *to = self.from[first.wrapping_add_signed(i * step)]);
    }

    /// Rows of a few columns that lie one after the other: column by column.
    fn narrow(&self, source: Source, columns: usize, to: &mut [T]) {
        for column in 0..columns {
            let first = source.at(0, column);
            let to = to.chunks_exact_mut(columns).map(|row| &mut row[column]);
            if source.row == 1 {
                to.zip(&self.from[first..]).for_each(|(to, x)| *to = *x);
            } else {
                to.zip(0..).for_each(|(to, i)| *to = self.from[first.wrapping_add_signed(i * source.row)]);
            }
        }
    }

    /// Rows and columns exchanged: columns of the operand lie one after the other.
    fn transpose<'t>(
        &self,
        source: Source,
        rows: usize,
        columns: usize,
        row: impl Fn(usize, usize, usize) -> &'t mut [T],
    ) where
        T: 't,
    {
        let mut block = [[self.fill; BLOCK]; BLOCK];
        let whole = (rows / BLOCK * BLOCK, columns / BLOCK * BLOCK);
        for i in (0..whole.0).step_by(BLOCK) {
            for j in (0..whole.1).step_by(BLOCK) {
                for column in 0..BLOCK {
                    let from = &self.from[source.at(i, j + column)..][..BLOCK];
                    for (to, x) in block.iter_mut().zip(from) {
                        to[column] = *x;
                    }
                }
                for (from, k) in block.iter().zip(0..) {
                    row(i + k, j, BLOCK).copy_from_slice(from);
                }
            }
            for k in i..i + BLOCK {
                self.gather(source.at(k, whole.1), source.column, row(k, whole.1, columns - whole.1));
            }
        }
        (whole.0..rows).for_each(|i| self.gather(source.at(i, 0), source.column, row(i, 0, columns)));
    }
}

#[cfg(test)]
mod tests;
