//! States: no work of their own. What a state holds is known for each place of a function, so that reading is another name
//! for that value, and writing makes it another value.

use super::{Form, Kernel};
use crate::plan::PlanCx;
use anemone_ir::ops::state::{ReadState, WriteState};

impl Kernel for ReadState {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        cx.node.reads_state().map_or(Form::Reference, |state| Form::View(cx.held(state)))
    }
}

impl Kernel for WriteState {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        match (cx.node.writes_state(), cx.id("data")) {
            (Some(state), Some(data)) => Form::Hold { state, data },
            _ => Form::Reference,
        }
    }
}
