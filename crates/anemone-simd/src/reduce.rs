//! Reductions of contiguous elements, in a fixed shape: element `i` goes into partial result `i mod 16`, in order, and the
//! sixteen are folded in halves (0 with 8, 1 with 9, …; then 0 with 4; then 0 with 2; then 0 with 1). Missing elements of
//! short slices stand for the identity. The bytes of a result therefore depend on nothing but the elements.

use crate::arch::{Level, dispatch};
use crate::simd::{Simd, WithSimd};

/// Partial results of a reduction.
pub const PARTIALS: usize = 16;

/// What a reduction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reduction {
    /// `x + …`
    Sum,
    /// `x * x + …`, each square rounded before it is added
    SumSquare,
    /// `|x| + …`
    SumAbs,
    /// `x * …`
    Product,
    /// The largest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
}

impl Reduction {
    /// What changes nothing.
    pub fn identity(self) -> f32 {
        match self {
            Reduction::Sum | Reduction::SumSquare | Reduction::SumAbs => 0.0,
            Reduction::Product => 1.0,
            Reduction::Max => f32::NEG_INFINITY,
            Reduction::Min => f32::INFINITY,
        }
    }

    #[inline(always)]
    fn prepare<S: Simd>(self, s: S, x: S::V) -> S::V {
        match self {
            Reduction::SumSquare => s.mul(x, x),
            Reduction::SumAbs => s.abs(x),
            Reduction::Sum | Reduction::Product | Reduction::Max | Reduction::Min => x,
        }
    }

    #[inline(always)]
    fn combine<S: Simd>(self, s: S, a: S::V, b: S::V) -> S::V {
        match self {
            Reduction::Sum | Reduction::SumSquare | Reduction::SumAbs => s.add(a, b),
            Reduction::Product => s.mul(a, b),
            Reduction::Max => crate::math::maximum(s, a, b),
            Reduction::Min => crate::math::minimum(s, a, b),
        }
    }
}

struct Accumulate<'a> {
    reduction: Reduction,
    rows: &'a [f32],
    partials: &'a mut [f32],
    lanes: usize,
    first: usize,
}

impl WithSimd for Accumulate<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Accumulate { reduction, rows, partials, lanes, first } = self;
        // Sixteen rows are as long as the partial results: what lies between is a stretch that both walk together.
        let (mut rest, mut at) = (rows, first % PARTIALS * lanes);
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(partials.len() - at));
            combine_all(s, reduction, &mut partials[at..at + part.len()], part);
            (rest, at) = (after, 0);
        }
    }
}

/// Combines each element of `to` with its counterpart.
#[inline(always)]
fn combine_all<S: Simd>(s: S, reduction: Reduction, to: &mut [f32], from: &[f32]) {
    let (mut to, mut from) = (to.chunks_exact_mut(S::LANES), from.chunks_exact(S::LANES));
    for (a, x) in (&mut to).zip(&mut from) {
        s.store(reduction.combine(s, s.load(a), reduction.prepare(s, s.load(x))), a);
    }
    let scalar = crate::simd_scalar();
    for (a, x) in to.into_remainder().iter_mut().zip(from.remainder()) {
        *a = reduction.combine(scalar, *a, reduction.prepare(scalar, *x));
    }
}

/// Reduces columns: adds `rows` (each of `lanes` elements, row number `first` and following) to `partials`
/// (`PARTIALS * lanes` elements, filled with the identity at first).
///
/// # Panics
/// The lengths do not fit.
pub fn accumulate(level: Level, reduction: Reduction, rows: &[f32], partials: &mut [f32], lanes: usize, first: usize) {
    assert_eq!(partials.len(), PARTIALS * lanes);
    assert_eq!(rows.len() % lanes, 0);
    dispatch(level, Accumulate { reduction, rows, partials, lanes, first });
}

struct Fold<'a> {
    reduction: Reduction,
    partials: &'a mut [f32],
    lanes: usize,
}

impl WithSimd for Fold<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let scalar = crate::simd_scalar();
        for half in [8, 4, 2, 1] {
            let (low, high) = self.partials.split_at_mut(half * self.lanes);
            for (a, b) in low.iter_mut().zip(high) {
                *a = self.reduction.combine(scalar, *a, *b);
            }
        }
    }
}

/// Folds the partial results of columns into the first `lanes` elements of `partials`.
pub fn fold(level: Level, reduction: Reduction, partials: &mut [f32], lanes: usize) {
    assert_eq!(partials.len(), PARTIALS * lanes);
    dispatch(level, Fold { reduction, partials, lanes });
}

struct Extend<'a>(Reduction, &'a [f32], &'a mut [f32; PARTIALS]);

impl WithSimd for Extend<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Extend(reduction, x, partials) = self;
        // Sixteen lanes are one, two or sixteen vectors.
        let vectors = PARTIALS / S::LANES;
        let mut acc = [s.splat(0.0); PARTIALS];
        for (a, p) in acc[..vectors].iter_mut().zip(partials.chunks_exact(S::LANES)) {
            *a = s.load(p);
        }
        let mut chunks = x.chunks_exact(PARTIALS);
        for chunk in &mut chunks {
            for (a, x) in acc[..vectors].iter_mut().zip(chunk.chunks_exact(S::LANES)) {
                *a = reduction.combine(s, *a, reduction.prepare(s, s.load(x)));
            }
        }
        for (a, p) in acc[..vectors].iter().zip(partials.chunks_exact_mut(S::LANES)) {
            s.store(*a, p);
        }
        let scalar = crate::simd_scalar();
        for (x, p) in chunks.remainder().iter().zip(partials) {
            *p = reduction.combine(scalar, *p, reduction.prepare(scalar, *x));
        }
    }
}

/// Adds elements to the partial results of one group, which are the identity at first. All slices but the last must have
/// a multiple of [`PARTIALS`] elements.
pub fn extend(level: Level, reduction: Reduction, x: &[f32], partials: &mut [f32; PARTIALS]) {
    dispatch(level, Extend(reduction, x, partials));
}

/// Reduces a slice.
pub fn reduce(level: Level, reduction: Reduction, x: &[f32]) -> f32 {
    let mut partials = [reduction.identity(); PARTIALS];
    extend(level, reduction, x, &mut partials);
    fold(level, reduction, &mut partials, 1);
    partials[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reduction; 6] =
        [Reduction::Sum, Reduction::SumSquare, Reduction::SumAbs, Reduction::Product, Reduction::Max, Reduction::Min];

    fn sample(len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 % 1009) as f32 - 500.0) / 333.0).collect()
    }

    #[test]
    fn levels_agree_bit_for_bit() {
        for reduction in ALL {
            for len in (0..70).chain([255, 1000]) {
                let x = sample(len);
                let expected = reduce(Level::Scalar, reduction, &x).to_bits();
                for level in Level::available() {
                    assert_eq!(reduce(level, reduction, &x).to_bits(), expected, "{level:?} {reduction:?} {len}");
                }
            }
        }
    }

    #[test]
    fn columns_give_what_rows_give() {
        let (rows, lanes) = (45, 11);
        let x = sample(rows * lanes);
        for reduction in ALL {
            for level in Level::available() {
                let mut partials = vec![reduction.identity(); PARTIALS * lanes];
                accumulate(level, reduction, &x[..20 * lanes], &mut partials, lanes, 0);
                accumulate(level, reduction, &x[20 * lanes..], &mut partials, lanes, 20);
                fold(level, reduction, &mut partials, lanes);
                for lane in 0..lanes {
                    let column: Vec<f32> = (0..rows).map(|r| x[r * lanes + lane]).collect();
                    let expected = reduce(Level::Scalar, reduction, &column);
                    assert_eq!(partials[lane].to_bits(), expected.to_bits(), "{level:?} {reduction:?}");
                }
            }
        }
    }

    #[test]
    fn nan_wins() {
        let mut x = sample(40);
        x[33] = f32::NAN;
        for level in Level::available() {
            for reduction in ALL {
                assert!(reduce(level, reduction, &x).is_nan(), "{level:?} {reduction:?}");
            }
        }
    }
}
