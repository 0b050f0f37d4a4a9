//! The arithmetic of sliding windows, shared by convolution and pooling.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::Call;
use crate::types::Opset;
use std::ops::Range;

/// A window that slides over the spatial axes of a tensor `[n, c, spatial…]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// Elements the window covers on each spatial axis, before dilation.
    pub kernel: Vec<usize>,
    /// Steps from one position to the next.
    pub strides: Vec<usize>,
    /// Distance of the window's elements.
    pub dilations: Vec<usize>,
    /// Elements of padding before each axis.
    pub before: Vec<usize>,
    /// Elements of padding after each axis.
    pub after: Vec<usize>,
    /// Sizes of the input's spatial axes.
    pub input: Vec<usize>,
    /// Sizes of the output's spatial axes.
    pub output: Vec<usize>,
}

/// The largest stride, dilation, kernel or padding on an axis: far above any use, low enough that positions cannot overflow.
const MOST: i64 = 1 << 31;

/// How MIL says what lies around the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PadType {
    /// Nothing.
    Valid,
    /// Zeros so that the output has `ceil(input / stride)` elements, an odd one after.
    Same,
    /// As `Same`, an odd one before.
    SameLower,
    /// As the argument `pad` says.
    Custom,
}

/// Reads `pad_type`.
pub(crate) fn pad_type(call: &Call<'_>) -> Result<PadType, OpError> {
    let pad_type = match call.str("pad_type", "valid")? {
        "valid" => PadType::Valid,
        "same" => PadType::Same,
        "same_lower" => PadType::SameLower,
        "custom" => PadType::Custom,
        other => fail!("pad-type", "`pad_type` is \"{other}\"; allowed are valid, same, same_lower, custom"),
    };
    ensure!(
        pad_type != PadType::SameLower || call.opset >= Opset::Ios16,
        "opset",
        "`pad_type` same_lower exists since ios16, the function is {}",
        call.opset
    );
    Ok(pad_type)
}

/// Reads a vector of counts, bounded by [`MOST`].
pub(crate) fn counts(call: &Call<'_>, name: &str, len: usize) -> Result<Vec<usize>, OpError> {
    let counts = call.counts(name, len, 1)?;
    match counts.iter().find(|n| **n as i64 > MOST) {
        Some(n) => fail!("range", "`{name}` holds {n}; the largest allowed is 2^31"),
        None => Ok(counts),
    }
}

/// Reads `pad`, two numbers for each of `rank` axes, for `custom`; zeros otherwise.
pub(crate) fn custom_pad(call: &Call<'_>, pad_type: PadType, rank: usize) -> Result<(Vec<usize>, Vec<usize>), OpError> {
    let zeros = (vec![0; rank], vec![0; rank]);
    if pad_type != PadType::Custom {
        return Ok(zeros);
    }
    let Some(pad) = call.ints("pad") else { return Ok(zeros) };
    ensure!(pad.len() == 2 * rank, "length", "`pad` has {} elements, {} are wanted", pad.len(), 2 * rank);
    if let Some(bad) = pad.iter().find(|p| !(0..=MOST).contains(p)) {
        fail!("range", "`pad` holds {bad}; allowed is 0 to 2^31");
    }
    Ok((
        pad.iter().step_by(2).map(|p| *p as usize).collect(),
        pad.iter().skip(1).step_by(2).map(|p| *p as usize).collect(),
    ))
}

impl Window {
    /// Elements from the first to the last that the window covers on an axis.
    pub fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis] + 1
    }

    /// The number of spatial axes.
    pub fn rank(&self) -> usize {
        self.kernel.len()
    }

    /// Reads strides, dilations, `pad_type` and `pad` of a call and finds the output sizes.
    pub(crate) fn read(call: &Call<'_>, kernel: &[usize], input: &[usize], dilated: bool) -> Result<Window, OpError> {
        let rank = kernel.len();
        let pad_type = pad_type(call)?;
        let (before, after) = custom_pad(call, pad_type, rank)?;
        let strides = counts(call, "strides", rank)?;
        let dilations = if dilated { counts(call, "dilations", rank)? } else { vec![1; rank] };
        let (kernel, input) = (kernel.to_vec(), input.to_vec());
        let mut window = Window { kernel, strides, dilations, before, after, input, output: vec![0; rank] };
        for axis in 0..rank {
            window.place(axis, pad_type)?;
        }
        Ok(window)
    }

    fn place(&mut self, axis: usize, pad_type: PadType) -> Result<(), OpError> {
        let (size, stride) = (self.input[axis], self.strides[axis]);
        let extent = (self.kernel[axis] - 1).checked_mul(self.dilations[axis]).filter(|e| (*e as u64) < 1 << 62);
        let Some(extent) = extent.map(|e| e + 1) else {
            fail!("window", "a kernel of {} with dilation {} is too large", self.kernel[axis], self.dilations[axis]);
        };
        if matches!(pad_type, PadType::Same | PadType::SameLower) {
            let output = size.div_ceil(stride);
            let total = ((output - 1) * stride + extent).saturating_sub(size);
            let (small, large) = (total / 2, total - total / 2);
            (self.before[axis], self.after[axis]) =
                if pad_type == PadType::Same { (small, large) } else { (large, small) };
        }
        let padding = self.before[axis] + self.after[axis];
        let padded = size + padding;
        if padded < extent {
            let parts = if padding == 0 { String::new() } else { format!(": {size} and {padding} of padding") };
            fail!(
                "window",
                "on spatial axis {axis} the window covers {extent} elements, but there are {padded}{parts}"
            );
        }
        self.output[axis] = (padded - extent) / stride + 1;
        Ok(())
    }

    /// `ceil_mode`: one more position where the last would leave elements out, unless it lay in padding only.
    pub(crate) fn round_up(&mut self) {
        for axis in 0..self.rank() {
            let (before, after, stride) = (self.before[axis], self.after[axis], self.strides[axis]);
            let padded = self.input[axis] + before + after;
            let mut output = (padded - self.kernel[axis]).div_ceil(stride) + 1;
            if before + after > 0 && (output - 1) * stride >= self.input[axis] + before {
                output -= 1;
            }
            self.output[axis] = output;
        }
    }

    /// The window's elements on an axis that lie inside the input, at an output position.
    pub fn inside(&self, axis: usize, at: usize) -> Range<usize> {
        let (start, dilation) = (at * self.strides[axis], self.dilations[axis]);
        let low = self.before[axis].saturating_sub(start).div_ceil(dilation);
        let end = (self.input[axis] + self.before[axis]).saturating_sub(start).div_ceil(dilation);
        let high = end.min(self.kernel[axis]);
        low.min(high)..high
    }

    /// Visits the elements under the window at an output position (given by its coordinates): `visit(position in the
    /// kernel, position in the input)`, both row-major over the spatial axes, for those inside the input, in order.
    pub fn visit(&self, at: &[usize], mut visit: impl FnMut(usize, usize)) {
        // What lies outside is not walked over: it may be billions of elements.
        let inside: Vec<_> = (0..self.rank()).map(|axis| self.inside(axis, at[axis])).collect();
        for index in 0..inside.iter().map(Range::len).product() {
            let (mut rest, mut kernel, mut kernel_step, mut source, mut source_step) = (index, 0, 1, 0, 1);
            for axis in (0..self.rank()).rev() {
                let tap = inside[axis].start + rest % inside[axis].len();
                rest /= inside[axis].len();
                kernel += tap * kernel_step;
                kernel_step *= self.kernel[axis];
                source +=
                    (at[axis] * self.strides[axis] + tap * self.dilations[axis] - self.before[axis]) * source_step;
                source_step *= self.input[axis];
            }
            visit(kernel, source);
        }
    }

    /// How many elements of the window lie in the input or its padding at an output position: all of them, unless
    /// `ceil_mode` lets the last position reach beyond the padding.
    pub fn covered(&self, at: &[usize]) -> usize {
        (0..self.rank()).map(|axis| self.covered_on(axis, at[axis])).product()
    }

    /// [`Window::covered`] on one axis.
    pub fn covered_on(&self, axis: usize, at: usize) -> usize {
        let end = self.before[axis] + self.input[axis] + self.after[axis];
        let room = end.saturating_sub(at * self.strides[axis]);
        self.kernel[axis].min(room.div_ceil(self.dilations[axis]))
    }

    /// The coordinates of an output position.
    pub fn coordinates(&self, at: usize) -> Vec<usize> {
        coordinates(at, &self.output)
    }
}

/// The coordinates of a row-major position.
pub(crate) fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut out = vec![0; dims.len()];
    for axis in (0..dims.len()).rev() {
        out[axis] = at % dims[axis];
        at /= dims[axis];
    }
    out
}
