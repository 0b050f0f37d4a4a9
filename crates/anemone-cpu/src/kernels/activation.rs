//! Activation functions.

use super::{Kernel, unary_kernels};
use anemone_ir::ops::activation::*;
use anemone_simd::Unary;

unary_kernels! {
    Relu => |_| Unary::Relu;
    Relu6 => |_| Unary::Clip(0.0, 6.0);
    Sigmoid => |_| Unary::Sigmoid;
    Tanh => |_| Unary::Tanh;
    Softplus => |_| Unary::Softplus;
    Softsign => |_| Unary::Softsign;
    Silu => |_| Unary::Silu;
    LeakyRelu => |op| Unary::LeakyRelu(op.alpha as f32);
    Elu => |op| Unary::Elu(op.alpha as f32);
    SigmoidHard => |op| Unary::SigmoidHard(op.alpha as f32, op.beta as f32);
    LinearActivation => |op| Unary::LinearActivation(op.alpha as f32, op.beta as f32);
    ThresholdedRelu => |op| Unary::ThresholdedRelu(op.alpha as f32);
    ClampedRelu => |op| Unary::ClampedRelu(op.alpha as f32, op.beta as f32);
    ScaledTanh => |op| Unary::ScaledTanh(op.alpha as f32, op.beta as f32);
    Threshold => |op| Unary::Clip(op.alpha as f32, f32::INFINITY);
    Clip => |op| Unary::Clip(op.alpha as f32, op.beta as f32);
    Gelu => |op| match op.mode {
        GeluMode::Exact => Unary::GeluExact,
        GeluMode::Tanh => Unary::GeluTanh,
        GeluMode::Sigmoid => Unary::GeluSigmoid,
    };
}

impl Kernel for Prelu {}
impl Kernel for SoftplusParametric {}
