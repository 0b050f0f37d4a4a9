//! Attention.

use crate::diagnostic::{OpError, ensure};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::elementwise::{broadcast_positions, maximum};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};

/// `softmax(query * transposed(key) / sqrt(E) + attn_mask) * value` over the last two axes: `query` is `[batch…, L, E]`, `key`
/// `[batch…, S, E]`, `value` `[batch…, S, EV]`, the result `[batch…, L, EV]`.
///
/// A mask broadcasts to `[batch…, L, S]`. One of truth values leaves out where it is false, any other is added. A row that is
/// left out as a whole gives NaN, as its softmax does. It is one operation: only the result is rounded.
#[derive(Clone, PartialEq, Debug)]
pub struct ScaledDotProductAttention {
    /// The leading axes.
    pub batch: Dims,
    /// Rows of `query` (L).
    pub queries: usize,
    /// Rows of `key` and `value` (S).
    pub keys: usize,
    /// Elements of a row of `query` and `key` (E).
    pub depth: usize,
    /// Elements of a row of `value` (EV).
    pub width: usize,
}

impl ScaledDotProductAttention {
    /// The scores' dimensions: what a mask broadcasts to.
    pub fn scores(&self) -> Dims {
        let dims = [&*self.batch, &[self.queries, self.keys]].concat();
        Dims::new(&dims).expect("they are checked when the operation is made")
    }
}

impl Operation for ScaledDotProductAttention {
    const SCHEMA: Schema = Schema::new(
        "scaled_dot_product_attention",
        DTypeSet::FLOAT,
        &[
            Param::t("query"),
            Param::t("key"),
            Param::t("value"),
            Param::new("attn_mask", TypeRule::Of(DTypeSet::FLOAT.or(DType::Bool.set()))).optional(),
        ],
    )
    .since(Opset::Ios18);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let [query, key, value] = ["query", "key", "value"].map(|name| call.ty(name).dims);
        let rank = query.rank();
        ensure!(
            rank >= 3 && key.rank() == rank && value.rank() == rank,
            "rank",
            "`query` is {query}, `key` {key}, `value` {value}; equal ranks of 3 or more are wanted"
        );
        let (batch, last) = (&query[..rank - 2], rank - 1);
        ensure!(
            key[..rank - 2] == *batch && value[..rank - 2] == *batch,
            "shape",
            "`query` is {query}, `key` {key}, `value` {value}; all axes but the last two must be equal"
        );
        ensure!(
            query[last] == key[last],
            "shape",
            "`query` is {query} and `key` {key}, which must have equally many elements in a row"
        );
        ensure!(
            key[rank - 2] == value[rank - 2],
            "shape",
            "`key` is {key} and `value` {value}, which must have equally many rows"
        );
        let (queries, keys, depth, width) = (query[rank - 2], key[rank - 2], query[last], value[last]);
        let scores = Dims::new(&[batch, &[queries, keys]].concat())?;
        if let Some(mask) = call.ty_opt("attn_mask") {
            ensure!(
                mask.dims.broadcast(&scores) == Some(scores) && mask.dims.last() == Some(&keys),
                "broadcast",
                "`attn_mask` is {}, which does not broadcast to {scores}, a number for each row of `query` and of `key`",
                mask.dims
            );
        }
        let op = ScaledDotProductAttention { batch: Dims::new(batch)?, queries, keys, depth, width };
        let dims = Dims::new(&[batch, &[queries, width]].concat())?;
        let each = keys.saturating_mul(depth + width) / width.max(1);
        Ok(Inferred::one(op, TensorType::new(call.ty("query").dtype, dims)).macs(dims.elements(), each))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let [query, key, value] = ["query", "key", "value"].map(|name| &x.get(name).data);
        let ScaledDotProductAttention { queries, keys, depth, width, .. } = *self;
        let mask = x.opt("attn_mask").map(|m| (m, broadcast_positions(&m.ty.dims, &self.scores()).collect::<Vec<_>>()));
        let mut out = Vec::with_capacity(self.batch.elements() * queries * width);
        for (row, q) in query.chunks_exact(depth).enumerate() {
            let batch = row / queries;
            let score = |j: usize| {
                let k = &key[(batch * keys + j) * depth..][..depth];
                let product = q.iter().zip(k).map(|(a, b)| a * b).sum::<f64>() / (depth as f64).sqrt();
                match &mask {
                    None => product,
                    Some((mask, at)) => match (mask.ty.dtype, mask.data[at[row * keys + j]]) {
                        (DType::Bool, keep) => {
                            if keep == 0.0 {
                                f64::NEG_INFINITY
                            } else {
                                product
                            }
                        }
                        (_, add) => product + add,
                    },
                }
            };
            let scores: Vec<f64> = (0..keys).map(score).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, maximum);
            let weights: Vec<f64> = scores.iter().map(|s| libm::exp(s - largest)).collect();
            let total: f64 = weights.iter().sum();
            let values = &value[batch * keys * width..][..keys * width];
            let column = |e: usize| {
                let values = values.iter().skip(e).step_by(width);
                weights.iter().zip(values).map(|(weight, v)| weight / total * v).sum::<f64>()
            };
            out.extend((0..width).map(column));
        }
        vec![out]
    }
}
