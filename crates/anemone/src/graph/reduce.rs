//! Reductions, and softmax.

use super::{Graph, Tensor};
use crate::shape::Shape;
use anemone_ir::args;
use anemone_ir::builder::Arguments;

macro_rules! reductions {
    ($($(#[$doc:meta])* $method:ident;)*) => {
        /// Reductions along an axis, which stays, with one element. A negative axis counts from the end: -1 is the width.
        impl Graph {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&mut self, input: Tensor, axis: i64) -> Tensor {
                let guess = without(input.shape, axis);
                match self.axis(stringify!($method), axis, input) {
                    Some(axis) => {
                        let args = args! { axes: [axis], keep_dims: true };
                        self.map(stringify!($method), stringify!($method), input, args, guess)
                    }
                    None => self.poisoned(guess),
                }
            }
        )*}
    };
}

reductions! {
    /// The sum.
    reduce_sum;
    /// The arithmetic mean.
    reduce_mean;
    /// The smallest element.
    reduce_min;
    /// The largest element.
    reduce_max;
}

/// The shape with one element along an axis.
fn without(shape: Shape, axis: i64) -> Shape {
    let mut dims = shape.dims();
    if (-4..4).contains(&axis) {
        dims[axis.rem_euclid(4) as usize] = 1;
    }
    Shape::from_dims(dims)
}

impl Graph {
    /// `exp(x) / sum(exp(x))` along an axis. A negative axis counts from the end: -1 is the width.
    #[track_caller]
    pub fn soft_max(&mut self, input: Tensor, axis: i64) -> Tensor {
        match self.axis("soft_max", axis, input) {
            Some(axis) => self.map("soft_max", "softmax", input, args! { axis: axis }, input.shape),
            None => self.poisoned(input.shape),
        }
    }

    /// The mean over height and width: `[n, c, 1, 1]`.
    ///
    /// This is a `reduce_mean` and not an `avg_pool` over the whole plane, because the Neural Engine's windows end at about
    /// 30 elements, and inputs are at least 64 wide.
    #[track_caller]
    pub fn global_avg_pool(&mut self, input: Tensor) -> Tensor {
        let args: Arguments = args! { axes: [2, 3], keep_dims: true };
        let guess = Shape { height: 1, width: 1, ..input.shape };
        self.map("global_avg_pool", "reduce_mean", input, args, guess)
    }

    /// An axis as MIL has it.
    #[track_caller]
    fn axis(&mut self, call: &str, axis: i64, input: Tensor) -> Option<i32> {
        if (-4..4).contains(&axis) {
            return Some(axis as i32);
        }
        let message = format!("`axis` is {axis}; a tensor has four axes, -4 to 3 are allowed");
        self.mistake(call, "axis", message, &[("input", input)]);
        None
    }
}
