//! Padding.

use super::{Form, Kernel, movement};
use crate::plan::PlanCx;
use anemone_ir::ops::pad::Pad;

impl Kernel for Pad {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        movement::form(cx, &self.map, self.constant)
    }
}
