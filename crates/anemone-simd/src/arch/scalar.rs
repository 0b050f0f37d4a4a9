//! Plain Rust.

use crate::simd::Simd;
use half::f16;

#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Simd for Scalar {
    type V = f32;
    type M = bool;
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32 {
        from[0]
    }
    #[inline(always)]
    fn store(self, x: f32, to: &mut [f32]) {
        to[0] = x;
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16]) -> f32 {
        from[0].to_f32()
    }
    #[inline(always)]
    fn store_f16(self, x: f32, to: &mut [f16]) {
        to[0] = f16::from_f32(x);
    }
    #[inline(always)]
    fn round_f16(self, x: f32) -> f32 {
        f16::from_f32(x).to_f32()
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        a.sqrt()
    }
    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        a.abs()
    }
    #[inline(always)]
    fn neg(self, a: f32) -> f32 {
        -a
    }
    #[inline(always)]
    fn copysign(self, a: f32, b: f32) -> f32 {
        a.copysign(b)
    }
    #[inline(always)]
    fn floor(self, a: f32) -> f32 {
        a.floor()
    }
    #[inline(always)]
    fn ceil(self, a: f32) -> f32 {
        a.ceil()
    }
    #[inline(always)]
    fn round(self, a: f32) -> f32 {
        a.round_ties_even()
    }
    #[inline(always)]
    fn lt(self, a: f32, b: f32) -> bool {
        a < b
    }
    #[inline(always)]
    fn le(self, a: f32, b: f32) -> bool {
        a <= b
    }
    #[inline(always)]
    fn eq(self, a: f32, b: f32) -> bool {
        a == b
    }
    #[inline(always)]
    fn select(self, m: bool, a: f32, b: f32) -> f32 {
        if m { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn scale(self, x: f32, n: f32) -> f32 {
        // In two steps, so that neither factor leaves the normal range: the first is exact.
        let power = |n: f32| f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23);
        let half = (n * 0.5).floor();
        x * power(half) * power(n - half)
    }
    #[inline(always)]
    fn frexp(self, x: f32) -> (f32, f32) {
        // Adding the distance from sqrt(1/2) to 1 carries into the exponent where the fraction is above sqrt(2).
        let shifted = x.to_bits().wrapping_add(super::FREXP_SHIFT);
        let e = (shifted >> 23) as i32 - 127;
        (e as f32, f32::from_bits((shifted & 0x007f_ffff).wrapping_add(super::SQRT_HALF)))
    }
}
