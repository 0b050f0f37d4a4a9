//! Operations on shapes. Those that only rename dimensions are views.

use super::movement::{Cut, Joined};
use super::{Form, Kernel, movement_kernels};
use crate::plan::{PlanCx, Planned};
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
views! { Reshape ExpandDims Squeeze Flatten2d ReshapeLike }

movement_kernels! { Transpose Tile }

/// The form of a result whose rows are a block of each of `values`; `row` is the elements of the result's row.
fn joined(cx: &PlanCx<'_>, row: usize) -> Form {
    let values = cx.ids("values");
    if let [only] = values {
        return Form::View(*only);
    }
    let rows = cx.result(0).dims.elements() / row;
    let step = Joined::new(values.iter().map(|id| cx.ty(*id).dims.elements() / rows));
    Form::Step(Planned { step: Box::new(step), reads: values.to_vec(), scratch: 0 })
}

impl Kernel for Concat {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let inner: usize = cx.result(0).dims[self.axis + 1..].iter().product();
        // Values that alternate are as alike as those that are stacked behind the axis.
        let along = if self.interleave { cx.ids("values").len() } else { cx.result(0).dims[self.axis] };
        joined(cx, along * inner)
    }
}

impl Kernel for Stack {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        joined(cx, cx.result(0).dims[self.axis..].iter().product())
    }
}

impl Kernel for Split {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let Some(x) = cx.id("x") else { return Form::Reference };
        if let [_] = self.sizes[..] {
            return Form::View(x);
        }
        let inner: usize = cx.ty(x).dims[self.axis + 1..].iter().product();
        let step = Cut::new(self.sizes.iter().map(|size| size * inner));
        Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 0 })
    }
}
