//! Conversion between element types.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Opset, TensorType};

/// The elements as another type. Floats become integers by dropping the fraction; what does not fit becomes the nearest
/// value that does, and NaN becomes 0; anything but 0 becomes `true`. Integers become narrower ones by wrapping.
#[derive(Clone, PartialEq, Debug)]
pub struct Cast {
    /// The type of `x`.
    pub from: DType,
    /// The type of the result.
    pub to: DType,
}

impl Operation for Cast {
    const SCHEMA: Schema =
        Schema::new("cast", DTypeSet::BASIC, &[Param::t("x"), Param::string("dtype")]).t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let allowed = if call.opset >= Opset::Ios17 { DTypeSet::MOVABLE } else { DTypeSet::BASIC };
        let name = call.str("dtype", "")?;
        let Some(to) = DType::from_name(name).filter(|d| allowed.contains(*d)) else {
            fail!("dtype", "`dtype` is \"{name}\"; {} allows {allowed}", call.opset);
        };
        ensure!(x.dtype != DType::String, "dtype", "strings cannot be converted");
        Ok(Inferred::one(Cast { from: x.dtype, to }, TensorType::new(to, x.dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let convert = |x: f64| match self.to.int_range() {
            Some(_) if x.is_nan() => 0.0,
            Some((low, high)) if self.from.is_float() => x.trunc().clamp(low as f64, high as f64),
            _ => x,
        };
        vec![x.get("x").data.iter().map(|x| convert(*x)).collect()]
    }
}
