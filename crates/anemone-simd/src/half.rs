//! Conversion between `f16` and `f32`: to nearest even, overflow to infinity, subnormals kept, NaN kept (and made quiet).

use crate::arch::{Level, dispatch};
use crate::simd::{Simd, WithSimd};
use half::f16;

struct Widen<'a>(&'a [f16], &'a mut [f32]);

impl WithSimd for Widen<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (mut from, mut to) = (self.0.chunks_exact(S::LANES), self.1.chunks_exact_mut(S::LANES));
        for (from, to) in (&mut from).zip(&mut to) {
            s.store(s.load_f16(from), to);
        }
        for (from, to) in from.remainder().iter().zip(to.into_remainder()) {
            *to = from.to_f32();
        }
    }
}

struct Narrow<'a>(&'a [f32], &'a mut [f16]);

impl WithSimd for Narrow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (mut from, mut to) = (self.0.chunks_exact(S::LANES), self.1.chunks_exact_mut(S::LANES));
        for (from, to) in (&mut from).zip(&mut to) {
            s.store_f16(s.load(from), to);
        }
        for (from, to) in from.remainder().iter().zip(to.into_remainder()) {
            *to = f16::from_f32(*from);
        }
    }
}

struct Round<'a>(&'a mut [f32]);

impl WithSimd for Round<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut chunks = self.0.chunks_exact_mut(S::LANES);
        for x in &mut chunks {
            s.store(s.round_f16(s.load(x)), x);
        }
        for x in chunks.into_remainder() {
            *x = f16::from_f32(*x).to_f32();
        }
    }
}

/// Widens halves.
///
/// # Panics
/// The slices differ in length.
pub fn to_f32(level: Level, from: &[f16], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    dispatch(level, Widen(from, to));
}

/// Rounds to halves.
///
/// # Panics
/// The slices differ in length.
pub fn to_f16(level: Level, from: &[f32], to: &mut [f16]) {
    assert_eq!(from.len(), to.len());
    dispatch(level, Narrow(from, to));
}

/// Rounds each element to the nearest half, and keeps it as `f32`.
pub fn round(level: Level, x: &mut [f32]) {
    dispatch(level, Round(x));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_halves_survive_on_every_level() {
        let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        for level in Level::available() {
            let mut wide = vec![0.0; halves.len()];
            to_f32(level, &halves, &mut wide);
            let mut back = vec![f16::ZERO; halves.len()];
            to_f16(level, &wide, &mut back);
            for ((h, w), b) in halves.iter().zip(&wide).zip(&back) {
                if h.is_nan() {
                    assert!(w.is_nan() && b.is_nan(), "{level:?} {:04x}", h.to_bits());
                    assert_eq!(b.to_bits(), h.to_bits() | 0x0200, "{level:?}: quiet, payload kept");
                } else {
                    assert_eq!(w.to_bits(), h.to_f32().to_bits(), "{level:?} {:04x}", h.to_bits());
                    assert_eq!(b, h, "{level:?}");
                }
            }
        }
    }

    /// The half nearest to `x`, found by comparing distances in `f64`.
    fn nearest(x: f32) -> u16 {
        let sign = ((x.to_bits() >> 16) & 0x8000) as u16;
        let x = f64::from(x.abs());
        if x >= 65_520.0 {
            return sign | 0x7c00;
        }
        let value = |bits: u16| if bits == 0x7c00 { 65_536.0 } else { f16::from_bits(bits).to_f64() };
        let above = (0..=0x7c00u16).collect::<Vec<_>>().partition_point(|b| value(*b) < x) as u16;
        let below = above.saturating_sub(1);
        let (low, high) = (x - value(below), value(above) - x);
        let bits = if low < high || (low == high && below & 1 == 0) { below } else { above };
        sign | bits
    }

    #[test]
    fn rounding_is_to_nearest_even_around_every_boundary() {
        // Each half, the midpoint to the next, and the f32 on either side of both.
        let mut values = Vec::new();
        for bits in (0..0x7c00u16).step_by(37).chain([0, 1, 0x3ff, 0x400, 0x7bff]) {
            let (a, b) = (f16::from_bits(bits).to_f64(), f16::from_bits(bits + 1).to_f64().min(65_536.0));
            for v in [a, (a + b) / 2.0] {
                let v = v as f32;
                values.extend([v, -v, f32::from_bits(v.to_bits() + 1), f32::from_bits(v.to_bits().max(1) - 1)]);
            }
        }
        values.extend([65_519.996, 65_520.0, 1e30, f32::INFINITY, -f32::INFINITY, 1e-30, -1e-30]);
        let expected: Vec<u16> = values.iter().map(|v| nearest(*v)).collect();
        for level in Level::available() {
            let mut out = vec![f16::ZERO; values.len()];
            to_f16(level, &values, &mut out);
            let mut rounded = values.clone();
            round(level, &mut rounded);
            for (((v, o), e), r) in values.iter().zip(&out).zip(&expected).zip(&rounded) {
                assert_eq!(o.to_bits(), *e, "{level:?} {v:e}");
                assert_eq!(r.to_bits(), o.to_f32().to_bits(), "{level:?} {v:e}");
            }
        }
    }

    #[test]
    fn every_tail_length() {
        for level in Level::available() {
            for len in 0..40 {
                let from: Vec<f32> = (0..len).map(|i| i as f32 + 0.25).collect();
                let mut to = vec![f16::ZERO; len];
                to_f16(level, &from, &mut to);
                assert!(from.iter().zip(&to).all(|(a, b)| f16::from_f32(*a) == *b), "{level:?} {len}");
            }
        }
    }
}
