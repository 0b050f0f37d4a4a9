//! Arguments of what slides a window.

use super::Generator;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::{DType, Opset, Schema};
use arbitrary::Result;

impl Generator<'_, '_> {
    pub(super) fn conv(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=5)?;
        let dims = self.builder.ty(x).expect("only values without errors are kept").dims;
        let (channels, space) = (dims[1], dims.rank() - 2);
        let divisors: Vec<usize> = (1..=channels).filter(|g| channels.is_multiple_of(*g)).collect();
        let groups = if self.u.ratio(1, 2)? { 1 } else { *self.u.choose(&divisors)? };
        let per_group = *self.u.choose(&[1, 2, 3, 5, 8, 17])?;
        let transposed = schema.mnemonic == "conv_transpose";
        let mut kernel = Vec::new();
        for d in &dims[2..] {
            kernel.push(self.u.int_in_range(1..=(*d).min(4))?);
        }
        let shape = match transposed {
            true => [channels, per_group],
            false => [per_group * groups, channels / groups],
        };
        let shape: Vec<usize> = shape.into_iter().chain(kernel).collect();
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into())];
        arguments.extend(self.weights(u, &shape)?.map(|w| ("weight", w)));
        if self.u.ratio(1, 2)? {
            arguments.extend(self.weights(u, &[per_group * groups])?.map(|w| ("bias", w)));
        }
        if groups > 1 {
            arguments.push(("groups", (groups as i32).into()));
        }
        self.window(&mut arguments, space, self.opset >= Opset::Ios16)?;
        if self.u.ratio(1, 3)? {
            let dilations = self.counts(space, 2)?;
            arguments.push(("dilations", Argument::from(&dilations[..])));
        }
        Ok(arguments)
    }

    pub(super) fn pool(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=5)?;
        let dims = self.builder.ty(x).expect("only values without errors are kept").dims;
        let mut kernel = Vec::new();
        for d in &dims[2..] {
            kernel.push(self.u.int_in_range(1..=(*d).min(4) as i32)?);
        }
        let mut arguments = vec![("x", x.into()), ("kernel_sizes", Argument::from(&kernel[..]))];
        self.window(&mut arguments, kernel.len(), self.opset >= Opset::Ios16)?;
        if !arguments.iter().any(|(n, _)| *n == "pad_type") {
            arguments.push(("pad_type", "valid".into()));
        }
        for name in ["ceil_mode", "exclude_padding_from_average"] {
            if schema.position(name).is_some() && self.u.ratio(1, 4)? {
                arguments.push((name, true.into()));
            }
        }
        Ok(arguments)
    }

    /// Strides and padding.
    fn window(&mut self, arguments: &mut Arguments, space: usize, lower: bool) -> Result<()> {
        if self.u.ratio(1, 2)? {
            let strides = self.counts(space, 3)?;
            arguments.push(("strides", Argument::from(&strides[..])));
        }
        let types = ["valid", "same", "custom", "same_lower"];
        if self.u.ratio(2, 3)? {
            let pad_type = *self.u.choose(&types[..if lower { 4 } else { 3 }])?;
            arguments.push(("pad_type", pad_type.into()));
            if pad_type == "custom" {
                let pad = self.counts(2 * space, 3)?;
                let pad: Vec<i32> = pad.iter().map(|p| p - 1).collect();
                arguments.push(("pad", Argument::from(&pad[..])));
            }
        }
        Ok(())
    }

    fn counts(&mut self, len: usize, most: i32) -> Result<Vec<i32>> {
        (0..len).map(|_| self.u.int_in_range(1..=most)).collect()
    }
}
