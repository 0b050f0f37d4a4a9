//! The innermost loops.

use super::PANEL;
use anemone_simd::{Level, Simd, WithSimd, dispatch};

struct Panel<'a> {
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
    stride: usize,
}

/// `C[PANEL, tile] += A[PANEL, k] * B[k, tile]`: `a` is `[k][PANEL]`, `b` is `[k][tile]`, rows of `c` are `stride` apart.
pub(super) fn panel(level: Level, a: &[f32], b: &[f32], c: &mut [f32], stride: usize) {
    dispatch(level, Panel { a, b, c, stride });
}

impl WithSimd for Panel<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Accumulators, a row of B and one broadcast must fit the registers: 16 of them, or 32 with 16 lanes.
        let Panel { a, b, c, stride } = self;
        if S::LANES == 16 {
            for row in (0..PANEL).step_by(8) {
                tile::<S, 8>(s, row, a, b, &mut c[row * stride..], stride);
            }
        } else {
            for row in (0..PANEL).step_by(4) {
                tile::<S, 4>(s, row, a, b, &mut c[row * stride..], stride);
            }
        }
    }
}

/// Rows `row .. row + ROWS` of a panel: three vectors wide.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(s: S, row: usize, a: &[f32], b: &[f32], c: &mut [f32], stride: usize) {
    let width = 3 * S::LANES;
    let k = a.len() / PANEL;
    assert!(row + ROWS <= PANEL && b.len() >= k * width && c.len() >= (ROWS - 1) * stride + width);
    let mut acc = [[s.splat(0.0); 3]; ROWS];
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
        let b = [s.load(b), s.load(&b[S::LANES..]), s.load(&b[2 * S::LANES..])];
        for (row, a) in acc.iter_mut().zip(a) {
            let a = s.splat(*a);
            for (v, b) in row.iter_mut().zip(b) {
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
