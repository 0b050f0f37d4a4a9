//! Functions of each element of a slice: what MIL's elementwise operations and activations compute, in `f32`.

use crate::arch::{Level, dispatch};
use crate::math;
use crate::simd::{Simd, WithSimd};

/// A function of one number.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs)] // Each variant is MIL's operation of that name.
pub enum Unary {
    Identity,
    Abs,
    Square,
    Sqrt,
    Exp,
    Exp2,
    Sign,
    Floor,
    Ceil,
    Round,
    Erf,
    Sin,
    Cos,
    Tan,
    Acos,
    Asin,
    Atan,
    Atanh,
    Cosh,
    Sinh,
    /// `1 / sqrt(x + epsilon)`
    Rsqrt(f32),
    /// `log(x + epsilon)`
    Log(f32),
    /// `1 / (x + epsilon)`
    Inverse(f32),
    Relu,
    Sigmoid,
    Tanh,
    Softplus,
    Softsign,
    Silu,
    /// `x`, or `alpha * x` below zero
    LeakyRelu(f32),
    /// `x`, or `alpha * (exp(x) - 1)` where not positive
    Elu(f32),
    /// `min(max(alpha * x + beta, 0), 1)`
    SigmoidHard(f32, f32),
    /// `alpha * x + beta`
    LinearActivation(f32, f32),
    /// `min(max(x, alpha), beta)`
    Clip(f32, f32),
    /// `x`, or 0 below `alpha`
    ThresholdedRelu(f32),
    /// `min(x, beta)`, or `min(alpha * x, beta)` below zero
    ClampedRelu(f32, f32),
    /// `alpha * tanh(beta * x)`
    ScaledTanh(f32, f32),
    GeluExact,
    GeluTanh,
    GeluSigmoid,
    /// 1 for 0, else 0
    Not,
    /// 0 for 0, else 1
    Truth,
}

/// A function of two numbers. Comparisons and logic give 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Each variant is MIL's operation of that name.
pub enum Binary {
    Add,
    Sub,
    Mul,
    RealDiv,
    FloorDiv,
    Mod,
    Pow,
    Maximum,
    Minimum,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
}

/// How results are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// As they are computed.
    F32,
    /// Rounded to the nearest half.
    F16,
}

// These loops are macros, not functions of closures: a closure that is not inlined would be compiled without the level's
// instructions, and call each of them.

/// Replaces vectors of `data` by the expression in `x`; what is left at the end is done on a padded vector.
macro_rules! each {
    ($s:ident, $keep:ident, $data:expr, |$x:ident| $body:expr) => {{
        let mut chunks = $data.chunks_exact_mut(S::LANES);
        for chunk in &mut chunks {
            let $x = $s.load(chunk);
            $s.store(keep($s, $keep, $body), chunk);
        }
        let tail = chunks.into_remainder();
        if !tail.is_empty() {
            let mut padded = [0.0; 16];
            padded[..tail.len()].copy_from_slice(tail);
            let $x = $s.load(&padded);
            $s.store(keep($s, $keep, $body), &mut padded);
            tail.copy_from_slice(&padded[..tail.len()]);
        }
    }};
}

/// Replaces vectors of the first slice by the expression in `a` and `b`.
macro_rules! both {
    ($s:ident, $keep:ident, $left:expr, $right:expr, |$a:ident, $b:ident| $body:expr) => {{
        let mut chunks = $left.chunks_exact_mut(S::LANES);
        let mut others = $right.chunks_exact(S::LANES);
        for (left, right) in (&mut chunks).zip(&mut others) {
            let ($a, $b) = ($s.load(left), $s.load(right));
            $s.store(keep($s, $keep, $body), left);
        }
        let tail = chunks.into_remainder();
        if !tail.is_empty() {
            let (mut left, mut right) = ([0.0; 16], [0.0; 16]);
            left[..tail.len()].copy_from_slice(tail);
            right[..tail.len()].copy_from_slice(others.remainder());
            let ($a, $b) = ($s.load(&left), $s.load(&right));
            $s.store(keep($s, $keep, $body), &mut left);
            tail.copy_from_slice(&left[..tail.len()]);
        }
    }};
}

/// Replaces each element by a function of `f64`.
macro_rules! by_library {
    ($s:ident, $keep:ident, $data:expr, $f:path) => {{
        $data.iter_mut().for_each(|x| *x = $f(f64::from(*x)) as f32);
        each!($s, $keep, $data, |x| x);
    }};
}

#[inline(always)]
fn keep<S: Simd>(s: S, keep: Keep, x: S::V) -> S::V {
    match keep {
        Keep::F32 => x,
        Keep::F16 => s.round_f16(x),
    }
}

struct Apply<'a>(Unary, &'a mut [f32], Keep);

impl WithSimd for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Apply(unary, x, keep_as) = self;
        let zero = s.splat(0.0);
        let one = s.splat(1.0);
        match unary {
            Unary::Identity => each!(s, keep_as, x, |x| x),
            Unary::Abs => each!(s, keep_as, x, |x| s.abs(x)),
            Unary::Square => each!(s, keep_as, x, |x| s.mul(x, x)),
            Unary::Sqrt => each!(s, keep_as, x, |x| s.sqrt(x)),
            Unary::Exp => each!(s, keep_as, x, |x| math::exp(s, x)),
            Unary::Exp2 => each!(s, keep_as, x, |x| math::exp2(s, x)),
            Unary::Sign => each!(s, keep_as, x, |x| {
                let sign = s.copysign(one, x);
                s.select(s.lt(zero, s.abs(x)), sign, x)
            }),
            Unary::Floor => each!(s, keep_as, x, |x| s.floor(x)),
            Unary::Ceil => each!(s, keep_as, x, |x| s.ceil(x)),
            Unary::Round => each!(s, keep_as, x, |x| s.round(x)),
            Unary::Erf => each!(s, keep_as, x, |x| math::erf(s, x)),
            // Rare, and hard to get right for large arguments: in f64 by a library that has no machine-dependent path.
            Unary::Sin => by_library!(s, keep_as, x, libm::sin),
            Unary::Cos => by_library!(s, keep_as, x, libm::cos),
            Unary::Tan => by_library!(s, keep_as, x, libm::tan),
            Unary::Acos => by_library!(s, keep_as, x, libm::acos),
            Unary::Asin => by_library!(s, keep_as, x, libm::asin),
            Unary::Atan => by_library!(s, keep_as, x, libm::atan),
            Unary::Atanh => by_library!(s, keep_as, x, libm::atanh),
            Unary::Cosh => by_library!(s, keep_as, x, libm::cosh),
            Unary::Sinh => by_library!(s, keep_as, x, libm::sinh),
            Unary::Rsqrt(e) => each!(s, keep_as, x, |x| s.div(one, s.sqrt(s.add(x, s.splat(e))))),
            Unary::Log(e) => each!(s, keep_as, x, |x| math::log(s, s.add(x, s.splat(e)))),
            Unary::Inverse(e) => each!(s, keep_as, x, |x| s.div(one, s.add(x, s.splat(e)))),
            Unary::Relu => each!(s, keep_as, x, |x| s.select(s.lt(x, zero), zero, x)),
            Unary::Sigmoid => each!(s, keep_as, x, |x| math::sigmoid(s, x)),
            Unary::Tanh => each!(s, keep_as, x, |x| math::tanh(s, x)),
            Unary::Softplus => each!(s, keep_as, x, |x| math::softplus(s, x)),
            Unary::Softsign => each!(s, keep_as, x, |x| {
                let a = s.abs(x);
                let y = s.div(x, s.add(one, a));
                s.select(s.eq(a, s.splat(f32::INFINITY)), s.copysign(one, x), y)
            }),
            Unary::Silu => each!(s, keep_as, x, |x| {
                let y = s.mul(x, math::sigmoid(s, x));
                s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), zero, y)
            }),
            Unary::LeakyRelu(alpha) => each!(s, keep_as, x, |x| s.select(s.le(zero, x), x, s.mul(s.splat(alpha), x))),
            Unary::Elu(alpha) => {
                each!(s, keep_as, x, |x| s.select(s.lt(zero, x), x, s.mul(s.splat(alpha), math::expm1(s, x))));
            }
            Unary::SigmoidHard(alpha, beta) => each!(s, keep_as, x, |x| {
                let y = s.add(s.mul(s.splat(alpha), x), s.splat(beta));
                let y = s.select(s.lt(y, zero), zero, y);
                s.select(s.lt(one, y), one, y)
            }),
            Unary::LinearActivation(alpha, beta) => {
                each!(s, keep_as, x, |x| s.add(s.mul(s.splat(alpha), x), s.splat(beta)));
            }
            Unary::Clip(low, high) => each!(s, keep_as, x, |x| {
                let y = s.select(s.lt(x, s.splat(low)), s.splat(low), x);
                s.select(s.lt(s.splat(high), y), s.splat(high), y)
            }),
            Unary::ThresholdedRelu(alpha) => each!(s, keep_as, x, |x| s.select(s.lt(x, s.splat(alpha)), zero, x)),
            Unary::ClampedRelu(alpha, beta) => each!(s, keep_as, x, |x| {
                let y = s.select(s.le(zero, x), x, s.mul(s.splat(alpha), x));
                s.select(s.lt(s.splat(beta), y), s.splat(beta), y)
            }),
            Unary::ScaledTanh(alpha, beta) => {
                each!(s, keep_as, x, |x| s.mul(s.splat(alpha), math::tanh(s, s.mul(s.splat(beta), x))));
            }
            Unary::GeluExact => each!(s, keep_as, x, |x| {
                let t = math::erf(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2)));
                gelu(s, x, s.add(one, t))
            }),
            Unary::GeluTanh => each!(s, keep_as, x, |x| {
                let cube = s.mul(s.mul(x, x), x);
                let inner = s.fma(s.splat(0.044_715), cube, x);
                let t = math::tanh(s, s.mul(s.splat(0.797_884_6), inner));
                gelu(s, x, s.add(one, t))
            }),
            Unary::GeluSigmoid => each!(s, keep_as, x, |x| {
                let y = s.mul(x, math::sigmoid(s, s.mul(s.splat(1.702), x)));
                s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), s.splat(-0.0), y)
            }),
            Unary::Not => each!(s, keep_as, x, |x| s.select(s.eq(x, zero), one, zero)),
            Unary::Truth => each!(s, keep_as, x, |x| s.select(s.eq(x, zero), zero, one)),
        }
    }
}

/// `x / 2 * factor`, and -0 for negative infinity, where the factor is 0.
#[inline(always)]
fn gelu<S: Simd>(s: S, x: S::V, factor: S::V) -> S::V {
    let y = s.mul(s.mul(s.splat(0.5), x), factor);
    s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), s.splat(-0.0), y)
}

/// 1 where true, else 0.
#[inline(always)]
fn truth<S: Simd>(s: S, m: S::M) -> S::V {
    s.select(m, s.splat(1.0), s.splat(0.0))
}

/// 0 for 0, else 1.
#[inline(always)]
fn is<S: Simd>(s: S, x: S::V) -> S::V {
    s.select(s.eq(x, s.splat(0.0)), s.splat(0.0), s.splat(1.0))
}

struct Combine<'a>(Binary, &'a mut [f32], &'a [f32], Keep);

impl WithSimd for Combine<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Combine(binary, a, b, keep_as) = self;
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        match binary {
            Binary::Add => both!(s, keep_as, a, b, |a, b| s.add(a, b)),
            Binary::Sub => both!(s, keep_as, a, b, |a, b| s.sub(a, b)),
            Binary::Mul => both!(s, keep_as, a, b, |a, b| s.mul(a, b)),
            Binary::RealDiv => both!(s, keep_as, a, b, |a, b| s.div(a, b)),
            Binary::FloorDiv => both!(s, keep_as, a, b, |a, b| {
                // The quotient may have been rounded up to an integer; the sign of the remainder tells.
                let q = s.floor(s.div(a, b));
                let rest = s.fma(s.neg(q), b, a);
                s.select(s.lt(s.mul(rest, s.copysign(one, b)), zero), s.sub(q, one), q)
            }),
            Binary::Mod => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = modulo(*a, *b));
                each!(s, keep_as, a, |a| a);
            }
            Binary::Pow => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = pow(*a, *b));
                each!(s, keep_as, a, |a| a);
            }
            Binary::Maximum => both!(s, keep_as, a, b, |a, b| math::maximum(s, a, b)),
            Binary::Minimum => both!(s, keep_as, a, b, |a, b| math::minimum(s, a, b)),
            Binary::Equal => both!(s, keep_as, a, b, |a, b| truth(s, s.eq(a, b))),
            Binary::NotEqual => both!(s, keep_as, a, b, |a, b| s.select(s.eq(a, b), zero, one)),
            Binary::Less => both!(s, keep_as, a, b, |a, b| truth(s, s.lt(a, b))),
            Binary::LessEqual => both!(s, keep_as, a, b, |a, b| truth(s, s.le(a, b))),
            Binary::Greater => both!(s, keep_as, a, b, |a, b| truth(s, s.lt(b, a))),
            Binary::GreaterEqual => both!(s, keep_as, a, b, |a, b| truth(s, s.le(b, a))),
            Binary::LogicalAnd => both!(s, keep_as, a, b, |a, b| s.mul(is(s, a), is(s, b))),
            Binary::LogicalOr => both!(s, keep_as, a, b, |a, b| is(s, s.add(is(s, a), is(s, b)))),
            Binary::LogicalXor => both!(s, keep_as, a, b, |a, b| s.abs(s.sub(is(s, a), is(s, b)))),
        }
    }
}

/// The remainder with the sign of `b`: exact, but for the sum with `b`.
fn modulo(a: f32, b: f32) -> f32 {
    let rest = libm::fmodf(a, b);
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

/// In `f64`, by a library that has no machine-dependent path. Squares, the common case, are exact there already.
fn pow(a: f32, b: f32) -> f32 {
    if b == 2.0 { a * a } else { libm::pow(f64::from(a), f64::from(b)) as f32 }
}

/// Replaces each element by its function.
pub fn unary(level: Level, unary: Unary, x: &mut [f32], keep: Keep) {
    dispatch(level, Apply(unary, x, keep));
}

/// Replaces each element of `a` by the function of it and its counterpart in `b`.
///
/// # Panics
/// The slices differ in length.
pub fn binary(level: Level, binary: Binary, a: &mut [f32], b: &[f32], keep: Keep) {
    assert_eq!(a.len(), b.len());
    dispatch(level, Combine(binary, a, b, keep));
}

struct Select<'a>(&'a [f32], &'a mut [f32], &'a [f32]);

impl WithSimd for Select<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for ((c, a), b) in self.0.iter().zip(self.1).zip(self.2) {
            *a = if *c == 0.0 { *b } else { *a };
        }
    }
}

/// Keeps `a` where `cond` is not 0, and takes `b` elsewhere.
///
/// # Panics
/// The slices differ in length.
pub fn select(level: Level, cond: &[f32], a: &mut [f32], b: &[f32]) {
    assert!(cond.len() == a.len() && a.len() == b.len());
    dispatch(level, Select(cond, a, b));
}

#[cfg(test)]
mod tests;
