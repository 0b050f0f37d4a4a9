//! Shapes: the same elements in other places.

use super::{Graph, Tensor};
use crate::shape::Shape;
use anemone_ir::args;

/// Moving elements.
impl Graph {
    /// The same elements in the same order, in a shape with as many.
    #[track_caller]
    pub fn reshape(&mut self, input: Tensor, target: Shape) -> Tensor {
        // In MIL a 0 copies a dimension; here it is a mistake.
        if let Some(problem) = target.problem() {
            self.mistake("reshape", "dims", problem, &[("input", input)]);
            return self.poisoned(target);
        }
        let shape = target.dims().map(|d| d as i32);
        self.map("reshape", "reshape", input, args! { shape: shape }, target)
    }

    /// All elements as channels: `[1, total, 1, 1]`.
    #[track_caller]
    pub fn flatten_2d(&mut self, input: Tensor) -> Tensor {
        let Some(shape) = self.shape(input) else {
            self.operand("flatten_2d", "input", input);
            return self.poisoned(Shape::channels(input.shape.total_elements()));
        };
        let target = Shape::channels(shape.total_elements());
        match self.ints("flatten_2d", "shape", target.dims()) {
            Some(shape) => self.map("flatten_2d", "reshape", input, args! { shape: shape }, target),
            None => self.poisoned(target),
        }
    }

    /// The axes in another order: axis `i` of the result is axis `perm[i]` of `input`.
    #[track_caller]
    pub fn transpose(&mut self, input: Tensor, perm: [usize; 4]) -> Tensor {
        let old = input.shape.dims();
        let guess = Shape::from_dims(perm.map(|axis| old.get(axis).copied().unwrap_or(1)));
        match self.ints("transpose", "perm", perm) {
            Some(perm) => self.map("transpose", "transpose", input, args! { perm: perm }, guess),
            None => self.poisoned(guess),
        }
    }

    /// `size` elements from `begin` along each axis.
    #[track_caller]
    pub fn slice(&mut self, input: Tensor, begin: [usize; 4], size: [usize; 4]) -> Tensor {
        let guess = Shape::from_dims(size);
        let (begin, size) = (self.ints("slice", "begin", begin), self.ints("slice", "size", size));
        match (begin, size) {
            (Some(begin), Some(size)) => {
                self.map("slice", "slice_by_size", input, args! { begin: begin, size: size }, guess)
            }
            _ => self.poisoned(guess),
        }
    }

    /// Tensors one after the other along an axis (0 is the batch, 3 the width); their other dimensions are equal.
    #[track_caller]
    pub fn concat(&mut self, inputs: &[Tensor], axis: usize) -> Tensor {
        let mut dims = inputs.first().map_or([1; 4], |t| t.shape.dims());
        if let Some(dim) = dims.get_mut(axis) {
            *dim = inputs.iter().fold(0, |sum: usize, t| sum.saturating_add(t.shape.dims()[axis])).max(1);
        }
        let guess = Shape::from_dims(dims);
        if axis > 3 {
            let operands: Vec<_> = inputs.iter().map(|t| ("inputs", *t)).collect();
            self.mistake("concat", "axis", format!("`axis` is {axis}; 0 to 3 are allowed"), &operands);
            return self.poisoned(guess);
        }
        let mut values = Vec::with_capacity(inputs.len());
        for input in inputs {
            values.push(self.operand("concat", "inputs", *input));
        }
        let var = self.builder.concat(args! { values: values, axis: axis as i32, interleave: false });
        self.made(var, guess)
    }
}
