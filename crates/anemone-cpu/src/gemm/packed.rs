//! Constant weights, packed once.

use super::{PANEL, PackA};
use anemone_simd::{Level, half as halves};
use half::f16;

/// The left operand of a product, in panels of [`PANEL`] rows laid out `[k][PANEL]`. Rows that do not exist are zeros.
pub(crate) struct Packed {
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(super) data: Data,
}

pub(super) enum Data {
    F16(Vec<f16>),
    F32(Vec<f32>),
}

fn panels<T: Copy>(rows: usize, k: usize, zero: T, at: impl Fn(usize, usize) -> T) -> Vec<T> {
    let mut out = vec![zero; rows.next_multiple_of(PANEL) * k];
    for (p, panel) in out.chunks_exact_mut((PANEL * k).max(1)).enumerate() {
        for (step, column) in panel.chunks_exact_mut(PANEL).enumerate() {
            for (i, x) in column.iter_mut().enumerate().take(rows - (p * PANEL).min(rows)) {
                *x = at(p * PANEL + i, step);
            }
        }
    }
    out
}

impl Packed {
    /// Packs halves: `at(row, k)`.
    pub(crate) fn f16(rows: usize, k: usize, at: impl Fn(usize, usize) -> f16) -> Packed {
        Packed { rows, k, data: Data::F16(panels(rows, k, f16::ZERO, at)) }
    }

    /// Packs singles: `at(row, k)`.
    pub(crate) fn f32(rows: usize, k: usize, at: impl Fn(usize, usize) -> f32) -> Packed {
        Packed { rows, k, data: Data::F32(panels(rows, k, 0.0, at)) }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.data {
            Data::F16(d) => d.len() * 2,
            Data::F32(d) => d.len() * 4,
        }
    }
}

impl PackA for Packed {
    fn pack(&self, level: Level, row: usize, k: usize, count: usize, to: &mut [f32]) {
        let start = row / PANEL * PANEL * self.k + k * PANEL;
        let to = &mut to[..count * PANEL];
        match &self.data {
            Data::F16(d) => halves::to_f32(level, &d[start..][..count * PANEL], to),
            Data::F32(d) => to.copy_from_slice(&d[start..][..count * PANEL]),
        }
    }
}
