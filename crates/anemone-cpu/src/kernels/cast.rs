//! Conversion between element types.

use super::{Form, Kernel, integer, map};
use crate::chain::MapOp;
use crate::plan::PlanCx;
use anemone_ir::DType;
use anemone_ir::ops::cast::Cast;
use anemone_simd::Unary;

impl Kernel for Cast {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        if self.from.int_range().is_some() || self.to.int_range().is_some() {
            return integer::cast(cx, self.from, self.to);
        }
        let function = if self.to == DType::Bool { Unary::Truth } else { Unary::Identity };
        map(cx, MapOp::Unary(function), &["x"])
    }
}
