//! The trait that algorithms are written against.

use ::half::f16;

/// Vectors of `f32` of one width. A value of an implementing type is a token: it exists only where the processor has the
/// instructions, which is what makes the methods safe to call.
///
/// Implementations are `#[inline(always)]`, as must be the functions that use them up to [`crate::dispatch`]: a call that is
/// not inlined there would be compiled without the level's instructions.
pub trait Simd: Copy + Send + Sync {
    /// A vector.
    type V: Copy;
    /// The outcome of a comparison, one truth for each lane.
    type M: Copy;
    /// Elements of a vector.
    const LANES: usize;

    /// The same number in each lane.
    fn splat(self, x: f32) -> Self::V;
    /// The first [`Simd::LANES`] elements; panics if there are fewer.
    fn load(self, from: &[f32]) -> Self::V;
    /// Stores to the first elements; panics if there are fewer.
    fn store(self, x: Self::V, to: &mut [f32]);
    /// The first halves, widened; panics if there are fewer.
    fn load_f16(self, from: &[f16]) -> Self::V;
    /// Rounds to halves, to nearest even; panics if there is too little room.
    fn store_f16(self, x: Self::V, to: &mut [f16]);
    /// Each element rounded to the nearest half, ties to even.
    fn round_f16(self, x: Self::V) -> Self::V;
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The absolute value.
    fn abs(self, a: Self::V) -> Self::V;
    /// The opposite.
    fn neg(self, a: Self::V) -> Self::V;
    /// The magnitude of `a` with the sign of `b`.
    fn copysign(self, a: Self::V, b: Self::V) -> Self::V;
    /// The largest integer not above.
    fn floor(self, a: Self::V) -> Self::V;
    /// The smallest integer not below.
    fn ceil(self, a: Self::V) -> Self::V;
    /// The nearest integer, halves to even.
    fn round(self, a: Self::V) -> Self::V;
    /// `a < b`, false with NaN
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a <= b`, false with NaN
    fn le(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a == b`, false with NaN
    fn eq(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a` where true, else `b`.
    fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// `a` if it is below `b`, else `b`; so `b` if either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` if it is above `b`, else `b`; so `b` if either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `x * 2^n`, rounded once, for integers `|n| < 250` and `x` from 1/4 to 4; NaN if either is NaN.
    fn scale(self, x: Self::V, n: Self::V) -> Self::V;
    /// For positive normal numbers: the exponent `e` and the fraction `m` in `[sqrt(1/2), sqrt(2))` with `x = m * 2^e`.
    fn frexp(self, x: Self::V) -> (Self::V, Self::V);
}

/// Work that [`crate::dispatch`] runs on a level.
pub trait WithSimd {
    /// What it gives.
    type Output;
    /// Does the work; must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}
