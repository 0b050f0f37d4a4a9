//! Pooling and padding.

use super::{Graph, Tensor};
use crate::shape::Shape;
use anemone_ir::args;
use anemone_ir::builder::Arguments;

/// What lies around the input of a convolution or a pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PadMode {
    /// Nothing: the window stays inside.
    Valid,
    /// Zeros, so that the output has `ceil(input / stride)` elements; of an odd number, the larger part goes before (MIL's
    /// `same_lower`).
    Same,
}

impl PadMode {
    /// MIL's `pad_type`.
    pub(super) fn pad_type(self) -> &'static str {
        match self {
            PadMode::Valid => "valid",
            PadMode::Same => "same_lower",
        }
    }

    fn output(self, input: usize, kernel: usize, stride: usize) -> usize {
        let stride = stride.max(1);
        match self {
            PadMode::Valid => (input.saturating_sub(kernel) / stride).saturating_add(1),
            PadMode::Same => input.div_ceil(stride),
        }
    }
}

/// What [`Graph::pad`] puts around a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PadFillMode {
    /// The given value.
    Constant,
    /// The elements next to the edge, mirrored; the edge itself is not repeated.
    Reflect,
    /// The element at the edge.
    Replicate,
}

/// The numbers of a pool: kernel height and width, stride height and width.
type Window = [usize; 4];

/// Windows over the plane of each channel.
impl Graph {
    /// The largest element under each position of a window; padding does not take part.
    #[track_caller]
    pub fn max_pool(
        &mut self,
        input: Tensor,
        kernel_h: usize,
        kernel_w: usize,
        stride_height: usize,
        stride_width: usize,
        pad_mode: PadMode,
    ) -> Tensor {
        let window = [kernel_h, kernel_w, stride_height, stride_width];
        self.pool("max_pool", input, window, pad_mode, args! {})
    }

    /// The mean of the elements under each position of a window; padded zeros count as elements.
    #[track_caller]
    pub fn avg_pool(
        &mut self,
        input: Tensor,
        kernel_h: usize,
        kernel_w: usize,
        stride_height: usize,
        stride_width: usize,
        pad_mode: PadMode,
    ) -> Tensor {
        let window = [kernel_h, kernel_w, stride_height, stride_width];
        self.pool("avg_pool", input, window, pad_mode, args! { exclude_padding_from_average: false })
    }

    #[track_caller]
    fn pool(
        &mut self,
        mnemonic: &str,
        input: Tensor,
        window: Window,
        pad_mode: PadMode,
        mut args: Arguments,
    ) -> Tensor {
        let [kernel_h, kernel_w, stride_h, stride_w] = window;
        let guess = Shape {
            height: pad_mode.output(input.shape.height, kernel_h, stride_h),
            width: pad_mode.output(input.shape.width, kernel_w, stride_w),
            ..input.shape
        };
        let Some([kernel_h, kernel_w, stride_h, stride_w]) = self.ints(mnemonic, "kernel and strides", window) else {
            return self.poisoned(guess);
        };
        args.extend(args! {
            kernel_sizes: [kernel_h, kernel_w],
            strides: [stride_h, stride_w],
            pad_type: pad_mode.pad_type(),
            pad: [0, 0, 0, 0],
            ceil_mode: false,
        });
        self.map(mnemonic, mnemonic, input, args, guess)
    }

    /// Elements added around the plane of each channel; `value` is for [`PadFillMode::Constant`].
    #[track_caller]
    #[allow(clippy::too_many_arguments, reason = "the contract's signature")]
    pub fn pad(
        &mut self,
        input: Tensor,
        top: usize,
        bottom: usize,
        left: usize,
        right: usize,
        mode: PadFillMode,
        value: f64,
    ) -> Tensor {
        let grown = |d: usize, a: usize, b: usize| d.saturating_add(a).saturating_add(b);
        let shape = input.shape;
        let guess = Shape { height: grown(shape.height, top, bottom), width: grown(shape.width, left, right), ..shape };
        let value = self.scalar("pad", "value", value);
        let mode = match mode {
            PadFillMode::Constant => "constant",
            PadFillMode::Reflect => "reflect",
            PadFillMode::Replicate => "replicate",
        };
        match self.ints("pad", "top, bottom, left, right", [top, bottom, left, right]) {
            Some(pad) => self.map("pad", "pad", input, args! { pad: pad, mode: mode, constant_val: value }, guess),
            None => self.poisoned(guess),
        }
    }
}
