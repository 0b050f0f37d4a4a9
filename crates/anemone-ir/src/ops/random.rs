//! Random numbers.
//!
//! They follow from the seed and from an element's position alone, so that they are the same on every machine and in every run.
//! Core ML draws its own, of which only the distribution is told. A negative `seed`, which is the default, asks it for another
//! sequence in every run; here it is the seed 0.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::{Inputs, round_to};
use crate::types::{DType, DTypeSet, Dims, TensorType};

/// Numbers from a seed, each by its index: the output function of SplitMix64 of seed and index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    seed: u64,
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014; constants: Stafford's variant 13).
fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

impl Numbers {
    /// Those of a call's `seed`.
    fn read(call: &Call<'_>) -> Result<Numbers, OpError> {
        Ok(Numbers { seed: mix(call.int("seed", -1)?.max(0) as u64) })
    }

    /// From 0 up to before 1, a multiple of 2^-53.
    fn unit(self, index: usize) -> f64 {
        let bits = mix(self.seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of the normal distribution with mean 0 and deviation 1: by Box and Muller, of two numbers each.
    fn normal(self, index: usize) -> f64 {
        let (radius, angle) = (1.0 - self.unit(2 * index), self.unit(2 * index + 1));
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
    }
}

const SHAPE: Param = Param::ints("shape").vector();
const SEED: Param = Param::ints("seed").optional();

/// The type of the result: of the dimensions in `shape`, and of the type of the numbers, which is `fp32` if none is given.
fn result(call: &Call<'_>, numbers: &[&str]) -> Result<TensorType, OpError> {
    let shape = call.ints("shape").unwrap_or_default();
    let sizes: Result<Vec<usize>, _> = shape.iter().map(|d| usize::try_from(*d)).collect();
    let Ok(sizes) = sizes else { fail!("shape", "`shape` {shape:?} has a dimension below 0") };
    let dtype = numbers.iter().find_map(|name| call.ty_opt(name)).map_or(DType::Fp32, |ty| ty.dtype);
    Ok(TensorType::new(dtype, Dims::new(&sizes)?))
}

/// 1 with the probability `prob`, else 0.
#[derive(Clone, PartialEq, Debug)]
pub struct RandomBernoulli {
    /// The probability.
    pub prob: f64,
    /// Where the numbers come from.
    pub numbers: Numbers,
}

impl Operation for RandomBernoulli {
    const SCHEMA: Schema =
        Schema::new("random_bernoulli", DTypeSet::FLOAT, &[SHAPE, Param::const_t("prob").optional(), SEED]).impure();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let prob = call.float("prob", 0.5)?;
        ensure!((0.0..=1.0).contains(&prob), "range", "`prob` is {prob}; a number from 0 to 1 is wanted");
        Ok(Inferred::one(RandomBernoulli { prob, numbers: Numbers::read(call)? }, result(call, &["prob"])?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let one = |i| f64::from(u8::from(self.numbers.unit(i) < self.prob));
        vec![(0..x.result(0).dims.elements()).map(one).collect()]
    }
}

/// Numbers of a normal distribution.
#[derive(Clone, PartialEq, Debug)]
pub struct RandomNormal {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub stddev: f64,
    /// Where the numbers come from.
    pub numbers: Numbers,
}

impl Operation for RandomNormal {
    const SCHEMA: Schema = Schema::new(
        "random_normal",
        DTypeSet::FLOAT,
        &[SHAPE, Param::const_t("mean").optional(), Param::const_t("stddev").optional(), SEED],
    )
    .impure();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (mean, stddev) = (call.float("mean", 0.0)?, call.float("stddev", 1.0)?);
        ensure!((0.0..).contains(&stddev), "range", "`stddev` is {stddev}; a number from 0 on is wanted");
        let op = RandomNormal { mean, stddev, numbers: Numbers::read(call)? };
        Ok(Inferred::one(op, result(call, &["mean", "stddev"])?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let one = |i| self.mean + self.stddev * self.numbers.normal(i);
        vec![(0..x.result(0).dims.elements()).map(one).collect()]
    }
}

/// Numbers spread evenly from `low` up to before `high`: one that would be rounded to `high` is `low`.
#[derive(Clone, PartialEq, Debug)]
pub struct RandomUniform {
    /// The lowest.
    pub low: f64,
    /// Above the highest.
    pub high: f64,
    /// Where the numbers come from.
    pub numbers: Numbers,
}

impl Operation for RandomUniform {
    const SCHEMA: Schema = Schema::new(
        "random_uniform",
        DTypeSet::FLOAT,
        &[SHAPE, Param::const_t("low").optional(), Param::const_t("high").optional(), SEED],
    )
    .impure();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (low, high) = (call.float("low", 0.0)?, call.float("high", 1.0)?);
        ensure!(
            (low..).contains(&high),
            "range",
            "`low` is {low} and `high` is {high}; `low` must not be above `high`"
        );
        let op = RandomUniform { low, high, numbers: Numbers::read(call)? };
        Ok(Inferred::one(op, result(call, &["low", "high"])?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let ty = x.result(0);
        let one = |i| {
            let number = round_to(ty.dtype, self.low + (self.high - self.low) * self.numbers.unit(i));
            if number < self.high { number } else { self.low }
        };
        vec![(0..ty.dims.elements()).map(one).collect()]
    }
}

/// Indices of the last axis, `size` for each place before it, drawn with the probabilities that stand along it: as they are,
/// or as logarithms. They need not add up to 1. One below 0 or NaN is 0, and where all are 0 the index is 0. An index is a
/// number of the type of `x`, and rounded where that does not hold it.
#[derive(Clone, PartialEq, Debug)]
pub struct RandomCategorical {
    /// Whether `x` holds logarithms.
    pub logits: bool,
    /// How many are drawn.
    pub size: usize,
    /// Where the numbers come from.
    pub numbers: Numbers,
}

impl Operation for RandomCategorical {
    const SCHEMA: Schema = Schema::new(
        "random_categorical",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::string("mode").optional(), Param::ints("size").optional(), SEED],
    )
    .impure();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let Some(last) = x.dims.rank().checked_sub(1) else {
            fail!("rank", "`x` is a scalar, a vector or more is wanted")
        };
        let logits = match call.str("mode", "logits")? {
            "logits" => true,
            "probs" => false,
            other => fail!("mode", "`mode` is \"{other}\"; allowed are logits, probs"),
        };
        let size = call.int("size", 1)?;
        ensure!(size >= 1, "range", "`size` is {size}; at least 1 is wanted");
        let dims = x.dims.with(last, size as usize)?;
        let op = RandomCategorical { logits, size: size as usize, numbers: Numbers::read(call)? };
        Ok(Inferred::one(op, TensorType::new(x.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let last = a.ty.dims[a.ty.dims.rank() - 1];
        let rows = a.data.chunks_exact(last).enumerate();
        vec![rows.flat_map(|(row, x)| self.draw(row * self.size, &self.weights(x))).collect()]
    }
}

impl RandomCategorical {
    /// What each index weighs.
    fn weights(&self, x: &[f64]) -> Vec<f64> {
        let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |x: &f64| match self.logits {
            true if *x == most && most > f64::NEG_INFINITY => 1.0,
            true => libm::exp(x - most),
            false if most == f64::INFINITY => f64::from(u8::from(*x == most)),
            false => *x,
        };
        // `max` takes the number, if one of the two is NaN.
        x.iter().map(|x| weight(x).max(0.0)).collect()
    }

    /// Draws, with the numbers from an index on.
    fn draw(&self, first: usize, weights: &[f64]) -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        let one = |i: usize| {
            let (mark, mut sum) = (total * self.numbers.unit(i), 0.0);
            let reached = |weight: &f64| {
                sum += weight;
                mark < sum
            };
            weights.iter().position(reached).unwrap_or(0) as f64
        };
        (first..first + self.size).map(one).collect()
    }
}
