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

/// Calls `f` on vectors of `x`, and on a padded vector for what is left.
#[inline(always)]
fn each<S: Simd>(s: S, x: &mut [f32], f: impl Fn(S::V) -> S::V) {
    let mut chunks = x.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        s.store(f(s.load(chunk)), chunk);
    }
    let tail = chunks.into_remainder();
    if !tail.is_empty() {
        let mut padded = [0.0; 16];
        padded[..tail.len()].copy_from_slice(tail);
        s.store(f(s.load(&padded)), &mut padded);
        tail.copy_from_slice(&padded[..tail.len()]);
    }
}

/// Calls `f` on vectors of `a` and `b`; results go into `a`.
#[inline(always)]
fn both<S: Simd>(s: S, a: &mut [f32], b: &[f32], f: impl Fn(S::V, S::V) -> S::V) {
    let mut chunks = a.chunks_exact_mut(S::LANES);
    let mut others = b.chunks_exact(S::LANES);
    for (a, b) in (&mut chunks).zip(&mut others) {
        s.store(f(s.load(a), s.load(b)), a);
    }
    let tail = chunks.into_remainder();
    if !tail.is_empty() {
        let (mut pa, mut pb) = ([0.0; 16], [0.0; 16]);
        pa[..tail.len()].copy_from_slice(tail);
        pb[..tail.len()].copy_from_slice(others.remainder());
        s.store(f(s.load(&pa), s.load(&pb)), &mut pa);
        tail.copy_from_slice(&pa[..tail.len()]);
    }
}

struct Apply<'a>(Unary, &'a mut [f32]);

impl WithSimd for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Apply(unary, x) = self;
        let zero = s.splat(0.0);
        let one = s.splat(1.0);
        match unary {
            Unary::Identity => {}
            Unary::Abs => each(s, x, |x| s.abs(x)),
            Unary::Square => each(s, x, |x| s.mul(x, x)),
            Unary::Sqrt => each(s, x, |x| s.sqrt(x)),
            Unary::Exp => each(s, x, |x| math::exp(s, x)),
            Unary::Exp2 => each(s, x, |x| math::exp2(s, x)),
            Unary::Sign => each(s, x, |x| {
                let sign = s.copysign(one, x);
                s.select(s.lt(zero, s.abs(x)), sign, x)
            }),
            Unary::Floor => each(s, x, |x| s.floor(x)),
            Unary::Ceil => each(s, x, |x| s.ceil(x)),
            Unary::Round => each(s, x, |x| s.round(x)),
            Unary::Erf => each(s, x, |x| math::erf(s, x)),
            // Rare, and hard to get right for large arguments: in f64 by a library that has no machine-dependent path.
            Unary::Sin => x.iter_mut().for_each(|x| *x = libm::sin(f64::from(*x)) as f32),
            Unary::Cos => x.iter_mut().for_each(|x| *x = libm::cos(f64::from(*x)) as f32),
            Unary::Rsqrt(e) => each(s, x, |x| s.div(one, s.sqrt(s.add(x, s.splat(e))))),
            Unary::Log(e) => each(s, x, |x| math::log(s, s.add(x, s.splat(e)))),
            Unary::Inverse(e) => each(s, x, |x| s.div(one, s.add(x, s.splat(e)))),
            Unary::Relu => each(s, x, |x| s.select(s.lt(x, zero), zero, x)),
            Unary::Sigmoid => each(s, x, |x| math::sigmoid(s, x)),
            Unary::Tanh => each(s, x, |x| math::tanh(s, x)),
            Unary::Softplus => each(s, x, |x| math::softplus(s, x)),
            Unary::Softsign => each(s, x, |x| {
                let a = s.abs(x);
                let y = s.div(x, s.add(one, a));
                s.select(s.eq(a, s.splat(f32::INFINITY)), s.copysign(one, x), y)
            }),
            Unary::Silu => each(s, x, |x| {
                let y = s.mul(x, math::sigmoid(s, x));
                s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), zero, y)
            }),
            Unary::LeakyRelu(alpha) => each(s, x, |x| s.select(s.le(zero, x), x, s.mul(s.splat(alpha), x))),
            Unary::Elu(alpha) => {
                each(s, x, |x| s.select(s.lt(zero, x), x, s.mul(s.splat(alpha), math::expm1(s, x))));
            }
            Unary::SigmoidHard(alpha, beta) => each(s, x, |x| {
                let y = s.add(s.mul(s.splat(alpha), x), s.splat(beta));
                let y = s.select(s.lt(y, zero), zero, y);
                s.select(s.lt(one, y), one, y)
            }),
            Unary::LinearActivation(alpha, beta) => each(s, x, |x| s.add(s.mul(s.splat(alpha), x), s.splat(beta))),
            Unary::Clip(low, high) => each(s, x, |x| {
                let y = s.select(s.lt(x, s.splat(low)), s.splat(low), x);
                s.select(s.lt(s.splat(high), y), s.splat(high), y)
            }),
            Unary::GeluExact => each(s, x, |x| {
                let t = math::erf(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2)));
                gelu(s, x, s.add(one, t))
            }),
            Unary::GeluTanh => each(s, x, |x| {
                let cube = s.mul(s.mul(x, x), x);
                let inner = s.fma(s.splat(0.044_715), cube, x);
                let t = math::tanh(s, s.mul(s.splat(0.797_884_6), inner));
                gelu(s, x, s.add(one, t))
            }),
            Unary::GeluSigmoid => each(s, x, |x| {
                let y = s.mul(x, math::sigmoid(s, s.mul(s.splat(1.702), x)));
                s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), s.splat(-0.0), y)
            }),
            Unary::Not => each(s, x, |x| s.select(s.eq(x, zero), one, zero)),
            Unary::Truth => each(s, x, |x| s.select(s.eq(x, zero), zero, one)),
        }
    }
}

/// `x / 2 * factor`, and -0 for negative infinity, where the factor is 0.
#[inline(always)]
fn gelu<S: Simd>(s: S, x: S::V, factor: S::V) -> S::V {
    let y = s.mul(s.mul(s.splat(0.5), x), factor);
    s.select(s.eq(x, s.splat(f32::NEG_INFINITY)), s.splat(-0.0), y)
}

struct Combine<'a>(Binary, &'a mut [f32], &'a [f32]);

impl WithSimd for Combine<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Combine(binary, a, b) = self;
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        let truth = |m| s.select(m, one, zero);
        let is = |x| s.select(s.eq(x, zero), zero, one);
        match binary {
            Binary::Add => both(s, a, b, |a, b| s.add(a, b)),
            Binary::Sub => both(s, a, b, |a, b| s.sub(a, b)),
            Binary::Mul => both(s, a, b, |a, b| s.mul(a, b)),
            Binary::RealDiv => both(s, a, b, |a, b| s.div(a, b)),
            Binary::FloorDiv => both(s, a, b, |a, b| {
                // The quotient may have been rounded up to an integer; the sign of the remainder tells.
                let q = s.floor(s.div(a, b));
                let rest = s.fma(s.neg(q), b, a);
                s.select(s.lt(s.mul(rest, s.copysign(one, b)), zero), s.sub(q, one), q)
            }),
            Binary::Pow => a.iter_mut().zip(b).for_each(|(a, b)| *a = pow(*a, *b)),
            Binary::Maximum => both(s, a, b, |a, b| math::maximum(s, a, b)),
            Binary::Minimum => both(s, a, b, |a, b| math::minimum(s, a, b)),
            Binary::Equal => both(s, a, b, |a, b| truth(s.eq(a, b))),
            Binary::NotEqual => both(s, a, b, |a, b| s.select(s.eq(a, b), zero, one)),
            Binary::Less => both(s, a, b, |a, b| truth(s.lt(a, b))),
            Binary::LessEqual => both(s, a, b, |a, b| truth(s.le(a, b))),
            Binary::Greater => both(s, a, b, |a, b| truth(s.lt(b, a))),
            Binary::GreaterEqual => both(s, a, b, |a, b| truth(s.le(b, a))),
            Binary::LogicalAnd => both(s, a, b, |a, b| s.mul(is(a), is(b))),
            Binary::LogicalOr => both(s, a, b, |a, b| is(s.add(is(a), is(b)))),
            Binary::LogicalXor => both(s, a, b, |a, b| s.abs(s.sub(is(a), is(b)))),
        }
    }
}

/// In `f64`, by a library that has no machine-dependent path. Squares, the common case, are exact there already.
fn pow(a: f32, b: f32) -> f32 {
    if b == 2.0 { a * a } else { libm::pow(f64::from(a), f64::from(b)) as f32 }
}

/// Replaces each element by its function.
pub fn unary(level: Level, unary: Unary, x: &mut [f32]) {
    dispatch(level, Apply(unary, x));
}

/// Replaces each element of `a` by the function of it and its counterpart in `b`.
///
/// # Panics
/// The slices differ in length.
pub fn binary(level: Level, binary: Binary, a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    dispatch(level, Combine(binary, a, b));
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
