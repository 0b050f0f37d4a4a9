//! Matrix products.

use super::{Graph, Tensor};
use crate::shape::Shape;
use anemone_ir::{Literal, args};

/// Matrix products.
impl Graph {
    /// Multiplies the channels of each position with a matrix: `[n, in, h, w]` to `[n, out, h, w]`.
    ///
    /// `weights` is `[out, in]`, row-major.
    #[track_caller]
    pub fn inner_product(
        &mut self,
        source: Tensor,
        weights: &[f32],
        input_channels: usize,
        output_channels: usize,
    ) -> Tensor {
        const CALL: &str = "inner_product";
        let x = self.operand(CALL, "source", source);
        let guess = Shape { channels: output_channels, ..source.shape };
        let halves = self.halves(CALL, weights);
        let mut sound = true;
        if Some(weights.len()) != input_channels.checked_mul(output_channels) || weights.is_empty() {
            let message = if input_channels == 0 || output_channels == 0 {
                format!("{output_channels} outputs of {input_channels} inputs: at least one of each is wanted")
            } else {
                let given = weights.len();
                format!("there are {given} weights, {output_channels} outputs of {input_channels} inputs are wanted")
            };
            self.mistake(CALL, "length", message, &[("source", source)]);
            sound = false;
        }
        if let Some(shape) = self.shape(source).filter(|s| s.channels != input_channels) {
            let message = format!("`source` has {} channels, `input_channels` is {input_channels}", shape.channels);
            self.mistake(CALL, "shape", message, &[("source", source)]);
            sound = false;
        }
        let weight = Literal::fp16(&[output_channels, input_channels, 1, 1], halves);
        match weight {
            Ok(weight) if sound => {
                let weight = self.builder.constant(weight);
                self.conv(x, weight, None, 1, super::PadMode::Valid, guess)
            }
            _ => self.poisoned(guess),
        }
    }

    /// The matrix product of the two last axes, for each batch and channel; batch and channels broadcast.
    ///
    /// With `transpose_x` or `transpose_y` the operand's two last axes are read in the other order.
    #[track_caller]
    pub fn matrix_multiplication(
        &mut self,
        left_hand_side: Tensor,
        right_hand_side: Tensor,
        transpose_x: bool,
        transpose_y: bool,
    ) -> Tensor {
        let (a, b) = (left_hand_side.shape, right_hand_side.shape);
        let guess = Shape {
            batch: a.batch.max(b.batch),
            channels: a.channels.max(b.channels),
            height: if transpose_x { a.width } else { a.height },
            width: if transpose_y { b.height } else { b.width },
        };
        let x = self.operand("matrix_multiplication", "left_hand_side", left_hand_side);
        let y = self.operand("matrix_multiplication", "right_hand_side", right_hand_side);
        let var = self.builder.matmul(args! { x: x, y: y, transpose_x: transpose_x, transpose_y: transpose_y });
        self.made(var, guess)
    }
}
