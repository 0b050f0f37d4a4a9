//! Products with few columns: each weight is read once, lanes run along the rows.

use super::packed::Data;
use super::{PANEL, Packed};
use crate::team::Team;
use anemone_simd::{Level, Simd, WithSimd, dispatch};
use half::f16;

/// The most columns that are "few".
pub(crate) const SMALL: usize = 4;

/// Elements of scratch for each worker, besides what the sink needs: the columns, and a panel of results for each.
pub(crate) fn small_scratch(n: usize, k: usize) -> usize {
    n * (k + PANEL)
}

/// Panels of a task.
const TASK: usize = 4;

/// Takes the results of a panel in one column: `(row, column, results, scratch)`.
pub(crate) trait SmallSink: Fn(usize, usize, &mut [f32], &mut [f32]) + Sync {}
impl<F: Fn(usize, usize, &mut [f32], &mut [f32]) + Sync> SmallSink for F {}

/// `C = A * B` for `n <= SMALL` columns, with the weights of product `batch`. `load(level, column, to)` reads the `k`
/// elements of a column. The sink gets `reserve` elements of scratch.
pub(crate) fn run_small(
    team: &Team<'_>,
    (a, batch): (&Packed, usize),
    n: usize,
    load: &(impl Fn(Level, usize, &mut [f32]) + Sync),
    reserve: usize,
    sink: &impl SmallSink,
) {
    assert!(n <= SMALL);
    let panels = a.rows.div_ceil(PANEL);
    team.run(panels.div_ceil(TASK), |task, scratch| {
        let (for_sink, scratch) = scratch.split_at_mut(reserve);
        let (b, scratch) = scratch.split_at_mut(n * a.k);
        let results = &mut scratch[..n * PANEL];
        (0..n).for_each(|j| load(team.level, j, &mut b[j * a.k..][..a.k]));
        for p in task * TASK..panels.min((task + 1) * TASK) {
            dispatch(team.level, Panel { a, start: a.start(batch, p * PANEL, 0), b, n, results });
            for (column, results) in results.chunks_exact_mut(PANEL).enumerate() {
                sink(p * PANEL, column, &mut results[..PANEL.min(a.rows - p * PANEL)], for_sink);
            }
        }
    });
}

struct Panel<'a> {
    a: &'a Packed,
    start: usize,
    b: &'a [f32],
    n: usize,
    results: &'a mut [f32],
}

impl WithSimd for Panel<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let k = self.a.k;
        let range = self.start..self.start + PANEL * k;
        for j in 0..self.n {
            let (b, out) = (&self.b[j * k..][..k], &mut self.results[j * PANEL..][..PANEL]);
            match &self.a.data {
                Data::F16(d) => column(s, &d[range.clone()], b, out),
                Data::F32(d) => column(s, &d[range.clone()], b, out),
            }
        }
    }
}

/// A stored weight. (A closure that loads would have to be inlined to be compiled with the level's instructions.)
trait Weight: Sized {
    fn load<S: Simd>(s: S, from: &[Self]) -> S::V;
}

impl Weight for f16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f16]) -> S::V {
        s.load_f16(from)
    }
}

impl Weight for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f32]) -> S::V {
        s.load(from)
    }
}

/// One column of one panel.
#[inline(always)]
fn column<S: Simd, T: Weight>(s: S, a: &[T], b: &[f32], out: &mut [f32]) {
    let vectors = PANEL / S::LANES;
    let mut acc = [s.splat(0.0); PANEL];
    for (a, x) in a.chunks_exact(PANEL).zip(b) {
        let x = s.splat(*x);
        for (v, a) in acc[..vectors].iter_mut().zip(a.chunks_exact(S::LANES)) {
            *v = s.fma(T::load(s, a), x, *v);
        }
    }
    for (v, out) in acc[..vectors].iter().zip(out.chunks_exact_mut(S::LANES)) {
        s.store(*v, out);
    }
}
