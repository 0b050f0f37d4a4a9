//! Comparison, logic and selection.

use super::{Form, Kernel, binary_kernels, map, unary_kernels};
use crate::chain::MapOp;
use crate::plan::PlanCx;
use anemone_ir::ops::compare::*;
use anemone_simd::{Binary, Unary};

binary_kernels! {
    Equal => Binary::Equal;
    NotEqual => Binary::NotEqual;
    Less => Binary::Less;
    LessEqual => Binary::LessEqual;
    Greater => Binary::Greater;
    GreaterEqual => Binary::GreaterEqual;
    LogicalAnd => Binary::LogicalAnd;
    LogicalOr => Binary::LogicalOr;
    LogicalXor => Binary::LogicalXor;
}

unary_kernels! {
    LogicalNot => |_| Unary::Not;
}

impl Kernel for Select {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        map(cx, MapOp::Select, &["cond", "a", "b"])
    }
}
