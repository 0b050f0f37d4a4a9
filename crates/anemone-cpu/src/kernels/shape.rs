//! Operations on shapes. Those that only rename dimensions are views.

use super::{Form, Kernel};
use crate::plan::PlanCx;
use anemone_ir::ops::shape::*;

macro_rules! views {
    ($($Type:ty)*) => {$(
        impl Kernel for $Type {
            fn form(&self, cx: &PlanCx<'_>) -> Form {
                cx.id("x").map_or(Form::Reference, Form::View)
            }
        }
    )*};
}
views! { Reshape ExpandDims Squeeze }

impl Kernel for Transpose {}
impl Kernel for Concat {}
impl Kernel for Stack {}
impl Kernel for Split {}
impl Kernel for Tile {}
