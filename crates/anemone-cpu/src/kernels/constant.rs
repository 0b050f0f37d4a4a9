//! `const` and `identity`.

use super::{Form, Kernel};
use crate::plan::PlanCx;
use anemone_ir::ops::constant::*;

/// The planner takes constants from the program's values; it plans nothing for the operation.
impl Kernel for Const {}

impl Kernel for Identity {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        cx.id("x").map_or(Form::Reference, Form::View)
    }
}
