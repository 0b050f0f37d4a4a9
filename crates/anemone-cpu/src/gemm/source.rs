//! Operands that lie in memory as matrices.

use super::{Columns, PANEL, PackA, PackB};
use crate::chain::position;
use crate::memory::Values;
use anemone_simd::Level;

/// A matrix whose element `(i, j)` lies at `start + i * row + j * column`; one of the steps is 1.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    pub(crate) data: Values<'a>,
    pub(crate) start: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
    /// Rows there are.
    pub(crate) rows: usize,
}

/// Elements that are widened at a time on the way to a transposed panel.
const CHUNK: usize = 64;

impl Strided<'_> {
    /// Row `i`, elements `from ..`, to every `stride`-th place of `to`.
    fn scatter_row(&self, level: Level, i: usize, from: usize, count: usize, stride: usize, to: &mut [f32]) {
        let mut buffer = [0.0; CHUNK];
        let mut done = 0;
        while done < count {
            let buffer = &mut buffer[..CHUNK.min(count - done)];
            if self.column == 1 {
                self.data.load(level, self.start + i * self.row + from + done, buffer);
            } else {
                for (j, x) in buffer.iter_mut().enumerate() {
                    *x = self.data.get(self.start + i * self.row + (from + done + j) * self.column);
                }
            }
            for (x, to) in buffer.iter().zip(to[done * stride..].iter_mut().step_by(stride)) {
                *to = *x;
            }
            done += buffer.len();
        }
    }
}

/// A stack of matrices of one form.
pub(crate) struct Matrices<'a> {
    /// The axes of the stack, outermost first: `(size, elements from one matrix to the next)`.
    pub(crate) stack: &'a [(usize, usize)],
    pub(crate) form: Strided<'a>,
}

impl Matrices<'_> {
    fn at(&self, batch: usize) -> Strided<'_> {
        Strided { start: self.form.start + position(self.stack, batch), ..self.form }
    }
}

impl PackA for Matrices<'_> {
    fn pack(&self, level: Level, batch: usize, row: usize, k: usize, count: usize, to: &mut [f32]) {
        let m = self.at(batch);
        let rows = PANEL.min(m.rows - row.min(m.rows));
        if rows < PANEL {
            to[..count * PANEL].fill(0.0);
        }
        if m.row == 1 {
            for (step, column) in to.chunks_exact_mut(PANEL).enumerate().take(count) {
                m.data.load(level, m.start + row + (k + step) * m.column, &mut column[..rows]);
            }
        } else {
            for i in 0..rows {
                m.scatter_row(level, row + i, k, count, PANEL, &mut to[i..]);
            }
        }
    }
}

impl PackB for Matrices<'_> {
    fn pack(&self, level: Level, batch: usize, k: usize, count: usize, columns: Columns, to: &mut [f32]) {
        let m = self.at(batch);
        let Columns { first, count: width, stride } = columns;
        if m.column == 1 {
            for (step, row) in to.chunks_exact_mut(stride).enumerate().take(count) {
                m.data.load(level, m.start + (k + step) * m.row + first, &mut row[..width]);
            }
        } else {
            // The transpose has contiguous rows: its rows are the columns wanted here.
            let transposed = Strided { row: m.column, column: m.row, ..m };
            for j in 0..width {
                transposed.scatter_row(level, first + j, k, count, stride, &mut to[j..]);
            }
        }
    }
}
