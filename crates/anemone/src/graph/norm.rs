//! Normalisation.

use super::{Graph, Tensor};
use anemone_ir::{Literal, args};
use half::f16;

impl Graph {
    /// Normalises each channel of each sample by the mean and the (biased) variance of its plane, then scales and shifts:
    /// `(x - mean) / sqrt(variance + epsilon) * scale + shift`.
    ///
    /// `params` is a constant of one scale for each of the `c` channels (the shift is then 0), or of `2 * c` numbers, all
    /// scales and then all shifts. `epsilon` is rounded to `fp16`, which has nothing between 0 and 6e-8.
    #[track_caller]
    pub fn instance_norm(&mut self, source: Tensor, params: Tensor, epsilon: f64) -> Tensor {
        const CALL: &str = "instance_norm";
        let x = self.operand(CALL, "source", source);
        let epsilon = self.scalar(CALL, "epsilon", epsilon);
        let hint = "scale a run-time tensor with `multiplication` instead";
        let params_data = self.constant_behind(CALL, "params", params, hint).map(|c| c.data.clone());
        let (Some(shape), Some(data)) = (self.shape(source), params_data) else {
            return self.poisoned(source.shape);
        };
        let (halves, c) = (data.as_f16().unwrap_or_default(), shape.channels);
        let beta = match halves.len() {
            n if n == c => vec![f16::ZERO; c],
            n if n == 2 * c => halves[c..].to_vec(),
            n => {
                let message = format!("`params` has {n} numbers; {c} scales, or {c} scales and {c} shifts, are wanted");
                self.mistake(CALL, "length", message, &[("source", source), ("params", params)]);
                return self.poisoned(source.shape);
            }
        };
        let (gamma, beta) = (Literal::from(&halves[..c]), Literal::from(&beta[..]));
        let var = self.builder.instance_norm(args! { x: x, gamma: gamma, beta: beta, epsilon: epsilon });
        self.made(var, source.shape)
    }
}
