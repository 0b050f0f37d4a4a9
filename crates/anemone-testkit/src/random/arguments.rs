//! Arguments for calls.

use super::Generator;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::op::{Known, TypeRule};
use anemone_ir::{DType, DTypeSet, Dims, Literal, Opset, Schema, TensorType, Var};
use arbitrary::Result;

impl Generator<'_, '_> {
    /// Arguments for an operation; `None` where no operand suits.
    pub(super) fn arguments(&mut self, schema: &Schema) -> Result<Option<Arguments>> {
        let set = if self.opset >= Opset::Ios17 { schema.t_ios17 } else { schema.t };
        let dtype = self.dtype(set)?;
        let arguments = match schema.mnemonic {
            "conv" | "conv_transpose" => self.conv(schema, dtype)?,
            "max_pool" | "avg_pool" | "l2_pool" => self.pool(schema, dtype)?,
            "linear" => self.linear(dtype)?,
            "matmul" => self.matmul(dtype)?,
            "layer_norm" => self.layer_norm(dtype)?,
            "instance_norm" => self.channel_norm(dtype, &["gamma", "beta"], 3)?,
            "batch_norm" => self.channel_norm(dtype, &["mean", "variance", "gamma", "beta"], 3)?,
            "prelu" => self.by_channel(dtype, &["alpha"])?,
            "softplus_parametric" => self.by_channel(dtype, &["alpha", "beta"])?,
            "reshape" => self.reshape(dtype)?,
            "expand_dims" => self.expand_dims(dtype)?,
            "squeeze" => self.squeeze(dtype)?,
            "transpose" => self.transpose(dtype)?,
            "concat" | "stack" => self.joined(schema, dtype)?,
            "split" => self.split(dtype)?,
            "tile" => self.tile(dtype)?,
            "slice_by_size" => self.slice_by_size(dtype)?,
            "slice_by_index" => self.slice_by_index(dtype)?,
            "pad" => self.pad(dtype)?,
            "cast" => self.cast(dtype)?,
            "gelu" => self.gelu(dtype)?,
            "clip" => self.clip(dtype)?,
            "pixel_shuffle" | "depth_to_space" | "space_to_depth" => self.rearrangement(schema, dtype)?,
            "upsample_nearest_neighbor" => self.upsample(dtype)?,
            "upsample_bilinear" => self.upsample_bilinear(dtype)?,
            "resize_bilinear" | "resize_nearest_neighbor" => self.resize_image(schema, dtype)?,
            "resize" => self.resize(dtype)?,
            "crop" => self.crop(dtype)?,
            "pixel_unshuffle" => self.pixel_unshuffle(dtype)?,
            "space_to_batch" | "batch_to_space" => self.blocks(schema, dtype)?,
            "crop_resize" => self.crop_resize(dtype)?,
            "resample" | "affine" => self.sampled(schema, dtype)?,
            "lstm" | "gru" | "rnn" => self.recurrent(schema, dtype)?,
            "gather" | "gather_nd" | "gather_along_axis" => return self.gather(schema, dtype),
            "topk" | "argsort" => self.sorted(schema, dtype)?,
            "reverse_sequence" => self.reverse_sequence(dtype)?,
            "local_response_norm" => self.local_response_norm(dtype)?,
            "slice_update" => return self.slice_update(dtype),
            "scatter" | "scatter_nd" | "scatter_along_axis" => return self.scatter(schema, dtype),
            "sliding_windows" => self.sliding_windows(dtype)?,
            "non_maximum_suppression" => return self.boxes(dtype),
            "einsum" => self.einsum(dtype)?,
            "scaled_dot_product_attention" => self.attention(dtype)?,
            _ => return self.common(schema, dtype),
        };
        Ok(Some(arguments))
    }

    /// By what the schema says alone: operands that broadcast, axes, truth values and scalars.
    fn common(&mut self, schema: &Schema, dtype: DType) -> Result<Option<Arguments>> {
        let mut arguments = Arguments::new();
        let mut first: Option<Dims> = None;
        let u_dtype = self.u_dtype(dtype)?;
        for param in schema.params {
            if !param.exists(self.opset) || param.optional && self.u.ratio(1, 2)? {
                continue;
            }
            let ty = match param.rule {
                TypeRule::T => dtype,
                TypeRule::U => u_dtype,
                TypeRule::Of(set) => self.dtype(set)?,
                TypeRule::Index | TypeRule::Indices => DType::Int32,
            };
            let argument = match (param.known, ty) {
                _ if param.tuple => return Ok(None),
                (Known::Anytime, _) => {
                    let var = match first {
                        None => self.operand(ty, 0..=5)?,
                        Some(dims) => self.partner(ty, &dims)?,
                    };
                    first = first.or(self.builder.ty(var).map(|t| t.dims));
                    Argument::Var(var)
                }
                (_, DType::Int32) if param.name == "axes" => {
                    let axes = self.some_axes(first.unwrap_or_default().rank())?;
                    Argument::from(&axes[..])
                }
                (_, DType::Int32) if param.name == "axis" => {
                    let rank = first.unwrap_or_default().rank() as i32;
                    Argument::from(self.u.int_in_range(-rank..=(rank - 1).max(-rank))?)
                }
                (_, DType::Int32) => Argument::from(self.u.int_in_range(1..=3)?),
                (_, DType::Bool) => Argument::from(self.u.arbitrary::<bool>()?),
                (_, ty) if ty.is_float() => self.scalar(ty, &[0.0, 1e-5, 0.1, 0.5, 1.0, -0.5, 2.0])?,
                _ => return Ok(None),
            };
            arguments.push((param.name, argument));
        }
        Ok(Some(arguments))
    }

    /// The type of the group `U` in a call whose `T` is this.
    pub(super) fn u_dtype(&mut self, dtype: DType) -> Result<DType> {
        let free = self.opset >= Opset::Ios17 && dtype.is_float() && self.u.ratio(1, 4)?;
        if free { self.dtype(DTypeSet::FLOAT) } else { Ok(dtype) }
    }

    /// One of some numbers, as a scalar.
    pub(super) fn scalar(&mut self, dtype: DType, of: &[f64]) -> Result<Argument> {
        let number = *self.u.choose(of)?;
        Ok(Literal::scalar(dtype, number).map_or(Argument::Number(number), Argument::Literal))
    }

    /// An operand that broadcasts with `dims`.
    fn partner(&mut self, dtype: DType, dims: &Dims) -> Result<Var> {
        let goes = |v: &Var| self.builder.ty(*v).is_some_and(|t| t.dtype == dtype && t.dims.broadcast(dims).is_some());
        let there: Vec<Var> = self.values.iter().copied().filter(goes).collect();
        if !there.is_empty() && self.u.ratio(2, 3)? {
            return Ok(*self.u.choose(&there)?);
        }
        let mut partner = dims[self.u.int_in_range(0..=dims.rank())?..].to_vec();
        for d in &mut partner {
            if self.u.ratio(1, 3)? {
                *d = 1;
            }
        }
        let ty = TensorType::new(dtype, Dims::new(&partner).expect("no larger than what it was made from"));
        if self.inputs.len() < super::MOST_INPUTS && matches!(dtype, DType::Fp16 | DType::Fp32) && self.u.ratio(1, 2)? {
            return self.input(Some(ty));
        }
        self.constant(ty)
    }

    /// Some of the axes of a tensor, in any order, some counted from the end.
    fn some_axes(&mut self, rank: usize) -> Result<Vec<i32>> {
        let mut axes = Vec::new();
        for axis in 0..rank as i32 {
            if self.u.ratio(1, 2)? {
                axes.push(if self.u.ratio(1, 3)? { axis - rank as i32 } else { axis });
            }
        }
        if axes.is_empty() && rank > 0 {
            axes.push(self.u.int_in_range(0..=rank as i32 - 1)?);
        }
        if !axes.is_empty() {
            let by = self.u.int_in_range(0..=axes.len() - 1)?;
            axes.rotate_left(by);
        }
        Ok(axes)
    }

    pub(super) fn dims_of(&self, var: Var) -> Dims {
        self.builder.ty(var).expect("only values without errors are kept").dims
    }

    /// A constant of a shape.
    pub(super) fn weights(&mut self, dtype: DType, dims: &[usize]) -> Result<Option<Argument>> {
        let Ok(dims) = Dims::new(dims) else { return Ok(None) };
        if dims.elements() > super::MOST_ELEMENTS {
            return Ok(None);
        }
        let ty = TensorType::new(dtype, dims);
        if self.u.ratio(1, 4)? {
            return self.constant(ty).map(|v| Some(Argument::Var(v)));
        }
        self.literal(ty).map(|l| Some(Argument::Literal(l)))
    }

    fn linear(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (inputs, outputs) = (dims[dims.rank() - 1], *self.u.choose(&super::DIMS)?);
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into())];
        arguments.extend(self.weights(u, &[outputs, inputs])?.map(|w| ("weight", w)));
        if self.u.ratio(1, 2)? {
            arguments.extend(self.weights(u, &[outputs])?.map(|w| ("bias", w)));
        }
        Ok(arguments)
    }

    fn matmul(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let rank = dims.rank();
        let (transpose_x, transpose_y) = (rank > 1 && self.u.ratio(1, 3)?, self.u.ratio(1, 3)?);
        let k = if transpose_x { dims[rank - 2] } else { dims[rank - 1] };
        let n = *self.u.choose(&super::DIMS)?;
        let mut shape = if rank > 2 && self.u.ratio(1, 2)? { dims[..rank - 2].to_vec() } else { Vec::new() };
        if let Some(d) = shape.first_mut().filter(|_| rank % 2 == 1) {
            *d = 1;
        }
        shape.extend(if transpose_y { [n, k] } else { [k, n] });
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into())];
        let there =
            self.values.iter().copied().find(|v| self.builder.ty(*v).is_some_and(|t| t.dtype == u && *t.dims == shape));
        match there {
            Some(y) => arguments.push(("y", y.into())),
            None => arguments.extend(self.weights(u, &shape)?.map(|w| ("y", w))),
        }
        arguments.push(("transpose_x", transpose_x.into()));
        if transpose_y || self.u.ratio(1, 2)? {
            arguments.push(("transpose_y", transpose_y.into()));
        }
        Ok(arguments)
    }

    fn layer_norm(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let axes = self.some_axes(dims.rank())?;
        let mut sorted: Vec<usize> = axes.iter().filter_map(|a| dims.axis(i64::from(*a))).collect();
        sorted.sort_unstable();
        let shape: Vec<usize> = sorted.iter().map(|a| dims[*a]).collect();
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into()), ("axes", Argument::from(&axes[..]))];
        for name in ["gamma", "beta"] {
            if self.u.ratio(1, 2)? {
                arguments.extend(self.weights(u, &shape)?.map(|w| (name, w)));
            }
        }
        if self.u.ratio(1, 2)? {
            arguments.push(("epsilon", self.scalar(u, &[1e-5, 1e-3, 0.1])?));
        }
        Ok(arguments)
    }

    /// `instance_norm` and `batch_norm`: vectors with an element for each channel.
    fn channel_norm(&mut self, dtype: DType, names: &[&'static str], rank: usize) -> Result<Arguments> {
        let x = self.operand(dtype, rank..=rank + 1)?;
        let channels = self.dims_of(x)[1];
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into())];
        for name in names {
            if matches!(*name, "mean" | "variance") || self.u.ratio(1, 2)? {
                arguments.extend(self.weights(u, &[channels])?.map(|w| (*name, w)));
            }
        }
        if self.u.ratio(1, 2)? {
            arguments.push(("epsilon", self.scalar(u, &[1e-5, 1e-3, 0.1])?));
        }
        Ok(arguments)
    }

    /// Activations with a number for each channel.
    fn by_channel(&mut self, dtype: DType, names: &[&'static str]) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=4)?;
        let channels = self.dims_of(x)[1];
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into())];
        for name in names {
            arguments.extend(self.weights(u, &[channels])?.map(|w| (*name, w)));
        }
        Ok(arguments)
    }

    fn local_response_norm(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=4)?;
        let u = self.u_dtype(dtype)?;
        let mut arguments = vec![("x", x.into()), ("size", self.u.int_in_range(1..=4)?.into())];
        for (name, of) in [("alpha", [1e-4, 0.5]), ("beta", [0.75, 2.0]), ("k", [1.0, 2.0])] {
            if self.u.ratio(1, 2)? {
                arguments.push((name, self.scalar(u, &of)?));
            }
        }
        Ok(arguments)
    }

    fn reverse_sequence(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (sequence, batch) = (self.u.int_in_range(0..=dims.rank() - 1)?, self.u.int_in_range(0..=dims.rank() - 1)?);
        let most = dims[sequence] as i32 + 1;
        let lengths = (0..dims[batch]).map(|_| self.u.int_in_range(-1..=most)).collect::<Result<Vec<i32>>>()?;
        Ok(vec![
            ("x", x.into()),
            ("lengths", Argument::from(&lengths[..])),
            ("seq_axis", (sequence as i32).into()),
            ("batch_axis", (batch as i32 - dims.rank() as i32).into()),
        ])
    }

    fn reshape(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=5)?;
        let dims = self.dims_of(x);
        let mut shape = self.factors(dims.elements(), if dims.elements() == 1 { 0..=5 } else { 1..=5 })?;
        if !shape.is_empty() && self.u.ratio(1, 3)? {
            let at = self.u.int_in_range(0..=shape.len() - 1)?;
            shape[at] = -1;
        }
        Ok(vec![("x", x.into()), ("shape", Argument::from(&shape[..]))])
    }

    fn expand_dims(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=4)?;
        let rank = self.dims_of(x).rank();
        let grown = self.u.int_in_range(rank + 1..=5)?;
        let mut axes = Vec::new();
        for axis in 0..grown as i32 {
            let (left, wanted) = (grown - axis as usize, grown - rank - axes.len());
            if wanted > 0 && (left == wanted || self.u.ratio(1, 2)?) {
                axes.push(if self.u.ratio(1, 3)? { axis - grown as i32 } else { axis });
            }
        }
        Ok(vec![("x", x.into()), ("axes", Argument::from(&axes[..]))])
    }

    fn squeeze(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=5)?;
        let dims = self.dims_of(x);
        let mut arguments = vec![("x", Argument::Var(x))];
        let ones: Vec<i32> = (0..dims.rank()).filter(|a| dims[*a] == 1).map(|a| a as i32).collect();
        if !ones.is_empty() && self.u.ratio(2, 3)? {
            let count = self.u.int_in_range(1..=ones.len())?;
            arguments.push(("axes", Argument::from(&ones[..count])));
        }
        Ok(arguments)
    }

    fn transpose(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let rank = self.dims_of(x).rank();
        let mut left: Vec<i32> = (0..rank as i32).collect();
        let mut perm = Vec::with_capacity(rank);
        while !left.is_empty() {
            let at = self.u.int_in_range(0..=left.len() - 1)?;
            let axis = left.remove(at);
            perm.push(if self.u.ratio(1, 4)? { axis - rank as i32 } else { axis });
        }
        Ok(vec![("x", x.into()), ("perm", Argument::from(&perm[..]))])
    }

    /// `concat` and `stack`: values alike, but for the axis along which they are joined.
    fn joined(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let stack = schema.mnemonic == "stack";
        let x = self.operand(dtype, if stack { 0..=4 } else { 1..=5 })?;
        let dims = self.dims_of(x);
        let rank = dims.rank() as i32 + i32::from(stack);
        let axis = self.u.int_in_range(-rank..=rank - 1)?;
        let interleave = !stack && self.u.ratio(1, 4)?;
        let mut values = vec![x];
        for _ in 0..self.u.int_in_range(0..=2)? {
            let same: Vec<Var> =
                self.values.iter().copied().filter(|v| self.builder.ty(*v) == self.builder.ty(x)).collect();
            if self.u.ratio(2, 3)? {
                values.push(*self.u.choose(&same)?);
                continue;
            }
            let along = if stack || interleave { None } else { dims.axis(i64::from(axis)) };
            let size = along.map(|a| (a, 1 + dims[a] / 2));
            let dims = size.map_or(Ok(dims), |(a, d)| dims.with(a, d)).expect("no larger than before");
            values.push(self.constant(TensorType::new(dtype, dims))?);
        }
        let mut arguments = vec![("values", Argument::Tuple(values)), ("axis", axis.into())];
        if !stack && (interleave || self.u.ratio(1, 2)?) {
            arguments.push(("interleave", interleave.into()));
        }
        Ok(arguments)
    }

    fn split(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let rank = dims.rank() as i32;
        let axis = self.u.int_in_range(-rank..=rank - 1)?;
        let size = dims[axis.rem_euclid(rank) as usize] as i32;
        let mut arguments = vec![("x", x.into()), ("axis", axis.into())];
        if self.u.ratio(1, 2)? {
            let divisors: Vec<i32> = (1..=size.min(8)).filter(|d| size % d == 0).collect();
            arguments.push(("num_splits", (*self.u.choose(&divisors)?).into()));
            return Ok(arguments);
        }
        let mut sizes = Vec::new();
        let mut rest = size;
        while rest > 0 {
            let piece = if sizes.len() == 4 { rest } else { self.u.int_in_range(1..=rest)? };
            sizes.push(piece);
            rest -= piece;
        }
        arguments.push(("split_sizes", Argument::from(&sizes[..])));
        Ok(arguments)
    }

    fn tile(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let mut reps = Vec::new();
        for _ in 0..self.dims_of(x).rank() {
            reps.push(*self.u.choose(&[1, 1, 2, 3])?);
        }
        Ok(vec![("x", x.into()), ("reps", Argument::from(&reps[..]))])
    }

    fn slice_by_size(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let (mut begin, mut size) = (Vec::new(), Vec::new());
        for d in self.dims_of(x).iter().map(|d| *d as i32) {
            let from = self.u.int_in_range(0..=d - 1)?;
            begin.push(from);
            size.push(if self.u.ratio(1, 3)? { -1 } else { self.u.int_in_range(1..=d - from)? });
        }
        Ok(vec![("x", x.into()), ("begin", Argument::from(&begin[..])), ("size", Argument::from(&size[..]))])
    }

    fn slice_by_index(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let (mut begin, mut end, mut stride) = (Vec::new(), Vec::new(), Vec::new());
        for d in dims.iter().map(|d| *d as i32) {
            let from = self.u.int_in_range(0..=d - 1)?;
            let to = self.u.int_in_range(from + 1..=d)?;
            let step = self.u.int_in_range(1..=3)?;
            let backwards = from > 0 && self.u.ratio(1, 4)?;
            begin.push(if backwards || self.u.ratio(2, 3)? { from } else { from - d });
            end.push(if backwards { from - 1 } else { to });
            stride.push(if backwards { -step } else { step });
        }
        let mut arguments = vec![("x", x.into()), ("begin", (&begin[..]).into()), ("end", (&end[..]).into())];
        if stride.iter().any(|s| *s != 1) {
            arguments.push(("stride", Argument::from(&stride[..])));
        }
        for name in ["begin_mask", "end_mask", "squeeze_mask"] {
            if self.u.ratio(1, 3)? {
                let mask = (0..dims.rank()).map(|_| self.u.ratio(1, 4)).collect::<Result<Vec<bool>>>()?;
                let mask: Vec<f64> = mask.into_iter().map(|b| f64::from(u8::from(b))).collect();
                let ty = TensorType::new(DType::Bool, Dims::new(&[mask.len()]).expect("a rank"));
                arguments.push((name, Literal::from_f64(ty, &mask).into()));
            }
        }
        Ok(arguments)
    }

    fn pad(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 1..=5)?;
        let dims = self.dims_of(x);
        let mode = *self.u.choose(&["constant", "reflect", "replicate"])?;
        let axes = self.u.int_in_range(0..=dims.rank())?;
        let mut pad = Vec::new();
        for d in &dims[dims.rank() - axes..] {
            let most = match mode {
                "constant" => 3,
                "reflect" => (*d as i32 - 1).min(3),
                _ => (*d as i32).min(3),
            };
            pad.extend([self.u.int_in_range(0..=most)?, self.u.int_in_range(0..=most)?]);
        }
        let mut arguments = vec![("x", x.into()), ("pad", Argument::from(&pad[..])), ("mode", mode.into())];
        if self.u.ratio(1, 2)? {
            arguments.push(("constant_val", self.scalar(dtype, &[0.0, -1.5, f64::NEG_INFINITY])?));
        }
        Ok(arguments)
    }

    fn cast(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=5)?;
        let to = self.dtype(if self.opset >= Opset::Ios17 { DTypeSet::MOVABLE } else { DTypeSet::BASIC })?;
        Ok(vec![("x", x.into()), ("dtype", to.name().into())])
    }

    fn gelu(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=5)?;
        let mode = *self.u.choose(&["EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"])?;
        Ok(vec![("x", x.into()), ("mode", mode.into())])
    }

    fn clip(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 0..=5)?;
        let alpha = self.scalar(dtype, &[f64::NEG_INFINITY, -1.0, -0.5, 0.0])?;
        let beta = self.scalar(dtype, &[0.25, 1.0, 6.0, f64::INFINITY])?;
        Ok(vec![("x", x.into()), ("alpha", alpha), ("beta", beta)])
    }

    fn rearrangement(&mut self, schema: &Schema, dtype: DType) -> Result<Arguments> {
        let block = self.u.int_in_range(1..=3)?;
        let b = block as usize;
        let (n, k, h, w) = (
            self.u.int_in_range(1..=2)?,
            self.u.int_in_range(1..=3)?,
            self.u.int_in_range(1..=5)?,
            self.u.int_in_range(1..=5)?,
        );
        let dims = match schema.mnemonic {
            "space_to_depth" => [n, k, h * b, w * b],
            _ => [n, k * b * b, h, w],
        };
        let x = self.shaped(dtype, &dims)?;
        Ok(vec![("x", x.into()), (schema.params[1].name, block.into())])
    }

    /// A run-time operand of a shape: an input, or what is made of a value by broadcasting a constant.
    pub(super) fn shaped(&mut self, dtype: DType, dims: &[usize]) -> Result<Var> {
        let ty = TensorType::new(dtype, Dims::new(dims).expect("small"));
        let there: Vec<Var> = self.values.iter().copied().filter(|v| self.builder.ty(*v) == Some(ty)).collect();
        match there.first() {
            Some(_) => self.u.choose(&there).copied(),
            None if self.inputs.len() < super::MOST_INPUTS => self.input(Some(ty)),
            None => self.constant(ty),
        }
    }

    pub(super) fn upsample(&mut self, dtype: DType) -> Result<Arguments> {
        let x = self.operand(dtype, 3..=5)?;
        let float = self.u.ratio(1, 3)?;
        let mut arguments = vec![("x", x.into())];
        for name in ["scale_factor_height", "scale_factor_width"] {
            if self.u.ratio(2, 3)? {
                let factor = if float {
                    self.scalar(DType::Fp32, &[1.0, 1.5, 2.0, 2.5])?
                } else {
                    self.u.int_in_range(1..=3)?.into()
                };
                arguments.push((name, factor));
            }
        }
        Ok(arguments)
    }
}
