//! Loops of softmax and normalisation, over tiles: rows of `lanes` elements, each column a group of its own. A tile of one
//! lane is a contiguous group. Sums have the shape of [`crate::reduce`].

use crate::arch::{Level, dispatch};
use crate::math;
use crate::reduce::PARTIALS;
use crate::simd::{Simd, WithSimd};
use std::marker::PhantomData;

/// What becomes of an element, given its column's constant and partial result. A trait, and no closure, so that it is sure
/// to be compiled with the level's instructions.
trait Function {
    /// The element and the partial result.
    fn apply<S: Simd>(s: S, x: S::V, c: S::V, p: S::V) -> (S::V, S::V);
}

/// Applies `F` to vectors of `x`, `c` and `p`, which are equally long, and on padded ones for what is left.
#[inline(always)]
fn each<S: Simd, F: Function>(s: S, x: &mut [f32], c: &[f32], p: &mut [f32]) {
    let (mut xs, mut ps) = (x.chunks_exact_mut(S::LANES), p.chunks_exact_mut(S::LANES));
    let mut cs = c.chunks_exact(S::LANES);
    for ((x, p), c) in (&mut xs).zip(&mut ps).zip(&mut cs) {
        let (y, q) = F::apply(s, s.load(x), s.load(c), s.load(p));
        s.store(y, x);
        s.store(q, p);
    }
    let (x, c, p) = (xs.into_remainder(), cs.remainder(), ps.into_remainder());
    if !x.is_empty() {
        let n = x.len();
        let (mut px, mut pc, mut pp) = ([0.0; PARTIALS], [0.0; PARTIALS], [0.0; PARTIALS]);
        px[..n].copy_from_slice(x);
        pc[..n].copy_from_slice(c);
        pp[..n].copy_from_slice(p);
        let (y, q) = F::apply(s, s.load(&px), s.load(&pc), s.load(&pp));
        s.store(y, &mut px);
        s.store(q, &mut pp);
        x.copy_from_slice(&px[..n]);
        p.copy_from_slice(&pp[..n]);
    }
}

struct Accumulate<'a, F> {
    x: &'a mut [f32],
    constants: &'a [f32],
    partials: &'a mut [f32],
    function: PhantomData<F>,
}

impl<F: Function> WithSimd for Accumulate<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Accumulate { x, constants, partials, .. } = self;
        if let (Ok(constants), Ok(partials)) = (constants.try_into(), (&mut *partials).try_into()) {
            return one_lane::<S, F>(s, x, constants, partials);
        }
        for x in x.chunks_mut(partials.len()) {
            let n = x.len();
            each::<S, F>(s, x, &constants[..n], &mut partials[..n]);
        }
    }
}

/// Applies `F` to the elements of one group; the partial results stay in registers.
#[inline(always)]
fn one_lane<S: Simd, F: Function>(s: S, x: &mut [f32], constants: &[f32; PARTIALS], partials: &mut [f32; PARTIALS]) {
    let vectors = PARTIALS / S::LANES;
    let (mut acc, mut c) = ([s.splat(0.0); PARTIALS], [s.splat(0.0); PARTIALS]);
    for i in 0..vectors {
        (acc[i], c[i]) = (s.load(&partials[i * S::LANES..]), s.load(&constants[i * S::LANES..]));
    }
    let mut chunks = x.chunks_exact_mut(PARTIALS);
    for chunk in &mut chunks {
        for ((x, c), a) in chunk.chunks_exact_mut(S::LANES).zip(&c[..vectors]).zip(&mut acc[..vectors]) {
            let (y, q) = F::apply(s, s.load(x), *c, *a);
            s.store(y, x);
            *a = q;
        }
    }
    for (a, p) in acc[..vectors].iter().zip(partials.chunks_exact_mut(S::LANES)) {
        s.store(*a, p);
    }
    let tail = chunks.into_remainder();
    let n = tail.len();
    each::<S, F>(s, tail, &constants[..n], &mut partials[..n]);
}

fn accumulate<F: Function>(level: Level, x: &mut [f32], constants: &[f32], partials: &mut [f32]) {
    assert_eq!(constants.len(), partials.len());
    assert_eq!(partials.len() % PARTIALS, 0);
    dispatch(level, Accumulate { x, constants, partials, function: PhantomData::<F> });
}

struct ExpSum;

impl Function for ExpSum {
    #[inline(always)]
    fn apply<S: Simd>(s: S, x: S::V, c: S::V, p: S::V) -> (S::V, S::V) {
        let y = math::exp(s, s.sub(x, c));
        (y, s.add(p, y))
    }
}

/// Replaces `x` by `exp(x - shift)` and adds that to the partial sums. `shifts` has the columns' shifts sixteen times over.
///
/// # Panics
/// `shifts` and `partials` do not have [`PARTIALS`] times as many elements as a row.
pub fn exp_sum(level: Level, x: &mut [f32], shifts: &[f32], partials: &mut [f32]) {
    accumulate::<ExpSum>(level, x, shifts, partials);
}

struct Softmax<'a>(&'a mut [f32], usize);

impl WithSimd for Softmax<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_exact_mut(self.1) {
            let largest = largest(s, x);
            let mut sums = [0.0; PARTIALS];
            one_lane::<S, ExpSum>(s, x, &[largest; PARTIALS], &mut sums);
            for half in [8, 4, 2, 1] {
                for i in 0..half {
                    sums[i] += sums[i + half];
                }
            }
            // The sum is at least 1, or NaN: a product with the reciprocal is as good as a quotient.
            scale_all(s, x, 1.0 / sums[0]);
        }
    }
}

/// The largest element but NaN, -infinity if there is none. It has several partial results, as no order changes it, but
/// for the sign of a zero.
#[inline(always)]
fn largest<S: Simd>(s: S, x: &[f32]) -> f32 {
    let larger = |a, b| s.select(s.lt(a, b), b, a);
    let mut acc = [s.splat(f32::NEG_INFINITY); 4];
    let mut chunks = x.chunks_exact(4 * S::LANES);
    for chunk in &mut chunks {
        for (a, x) in acc.iter_mut().zip(chunk.chunks_exact(S::LANES)) {
            *a = larger(*a, s.load(x));
        }
    }
    let mut rest = chunks.remainder().chunks_exact(S::LANES);
    for x in &mut rest {
        acc[0] = larger(acc[0], s.load(x));
    }
    let mut lanes = [f32::NEG_INFINITY; 2 * PARTIALS];
    s.store(larger(larger(acc[0], acc[1]), larger(acc[2], acc[3])), &mut lanes);
    lanes[PARTIALS..PARTIALS + rest.remainder().len()].copy_from_slice(rest.remainder());
    for half in [16, 8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] = if lanes[i] < lanes[i + half] { lanes[i + half] } else { lanes[i] };
        }
    }
    lanes[0]
}

/// Replaces each row of `count` elements by its softmax: `exp(x - largest)`, divided by the sum of these.
///
/// # Panics
/// `count` is 0.
pub fn softmax(level: Level, rows: &mut [f32], count: usize) {
    dispatch(level, Softmax(rows, count));
}

struct Center;

impl Function for Center {
    #[inline(always)]
    fn apply<S: Simd>(s: S, x: S::V, c: S::V, p: S::V) -> (S::V, S::V) {
        let y = s.sub(x, c);
        (y, s.add(p, s.mul(y, y)))
    }
}

/// Replaces `x` by `x - mean` and adds the square of that to the partial sums. `means` has the columns' means sixteen
/// times over.
///
/// # Panics
/// As [`exp_sum`].
pub fn center(level: Level, x: &mut [f32], means: &[f32], partials: &mut [f32]) {
    accumulate::<Center>(level, x, means, partials);
}

struct Affine<'a> {
    x: &'a mut [f32],
    scale: f32,
    gamma: &'a [f32],
    beta: &'a [f32],
}

impl WithSimd for Affine<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Affine { x, scale, gamma, beta } = self;
        let mut xs = x.chunks_exact_mut(S::LANES);
        let (mut gs, mut bs) = (gamma.chunks_exact(S::LANES), beta.chunks_exact(S::LANES));
        for ((x, g), b) in (&mut xs).zip(&mut gs).zip(&mut bs) {
            s.store(s.fma(s.mul(s.load(x), s.splat(scale)), s.load(g), s.load(b)), x);
        }
        for ((x, g), b) in xs.into_remainder().iter_mut().zip(gs.remainder()).zip(bs.remainder()) {
            *x = (*x * scale).mul_add(*g, *b);
        }
    }
}

/// Replaces `x` by `x * scale * gamma + beta`, the last two rounded once.
///
/// # Panics
/// The slices differ in length.
pub fn affine(level: Level, x: &mut [f32], scale: f32, gamma: &[f32], beta: &[f32]) {
    assert!(x.len() == gamma.len() && x.len() == beta.len());
    dispatch(level, Affine { x, scale, gamma, beta });
}

struct AffineColumns<'a> {
    x: &'a mut [f32],
    scales: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
}

impl WithSimd for AffineColumns<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let AffineColumns { x, scales, gamma, beta } = self;
        for ((x, g), b) in x.chunks_exact_mut(scales.len()).zip(gamma).zip(beta) {
            let (mut xs, mut ss) = (x.chunks_exact_mut(S::LANES), scales.chunks_exact(S::LANES));
            for (x, scale) in (&mut xs).zip(&mut ss) {
                s.store(s.fma(s.mul(s.load(x), s.load(scale)), s.splat(*g), s.splat(*b)), x);
            }
            for (x, scale) in xs.into_remainder().iter_mut().zip(ss.remainder()) {
                *x = (*x * scale).mul_add(*g, *b);
            }
        }
    }
}

/// As [`affine`], for rows: `scales` has a number for each column, `gamma` and `beta` one for each row.
///
/// # Panics
/// The lengths do not fit.
pub fn affine_columns(level: Level, x: &mut [f32], scales: &[f32], gamma: &[f32], beta: &[f32]) {
    assert!(x.len() == scales.len() * gamma.len() && gamma.len() == beta.len());
    dispatch(level, AffineColumns { x, scales, gamma, beta });
}

struct Linear<'a>(&'a mut [f32], [&'a [f32]; 3]);

impl WithSimd for Linear<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Linear(x, [mean, scale, shift]) = self;
        let mut xs = x.chunks_exact_mut(S::LANES);
        if let ([mean], [scale], [shift]) = (mean, scale, shift) {
            for x in &mut xs {
                s.store(s.fma(s.sub(s.load(x), s.splat(*mean)), s.splat(*scale), s.splat(*shift)), x);
            }
            xs.into_remainder().iter_mut().for_each(|x| *x = (*x - mean).mul_add(*scale, *shift));
            return;
        }
        let mut at = 0;
        for x in &mut xs {
            let (mean, scale, shift) = (s.load(&mean[at..]), s.load(&scale[at..]), s.load(&shift[at..]));
            s.store(s.fma(s.sub(s.load(x), mean), scale, shift), x);
            at += S::LANES;
        }
        for (x, i) in xs.into_remainder().iter_mut().zip(at..) {
            *x = (*x - mean[i]).mul_add(scale[i], shift[i]);
        }
    }
}

/// Replaces `x` by `(x - mean) * scale + shift`, the last two rounded once. Each of `mean`, `scale` and `shift` is one number
/// for all, or all have one for each element.
///
/// # Panics
/// They have other lengths.
pub fn linear(level: Level, x: &mut [f32], parameters: [&[f32]; 3]) {
    let all = |len| parameters.iter().all(|p| p.len() == len);
    assert!(all(1) || all(x.len()));
    dispatch(level, Linear(x, parameters));
}

struct Scale<'a>(&'a mut [f32], &'a [f32]);

impl WithSimd for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scale(x, scales) = self;
        if let [scale] = scales {
            return scale_all(s, x, *scale);
        }
        for x in x.chunks_exact_mut(scales.len()) {
            let (mut xs, mut ss) = (x.chunks_exact_mut(S::LANES), scales.chunks_exact(S::LANES));
            for (x, scale) in (&mut xs).zip(&mut ss) {
                s.store(s.mul(s.load(x), s.load(scale)), x);
            }
            xs.into_remainder().iter_mut().zip(ss.remainder()).for_each(|(x, scale)| *x *= scale);
        }
    }
}

#[inline(always)]
fn scale_all<S: Simd>(s: S, x: &mut [f32], scale: f32) {
    let mut xs = x.chunks_exact_mut(S::LANES);
    for x in &mut xs {
        s.store(s.mul(s.load(x), s.splat(scale)), x);
    }
    xs.into_remainder().iter_mut().for_each(|x| *x *= scale);
}

/// Multiplies each column by its number.
///
/// # Panics
/// `x` is not made of rows of as many elements as there are `scales`.
pub fn scale(level: Level, x: &mut [f32], scales: &[f32]) {
    assert!(x.len().is_multiple_of(scales.len()));
    dispatch(level, Scale(x, scales));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 31) % 1009) as f32 / 333.0 - 1.5).collect()
    }

    /// All numbers that the functions make of a tile, as bits.
    fn all(level: Level, rows: usize, lanes: usize) -> Vec<u32> {
        let (gamma, beta) = (sample(rows, 1), sample(rows, 2));
        let mut out = Vec::new();
        let constants = sample(lanes, 3).repeat(PARTIALS);
        for f in [exp_sum, center] {
            let (mut x, mut partials) = (sample(rows * lanes, 4), vec![0.0; PARTIALS * lanes]);
            let (head, tail) = x.split_at_mut(rows / PARTIALS / 2 * PARTIALS * lanes);
            f(level, head, &constants, &mut partials);
            f(level, tail, &constants, &mut partials);
            affine_columns(level, &mut x, &constants[..lanes], &gamma, &beta);
            out.extend(x.iter().chain(&partials).copied());
            scale(level, &mut x, &constants[..lanes]);
            out.extend(x);
        }
        if lanes == 1 {
            let mut x = sample(3 * rows, 5);
            softmax(level, &mut x, rows);
            out.extend(x);
            let mut x = sample(rows, 5);
            affine(level, &mut x, constants[0], &gamma, &beta);
            out.extend(&x);
            linear(level, &mut x, [&[0.3], &[1.7], &[-0.2]]);
            out.extend(&x);
            linear(level, &mut x, [&beta, &gamma, &constants.repeat(8)[..rows]]);
            out.extend(x);
        }
        out.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn levels_agree_bit_for_bit() {
        for lanes in [1, 2, 5, 16, 37] {
            for rows in (1..40).chain([100]) {
                let expected = all(Level::Scalar, rows, lanes);
                for level in Level::available() {
                    assert!(all(level, rows, lanes) == expected, "{level:?} {rows} {lanes}");
                }
            }
        }
    }

    #[test]
    fn columns_give_what_rows_give() {
        let (rows, lanes) = (45, 7);
        let (x, c) = (sample(rows * lanes, 1), sample(lanes, 2));
        for f in [exp_sum, center] {
            let (mut tile, mut partials) = (x.clone(), vec![0.0; PARTIALS * lanes]);
            f(Level::best(), &mut tile, &c.repeat(PARTIALS), &mut partials);
            for (lane, shift) in c.iter().enumerate() {
                let mut column: Vec<f32> = x.iter().skip(lane).step_by(lanes).copied().collect();
                let mut sums = [0.0; PARTIALS];
                f(Level::Scalar, &mut column, &[*shift; PARTIALS], &mut sums);
                assert!(column.iter().eq(tile.iter().skip(lane).step_by(lanes)));
                assert!(sums.iter().eq(partials.iter().skip(lane).step_by(lanes)));
            }
        }
    }
}
