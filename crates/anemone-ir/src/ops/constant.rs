//! `const` and `identity`.

use crate::diagnostic::OpError;
use crate::literal::Literal;
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::DTypeSet;

/// A constant; its data is the attribute `val`.
#[derive(Clone, PartialEq, Debug)]
pub struct Const {
    /// The data.
    pub val: Literal,
}

impl Operation for Const {
    const SCHEMA: Schema = Schema::new("const", DTypeSet::ANY, &[]).attributes(&["val"]).uncounted();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let val = call.attribute("val").ok_or_else(|| OpError::new("attribute", "attribute `val` is missing"))?.clone();
        let ty = *val.ty();
        Ok(Inferred::one(Const { val }, ty))
    }

    fn eval(&self, _: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.val.to_f64().unwrap_or_default()]
    }
}

/// The operand, unchanged.
#[derive(Clone, PartialEq, Debug)]
pub struct Identity;

impl Operation for Identity {
    const SCHEMA: Schema = Schema::new("identity", DTypeSet::MOVABLE, &[Param::t("x")]).uncounted();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        Ok(Inferred::one(Identity, call.ty("x")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("x").data.clone()]
    }
}
