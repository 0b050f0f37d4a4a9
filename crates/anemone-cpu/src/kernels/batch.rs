//! Moving elements between the batch and space.

use super::{Form, Kernel};
use crate::plan::PlanCx;
use anemone_ir::ops::batch::*;

impl Kernel for SpaceToBatch {}

impl Kernel for BatchToSpace {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        super::movement::form(cx, &self.map(), 0.0)
    }
}
