//! The operations, by family. A file holds, for each of its operations, the declaration, the type rule and the reference.

pub mod activation;
pub mod constant;
pub mod elementwise;

/// The table of all operations: `family { mnemonic Type, … }`. The enum [`crate::Op`], dispatch, the parser's look-up, the
/// builder's methods and the engine's kernels are made from it; an operation that is not fully declared does not compile.
#[macro_export]
macro_rules! for_each_op {
    ($callback:path) => {
        $callback! {
            constant {
                const Const,
                identity Identity,
            }
            elementwise {
                abs Abs, square Square, sqrt Sqrt, rsqrt Rsqrt, exp Exp, exp2 Exp2, log Log, inverse Inverse, sign Sign,
                floor Floor, ceil Ceil, round Round, erf Erf, sin Sin, cos Cos,
                add Add, sub Sub, mul Mul, real_div RealDiv, floor_div FloorDiv, pow Pow, maximum Maximum, minimum Minimum,
            }
            activation {
                relu Relu, relu6 Relu6, leaky_relu LeakyRelu, elu Elu, clip Clip, sigmoid Sigmoid,
                sigmoid_hard SigmoidHard, linear_activation LinearActivation, tanh Tanh, softplus Softplus,
                softsign Softsign, silu Silu, gelu Gelu,
            }
        }
    };
}
