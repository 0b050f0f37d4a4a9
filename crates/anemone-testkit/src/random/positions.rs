//! Arguments of operations that take positions of the run, and of those that give them.

use super::Generator;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::{DType, Dims, Opset, Schema, TensorType, Var};
use arbitrary::Result;

impl Generator<'_, '_> {
    /// Indices for axes of up to `size` elements: mostly on the axis, sometimes not; of the run or constant.
    fn indices(&mut self, dims: &[usize], size: usize) -> Result<Option<Argument>> {
        let Ok(dims) = Dims::new(dims) else { return Ok(None) };
        if dims.elements() > super::MOST_ELEMENTS {
            return Ok(None);
        }
        let ty = TensorType::new(DType::Int32, dims);
        let there: Vec<Var> = self.values.iter().copied().filter(|v| self.builder.ty(*v) == Some(ty)).collect();
        if !there.is_empty() && self.u.ratio(1, 2)? {
            return Ok(Some(Argument::Var(*self.u.choose(&there)?)));
        }
        if self.inputs.len() < super::MOST_INPUTS && self.u.ratio(1, 3)? {
            return Ok(Some(Argument::Var(self.input(Some(ty))?)));
        }
        let low = if self.u.ratio(1, 4)? { -(size as i64) - 1 } else { 0 };
        let numbers =
            (0..dims.elements()).map(|_| self.u.int_in_range(low..=size as i64 - 1)).collect::<Result<Vec<_>>>()?;
        let numbers: Vec<f64> = numbers.into_iter().map(|n| n as f64).collect();
        Ok(anemone_ir::Literal::from_f64(ty, &numbers).ok().map(Argument::Literal))
    }

    fn axis_of(&mut self, dims: &Dims) -> Result<(usize, i32)> {
        let rank = dims.rank() as i32;
        let axis = self.u.int_in_range(-rank..=rank - 1)?;
        Ok((axis.rem_euclid(rank) as usize, axis))
    }

    pub(super) fn gather(&mut self, schema: &Schema, dtype: DType) -> Result<Option<Arguments>> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (axis, given) = self.axis_of(&dims)?;
        let mut arguments = vec![("x", Argument::Var(x))];
        let batch = if self.opset >= Opset::Ios16 && self.u.ratio(1, 3)? { self.u.int_in_range(0..=axis)? } else { 0 };
        let shape = match schema.mnemonic {
            "gather_along_axis" => {
                let mut shape = dims.to_vec();
                shape[axis] = *self.u.choose(&super::DIMS)?;
                shape
            }
            mnemonic => {
                let mut shape = dims[..batch].to_vec();
                shape.extend(self.dims(0..=2)?.iter());
                if mnemonic == "gather_nd" {
                    shape.push(self.u.int_in_range(1..=dims.rank() - batch)?);
                }
                shape
            }
        };
        let size = dims.iter().copied().max().unwrap_or(1);
        let Some(indices) = self.indices(&shape, size)? else { return Ok(None) };
        arguments.push(("indices", indices));
        if schema.mnemonic != "gather_nd" {
            arguments.push(("axis", given.into()));
        }
        if batch > 0 && schema.mnemonic != "gather_along_axis" {
            arguments.push(("batch_dims", (batch as i32).into()));
        }
        Ok(Some(arguments))
    }

    pub(super) fn sorted(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (axis, given) = self.axis_of(&dims)?;
        let mut arguments = vec![("x", Argument::Var(x)), ("axis", given.into())];
        if self.u.ratio(1, 2)? {
            arguments.push(("ascending", self.u.arbitrary::<bool>()?.into()));
        }
        if schema.mnemonic == "topk" {
            arguments.push(("k", (self.u.int_in_range(1..=dims[axis])? as i32).into()));
            if self.opset >= Opset::Ios16 && self.u.ratio(1, 4)? {
                arguments.push(("return_indices", false.into()));
            }
        }
        Ok(arguments)
    }

    pub(super) fn slice_update(&mut self, dtype: DType) -> Result<Option<Arguments>> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (mut begin, mut end, mut part) = (Vec::new(), Vec::new(), Vec::new());
        for d in dims.iter().map(|d| *d as i32) {
            let from = self.u.int_in_range(0..=d - 1)?;
            let to = self.u.int_in_range(from + 1..=d)?;
            begin.push(if self.u.ratio(1, 3)? { from - d } else { from });
            end.push(to);
            part.push((to - from) as usize);
        }
        let Some(update) = self.weights(dtype, &part)? else { return Ok(None) };
        let mut arguments = vec![("x", x.into()), ("update", update)];
        if self.u.ratio(1, 2)? {
            arguments.extend([("begin", (&begin[..]).into()), ("end", (&end[..]).into())]);
        } else {
            let size = dims.iter().copied().max().unwrap_or(1);
            for name in ["begin", "end"] {
                arguments.extend(self.indices(&[dims.rank()], size)?.map(|at| (name, at)));
            }
        }
        Ok(Some(arguments))
    }

    pub(super) fn scatter(&mut self, schema: &Schema, dtype: DType) -> Result<Option<Arguments>> {
        let data = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(data);
        let (axis, given) = self.axis_of(&dims)?;
        let chosen = self.dims(1..=2)?;
        let (indices, updates) = match schema.mnemonic {
            "scatter_along_axis" => {
                let mut shape = dims.to_vec();
                shape[axis] = *self.u.choose(&super::DIMS)?;
                (shape.clone(), shape)
            }
            "scatter_nd" => {
                let depth = self.u.int_in_range(1..=dims.rank())?;
                ([&*chosen, &[depth]].concat(), [&*chosen, &dims[depth..]].concat())
            }
            _ => (chosen.to_vec(), [&dims[..axis], &*chosen, &dims[axis + 1..]].concat()),
        };
        let size = dims.iter().copied().max().unwrap_or(1);
        let Some(indices) = self.indices(&indices, size)? else { return Ok(None) };
        let Some(updates) = self.weights(dtype, &updates)? else { return Ok(None) };
        let mut arguments = vec![("data", Argument::Var(data)), ("indices", indices), ("updates", updates)];
        if schema.mnemonic != "scatter_nd" {
            arguments.push(("axis", given.into()));
        }
        if self.u.ratio(3, 4)? {
            let mode = *self.u.choose(&["update", "add", "sub", "mul", "div", "max", "min"])?;
            arguments.push(("mode", mode.into()));
        }
        Ok(Some(arguments))
    }

    pub(super) fn sliding_windows(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=4)?;
        let dims = self.dims_of(x);
        let (axis, given) = self.axis_of(&dims)?;
        let size = self.u.int_in_range(1..=dims[axis])? as i32;
        let stride = self.u.int_in_range(1..=3i32)?;
        Ok(vec![("x", x.into()), ("axis", given.into()), ("size", size.into()), ("stride", stride.into())])
    }

    /// Boxes and scores of one batch or two.
    pub(super) fn boxes(&mut self, dtype: DType) -> Result<Option<Arguments>> {
        let (batch, boxes, classes) =
            (self.u.int_in_range(1..=2usize)?, self.u.int_in_range(1..=17usize)?, self.u.int_in_range(1..=3usize)?);
        let last = self.opset >= Opset::Ios17;
        let shape = |each: usize| if last { [batch, each, boxes] } else { [batch, boxes, each] };
        let coordinates = self.shaped(dtype, &shape(4))?;
        let scores = self.shaped(dtype, &shape(classes))?;
        let mut arguments = vec![("boxes", coordinates.into()), ("scores", scores.into())];
        arguments.push(("iou_threshold", self.scalar(dtype, &[0.0, 0.25, 0.5])?));
        if !last {
            arguments.push(("score_threshold", self.scalar(dtype, &[-1.0, 0.0, 0.5])?));
        }
        arguments.push(("max_boxes", self.u.int_in_range(1..=9i32)?.into()));
        if self.u.ratio(1, 2)? {
            arguments.push(("per_class_suppression", self.u.arbitrary::<bool>()?.into()));
        }
        Ok(Some(arguments))
    }
}
