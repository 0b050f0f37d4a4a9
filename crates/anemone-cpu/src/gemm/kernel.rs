//! The innermost loops.

use super::PANEL;
use anemone_simd::{Level, Simd, WithSimd, dispatch};

struct Panel<'a> {
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
    columns: usize,
    stride: usize,
}

/// `C[PANEL, columns] += A[PANEL, k] * B[k, columns]`: `a` is `[k][PANEL]`, `b` is `[k][tile]`, rows of `c` are `stride`
/// apart. Of the tile's columns at least the first `columns` are computed.
pub(super) fn panel(level: Level, a: &[f32], b: &[f32], c: &mut [f32], columns: usize, stride: usize) {
    dispatch(level, Panel { a, b, c, columns, stride });
}

impl WithSimd for Panel<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Panel { a, b, c, columns, stride } = self;
        match columns.div_ceil(S::LANES) {
            1 => rows::<S, 1>(s, a, b, c, stride),
            2 => rows::<S, 2>(s, a, b, c, stride),
            _ => rows::<S, 3>(s, a, b, c, stride),
        }
    }
}

/// All rows of a panel, `VECTORS` wide.
#[inline(always)]
fn rows<S: Simd, const VECTORS: usize>(s: S, a: &[f32], b: &[f32], c: &mut [f32], stride: usize) {
    // Accumulators, a row of B and one broadcast must fit the registers: 16 of them, or 32 with 16 lanes.
    if S::LANES == 16 {
        for row in (0..PANEL).step_by(8) {
            tile::<S, 8, VECTORS>(s, row, a, b, &mut c[row * stride..], stride);
        }
    } else {
        for row in (0..PANEL).step_by(4) {
            tile::<S, 4, VECTORS>(s, row, a, b, &mut c[row * stride..], stride);
        }
    }
}

/// Rows `row .. row + ROWS` of a panel.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    row: usize,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    stride: usize,
) {
    let width = 3 * S::LANES;
    let k = a.len() / PANEL;
    assert!(row + ROWS <= PANEL && b.len() >= k * width && c.len() >= (ROWS - 1) * stride + VECTORS * S::LANES);
    let mut acc = [[s.splat(0.0); VECTORS]; ROWS];
    for (i, row) in acc.iter_mut().enumerate() {
        for (j, v) in row.iter_mut().enumerate() {
            *v = s.load(&c[i * stride + j * S::LANES..]);
        }
    }
    for step in 0..k {
        // SAFETY: `step < k`, and the lengths were checked above.
        let (a, b) = unsafe {
            (
                a.get_unchecked(step * PANEL + row..step * PANEL + row + ROWS),
                b.get_unchecked(step * width..(step + 1) * width),
            )
        };
        let mut columns = [s.splat(0.0); VECTORS];
        for (j, v) in columns.iter_mut().enumerate() {
            *v = s.load(&b[j * S::LANES..]);
        }
        for (row, a) in acc.iter_mut().zip(a) {
            let a = s.splat(*a);
            for (v, b) in row.iter_mut().zip(columns) {
                *v = s.fma(a, b, *v);
            }
        }
    }
    for (i, row) in acc.iter().enumerate() {
        for (j, v) in row.iter().enumerate() {
            s.store(*v, &mut c[i * stride + j * S::LANES..]);
        }
    }
}
