//! Products by an equation: one letter of rows, one of columns, one that is summed, and any number that both operands and the
//! result have, make a stack of matrix products. Other equations are left to the reference.

use super::{Form, Kernel};
use crate::chain::{Piece, position};
use crate::gemm::{self, Matrices, Sink, Size, Strided, Tile};
use crate::memory::Io;
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::einsum::{Einsum, EinsumAxis};

/// How far it is to the next row and column of an operand's matrices, and how they are stacked.
type Layout = (usize, usize, Vec<(usize, usize)>);

struct Products {
    size: Size,
    left: Layout,
    right: Layout,
    /// Whether the operands change sides: then columns of the result lie one after the other.
    swapped: bool,
    /// Elements of the result from one row to the next, and its stack.
    out: (usize, Vec<(usize, usize)>),
}

/// Letters that always follow each other the same way are one.
fn merge(axes: &[EinsumAxis]) -> Vec<EinsumAxis> {
    let mut merged: Vec<EinsumAxis> = Vec::new();
    for axis in axes.iter().filter(|axis| axis.size > 1) {
        let follows = |outer: usize, inner: usize| outer == inner * axis.size;
        match merged.last_mut() {
            Some(last) if follows(last.x, axis.x) && follows(last.y, axis.y) && follows(last.out, axis.out) => {
                *last = EinsumAxis { size: last.size * axis.size, ..*axis };
            }
            _ => merged.push(*axis),
        }
    }
    merged
}

impl Products {
    fn of(op: &Einsum) -> Option<Products> {
        let (kept, summed) = op.axes.split_at(op.kept);
        let summed = merge(summed);
        let one = EinsumAxis { size: 1, x: 1, y: 1, out: 1 };
        let k = match summed[..] {
            [] => one,
            [axis] if axis.x > 0 && axis.y > 0 => axis,
            _ => return None,
        };
        let kept = merge(kept);
        let of =
            |x: bool, y: bool| kept.iter().copied().filter(|a| (a.x > 0) == x && (a.y > 0) == y).collect::<Vec<_>>();
        let (rows, columns) = (of(true, false), of(false, true));
        if rows.len() > 1 || columns.len() > 1 {
            return None;
        }
        let (rows, columns) = (rows.first().copied(), columns.first().copied());
        // Letters of both operands, and of neither, are stacked.
        let stack: Vec<EinsumAxis> = kept.iter().copied().filter(|a| Some(*a) != rows && Some(*a) != columns).collect();
        // A missing letter has one index, whose step does not matter.
        let rows = rows.unwrap_or(EinsumAxis { out: if columns.is_some_and(|c| c.out > 1) { 1 } else { 0 }, ..one });
        let columns = columns.unwrap_or(EinsumAxis { out: if rows.out == 1 { 0 } else { 1 }, ..one });
        let swapped = match (rows.out, columns.out) {
            (_, 1) => false,
            (1, _) => true,
            _ => return None,
        };
        let stacked = |step: fn(&EinsumAxis) -> usize| stack.iter().map(|a| (a.size, step(a))).collect::<Vec<_>>();
        let x = (rows.x, k.x, stacked(|a| a.x));
        let y = (columns.y, k.y, stacked(|a| a.y));
        let (m, n) = if swapped { (columns, rows) } else { (rows, columns) };
        let (left, right) = if swapped { (y, x) } else { (x, y) };
        // The left operand's matrices are rows by the sum, the right one's the sum by columns.
        let right = (right.1, right.0, right.2);
        let one_steps = |(row, column, _): &Layout| *row == 1 || *column == 1;
        if !one_steps(&left) || !one_steps(&right) {
            return None;
        }
        if m.size.max(n.size) == 1 && k.size == 1 {
            return None;
        }
        let size = Size { batch: stack.iter().map(|a| a.size).product(), m: m.size, n: n.size, k: k.size };
        Some(Products { size, left, right, swapped, out: (m.out, stacked(|a| a.out)) })
    }
}

impl Kernel for Einsum {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let (Some(step), [x, y]) = (Products::of(self), cx.ids("values")) else { return Form::Reference };
        let reads = if step.swapped { vec![*y, *x] } else { vec![*x, *y] };
        let scratch = gemm::scratch(cx.level, step.size);
        Form::Source(Planned { step: Box::new(step), reads, scratch })
    }
}

/// Hands tiles on to where the result has them.
struct Spread<'a> {
    out: &'a Out<'a>,
    step: usize,
    stack: &'a [(usize, usize)],
}

impl Sink for Spread<'_> {
    fn scratch(&self) -> usize {
        self.out.scratch()
    }

    fn tile(&self, tile: Tile, values: &mut [f32], stride: usize, scratch: &mut [f32]) {
        let start = position(self.stack, tile.batch) + tile.row * self.step + tile.column;
        let piece = Piece { start, rows: tile.rows, width: tile.columns, step: self.step };
        // SAFETY: a product gives each element of its result in one tile.
        unsafe { self.out.put(piece, values, stride, scratch) };
    }
}

impl Source for Products {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let matrices = |read: usize, layout: &Layout, rows: usize| {
            let (row, column) = (layout.0, layout.1);
            Strided { data: io.values(read), start: 0, row, column, rows }
        };
        let a = Matrices { stack: &self.left.2, form: matrices(0, &self.left, self.size.m) };
        let b = Matrices { stack: &self.right.2, form: matrices(1, &self.right, self.size.k) };
        let (step, stack) = (self.out.0, &self.out.1[..]);
        gemm::run(team, self.size, &a, &b, &Spread { out, step, stack });
    }
}
