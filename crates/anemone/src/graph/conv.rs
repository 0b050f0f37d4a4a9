//! Convolution.

use super::{Graph, Kind, PadMode, Tensor};
use crate::shape::Shape;
use anemone_ir::builder::{Arguments, Var};
use anemone_ir::{Dims, args};

/// How [`Graph::convolution_2d`] convolves; strides are 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Convolution2dDescriptor {
    /// Groups of channels that do not see each other: 1 for an ordinary convolution, the number of channels for a depthwise
    /// one.
    pub groups: usize,
    /// What lies around the input.
    pub pad_mode: PadMode,
}

impl Default for Convolution2dDescriptor {
    fn default() -> Convolution2dDescriptor {
        Convolution2dDescriptor { groups: 1, pad_mode: PadMode::Valid }
    }
}

/// How [`Graph::convolution_transpose_2d`] convolves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvolutionTranspose2dDescriptor {
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Rows of output for each row of input.
    pub stride_height: usize,
    /// Columns of output for each column of input.
    pub stride_width: usize,
    /// `Valid` gives `(input - 1) * stride + kernel` elements, `Same` gives `input * stride`.
    pub pad_mode: PadMode,
}

impl Default for ConvolutionTranspose2dDescriptor {
    fn default() -> ConvolutionTranspose2dDescriptor {
        ConvolutionTranspose2dDescriptor { groups: 1, stride_height: 1, stride_width: 1, pad_mode: PadMode::Valid }
    }
}

const CONSTANT_WEIGHTS: &str = "for weights computed at run time there is `convolution_2d_1x1_dynamic`";
const CONSTANT_BIAS: &str = "add a bias computed at run time with `addition`";

/// Constant weights in the shape that MIL wants.
struct Kernel {
    weight: Var,
    outputs: usize,
}

/// The order of the weights' first two axes.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// `[out, in / groups, kh, kw]`
    Conv,
    /// `[in, out / groups, kh, kw]`
    Transposed,
}

/// Convolution.
impl Graph {
    /// Convolution of `[n, in, h, w]` with constant weights; the kernel's size is that of the weights.
    ///
    /// The weights are `out * (in / groups) * kh * kw` values in the order `[out, in / groups, kh, kw]`, in a constant of
    /// shape `Shape::spatial(out, kh, kw)` (the data is then longer than the shape says) or of shape
    /// `Shape { batch: out, channels: in / groups, height: kh, width: kw }`. A bias is a constant of `out` values.
    ///
    /// ```
    /// use anemone::{Convolution2dDescriptor, Graph, PadMode, Shape};
    /// let mut g = Graph::new();
    /// let x = g.placeholder(Shape::spatial(3, 64, 64));
    /// let weights = g.constant(&[0.1; 8 * 3 * 5 * 5], Shape::spatial(8, 5, 5));
    /// let same = Convolution2dDescriptor { pad_mode: PadMode::Same, ..Default::default() };
    /// assert_eq!(g.convolution_2d(x, weights, None, &same).shape, Shape::spatial(8, 64, 64));
    /// ```
    #[track_caller]
    pub fn convolution_2d(
        &mut self,
        source: Tensor,
        weights: Tensor,
        bias: Option<Tensor>,
        descriptor: &Convolution2dDescriptor,
    ) -> Tensor {
        let Convolution2dDescriptor { groups, pad_mode } = *descriptor;
        self.convolution("convolution_2d", source, weights, bias, groups, pad_mode)
    }

    /// Convolution with a kernel of one element: each position's channels times a matrix. Weights and bias as for
    /// [`Graph::convolution_2d`].
    #[track_caller]
    pub fn convolution_2d_1x1(&mut self, source: Tensor, weights: Tensor, bias: Option<Tensor>) -> Tensor {
        const CALL: &str = "convolution_2d_1x1";
        let constant = self.own(weights).is_some_and(|e| matches!(e.kind, Kind::Constant(_)));
        if let Some(shape) = self.shape(weights).filter(|s| constant && (s.height, s.width) != (1, 1)) {
            let message = format!("`weights` is {shape}: its kernel is {} by {}", shape.height, shape.width);
            self.mistake(CALL, "shape", message, &[("source", source), ("weights", weights)]);
            return self.poisoned(Shape { channels: weights.shape.channels, ..source.shape });
        }
        self.convolution(CALL, source, weights, bias, 1, PadMode::Valid)
    }

    #[track_caller]
    fn convolution(
        &mut self,
        call: &str,
        source: Tensor,
        weights: Tensor,
        bias: Option<Tensor>,
        groups: usize,
        pad_mode: PadMode,
    ) -> Tensor {
        let x = self.operand(call, "source", source);
        let kernel = self.kernel(call, source, weights, groups, Order::Conv);
        let bias = self.bias(call, bias, kernel.as_ref());
        let guess = guess(source.shape, weights.shape, |d, k| {
            if pad_mode == PadMode::Same { d } else { d.saturating_add(1).saturating_sub(k) }
        });
        match (kernel, bias) {
            (Some(kernel), Ok(bias)) => self.conv(x, kernel.weight, bias, groups, pad_mode, guess),
            _ => self.poisoned(guess),
        }
    }

    /// Appends MIL's `conv` with every argument.
    #[track_caller]
    pub(super) fn conv(
        &mut self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        groups: usize,
        pad_mode: PadMode,
        guess: Shape,
    ) -> Tensor {
        let mut args: Arguments = args! {
            x: x,
            weight: weight,
            strides: [1, 1],
            pad_type: pad_mode.pad_type(),
            pad: [0, 0, 0, 0],
            dilations: [1, 1],
            groups: groups as i32,
        };
        args.extend(bias.map(|b| ("bias", b.into())));
        let var = self.builder.conv(args);
        self.made(var, guess)
    }

    /// Transposed convolution of `[n, in, h, w]` with constant weights.
    ///
    /// The weights are `in * (out / groups) * kh * kw` values in the order `[in, out / groups, kh, kw]`, in a constant of
    /// shape `Shape::spatial(out, kh, kw)` or of shape `Shape { batch: in, channels: out / groups, height: kh, width: kw }`.
    #[track_caller]
    pub fn convolution_transpose_2d(
        &mut self,
        source: Tensor,
        weights: Tensor,
        bias: Option<Tensor>,
        descriptor: &ConvolutionTranspose2dDescriptor,
    ) -> Tensor {
        const CALL: &str = "convolution_transpose_2d";
        let ConvolutionTranspose2dDescriptor { groups, stride_height, stride_width, pad_mode } = *descriptor;
        let x = self.operand(CALL, "source", source);
        let kernel = self.kernel(CALL, source, weights, groups, Order::Transposed);
        let bias = self.bias(CALL, bias, kernel.as_ref());
        let strides = self.ints(CALL, "strides", [stride_height, stride_width]);
        let guess = guess(source.shape, weights.shape, |d, _| d);
        let (Some(kernel), Ok(bias), Some(strides)) = (kernel, bias, strides) else {
            return self.poisoned(guess);
        };
        let mut args: Arguments = args! {
            x: x,
            weight: kernel.weight,
            strides: strides,
            dilations: [1, 1],
            groups: groups as i32,
        };
        args.extend(match pad_mode {
            PadMode::Valid => args! { pad_type: pad_mode.pad_type(), pad: [0, 0, 0, 0] },
            PadMode::Same => self.cut_to_same(source, kernel.weight, strides, groups),
        });
        args.extend(bias.map(|b| ("bias", b.into())));
        let var = self.builder.conv_transpose(args);
        self.made(var, guess)
    }

    /// Arguments that leave `input * stride` elements on each axis of a transposed convolution. MIL has no `same_lower` for
    /// it, so what is cut is said in numbers: an odd element goes before, as everywhere in the contract.
    fn cut_to_same(&self, source: Tensor, weight: Var, strides: [i32; 2], groups: usize) -> Arguments {
        let (Some(source), Some(weight)) = (self.shape(source), self.builder.ty(weight)) else { return Vec::new() };
        let [_, outputs, kernel @ ..] = &*weight.dims else { return Vec::new() };
        // The whole result has `(input - 1) * stride + kernel` elements. (Sizes are checked with the operation.)
        let cut = |axis: usize| kernel[axis].saturating_sub(strides[axis] as usize) as i32;
        let pad = [cut(0) - cut(0) / 2, cut(0) / 2, cut(1) - cut(1) / 2, cut(1) / 2];
        let mut args: Arguments = args! { pad_type: "custom", pad: pad };
        if (0..2).any(|axis| kernel[axis] < strides[axis] as usize) {
            // Strides beyond the kernel leave elements at the end that no weight reaches.
            let size = |d: usize, stride: i32| (d as i32).saturating_mul(stride);
            let (height, width) = (size(source.height, strides[0]), size(source.width, strides[1]));
            let outputs = outputs.saturating_mul(groups) as i32;
            args.extend(args! { output_shape: [source.batch as i32, outputs, height, width] });
        }
        args
    }

    /// Convolution with a kernel of one element whose weights are computed at run time: `[n, in, h, w]` with weights
    /// `[out, in, 1, 1]` to `[n, out, h, w]`.
    ///
    /// Neural Engine programs cannot take the weights of a convolution at run time, so this is a matrix product.
    #[track_caller]
    pub fn convolution_2d_1x1_dynamic(&mut self, source: Tensor, weights: Tensor) -> Tensor {
        const CALL: &str = "convolution_2d_1x1_dynamic";
        let guess = Shape { channels: weights.shape.batch, ..source.shape };
        let (x, w) = (self.operand(CALL, "source", source), self.operand(CALL, "weights", weights));
        let (Some(shape), Some(kernel)) = (self.shape(source), self.shape(weights)) else {
            return self.poisoned(guess);
        };
        if (kernel.channels, kernel.height, kernel.width) != (shape.channels, 1, 1) {
            let message =
                format!("`weights` is {kernel}, [out, {}, 1, 1] is wanted for a source of {shape}", shape.channels);
            self.mistake(CALL, "shape", message, &[("source", source), ("weights", weights)]);
            return self.poisoned(guess);
        }
        let Shape { batch: n, channels, height, width } = shape;
        let dims = [n, kernel.batch, channels, height, width, height * width];
        let Some([n, out, channels, height, width, positions]) = self.ints(CALL, "dimensions", dims) else {
            return self.poisoned(guess);
        };
        // The leading 1 of the weights broadcasts over the batch.
        let w = self.builder.reshape(args! { x: w, shape: [1, 1, out, channels] });
        let x = self.builder.reshape(args! { x: x, shape: [n, 1, channels, positions] });
        let y = self.builder.matmul(args! { x: w, y: x, transpose_x: false, transpose_y: false });
        let y = self.builder.reshape(args! { x: y, shape: [n, out, height, width] });
        self.made(y, guess)
    }

    /// Finds out which of the two forms the weights have, and makes MIL's.
    #[track_caller]
    fn kernel(&mut self, call: &str, source: Tensor, weights: Tensor, groups: usize, order: Order) -> Option<Kernel> {
        let constant = self.constant_behind(call, "weights", weights, CONSTANT_WEIGHTS)?;
        let (given, len) = (constant.shape, constant.len());
        let shape = self.shape(source)?;
        let inputs = shape.channels;
        let operands = [("source", source), ("weights", weights)];
        if groups == 0 || i32::try_from(groups).is_err() || !inputs.is_multiple_of(groups) {
            let message = format!("{inputs} channels are not divisible into {groups} groups");
            self.mistake(call, "groups", message, &operands);
            return None;
        }
        let space = [given.height, given.width];
        let short = given.channels;
        let (first, second, plain) = match order {
            Order::Conv => (short, inputs / groups, given.channels == inputs / groups),
            Order::Transposed => (inputs, short / groups, given.batch == inputs),
        };
        let fits = |dims: [usize; 2]| dims.iter().chain(&space).try_fold(1usize, |a, b| a.checked_mul(*b)) == Some(len);
        let whole = order == Order::Conv || short.is_multiple_of(groups);
        let (dims, outputs) = if given.batch == 1 && whole && fits([first, second]) {
            ([first, second, space[0], space[1]], short)
        } else if plain && given.total_elements() == len {
            let outputs = if order == Order::Conv { given.batch } else { given.channels.checked_mul(groups)? };
            (given.dims(), outputs)
        } else {
            let [kh, kw] = space;
            let wanted = match order {
                Order::Conv => format!("[out, {}, {kh}, {kw}]", inputs / groups),
                Order::Transposed => format!("[{inputs}, out / {groups}, {kh}, {kw}]"),
            };
            let message = format!(
                "`weights` has {len} elements and shape {given}; for a source of {shape} and {groups} group{} {wanted} is wanted",
                if groups == 1 { "" } else { "s" }
            );
            self.mistake(call, "weights", message, &operands);
            return None;
        };
        let dims = Dims::new(&dims).ok()?;
        Some(Kernel { weight: self.constant_as(weights, dims), outputs })
    }

    /// The bias as MIL has it; `Err` after a mistake.
    #[track_caller]
    fn bias(&mut self, call: &str, bias: Option<Tensor>, kernel: Option<&Kernel>) -> Result<Option<Var>, ()> {
        let Some(tensor) = bias else { return Ok(None) };
        let len = self.constant_behind(call, "bias", tensor, CONSTANT_BIAS).map(|c| c.len());
        let (Some(len), Some(kernel)) = (len, kernel) else { return Err(()) };
        let dims = Dims::vector(len).map_err(|_| ())?;
        if len != kernel.outputs {
            let message = format!("`bias` has {len} elements, one for each of {} outputs is wanted", kernel.outputs);
            self.mistake(call, "length", message, &[("bias", tensor)]);
            return Err(());
        }
        Ok(Some(self.constant_as(tensor, dims)))
    }
}

/// The shape of a result that cannot be known, if the weights are in the short form.
fn guess(source: Shape, weights: Shape, size: impl Fn(usize, usize) -> usize) -> Shape {
    Shape {
        batch: source.batch,
        channels: weights.channels,
        height: size(source.height, weights.height),
        width: size(source.width, weights.width),
    }
}
