//! The network: six layers of self-attention and a feed-forward part, in the layout of the Neural Engine.
//!
//! A sequence lies in `[1, channels, 1, sequence]`: each token is a column. A linear layer is then a convolution with a 1x1
//! kernel, and attention needs no transposed copy, only other ways to read.

use crate::{Error, Model};
use anemone::{Graph, Shape, Tensor, args};
use std::ops::Range;

/// Channels of each token, and elements of a sentence's vector.
pub const HIDDEN: usize = 384;
/// Layers.
pub const LAYERS: usize = 6;
const INNER: usize = 1536;
const HEADS: usize = 12;
const HEAD: usize = HIDDEN / HEADS;
pub(crate) const VOCABULARY: usize = 30522;
pub(crate) const POSITIONS: usize = 512;

/// The original has 1e-12. This is near the smallest number of `fp16` that is not 0, and as far below any variance that
/// occurs.
const EPSILON: f32 = 1e-7;

/// The graph of some of the layers. Inputs are the tokens' vectors, `[1, 384, 1, sequence]`, and a mask, `[1, 1, 1, sequence]`
/// with 1 for tokens and 0 for padding. Output are the new vectors; after the last layer, that of the sentence,
/// `[1, 384, 1, 1]`, of length 1.
///
/// # Errors
/// The model lacks a tensor.
pub fn program(model: &Model, layers: Range<usize>, sequence: usize) -> Result<Graph, Error> {
    let mut g = Graph::new();
    let x = g.named_placeholder("tokens", Shape::spatial(HIDDEN, 1, sequence));
    let mask = g.named_placeholder("mask", Shape::spatial(1, 1, sequence));
    let mut block = Block { g, model };
    let mut x = if layers.start == 0 { block.layer_norm(x, "embeddings.LayerNorm")? } else { x };
    // 0 for tokens, and for padding so little that softmax makes 0 of it.
    let bias = block.g.linear(mask, 1e4, -1e4);
    for layer in layers.clone() {
        x = block.layer(x, bias, &format!("encoder.layer.{layer}"))?;
    }
    let (name, output) = if layers.end == LAYERS { ("embedding", block.pool(x, mask)) } else { ("new_tokens", x) };
    block.g.named_output(output, name);
    Ok(block.g)
}

/// The graphs of the whole network, `layers_each` layers to each but the last, which may have fewer; in the order in which
/// they run.
pub fn programs(model: &Model, layers_each: usize, sequence: usize) -> impl Iterator<Item = Result<Graph, Error>> {
    let layers_each = layers_each.clamp(1, LAYERS);
    let starts = (0..LAYERS).step_by(layers_each);
    starts.map(move |start| program(model, start..(start + layers_each).min(LAYERS), sequence))
}

struct Block<'a> {
    g: Graph,
    model: &'a Model,
}

impl Block<'_> {
    fn layer(&mut self, x: Tensor, bias: Tensor, name: &str) -> Result<Tensor, Error> {
        let attended = self.attention(x, bias, &format!("{name}.attention"))?;
        let sum = self.g.addition(x, attended);
        let x = self.layer_norm(sum, &format!("{name}.attention.output.LayerNorm"))?;
        let inner = self.dense(x, &format!("{name}.intermediate.dense"), HIDDEN, INNER)?;
        let inner = self.gelu(inner);
        let fed = self.dense(inner, &format!("{name}.output.dense"), INNER, HIDDEN)?;
        let sum = self.g.addition(x, fed);
        self.layer_norm(sum, &format!("{name}.output.LayerNorm"))
    }

    fn attention(&mut self, x: Tensor, bias: Tensor, name: &str) -> Result<Tensor, Error> {
        let mut heads = |part: &str| {
            let y = self.dense(x, &format!("{name}.self.{part}"), HIDDEN, HIDDEN)?;
            Ok::<_, Error>(self.g.reshape(y, Shape::spatial(HEADS, HEAD, x.shape.width)))
        };
        let (query, key, value) = (heads("query")?, heads("key")?, heads("value")?);
        let g = &mut self.g;
        let scale = g.constant_with_scalar((HEAD as f32).sqrt().recip(), Shape::channels(1));
        let scores = g.matrix_multiplication(query, key, true, false);
        let scores = g.multiplication(scores, scale);
        let scores = g.addition(scores, bias);
        let shares = g.soft_max(scores, -1);
        let mixed = g.matrix_multiplication(value, shares, false, true);
        let mixed = g.reshape(mixed, x.shape);
        self.dense(mixed, &format!("{name}.output.dense"), HIDDEN, HIDDEN)
    }

    /// A linear layer: every column times a matrix.
    fn dense(&mut self, x: Tensor, name: &str, inputs: usize, outputs: usize) -> Result<Tensor, Error> {
        let weights = self.model.tensor(&format!("{name}.weight"), &[outputs, inputs])?;
        let weights = self.g.constant(&weights, Shape { batch: outputs, ..Shape::channels(inputs) });
        let bias = self.channels(&format!("{name}.bias"), outputs)?;
        Ok(self.g.convolution_2d_1x1(x, weights, Some(bias)))
    }

    /// Brings each column to mean 0 and variance 1, then scales and shifts its channels.
    fn layer_norm(&mut self, x: Tensor, name: &str) -> Result<Tensor, Error> {
        let (scale, shift) =
            (self.channels(&format!("{name}.weight"), HIDDEN)?, self.channels(&format!("{name}.bias"), HIDDEN)?);
        let g = &mut self.g;
        let epsilon = g.constant_with_scalar(EPSILON, Shape::channels(1));
        let mean = g.reduce_mean(x, 1);
        let centred = g.subtraction(x, mean);
        let square = g.multiplication(centred, centred);
        let variance = g.reduce_mean(square, 1);
        let variance = g.addition(variance, epsilon);
        let inverse = g.reciprocal_square_root(variance);
        let normal = g.multiplication(centred, inverse);
        let scaled = g.multiplication(normal, scale);
        Ok(g.addition(scaled, shift))
    }

    /// The contract has no GELU; this model wants the exact one, with the error function, and MIL has it as one operation.
    fn gelu(&mut self, x: Tensor) -> Tensor {
        let x = self.g.value(x);
        let y = self.g.mil().gelu(args! { x: x, mode: "EXACT" });
        self.g.tensor(y)
    }

    /// The mean of the columns that are tokens, brought to length 1.
    fn pool(&mut self, x: Tensor, mask: Tensor) -> Tensor {
        let g = &mut self.g;
        let tokens = g.multiplication(x, mask);
        let sum = g.reduce_sum(tokens, -1);
        let count = g.reduce_sum(mask, -1);
        let mean = g.division(sum, count);
        let square = g.multiplication(mean, mean);
        let square = g.reduce_sum(square, 1);
        let inverse = g.reciprocal_square_root(square);
        g.multiplication(mean, inverse)
    }

    /// A constant with a number for each channel.
    fn channels(&mut self, name: &str, channels: usize) -> Result<Tensor, Error> {
        let numbers = self.model.tensor(name, &[channels])?;
        Ok(self.g.constant(&numbers, Shape::channels(channels)))
    }
}

/// Floating-point operations of the matrix products for one sequence; the rest is little beside them.
pub fn flops(sequence: usize) -> f64 {
    let dense = 2 * sequence * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER);
    let attention = 2 * 2 * sequence * sequence * HIDDEN;
    (LAYERS * (dense + attention)) as f64
}
