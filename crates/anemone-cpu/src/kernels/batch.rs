//! Moving elements between the batch and space.

use super::{Form, Kernel};
use crate::plan::PlanCx;
use anemone_ir::ops::batch::*;

impl Kernel for SpaceToBatch {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        match self.whole() {
            Some(map) => super::movement::form(cx, &map, 0.0),
            // What lies around an image depends on the row, or column, and on the position in the block.
            None => Form::Reference,
        }
    }
}

impl Kernel for BatchToSpace {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        super::movement::form(cx, &self.map(), 0.0)
    }
}
