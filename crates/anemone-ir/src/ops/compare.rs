//! Comparison, logic and selection.

use crate::diagnostic::OpError;
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::{broadcast, broadcast_positions, zip};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, TensorType};

macro_rules! truths {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal $t:expr, $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type;

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, $t, &[Param::t("x"), Param::t("y")]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let dims = broadcast(call.ty("x"), call.ty("y"))?;
                Ok(Inferred::one($Type, TensorType::new(DType::Bool, dims)))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                let f: fn(&f64, &f64) -> bool = $f;
                vec![zip(x.get("x"), x.get("y"), &x.result(0).dims, |a, b| f64::from(u8::from(f(&a, &b))))]
            }
        }
    )*};
}

const BOOL: DTypeSet = DType::Bool.set();

truths! {
    /// Whether `x` and `y` are equal; NaN is not.
    Equal "equal" DTypeSet::NUMBER, f64::eq;
    /// Whether `x` and `y` differ; NaN does.
    NotEqual "not_equal" DTypeSet::NUMBER, f64::ne;
    /// Whether `x` is below `y`.
    Less "less" DTypeSet::NUMBER, f64::lt;
    /// Whether `x` is at most `y`.
    LessEqual "less_equal" DTypeSet::NUMBER, f64::le;
    /// Whether `x` is above `y`.
    Greater "greater" DTypeSet::NUMBER, f64::gt;
    /// Whether `x` is at least `y`.
    GreaterEqual "greater_equal" DTypeSet::NUMBER, f64::ge;
    /// Whether both are true.
    LogicalAnd "logical_and" BOOL, |a, b| *a != 0.0 && *b != 0.0;
    /// Whether one is true.
    LogicalOr "logical_or" BOOL, |a, b| *a != 0.0 || *b != 0.0;
    /// Whether exactly one is true.
    LogicalXor "logical_xor" BOOL, |a, b| (*a != 0.0) != (*b != 0.0);
}

/// Whether `x` is false.
#[derive(Clone, PartialEq, Debug)]
pub struct LogicalNot;

impl Operation for LogicalNot {
    const SCHEMA: Schema = Schema::new("logical_not", BOOL, &[Param::t("x")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        Ok(Inferred::one(LogicalNot, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("x").data.iter().map(|x| f64::from(u8::from(*x == 0.0))).collect()]
    }
}

/// `a` where `cond` is true, else `b`; all three broadcast.
#[derive(Clone, PartialEq, Debug)]
pub struct Select;

impl Operation for Select {
    const SCHEMA: Schema = Schema::new(
        "select",
        DTypeSet::BASIC,
        &[Param::t("a"), Param::t("b"), Param::new("cond", crate::op::TypeRule::Of(BOOL))],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (a, b, cond) = (call.ty("a"), call.ty("b"), call.ty("cond"));
        let dims = broadcast(TensorType::new(a.dtype, broadcast(a, b)?), cond)?;
        Ok(Inferred::one(Select, TensorType::new(a.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let dims = x.result(0).dims;
        let (a, b, cond) = (x.get("a"), x.get("b"), x.get("cond"));
        let ab = broadcast_positions(&a.ty.dims, &dims).zip(broadcast_positions(&b.ty.dims, &dims));
        let all = ab.zip(broadcast_positions(&cond.ty.dims, &dims));
        vec![all.map(|((i, j), k)| if cond.data[k] != 0.0 { a.data[i] } else { b.data[j] }).collect()]
    }
}
