//! How each operation is run: its *form*.
//!
//! A kernel tells the planner the form of an operation, not how to run a program: the planner and fusion know forms, and no
//! operation. An empty `impl Kernel for X {}` means the reference, which is right and slow.

mod activation;
mod attention;
mod batch;
mod boxes;
mod cast;
mod compare;
mod constant;
mod constexpr;
mod control;
mod conv;
mod create;
mod einsum;
mod elementwise;
mod gather;
mod groups;
mod integer;
mod linear;
mod list;
mod movement;
mod norm;
mod pad;
mod pool;
mod quantize;
mod random;
mod recurrent;
mod reduce;
mod reference;
mod resize;
mod reverse;
mod sample;
mod scatter;
mod search;
mod shape;
mod slice;
mod sort;
mod space;
mod state;
mod tensor;
mod window;

use crate::chain::MapOp;
use crate::plan::{PlanCx, Planned, Source, Step};
use anemone_ir::{Op, Operation, ValueId};
pub(crate) use reference::Reference;

/// What kind of work an operation is.
pub(crate) enum Form {
    /// The definition, one element after another.
    Reference,
    /// A function of elements, all operands broadcast to the result.
    Map(MapOp, Vec<ValueId>),
    /// The result is this value's bytes under other dimensions.
    View(ValueId),
    /// Computes floats and hands them on piece by piece: functions of elements that follow can be fused to it.
    Source(Planned<dyn Source>),
    /// Writes its results itself.
    Step(Planned<dyn Step>),
    /// From here on, a state holds this value.
    Hold {
        /// The state.
        state: ValueId,
        /// What it holds.
        data: ValueId,
    },
    /// There is no memory to plan it.
    NoMemory,
}

/// The engine's side of an operation.
pub(crate) trait Kernel: Operation {
    /// The form of this call.
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let _ = cx;
        Form::Reference
    }
}

macro_rules! dispatch_kernels {
    ($($family:ident { $($mnemonic:ident $Type:ident,)* })*) => {
        /// [`Kernel::form`] of an operation.
        pub(crate) fn form(op: &Op, cx: &PlanCx<'_>) -> Form {
            match op {
                $($(Op::$Type(op) => op.form(cx),)*)*
                // The enum is open to other crates, and every operation of the table is above.
                other => unreachable!("{} is not in the table", other.schema().mnemonic),
            }
        }
    };
}
anemone_ir::for_each_op!(dispatch_kernels);

/// A function of elements: a map if all its operands are floats or `bool`. Chains compute in `f32`, which does not hold every
/// `int32`, so that functions of integers are steps of their own.
pub(crate) fn map(cx: &PlanCx<'_>, op: MapOp, params: &[&str]) -> Form {
    let operands: Option<Vec<ValueId>> = params.iter().map(|p| cx.id(p)).collect();
    match operands {
        Some(operands) if operands.iter().chain(&cx.node.results).all(|id| cx.computes_as_float(*id)) => {
            Form::Map(op, operands)
        }
        _ => integer::form(cx, op, params),
    }
}

/// Declares kernels of one operand: `Type => |op| Unary`.
macro_rules! unary_kernels {
    ($($Type:ty => |$op:pat_param| $unary:expr;)*) => {$(
        impl $crate::kernels::Kernel for $Type {
            fn form(&self, cx: &$crate::plan::PlanCx<'_>) -> $crate::kernels::Form {
                let $op = self;
                $crate::kernels::map(cx, $crate::chain::MapOp::Unary($unary), &["x"])
            }
        }
    )*};
}

/// Declares kernels of two operands.
macro_rules! binary_kernels {
    ($($Type:ty => $binary:expr;)*) => {$(
        impl $crate::kernels::Kernel for $Type {
            fn form(&self, cx: &$crate::plan::PlanCx<'_>) -> $crate::kernels::Form {
                $crate::kernels::map(cx, $crate::chain::MapOp::Binary($binary), &["x", "y"])
            }
        }
    )*};
}

/// Declares kernels of operations that a `GatherMap` describes, without a fill value.
macro_rules! movement_kernels {
    ($($Type:ty)*) => {$(
        impl $crate::kernels::Kernel for $Type {
            fn form(&self, cx: &$crate::plan::PlanCx<'_>) -> $crate::kernels::Form {
                $crate::kernels::movement::form(cx, &self.map, 0.0)
            }
        }
    )*};
}
pub(crate) use {binary_kernels, movement_kernels, unary_kernels};

#[cfg(test)]
mod tests;
