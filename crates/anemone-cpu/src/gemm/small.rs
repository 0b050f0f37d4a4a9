//! Products with few columns: each weight is read once, lanes run along the rows.

use super::packed::Data;
use super::{PANEL, Packed};
use crate::team::Team;
use anemone_simd::{Simd, WithSimd, dispatch};
use half::f16;

/// The most columns that are "few".
pub(crate) const SMALL: usize = 4;

/// Elements of scratch for each worker: one panel of results for each column.
pub(crate) fn small_scratch() -> usize {
    SMALL * PANEL
}

/// Panels of a task.
const TASK: usize = 4;

/// `C = A * B` for `n <= SMALL` columns. `b` holds each column contiguously, `k` elements apart. `sink(row, rows, column,
/// results)` takes the results of a panel.
pub(crate) fn run_small(
    team: &Team<'_>,
    a: &Packed,
    b: &[f32],
    n: usize,
    sink: &(impl Fn(usize, usize, &[f32]) + Sync),
) {
    assert!(n <= SMALL && b.len() == n * a.k);
    let panels = a.rows.div_ceil(PANEL);
    team.run(panels.div_ceil(TASK), |task, scratch| {
        for p in task * TASK..panels.min((task + 1) * TASK) {
            let results = &mut scratch[..n * PANEL];
            dispatch(team.level, Column { a, panel: p, b, n, results });
            for (column, results) in results.chunks_exact(PANEL).enumerate() {
                sink(p * PANEL, column, &results[..PANEL.min(a.rows - p * PANEL)]);
            }
        }
    });
}

struct Column<'a> {
    a: &'a Packed,
    panel: usize,
    b: &'a [f32],
    n: usize,
    results: &'a mut [f32],
}

impl WithSimd for Column<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let k = self.a.k;
        for j in 0..self.n {
            let (b, out) = (&self.b[j * k..][..k], &mut self.results[j * PANEL..][..PANEL]);
            match &self.a.data {
                Data::F16(d) => {
                    column(s, &d[self.panel * PANEL * k..][..PANEL * k], b, out, |s, x: &[f16]| s.load_f16(x))
                }
                Data::F32(d) => column(s, &d[self.panel * PANEL * k..][..PANEL * k], b, out, |s, x: &[f32]| s.load(x)),
            }
        }
    }
}

/// One column of one panel.
#[inline(always)]
fn column<S: Simd, T>(s: S, a: &[T], b: &[f32], out: &mut [f32], load: impl Fn(S, &[T]) -> S::V) {
    let vectors = PANEL / S::LANES;
    let mut acc = [s.splat(0.0); PANEL];
    for (a, x) in a.chunks_exact(PANEL).zip(b) {
        let x = s.splat(*x);
        for (v, a) in acc[..vectors].iter_mut().zip(a.chunks_exact(S::LANES)) {
            *v = s.fma(load(s, a), x, *v);
        }
    }
    for (v, out) in acc[..vectors].iter().zip(out.chunks_exact_mut(S::LANES)) {
        s.store(*v, out);
    }
}
