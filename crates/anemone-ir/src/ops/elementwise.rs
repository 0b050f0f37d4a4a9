//! Arithmetic on each element: unary functions, and binary ones with NumPy broadcasting.

use crate::diagnostic::{OpError, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::{Array, Inputs, truncate_to};
use crate::types::{DType, DTypeSet, Dims, TensorType};

/// The broadcast type of two operands.
pub(crate) fn broadcast(a: TensorType, b: TensorType) -> Result<Dims, OpError> {
    match a.dims.broadcast(&b.dims) {
        Some(dims) => Ok(dims),
        None if a.dims.fits(&b.dims) => {
            fail!("dims", "{} and {} broadcast to more than 2^40 elements", a.dims, b.dims)
        }
        None => fail!(
            "broadcast",
            "{} and {} do not broadcast: pairs of dimensions must be equal, or one of them 1",
            a.dims,
            b.dims
        ),
    }
}

/// For each element of `target`, row-major, the position in a tensor of dimensions `dims` that is broadcast to it.
pub(crate) fn broadcast_positions(dims: &Dims, target: &Dims) -> impl Iterator<Item = usize> {
    let strides = dims.broadcast_strides(target);
    let target = *target;
    (0..target.elements()).map(move |at| {
        let mut rest = at;
        let mut position = 0;
        for axis in (0..target.rank()).rev() {
            position += (rest % target[axis]) * strides[axis];
            rest /= target[axis];
        }
        position
    })
}

/// `f` of two arrays broadcast to `target`.
pub(crate) fn zip(a: &Array, b: &Array, target: &Dims, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = broadcast_positions(&a.ty.dims, target).zip(broadcast_positions(&b.ty.dims, target));
    pairs.map(|(i, j)| f(a.data[i], b.data[j])).collect()
}

/// Declares a unary operation: `/// doc  Type "mnemonic" dtypes: |x| expression`.
macro_rules! unary {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal $t:expr, $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type;

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, $t, &[Param::t("x")]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                Ok(Inferred::one($Type, call.ty("x")))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let f: fn(f64) -> f64 = $f;
                vec![x.get("x").data.iter().map(|x| f(*x)).collect()]
            }
        }
    )*};
}
pub(crate) use unary;

/// Declares a unary operation that integers have a rule of their own for: `|x| expression, |x| expression for integers`.
macro_rules! unary_integer {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal, $f:expr, $integer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type;

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, DTypeSet::NUMBER, &[Param::t("x")]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                Ok(Inferred::one($Type, call.ty("x")))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let f: fn(f64) -> f64 = if x.result(0).dtype.is_float() { $f } else { $integer };
                vec![x.get("x").data.iter().map(|x| f(*x)).collect()]
            }
        }
    )*};
}

/// Declares a unary operation with an `epsilon` that is added to the operand.
macro_rules! unary_epsilon {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal $default:literal, $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// Added to the operand before the function is taken.
            pub epsilon: f64,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new(
                $mnemonic,
                DTypeSet::FLOAT,
                &[Param::t("x"), Param::const_u("epsilon").optional()],
            );

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                Ok(Inferred::one($Type { epsilon: call.float("epsilon", $default)? }, call.ty("x")))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let f: fn(f64) -> f64 = $f;
                vec![x.get("x").data.iter().map(|x| f(*x + self.epsilon)).collect()]
            }
        }
    )*};
}

/// Declares a binary operation with broadcasting.
macro_rules! binary {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal, $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type;

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, DTypeSet::NUMBER, &[Param::t("x"), Param::t("y")]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let (x, y) = (call.ty("x"), call.ty("y"));
                Ok(Inferred::one($Type, TensorType::new(x.dtype, broadcast(x, y)?)))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let integer = !x.result(0).dtype.is_float();
                let f: fn(f64, f64, bool) -> f64 = $f;
                vec![zip(x.get("x"), x.get("y"), &x.result(0).dims, |a, b| f(a, b, integer))]
            }
        }
    )*};
}

unary! {
    /// `|x|`.
    Abs "abs" DTypeSet::NUMBER, f64::abs;
    /// The square root; NaN below zero.
    Sqrt "sqrt" DTypeSet::FLOAT, f64::sqrt;
    /// e to the power x.
    Exp "exp" DTypeSet::FLOAT, libm::exp;
    /// -1, 0 or 1; NaN stays NaN, and 0 keeps its sign.
    Sign "sign" DTypeSet::NUMBER, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() };
    /// The largest integer not above x.
    Floor "floor" DTypeSet::FLOAT, libm::floor;
    /// The smallest integer not below x.
    Ceil "ceil" DTypeSet::FLOAT, libm::ceil;
    /// The nearest integer, halves to even.
    Round "round" DTypeSet::FLOAT, libm::rint;
    /// The error function.
    Erf "erf" DTypeSet::FLOAT, libm::erf;
    /// The sine.
    Sin "sin" DTypeSet::FLOAT, libm::sin;
    /// The cosine.
    Cos "cos" DTypeSet::FLOAT, libm::cos;
    /// The tangent.
    Tan "tan" DTypeSet::FLOAT, libm::tan;
    /// The angle that has this cosine, 0 to pi; NaN outside of -1 to 1.
    Acos "acos" DTypeSet::FLOAT, libm::acos;
    /// The angle that has this sine, -pi/2 to pi/2; NaN outside of -1 to 1.
    Asin "asin" DTypeSet::FLOAT, libm::asin;
    /// The angle that has this tangent, -pi/2 to pi/2.
    Atan "atan" DTypeSet::FLOAT, libm::atan;
    /// The number that has this hyperbolic tangent; NaN outside of -1 to 1.
    Atanh "atanh" DTypeSet::FLOAT, libm::atanh;
    /// The hyperbolic cosine.
    Cosh "cosh" DTypeSet::FLOAT, libm::cosh;
    /// The hyperbolic sine.
    Sinh "sinh" DTypeSet::FLOAT, libm::sinh;
}

unary_integer! {
    /// `x * x`; integers wrap.
    Square "square", |x| x * x, |x| wrapping_mul(x, x);
    /// 2 to the power x; of integers as if computed in reals and then cast.
    Exp2 "exp2", libm::exp2, |x| truncate_to(DType::Int32, libm::exp2(x));
}

unary_epsilon! {
    /// `1 / sqrt(x + epsilon)`.
    Rsqrt "rsqrt" 1e-12, |x| 1.0 / x.sqrt();
    /// The natural logarithm of `x + epsilon`.
    Log "log" 1e-45, libm::log;
    /// `1 / (x + epsilon)`.
    Inverse "inverse" 1e-4, |x| 1.0 / x;
}

binary! {
    /// `x + y`.
    Add "add", |a, b, _| a + b;
    /// `x - y`.
    Sub "sub", |a, b, _| a - b;
    /// `x * y`; integers wrap.
    Mul "mul", |a, b, integer| if integer { wrapping_mul(a, b) } else { a * b };
    /// `x / y`; integers drop the fraction, and divided by zero give 0.
    RealDiv "real_div", |a, b, integer| if integer { integer_div(a, b, libm::trunc) } else { a / b };
    /// `floor(x / y)`; an integer divided by zero gives 0.
    FloorDiv "floor_div", |a, b, integer| if integer { integer_div(a, b, libm::floor) } else { libm::floor(a / b) };
    /// What is left of `x` divided by `y`, with the sign of `y`; an integer divided by zero leaves 0.
    Mod "mod", |a, b, integer| if integer && b == 0.0 { 0.0 } else { modulo(a, b) };
    /// `x` to the power `y`, with the special cases of IEEE 754's `pow`; integers wrap, negative exponents round to 0.
    Pow "pow", |a, b, integer| if integer { integer_pow(a, b) } else { libm::pow(a, b) };
    /// The larger; NaN if either is NaN (IEEE 754-2019 `maximum`).
    Maximum "maximum", |a, b, _| maximum(a, b);
    /// The smaller; NaN if either is NaN (IEEE 754-2019 `minimum`).
    Minimum "minimum", |a, b, _| -maximum(-a, -b);
}

fn modulo(a: f64, b: f64) -> f64 {
    let rest = libm::fmod(a, b);
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

/// IEEE 754-2019 `maximum`: NaN wins, and 0 is above -0.
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

pub(crate) fn wrapping_mul(a: f64, b: f64) -> f64 {
    f64::from((a as i32).wrapping_mul(b as i32))
}

pub(crate) fn integer_div(a: f64, b: f64, whole: fn(f64) -> f64) -> f64 {
    if b == 0.0 { 0.0 } else { whole(a / b) }
}

fn integer_pow(a: f64, b: f64) -> f64 {
    match b as i64 {
        negative if negative < 0 => match a as i64 {
            1 => 1.0,
            -1 => f64::from(1 - 2 * (negative & 1) as i32),
            _ => 0.0,
        },
        exponent => f64::from((a as i64 as i32).wrapping_pow(exponent as u32)),
    }
}
