//! Arithmetic on each element.

use super::{binary_kernels, unary_kernels};
use anemone_ir::ops::elementwise::*;
use anemone_simd::{Binary, Unary};

unary_kernels! {
    Abs => |_| Unary::Abs;
    Square => |_| Unary::Square;
    Sqrt => |_| Unary::Sqrt;
    Exp => |_| Unary::Exp;
    Exp2 => |_| Unary::Exp2;
    Sign => |_| Unary::Sign;
    Floor => |_| Unary::Floor;
    Ceil => |_| Unary::Ceil;
    Round => |_| Unary::Round;
    Erf => |_| Unary::Erf;
    Sin => |_| Unary::Sin;
    Cos => |_| Unary::Cos;
    Tan => |_| Unary::Tan;
    Acos => |_| Unary::Acos;
    Asin => |_| Unary::Asin;
    Atan => |_| Unary::Atan;
    Atanh => |_| Unary::Atanh;
    Cosh => |_| Unary::Cosh;
    Sinh => |_| Unary::Sinh;
    Rsqrt => |op| Unary::Rsqrt(op.epsilon as f32);
    Log => |op| Unary::Log(op.epsilon as f32);
    Inverse => |op| Unary::Inverse(op.epsilon as f32);
}

binary_kernels! {
    Add => Binary::Add;
    Sub => Binary::Sub;
    Mul => Binary::Mul;
    RealDiv => Binary::RealDiv;
    FloorDiv => Binary::FloorDiv;
    Mod => Binary::Mod;
    Pow => Binary::Pow;
    Maximum => Binary::Maximum;
    Minimum => Binary::Minimum;
}
