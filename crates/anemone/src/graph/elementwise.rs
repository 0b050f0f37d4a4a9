//! Arithmetic on each element, and activations.

use super::{Graph, Tensor};
use crate::shape::Shape;
use anemone_ir::args;

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident $mnemonic:ident;)*) => {
        /// Arithmetic of two tensors. Each dimension of the result is the larger of the operands'; an operand whose
        /// dimension is 1 is repeated along it.
        impl Graph {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&mut self, left_hand_side: Tensor, right_hand_side: Tensor) -> Tensor {
                let x = self.operand(stringify!($method), "left_hand_side", left_hand_side);
                let y = self.operand(stringify!($method), "right_hand_side", right_hand_side);
                let var = self.builder.$mnemonic(args! { x: x, y: y });
                self.made(var, larger(left_hand_side.shape, right_hand_side.shape))
            }
        )*}
    };
}

binary! {
    /// `x + y`.
    addition add;
    /// `x - y`.
    subtraction sub;
    /// `x * y`.
    multiplication mul;
    /// `x / y`.
    division real_div;
    /// `x` to the power of `y`.
    power pow;
    /// The larger of `x` and `y`.
    maximum maximum;
    /// The smaller of `x` and `y`.
    minimum minimum;
}

fn larger(a: Shape, b: Shape) -> Shape {
    let (a, b) = (a.dims(), b.dims());
    Shape::from_dims([0, 1, 2, 3].map(|axis| a[axis].max(b[axis])))
}

macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident $mnemonic:ident { $($param:ident: $argument:expr)? })*) => {
        /// Functions of each element.
        impl Graph {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&mut self, input: Tensor) -> Tensor {
                let args = args! { $($param: $argument)? };
                self.map(stringify!($method), stringify!($mnemonic), input, args, input.shape)
            }
        )*}
    };
}

unary! {
    /// `|x|`.
    absolute abs {}
    /// The square root.
    square_root sqrt {}
    /// `1 / sqrt(x)`; infinite at 0.
    reciprocal_square_root rsqrt { epsilon: 0.0 }
    /// `e` to the power of `x`.
    exponent exp {}
    /// The natural logarithm; minus infinity at 0.
    logarithm log { epsilon: 0.0 }
    /// `1 / x`; infinite at 0.
    reciprocal inverse { epsilon: 0.0 }
    /// `max(x, 0)`.
    relu relu {}
    /// `1 / (1 + exp(-x))`.
    sigmoid sigmoid {}
    /// The hyperbolic tangent.
    tanh tanh {}
    /// `ln(1 + exp(x))`.
    softplus softplus {}
    /// `x / (1 + |x|)`.
    softsign softsign {}
}

/// Activations with parameters, which are rounded to `fp16`.
impl Graph {
    /// `x` where `x >= 0`, `negative_slope * x` elsewhere.
    #[track_caller]
    pub fn leaky_relu(&mut self, input: Tensor, negative_slope: f64) -> Tensor {
        let alpha = self.scalar("leaky_relu", "negative_slope", negative_slope);
        self.map("leaky_relu", "leaky_relu", input, args! { alpha: alpha }, input.shape)
    }

    /// `x` where `x > 0`, `alpha * (exp(x) - 1)` elsewhere.
    #[track_caller]
    pub fn elu(&mut self, input: Tensor, alpha: f64) -> Tensor {
        let alpha = self.scalar("elu", "alpha", alpha);
        self.map("elu", "elu", input, args! { alpha: alpha }, input.shape)
    }

    /// `min(max(alpha * x + beta, 0), 1)`.
    #[track_caller]
    pub fn hard_sigmoid(&mut self, input: Tensor, alpha: f64, beta: f64) -> Tensor {
        let alpha = self.scalar("hard_sigmoid", "alpha", alpha);
        let beta = self.scalar("hard_sigmoid", "beta", beta);
        self.map("hard_sigmoid", "sigmoid_hard", input, args! { alpha: alpha, beta: beta }, input.shape)
    }

    /// `alpha * x + beta`.
    #[track_caller]
    pub fn linear(&mut self, input: Tensor, alpha: f64, beta: f64) -> Tensor {
        let alpha = self.scalar("linear", "alpha", alpha);
        let beta = self.scalar("linear", "beta", beta);
        self.map("linear", "linear_activation", input, args! { alpha: alpha, beta: beta }, input.shape)
    }
}
