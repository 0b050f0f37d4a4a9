//! States: tensors that live from one run to the next.

use crate::diagnostic::{OpError, ensure};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Kind, Opset};

const fn state() -> Param {
    Param::t("input").kind(Some(Kind::State))
}

/// What a state holds at this point of the function.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadState;

impl Operation for ReadState {
    const SCHEMA: Schema =
        Schema::new("read_state", DTypeSet::MOVABLE, &[state()]).since(Opset::Ios18).impure().uncounted();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        Ok(Inferred::one(ReadState, call.ty("input")))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("input").data.clone()]
    }
}

/// Has a state hold `data` from this point on, also in the next run. It has no result: whoever evaluates a function keeps
/// what its states hold.
#[derive(Clone, PartialEq, Debug)]
pub struct WriteState;

impl Operation for WriteState {
    const SCHEMA: Schema = Schema::new("write_state", DTypeSet::MOVABLE, &[state(), Param::t("data")])
        .since(Opset::Ios18)
        .impure()
        .uncounted();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (state, data) = (call.ty("input"), call.ty("data"));
        ensure!(state == data, "shape", "the state is {state}, `data` is {data}");
        Ok(Inferred::many(WriteState, Vec::new()))
    }

    fn eval(&self, _: &Inputs<'_>) -> Vec<Vec<f64>> {
        Vec::new()
    }
}
