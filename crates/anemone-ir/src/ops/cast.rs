//! Conversion between element types.

use crate::diagnostic::{OpError, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::{Inputs, truncate_to};
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
        Ok(Inferred::one(Cast { from: x.dtype, to }, TensorType::new(to, x.dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let x = x.get("x").data.iter();
        vec![if self.from.is_float() { x.map(|x| truncate_to(self.to, *x)).collect() } else { x.copied().collect() }]
    }
}
