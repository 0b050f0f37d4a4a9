//! Convolutions: the bias apart, and weights that are computed at run time.

use super::{as_halves, sizes, value};
use crate::ane::emitter::Emitter;
use crate::args;
use crate::builder::Var;
use crate::program::{Arg, Node};

/// The convolution without its bias, and the bias added to it.
pub(in crate::ane) fn bias_apart(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let args = e.arguments(node, &["bias"]);
    let product = e.step(node, "product", node.mnemonic(), args);
    vec![with_bias(e, node, product)]
}

/// `product` plus the bias, which lies along axis 1: the node's result.
fn with_bias(e: &mut Emitter<'_>, node: &Node, product: Var) -> Var {
    let id = value(node, "bias");
    let ty = e.ty(id);
    let mut dims = vec![1; e.ty(value(node, "x")).dims.rank()];
    dims[1] = ty.dims.elements();
    let bias = match e.literal(id).and_then(as_halves) {
        Some(halves) => e.constant(node, "bias", &halves, &dims),
        None => {
            let bias = e.operand(id);
            e.step(node, "bias", "reshape", args! { x: bias, shape: sizes(&dims) })
        }
    };
    e.result(node, "add", args! { x: product, y: bias })
}

/// A convolution that is a matrix product in each position: `[out, in]` times `[in, positions]` for each of the batch.
pub(in crate::ane) fn product(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    let (x, weight) = (value(node, "x"), value(node, "weight"));
    let (x_dims, weight_dims) = (e.ty(x).dims, e.ty(weight).dims);
    let (batch, inputs, outputs) = (x_dims[0], x_dims[1], weight_dims[0]);
    let positions: usize = x_dims[2..].iter().product();
    let (x, weight) = (e.operand(x), e.operand(weight));
    // The leading 1 of the weights broadcasts over the batch.
    let left = e.step(node, "weight", "reshape", args! { x: weight, shape: sizes(&[1, 1, outputs, inputs]) });
    let right = e.step(node, "columns", "reshape", args! { x: x, shape: sizes(&[batch, 1, inputs, positions]) });
    let args = args! { x: left, y: right, transpose_x: false, transpose_y: false };
    let product = e.step(node, "product", "matmul", args);
    let shape = sizes(&e.ty(node.results[0]).dims);
    if *node.arg("bias") == Arg::Absent {
        return vec![e.result(node, "reshape", args! { x: product, shape: shape })];
    }
    let product = e.step(node, "places", "reshape", args! { x: product, shape: shape });
    vec![with_bias(e, node, product)]
}
