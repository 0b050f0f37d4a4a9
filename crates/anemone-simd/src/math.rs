//! Transcendental functions on vectors, from correctly rounded operations only, so that every level and every architecture
//! gives the same bits. The polynomials were fitted for this project (Chebyshev interpolation in 40 digits, coefficients
//! rounded to `f32`); errors against `f64` are measured by the tests of [`crate::map`].

use crate::simd::Simd;

/// IEEE 754-2019 `maximum`: NaN if either is NaN; 0 is above -0.
#[inline(always)]
pub fn maximum<S: Simd>(s: S, a: S::V, b: S::V) -> S::V {
    // Where neither is below the other they are equal (or NaN): a sum of zeros is -0 only if both are, a sum with NaN is NaN.
    let equal = s.select(s.eq(a, b), s.select(s.eq(a, s.splat(0.0)), s.add(a, b), a), s.add(a, b));
    s.select(s.lt(a, b), b, s.select(s.lt(b, a), a, equal))
}

/// IEEE 754-2019 `minimum`.
#[inline(always)]
pub(crate) fn minimum<S: Simd>(s: S, a: S::V, b: S::V) -> S::V {
    s.neg(maximum(s, s.neg(a), s.neg(b)))
}

/// `c0 + c1 x + c2 x^2 + …`, coefficients from the highest.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut acc = s.splat(coefficients[0]);
    for c in &coefficients[1..] {
        acc = s.fma(acc, x, s.splat(*c));
    }
    acc
}

const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `exp(r) - 1` for `|r| <= ln(2) / 2`.
#[inline(always)]
fn expm1_small<S: Simd>(s: S, r: S::V) -> S::V {
    const P: [f32; 6] = [1.989_118e-4, 1.393_382e-3, 8.333_31e-3, 4.166_646_3e-2, 0.166_666_67, 0.5];
    s.fma(s.mul(r, r), polynomial(s, r, P), r)
}

/// `n` and `r` with `x = n ln(2) + r`, for |x| < 200.
#[inline(always)]
fn reduce_ln2<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-LN2_HIGH), x);
    (n, s.fma(n, s.splat(-LN2_LOW), r))
}

/// `x` clamped, NaN kept: outside of these bounds an exponential is 0 or infinite.
#[inline(always)]
fn clamp<S: Simd>(s: S, x: S::V, low: f32, high: f32) -> S::V {
    s.min(s.splat(high), s.max(s.splat(low), x))
}

/// NaN where `x` is NaN, else `y`: the integer steps of a function do not carry NaN along.
#[inline(always)]
fn keep_nan<S: Simd>(s: S, x: S::V, y: S::V) -> S::V {
    s.select(s.eq(x, x), y, s.add(x, x))
}

#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let (n, r) = reduce_ln2(s, clamp(s, x, -110.0, 90.0));
    keep_nan(s, x, s.scale(s.add(expm1_small(s, r), s.splat(1.0)), n))
}

#[inline(always)]
pub(crate) fn exp2<S: Simd>(s: S, x: S::V) -> S::V {
    let clamped = clamp(s, x, -160.0, 130.0);
    let n = s.round(clamped);
    let r = s.mul(s.sub(clamped, n), s.splat(std::f32::consts::LN_2));
    keep_nan(s, x, s.scale(s.add(expm1_small(s, r), s.splat(1.0)), n))
}

#[inline(always)]
pub(crate) fn expm1<S: Simd>(s: S, x: S::V) -> S::V {
    let small = s.lt(s.abs(x), s.splat(0.34));
    let y = s.select(small, expm1_small(s, s.select(small, x, s.splat(0.0))), s.sub(exp(s, x), s.splat(1.0)));
    s.copysign(y, x)
}

#[inline(always)]
pub(crate) fn log<S: Simd>(s: S, x: S::V) -> S::V {
    const P: [f32; 9] = [
        6.971_612e-2,
        -0.114_797_34,
        0.116_854_2,
        -0.124_256_87,
        0.142_490_58,
        -0.166_678_03,
        0.200_007_16,
        -0.249_999_97,
        0.333_333_3,
    ];
    // Subnormals are made normal first.
    let tiny = s.lt(x, s.splat(f32::MIN_POSITIVE));
    let scaled = s.select(tiny, s.mul(x, s.splat(8_388_608.0)), x);
    let (e, m) = s.frexp(scaled);
    let e = s.sub(e, s.select(tiny, s.splat(23.0), s.splat(0.0)));
    let f = s.sub(m, s.splat(1.0));
    let square = s.mul(f, f);
    let mut y = s.mul(s.mul(square, f), polynomial(s, f, P));
    y = s.fma(e, s.splat(LN2_LOW), y);
    y = s.fma(s.splat(-0.5), square, y);
    y = s.fma(e, s.splat(LN2_HIGH), s.add(f, y));
    let zero = s.splat(0.0);
    y = s.select(s.eq(x, zero), s.splat(f32::NEG_INFINITY), y);
    y = s.select(s.eq(x, s.splat(f32::INFINITY)), x, y);
    y = s.select(s.lt(x, zero), s.splat(f32::NAN), y);
    keep_nan(s, x, y)
}

/// `log(1 + x)` for `x >= 0`.
#[inline(always)]
pub(crate) fn log1p_positive<S: Simd>(s: S, x: S::V) -> S::V {
    // What 1 + x loses is made up for by the factor: (log u) * x / (u - 1) is right to rounding.
    let one = s.splat(1.0);
    let u = s.add(one, x);
    let lost_all = s.eq(u, one);
    let d = s.select(lost_all, one, s.sub(u, one));
    s.select(lost_all, x, s.mul(log(s, u), s.div(x, d)))
}

#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
    // exp of what is not positive neither overflows nor loses the small results.
    let one = s.splat(1.0);
    let e = exp(s, s.neg(s.abs(x)));
    s.div(s.select(s.lt(x, s.splat(0.0)), e, one), s.add(one, e))
}

#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    const P: [f32; 5] = [-6.096_714e-3, 2.099_718e-2, -5.385_090_8e-2, 0.133_327_7, -0.333_333_28];
    let a = s.abs(x);
    let square = s.mul(x, x);
    let small = s.fma(s.mul(square, x), polynomial(s, square, P), x);
    let two = s.splat(2.0);
    let large = s.sub(s.splat(1.0), s.div(two, s.add(exp(s, s.mul(two, a)), s.splat(1.0))));
    s.copysign(s.select(s.lt(a, s.splat(0.625)), small, large), x)
}

#[inline(always)]
pub(crate) fn erf<S: Simd>(s: S, x: S::V) -> S::V {
    /// `erf(x) / x - 1`, in `x^2`.
    const SMALL: [f32; 7] =
        [7.875_875e-5, -8.016_864e-4, 5.189_087e-3, -2.685_421_1e-2, 0.112_835_94, -0.376_126_26, 0.128_379_17];
    /// `-log(1 - erf(x))` for x from 1 to 4.
    const LARGE: [f32; 9] = [
        -1.637_151_4e-6,
        4.605_804e-5,
        -5.968_057e-4,
        4.759_596e-3,
        -2.642_113_5e-2,
        0.110_080_086,
        0.631_826_04,
        1.130_233_4,
        -3.201_380_6e-4,
    ];
    let a = s.abs(x);
    let small = s.fma(polynomial(s, s.mul(x, x), SMALL), x, x);
    let bounded = clamp(s, a, 0.0, 4.0);
    let large = s.sub(s.splat(1.0), exp(s, s.neg(polynomial(s, bounded, LARGE))));
    s.select(s.lt(a, s.splat(1.0)), small, s.copysign(large, x))
}

#[inline(always)]
pub(crate) fn softplus<S: Simd>(s: S, x: S::V) -> S::V {
    let positive = s.select(s.lt(x, s.splat(0.0)), s.splat(0.0), x);
    s.add(positive, log1p_positive(s, exp(s, s.neg(s.abs(x)))))
}
