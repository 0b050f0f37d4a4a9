//! Constant weights, packed once.

use super::{Columns, PANEL, PackA, PackB};
use anemone_simd::{Level, Simd, WithSimd, dispatch, half as halves};
use half::f16;

/// Constant operands of a stack of products: `rows` dot products of `k` elements each, in panels of [`PANEL`] rows laid out
/// `[k][PANEL]`. Rows that do not exist are zeros. As the right operand its rows are the columns of the result.
///
/// Product `b` of the stack uses the weights `b % groups`.
pub(crate) struct Packed {
    pub(crate) groups: usize,
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(super) data: Data,
}

pub(super) enum Data {
    F16(Vec<f16>),
    F32(Vec<f32>),
}

fn panels<T: Copy>(size: [usize; 3], zero: T, at: impl Fn(usize, usize, usize) -> T) -> Vec<T> {
    let [groups, rows, k] = size;
    let padded = rows.next_multiple_of(PANEL);
    let mut out = vec![zero; groups * padded * k];
    for (p, panel) in out.chunks_exact_mut((PANEL * k).max(1)).enumerate() {
        let (group, row) = (p * PANEL / padded, p * PANEL % padded);
        for (step, column) in panel.chunks_exact_mut(PANEL).enumerate() {
            for (i, x) in column.iter_mut().enumerate().take(rows - row) {
                *x = at(group, row + i, step);
            }
        }
    }
    out
}

impl Packed {
    /// Packs halves: `at(group, row, k)`.
    pub(crate) fn f16(size: [usize; 3], at: impl Fn(usize, usize, usize) -> f16) -> Packed {
        let [groups, rows, k] = size;
        Packed { groups, rows, k, data: Data::F16(panels(size, f16::ZERO, at)) }
    }

    /// Packs singles: `at(group, row, k)`.
    pub(crate) fn f32(size: [usize; 3], at: impl Fn(usize, usize, usize) -> f32) -> Packed {
        let [groups, rows, k] = size;
        Packed { groups, rows, k, data: Data::F32(panels(size, 0.0, at)) }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.data {
            Data::F16(d) => d.len() * 2,
            Data::F32(d) => d.len() * 4,
        }
    }

    /// Where the panel that begins with `row` begins, at `k`.
    pub(super) fn start(&self, batch: usize, row: usize, k: usize) -> usize {
        (batch % self.groups * self.rows.next_multiple_of(PANEL) + row) * self.k + k * PANEL
    }
}

impl PackA for Packed {
    fn pack(&self, level: Level, batch: usize, row: usize, k: usize, count: usize, to: &mut [f32]) {
        let start = self.start(batch, row, k);
        let to = &mut to[..count * PANEL];
        match &self.data {
            Data::F16(d) => halves::to_f32(level, &d[start..][..count * PANEL], to),
            Data::F32(d) => to.copy_from_slice(&d[start..][..count * PANEL]),
        }
    }
}

impl PackB for Packed {
    fn pack(&self, level: Level, batch: usize, k: usize, count: usize, columns: Columns, to: &mut [f32]) {
        // A panel of the result's columns is a few of the packed panels side by side.
        let last = (self.rows.next_multiple_of(PANEL)).min(columns.first + columns.stride);
        for first in (columns.first / PANEL * PANEL..last).step_by(PANEL) {
            let start = self.start(batch, first, k);
            let range = start..start + count * PANEL;
            // Tiles are as wide as whole panels, or (with narrow vectors) half of one.
            let (skip, at) = (columns.first.saturating_sub(first), first.saturating_sub(columns.first));
            let width = (PANEL - skip).min(columns.stride - at);
            let place = Spread { count, skip, width, at, stride: columns.stride, to: &mut *to };
            match &self.data {
                Data::F16(d) => dispatch(level, SpreadF16(&d[range], place)),
                Data::F32(d) => place.copy(&d[range]),
            }
        }
    }
}

/// `width` elements of each row of a panel, from `skip` on, to rows `stride` apart, from `at` on.
struct Spread<'a> {
    count: usize,
    skip: usize,
    width: usize,
    at: usize,
    stride: usize,
    to: &'a mut [f32],
}

impl Spread<'_> {
    fn copy(self, from: &[f32]) {
        for (from, to) in from.chunks_exact(PANEL).zip(self.to.chunks_exact_mut(self.stride)).take(self.count) {
            to[self.at..][..self.width].copy_from_slice(&from[self.skip..][..self.width]);
        }
    }
}

struct SpreadF16<'a>(&'a [f16], Spread<'a>);

impl WithSimd for SpreadF16<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let SpreadF16(from, Spread { count, skip, width, at, stride, to }) = self;
        for (from, to) in from.chunks_exact(PANEL).zip(to.chunks_exact_mut(stride)).take(count) {
            let (from, to) = (&from[skip..][..width], &mut to[at..][..width]);
            let mut tail = to.chunks_exact_mut(S::LANES);
            let mut rest = from.chunks_exact(S::LANES);
            for (from, to) in (&mut rest).zip(&mut tail) {
                s.store(s.load_f16(from), to);
            }
            for (from, to) in rest.remainder().iter().zip(tail.into_remainder()) {
                *to = from.to_f32();
            }
        }
    }
}
