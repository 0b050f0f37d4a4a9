//! Arguments of what resizes images and moves their blocks, and of networks that step through a sequence.

use super::Generator;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::{DType, Dims, Literal, Opset, Schema, TensorType};
use arbitrary::Result;

const SAMPLING: [&str; 5] = ["DEFAULT", "STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "UNALIGN_CORNERS", "OFFSET_CORNERS"];
const ACTIVATIONS: [&str; 6] = ["tanh", "scaled_tanh", "sigmoid", "hard_sigmoid", "relu", "linear"];

fn integers(dtype: DType, dims: &[usize], numbers: &[usize]) -> Argument {
    let ty = TensorType::new(dtype, Dims::new(dims).expect("a small vector"));
    let numbers: Vec<f64> = numbers.iter().map(|n| *n as f64).collect();
    Argument::Literal(Literal::from_f64(ty, &numbers).expect("as many numbers as elements"))
}

impl Generator<'_, '_> {
    fn size(&mut self) -> Result<usize> {
        Ok(*self.u.choose(&[1, 2, 3, 4, 5, 7, 9, 16, 17])?)
    }

    pub(super) fn upsample_bilinear(&mut self, dtype: DType) -> Result<Arguments> {
        let mut arguments = self.upsample(dtype)?;
        let align = self.u.arbitrary::<bool>()?;
        arguments.push(("align_corners", align.into()));
        if self.opset >= Opset::Ios16 && self.u.ratio(1, 2)? {
            let centres = !align && self.u.arbitrary::<bool>()?;
            arguments.push(("half_pixel_centers", centres.into()));
        }
        Ok(arguments)
    }

    /// `resize_bilinear` and `resize_nearest_neighbor`.
    pub(super) fn resize_image(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=5)?;
        let mut arguments = vec![("x", x.into())];
        for name in ["target_size_height", "target_size_width"] {
            arguments.push((name, (self.size()? as i32).into()));
        }
        if schema.position("sampling_mode").is_some() && self.u.ratio(3, 4)? {
            arguments.push(("sampling_mode", (*self.u.choose(&SAMPLING)?).into()));
        }
        Ok(arguments)
    }

    pub(super) fn resize(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=4)?;
        let count = self.u.int_in_range(1..=self.dims_of(x).rank())?;
        let sizes = (0..count).map(|_| self.size()).collect::<Result<Vec<_>>>()?;
        let mut arguments = vec![
            ("x", x.into()),
            ("shape", integers(DType::Int32, &[count], &sizes)),
            ("resized_dims", integers(DType::UInt32, &[], &[self.u.int_in_range(0..=count)?])),
        ];
        if self.u.ratio(1, 2)? {
            arguments.push(("interpolation_mode", (*self.u.choose(&["LINEAR", "NEAREST_NEIGHBOR"])?).into()));
        }
        if self.u.ratio(3, 4)? {
            arguments.push(("sampling_mode", (*self.u.choose(&SAMPLING)?).into()));
        }
        Ok(arguments)
    }

    pub(super) fn crop(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=5)?;
        let dims = self.dims_of(x);
        let mut arguments = vec![("x", x.into())];
        for (d, name) in dims[dims.rank() - 2..].iter().zip(["crop_height", "crop_width"]) {
            let before = self.u.int_in_range(0..=d - 1)?;
            let after = self.u.int_in_range(0..=d - 1 - before)?;
            arguments.push((name, integers(DType::Int32, &[2], &[before, after])));
        }
        Ok(arguments)
    }

    pub(super) fn pixel_unshuffle(&mut self, dtype: DType) -> Result<Arguments> {
        let block = self.u.int_in_range(1..=3usize)?;
        let mut dims = [self.u.int_in_range(1..=2)?, self.u.int_in_range(1..=3)?, block, block];
        for d in &mut dims[2..] {
            *d *= self.u.int_in_range(1..=5)?;
        }
        let x = self.shaped(dtype, &dims)?;
        Ok(vec![("x", x.into()), ("downscale_factor", integers(DType::UInt32, &[], &[block]))])
    }

    /// `space_to_batch` and `batch_to_space`.
    pub(super) fn blocks(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let block = [self.u.int_in_range(1..=3usize)?, self.u.int_in_range(1..=3usize)?];
        let (mut n, c) = (self.u.int_in_range(1..=2)?, self.u.int_in_range(1..=3)?);
        let mut space = [self.u.int_in_range(1..=5)?, self.u.int_in_range(1..=5)?];
        let mut around = [0; 4];
        let padded = schema.mnemonic == "space_to_batch";
        for axis in 0..2 {
            let all = space[axis] * block[axis];
            let before = self.u.int_in_range(0..=all - 1)?;
            let after = self.u.int_in_range(0..=all - 1 - before)?;
            (around[2 * axis], around[2 * axis + 1]) = if self.u.ratio(1, 2)? { (before, after) } else { (0, 0) };
            if padded {
                space[axis] = all - around[2 * axis] - around[2 * axis + 1];
            }
        }
        if !padded {
            n *= block[0] * block[1];
        }
        let x = self.shaped(dtype, &[n, c, space[0], space[1]])?;
        Ok(vec![
            ("x", x.into()),
            ("block_shape", integers(DType::Int32, &[2], &block)),
            (schema.params[2].name, integers(DType::Int32, &[2, 2], &around)),
        ])
    }

    pub(super) fn crop_resize(&mut self, dtype: DType) -> Result<Arguments> {
        let dims = [self.u.int_in_range(1..=3)?, self.u.int_in_range(1..=3)?, self.size()?, self.size()?];
        let mut arguments = vec![("x", self.shaped(dtype, &dims)?.into())];
        let n = self.u.int_in_range(1..=dims[0])?;
        if self.opset >= Opset::Ios17 {
            let boxes = self.shaped(dtype, &[n, 4])?;
            arguments.push(("boxes", boxes.into()));
            if self.u.ratio(1, 2)? {
                let images = (0..n).map(|_| self.u.int_in_range(0..=dims[0] - 1)).collect::<Result<Vec<_>>>()?;
                arguments.push(("box_indices", integers(DType::Int32, &[n], &images)));
            }
        } else {
            let width = *self.u.choose(&[4, 5])?;
            arguments.push(("roi", self.shaped(dtype, &[n, 1, width, 1, 1])?.into()));
        }
        for name in ["target_height", "target_width"] {
            arguments.push((name, (self.size()? as i32).into()));
        }
        arguments.push(("normalized_coordinates", self.u.arbitrary::<bool>()?.into()));
        const MODES: [&str; 4] =
            ["CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST"];
        arguments.push(("box_coordinate_mode", (*self.u.choose(&MODES)?).into()));
        arguments.push(("sampling_mode", (*self.u.choose(&SAMPLING)?).into()));
        Ok(arguments)
    }

    /// `resample` and `affine`.
    pub(super) fn sampled(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let dims = [self.u.int_in_range(1..=2)?, self.u.int_in_range(1..=3)?, self.size()?, self.size()?];
        let mut arguments = vec![("x", self.shaped(dtype, &dims)?.into())];
        let (h, w) = (self.size()?, self.size()?);
        let affine = schema.mnemonic == "affine";
        if affine {
            let matrices = if self.u.ratio(1, 2)? { 1 } else { dims[0] };
            arguments.push(("transform_matrix", self.shaped(dtype, &[matrices, 6])?.into()));
            arguments.push(("output_height", (h as i32).into()));
            arguments.push(("output_width", (w as i32).into()));
        } else {
            let of = *self.u.choose(&[DType::Fp32, DType::Int32])?;
            arguments.push(("coordinates", self.shaped(of, &[dims[0], h, w, 2])?.into()));
        }
        let mut one = |of: &[&'static str]| self.u.choose(if affine { &of[..1] } else { of }).copied();
        arguments.push(("sampling_mode", one(&["bilinear", "nearest"])?.into()));
        arguments.push(("padding_mode", one(&["constant", "border", "reflection", "symmetric"])?.into()));
        let modes = ["normalized_minus_one_to_one", "normalized_zero_to_one", "unnormalized"];
        arguments.push(("coordinates_mode", one(&modes)?.into()));
        let value = if affine { 0.0 } else { 0.5 };
        arguments.push(("padding_value", self.scalar(dtype, &[value])?));
        arguments.push(("align_corners", self.u.arbitrary::<bool>()?.into()));
        Ok(arguments)
    }

    /// `lstm`, `gru` and `rnn`.
    pub(super) fn recurrent(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let lstm = schema.mnemonic == "lstm";
        let gates =
            [("lstm", 4), ("gru", 3), ("rnn", 1)].iter().find(|(m, _)| *m == schema.mnemonic).map_or(1, |g| g.1);
        let (steps, batch) = (self.u.int_in_range(1..=4)?, self.u.int_in_range(1..=3)?);
        let (inputs, hidden) = (self.size()?, *self.u.choose(&[1, 2, 3, 8, 9])?);
        let directions: &[&str] = if lstm { &["forward", "reverse", "bidirectional"] } else { &["forward", "reverse"] };
        let direction = *self.u.choose(directions)?;
        let both = direction == "bidirectional";
        let state = [batch, hidden * (1 + usize::from(both))];
        let mut arguments = vec![("x", self.shaped(dtype, &[steps, batch, inputs])?.into())];
        arguments.push(("initial_h", self.shaped(dtype, &state)?.into()));
        if lstm {
            arguments.push(("initial_c", self.shaped(dtype, &state)?.into()));
        }
        let opset = self.opset;
        for param in schema.params.iter().filter(|p| p.since <= opset) {
            let rows = gates * hidden;
            let dims = match param.name.trim_end_matches("_back") {
                name if name != param.name && !both => continue,
                "weight_ih" => vec![rows, inputs],
                "weight_hh" => vec![rows, hidden],
                _ if self.u.ratio(1, 2)? => continue,
                "bias" | "input_bias" => vec![rows],
                "peephole" => vec![3 * hidden],
                "clip" => {
                    arguments.push(("clip", self.scalar(dtype, &[0.125, 0.5, 2.0])?));
                    continue;
                }
                "output_sequence" | "reset_after" => {
                    arguments.push((param.name, self.u.arbitrary::<bool>()?.into()));
                    continue;
                }
                name if name.ends_with("activation") => {
                    arguments.push((param.name, (*self.u.choose(&ACTIVATIONS)?).into()));
                    continue;
                }
                _ => continue,
            };
            arguments.extend(self.weights(dtype, &dims)?.map(|w| (param.name, w)));
        }
        arguments.push(("direction", direction.into()));
        Ok(arguments)
    }
}
