//! Operands that lie in memory as matrices.

use super::{PANEL, PackA, PackB};
use anemone_simd::{Level, half as halves};
use half::f16;

/// Elements of a stored matrix.
#[derive(Clone, Copy)]
pub(crate) enum Matrix<'a> {
    F16(&'a [f16]),
    F32(&'a [f32]),
}

impl Matrix<'_> {
    fn at(&self, i: usize) -> f32 {
        match self {
            Matrix::F16(d) => d[i].to_f32(),
            Matrix::F32(d) => d[i],
        }
    }

    /// Contiguous elements.
    fn copy(&self, level: Level, start: usize, to: &mut [f32]) {
        match self {
            Matrix::F16(d) => halves::to_f32(level, &d[start..][..to.len()], to),
            Matrix::F32(d) => to.copy_from_slice(&d[start..][..to.len()]),
        }
    }
}

/// A matrix whose element `(i, j)` lies at `start + i * row + j * column`; one of the steps is 1.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    pub(crate) data: Matrix<'a>,
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
                self.data.copy(level, self.start + i * self.row + from + done, buffer);
            } else {
                for (j, x) in buffer.iter_mut().enumerate() {
                    *x = self.data.at(self.start + i * self.row + (from + done + j) * self.column);
                }
            }
            for (x, to) in buffer.iter().zip(to[done * stride..].iter_mut().step_by(stride)) {
                *to = *x;
            }
            done += buffer.len();
        }
    }
}

impl PackA for Strided<'_> {
    fn pack(&self, level: Level, row: usize, k: usize, count: usize, to: &mut [f32]) {
        let rows = PANEL.min(self.rows - row.min(self.rows));
        if rows < PANEL {
            to[..count * PANEL].fill(0.0);
        }
        if self.row == 1 {
            for (step, column) in to.chunks_exact_mut(PANEL).enumerate().take(count) {
                self.data.copy(level, self.start + row + (k + step) * self.column, &mut column[..rows]);
            }
        } else {
            for i in 0..rows {
                self.scatter_row(level, row + i, k, count, PANEL, &mut to[i..]);
            }
        }
    }
}

impl PackB for Strided<'_> {
    fn pack(&self, level: Level, k: usize, count: usize, column: usize, width: usize, stride: usize, to: &mut [f32]) {
        if self.column == 1 {
            for (step, row) in to.chunks_exact_mut(stride).enumerate().take(count) {
                self.data.copy(level, self.start + (k + step) * self.row + column, &mut row[..width]);
            }
        } else {
            // The transpose has contiguous rows: its rows are the columns wanted here.
            let transposed = Strided { row: self.column, column: self.row, ..*self };
            for j in 0..width {
                transposed.scatter_row(level, column + j, k, count, stride, &mut to[j..]);
            }
        }
    }
}
