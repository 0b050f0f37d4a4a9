//! Activation functions.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::unary;
use crate::reference::{Array, Inputs};
use crate::types::{DTypeSet, Opset};

/// Declares an activation with constant parameters `alpha`, `beta`, …: `|x, [alpha, …]| expression`.
macro_rules! parametric {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal { $($field:ident),* }, |$x:ident| $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            $(#[doc = concat!("MIL's `", stringify!($field), "`.")] pub $field: f64,)*
        }

        impl Operation for $Type {
            const SCHEMA: Schema =
                Schema::new($mnemonic, DTypeSet::FLOAT, &[Param::t("x"), $(Param::const_u(stringify!($field))),*]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let op = $Type { $($field: call.float(stringify!($field), 0.0)?),* };
                Ok(Inferred::one(op, call.ty("x")))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                $(let $field = self.$field;)*
                vec![x.get("x").data.iter().map(|$x| { let $x = *$x; $f }).collect()]
            }
        }
    )*};
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }
}

/// `min(max(x, low), high)`, but NaN if `x` is NaN.
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

unary! {
    /// `max(x, 0)`; NaN stays NaN.
    Relu "relu" DTypeSet::FLOAT, |x| if x < 0.0 { 0.0 } else { x };
    /// `min(max(x, 0), 6)`.
    Relu6 "relu6" DTypeSet::FLOAT, |x| clamp(x, 0.0, 6.0);
    /// `1 / (1 + exp(-x))`.
    Sigmoid "sigmoid" DTypeSet::FLOAT, sigmoid;
    /// The hyperbolic tangent.
    Tanh "tanh" DTypeSet::FLOAT, libm::tanh;
    /// `log(1 + exp(x))`.
    Softplus "softplus" DTypeSet::FLOAT, softplus;
    /// `x / (1 + |x|)`.
    Softsign "softsign" DTypeSet::FLOAT, |x| if x.is_infinite() { x.signum() } else { x / (1.0 + x.abs()) };
    /// `x * sigmoid(x)`.
    Silu "silu" DTypeSet::FLOAT, |x| if x == f64::NEG_INFINITY { 0.0 } else { x * sigmoid(x) };
}

parametric! {
    /// `x` where not negative, else `alpha * x`.
    LeakyRelu "leaky_relu" { alpha }, |x| if x >= 0.0 { x } else { alpha * x };
    /// `x` where positive, else `alpha * (exp(x) - 1)`.
    Elu "elu" { alpha }, |x| if x > 0.0 { x } else { alpha * libm::expm1(x) };
    /// `min(max(alpha * x + beta, 0), 1)`.
    SigmoidHard "sigmoid_hard" { alpha, beta }, |x| clamp(alpha * x + beta, 0.0, 1.0);
    /// `x` where not below `alpha`, else 0.
    ThresholdedRelu "thresholded_relu" { alpha }, |x| if x < alpha { 0.0 } else { x };
    /// `min(x, beta)` where `x` is not negative, else `min(alpha * x, beta)`.
    ClampedRelu "clamped_relu" { alpha, beta }, |x| {
        let y = if x >= 0.0 { x } else { alpha * x };
        if y > beta { beta } else { y }
    };
    /// `alpha * tanh(beta * x)`.
    ScaledTanh "scaled_tanh" { alpha, beta }, |x| alpha * libm::tanh(beta * x);
    /// `alpha * x + beta`.
    LinearActivation "linear_activation" { alpha, beta }, |x| alpha * x + beta;
}

/// `min(max(x, alpha), beta)`; NaN stays NaN. Since iOS 17 `alpha` must be below `beta`.
#[derive(Clone, PartialEq, Debug)]
pub struct Clip {
    /// The lower bound.
    pub alpha: f64,
    /// The upper bound.
    pub beta: f64,
}

impl Operation for Clip {
    const SCHEMA: Schema =
        Schema::new("clip", DTypeSet::FLOAT, &[Param::t("x"), Param::const_t("alpha"), Param::const_t("beta")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (alpha, beta) = (call.float("alpha", 0.0)?, call.float("beta", 0.0)?);
        ensure!(
            call.opset < Opset::Ios17 || alpha < beta,
            "range",
            "`alpha` is {alpha} and `beta` {beta}: `alpha` must be the smaller in {}",
            call.opset
        );
        Ok(Inferred::one(Clip { alpha, beta }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("x").data.iter().map(|x| clamp(*x, self.alpha, self.beta)).collect()]
    }
}

/// `max(x, alpha)`; NaN stays NaN.
#[derive(Clone, PartialEq, Debug)]
pub struct Threshold {
    /// The lower bound.
    pub alpha: f64,
}

impl Operation for Threshold {
    const SCHEMA: Schema = Schema::new("threshold", DTypeSet::NUMBER, &[Param::t("x"), Param::const_t("alpha")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        Ok(Inferred::one(Threshold { alpha: call.float("alpha", 0.0)? }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("x").data.iter().map(|x| if *x < self.alpha { self.alpha } else { *x }).collect()]
    }
}

/// Checks a constant with a number for each channel, the second dimension of `x`.
fn per_channel(call: &Call<'_>, name: &str) -> Result<(), OpError> {
    let (x, given) = (call.ty("x"), call.ty(name));
    ensure!(
        x.dims.rank() >= 3,
        "rank",
        "`x` is {x}; it must have at least 3 dimensions, the second being the channels"
    );
    ensure!(
        *given.dims == [x.dims[1]],
        "channels",
        "`{name}` is {given}; `x` has {} channels, with a number for each",
        x.dims[1]
    );
    Ok(())
}

/// `f` of each element and its channel.
fn by_channel(x: &Array, f: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let (channels, inner) = (x.ty.dims[1], x.ty.dims[2..].iter().product::<usize>());
    x.data.iter().enumerate().map(|(i, x)| f(*x, i / inner % channels)).collect()
}

/// `x` where positive, else `alpha * x`, with an `alpha` for each channel. MIL takes tensors of rank 3 and 5 only if all `alpha`
/// are the same; here they may differ.
#[derive(Clone, PartialEq, Debug)]
pub struct Prelu;

impl Operation for Prelu {
    const SCHEMA: Schema = Schema::new("prelu", DTypeSet::FLOAT, &[Param::t("x"), Param::const_u("alpha")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        per_channel(call, "alpha")?;
        Ok(Inferred::one(Prelu, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let alpha = &x.get("alpha").data;
        vec![by_channel(x.get("x"), |x, c| if x > 0.0 { x } else { alpha[c] * x })]
    }
}

/// `alpha * log(1 + exp(beta * x))`, with an `alpha` and a `beta` for each channel.
#[derive(Clone, PartialEq, Debug)]
pub struct SoftplusParametric;

impl Operation for SoftplusParametric {
    const SCHEMA: Schema = Schema::new(
        "softplus_parametric",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::const_u("alpha"), Param::const_u("beta")],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        per_channel(call, "alpha")?;
        per_channel(call, "beta")?;
        Ok(Inferred::one(SoftplusParametric, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (alpha, beta) = (&x.get("alpha").data, &x.get("beta").data);
        vec![by_channel(x.get("x"), |x, c| alpha[c] * softplus(beta[c] * x))]
    }
}

/// How [`Gelu`] is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GeluMode {
    /// `x / 2 * (1 + erf(x / sqrt(2)))`.
    Exact,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
    Tanh,
    /// `x * sigmoid(1.702 x)`.
    Sigmoid,
}

/// The Gaussian error linear unit.
#[derive(Clone, PartialEq, Debug)]
pub struct Gelu {
    /// Which formula.
    pub mode: GeluMode,
}

impl Operation for Gelu {
    const SCHEMA: Schema = Schema::new("gelu", DTypeSet::FLOAT, &[Param::t("x"), Param::string("mode").optional()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let mode = match call.str("mode", "EXACT")? {
            "EXACT" => GeluMode::Exact,
            "TANH_APPROXIMATION" => GeluMode::Tanh,
            "SIGMOID_APPROXIMATION" => GeluMode::Sigmoid,
            other => {
                fail!("mode", "`mode` is \"{other}\"; allowed are EXACT, TANH_APPROXIMATION, SIGMOID_APPROXIMATION")
            }
        };
        Ok(Inferred::one(Gelu { mode }, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let f = |x: f64| {
            if x == f64::NEG_INFINITY {
                return -0.0;
            }
            match self.mode {
                // 1 + erf(z), but as exact where erf is near -1.
                GeluMode::Exact => 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
                GeluMode::Tanh => {
                    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                    // (1 + tanh(z)) / 2, but as exact where tanh is near -1.
                    x * sigmoid(2.0 * inner)
                }
                GeluMode::Sigmoid => x * sigmoid(1.702 * x),
            }
        };
        vec![x.get("x").data.iter().map(|x| f(*x)).collect()]
    }
}
