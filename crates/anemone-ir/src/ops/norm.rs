//! Normalisation, and softmax.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::maximum;
use crate::ops::reduce::{group_of, groups};
use crate::reference::{Array, Inputs};
use crate::types::{DTypeSet, Dims};

/// `exp(x) / sum(exp(x))` along an axis, without overflow on the way.
#[derive(Clone, PartialEq, Debug)]
pub struct Softmax {
    /// The axis.
    pub axis: usize,
}

impl Operation for Softmax {
    const SCHEMA: Schema = Schema::new("softmax", DTypeSet::FLOAT, &[Param::t("x"), Param::ints("axis").optional()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        Ok(Inferred::one(Softmax { axis: call.axis("axis", -1, &x.dims)? }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let stats: Vec<(f64, f64)> = groups(&a.data, &a.ty.dims, &[self.axis])
            .iter()
            .map(|g| {
                let max = g.iter().copied().fold(f64::NEG_INFINITY, maximum);
                (max, g.iter().map(|x| libm::exp(x - max)).sum())
            })
            .collect();
        let one = |(at, x): (usize, &f64)| {
            let (max, sum) = stats[group_of(at, &a.ty.dims, &[self.axis])];
            libm::exp(x - max) / sum
        };
        vec![a.data.iter().enumerate().map(one).collect()]
    }
}

/// Mean and biased variance of numbers.
fn moments(v: &[f64]) -> (f64, f64) {
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    (mean, v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
}

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with the statistics of each group of elements.
fn normalize(
    a: &Array,
    axes: &[usize],
    epsilon: f64,
    affine: impl Fn(usize) -> usize,
    gamma: Option<&Array>,
    beta: Option<&Array>,
) -> Vec<f64> {
    let stats: Vec<_> = groups(&a.data, &a.ty.dims, axes).iter().map(|g| moments(g)).collect();
    let one = |(at, x): (usize, &f64)| {
        let (mean, variance) = stats[group_of(at, &a.ty.dims, axes)];
        let y = (x - mean) / (variance + epsilon).sqrt();
        y * gamma.map_or(1.0, |g| g.data[affine(at)]) + beta.map_or(0.0, |b| b.data[affine(at)])
    };
    a.data.iter().enumerate().map(one).collect()
}

const AFFINE: [Param; 3] =
    [Param::const_u("gamma").optional(), Param::const_u("beta").optional(), Param::const_u("epsilon").optional()];

/// Normalises over `axes` by their mean and biased variance; `gamma` and `beta` have the shape of those axes.
#[derive(Clone, PartialEq, Debug)]
pub struct LayerNorm {
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Operation for LayerNorm {
    const SCHEMA: Schema = Schema::new(
        "layer_norm",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::ints("axes").vector().optional(), AFFINE[0], AFFINE[1], AFFINE[2]],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let axes = call.axes("axes", &x.dims)?.unwrap_or_else(|| (0..x.dims.rank()).collect());
        let shape: Vec<usize> = axes.iter().map(|a| x.dims[*a]).collect();
        for name in ["gamma", "beta"] {
            if let Some(ty) = call.ty_opt(name) {
                ensure!(*ty.dims == *shape, "shape", "`{name}` is {}, the normalised axes are {shape:?}", ty.dims);
            }
        }
        Ok(Inferred::one(LayerNorm { axes, epsilon: call.float("epsilon", 1e-5)? }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let others: Vec<usize> = (0..a.ty.dims.rank()).filter(|axis| !self.axes.contains(axis)).collect();
        let affine = |at| group_of(at, &a.ty.dims, &others);
        vec![normalize(a, &self.axes, self.epsilon, affine, x.opt("gamma"), x.opt("beta"))]
    }
}

/// `x` as `[n, c, spatial…]`, and the channel of a position.
fn channels(call: &Call<'_>, names: &[&str], space: std::ops::RangeInclusive<usize>) -> Result<usize, OpError> {
    let x = call.ty("x");
    let channels = match &*x.dims {
        [_, c, rest @ ..] if space.contains(&rest.len()) => *c,
        _ => fail!(
            "rank",
            "`x` is {}; [n, channels] and {} to {} spatial axes are wanted",
            x.dims,
            space.start(),
            space.end()
        ),
    };
    for name in names {
        if let Some(ty) = call.ty_opt(name) {
            ensure!(*ty.dims == [channels], "shape", "`{name}` is {}, [{channels}] is wanted", ty.dims);
        }
    }
    Ok(channels)
}

fn channel_of(at: usize, dims: &Dims) -> usize {
    at / dims[2..].iter().product::<usize>() % dims[1]
}

/// Normalises each channel of each sample over its spatial axes.
#[derive(Clone, PartialEq, Debug)]
pub struct InstanceNorm {
    /// Added to the variance.
    pub epsilon: f64,
}

impl Operation for InstanceNorm {
    const SCHEMA: Schema =
        Schema::new("instance_norm", DTypeSet::FLOAT, &[Param::t("x"), AFFINE[0], AFFINE[1], AFFINE[2]]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        channels(call, &["gamma", "beta"], 1..=2)?;
        Ok(Inferred::one(InstanceNorm { epsilon: call.float("epsilon", 1e-5)? }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let space: Vec<usize> = (2..a.ty.dims.rank()).collect();
        vec![normalize(a, &space, self.epsilon, |at| channel_of(at, &a.ty.dims), x.opt("gamma"), x.opt("beta"))]
    }
}

/// Normalises each channel by a given mean and variance.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f64,
}

impl Operation for BatchNorm {
    const SCHEMA: Schema = Schema::new(
        "batch_norm",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::const_u("mean"), Param::const_u("variance"), AFFINE[0], AFFINE[1], AFFINE[2]],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        channels(call, &["mean", "variance", "gamma", "beta"], 1..=3)?;
        Ok(Inferred::one(BatchNorm { epsilon: call.float("epsilon", 1e-5)? }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let (mean, variance) = (&x.get("mean").data, &x.get("variance").data);
        let one = |(at, x_at): (usize, &f64)| {
            let c = channel_of(at, &a.ty.dims);
            let y = (x_at - mean[c]) / (variance[c] + self.epsilon).sqrt();
            y * x.opt("gamma").map_or(1.0, |g| g.data[c]) + x.opt("beta").map_or(0.0, |b| b.data[c])
        };
        vec![a.data.iter().enumerate().map(one).collect()]
    }
}

/// `x / sqrt(sum(x * x) + epsilon)` over the last three axes.
#[derive(Clone, PartialEq, Debug)]
pub struct L2Norm {
    /// The axes: the last three.
    pub axes: Vec<usize>,
    /// Added to the sum of squares.
    pub epsilon: f64,
}

impl Operation for L2Norm {
    const SCHEMA: Schema = Schema::new("l2_norm", DTypeSet::FLOAT, &[Param::t("x"), AFFINE[2]]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        ensure!(rank >= 3, "rank", "`x` is {}, rank 3 or more is wanted", x.dims);
        Ok(Inferred::one(L2Norm { axes: (rank - 3..rank).collect(), epsilon: call.float("epsilon", 1e-6)? }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let sums: Vec<f64> =
            groups(&a.data, &a.ty.dims, &self.axes).iter().map(|g| g.iter().map(|x| x * x).sum()).collect();
        let one = |(at, x): (usize, &f64)| x / (sums[group_of(at, &a.ty.dims, &self.axes)] + self.epsilon).sqrt();
        vec![a.data.iter().enumerate().map(one).collect()]
    }
}

/// `x / (k + alpha / size * sum(x * x)) ^ beta`, with the sum over `size` channels around each, as far as there are so many:
/// `size / 2` before it, and of an even size one less after it.
#[derive(Clone, PartialEq, Debug)]
pub struct LocalResponseNorm {
    /// How many channels.
    pub size: usize,
    /// The factor of the sum.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// Added to the sum.
    pub k: f64,
}

impl LocalResponseNorm {
    /// The channels that a channel is normalised by.
    pub fn window(&self, channel: usize, channels: usize) -> std::ops::Range<usize> {
        let first = channel.saturating_sub(self.size / 2);
        first..channel.saturating_add(self.size.div_ceil(2)).min(channels)
    }
}

impl Operation for LocalResponseNorm {
    const SCHEMA: Schema = Schema::new(
        "local_response_norm",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::ints("size"),
            Param::const_u("alpha").optional(),
            Param::const_u("beta").optional(),
            Param::const_u("k").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        channels(call, &[], 1..=2)?;
        let size = call.int("size", 1)?;
        ensure!(size >= 1, "range", "`size` is {size}; at least 1 is wanted");
        let (alpha, beta, k) = (call.float("alpha", 1e-4)?, call.float("beta", 0.75)?, call.float("k", 1.0)?);
        Ok(Inferred::one(LocalResponseNorm { size: size as usize, alpha, beta, k }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let (channels, inner) = (a.ty.dims[1], a.ty.dims[2..].iter().product::<usize>());
        let one = |(at, x): (usize, &f64)| {
            let c = at / inner % channels;
            let square = |other: usize| a.data[at - c * inner + other * inner].powi(2);
            let sum: f64 = self.window(c, channels).map(square).sum();
            x / libm::pow(self.k + self.alpha / self.size as f64 * sum, self.beta)
        };
        vec![a.data.iter().enumerate().map(one).collect()]
    }
}
