//! Attention: blocks of rows of queries. Their scores stay in scratch memory, in `f32`, and are not rounded.
//!
//! Both products accumulate as every product does, the softmax is that of the operation `softmax`; so a row's result does not
//! depend on how many others there are.

use super::{Form, Kernel};
use crate::chain::{Piece, position};
use crate::gemm::{self, Matrices, Size, Strided, Tile};
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::attention::ScaledDotProductAttention;
use anemone_simd::{Level, normal};

/// Rows of queries in a task, if their scores are no more than [`SCORES`].
const ROWS: usize = 64;
/// Scores of a task that has more than one row.
const SCORES: usize = 1 << 18;
/// Keys that are left to the reference, so that scratch memory, which each thread has, stays bounded.
const MOST_KEYS: usize = 1 << 22;
/// Numbers of a mask that are read at a time.
const CHUNK: usize = 64;

struct Attention {
    batches: usize,
    queries: usize,
    keys: usize,
    depth: usize,
    width: usize,
    /// Rows of queries in a task.
    rows: usize,
    /// For each axis of the rows of scores: its size, and numbers of the mask from one to the next.
    mask: Option<Vec<(usize, usize)>>,
}

impl Kernel for ScaledDotProductAttention {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let ids: Option<Vec<_>> = ["query", "key", "value"].into_iter().map(|p| cx.id(p)).collect();
        let Some(mut reads) = ids.filter(|_| self.keys <= MOST_KEYS) else { return Form::Reference };
        let mask = cx.id("attn_mask").map(|mask| {
            reads.push(mask);
            let scores = self.scores();
            let steps = cx.ty(mask).dims.broadcast_strides(&scores);
            scores.iter().copied().zip(steps).take(scores.rank() - 1).collect()
        });
        let rows = (SCORES / self.keys).clamp(1, ROWS).min(self.queries);
        let step = Attention {
            batches: self.batch.elements(),
            queries: self.queries,
            keys: self.keys,
            depth: self.depth,
            width: self.width,
            rows,
            mask,
        };
        let products = step.products(rows).map(|size| gemm::scratch(cx.level, size));
        let scratch = rows * self.keys + products[0].max(products[1]);
        Form::Source(Planned { step: Box::new(step), reads, scratch })
    }
}

/// Computes a product, part by part.
fn product(
    level: Level,
    size: Size,
    [a, b]: [Strided<'_>; 2],
    scratch: &mut [f32],
    mut sink: impl FnMut(Tile, &[f32], usize),
) {
    let [a, b] = [a, b].map(|form| Matrices { stack: &[], form });
    let (c, scratch) = scratch.split_at_mut(gemm::part_room(level, size));
    for part in (0..gemm::parts(level, size)).map(|number| gemm::part(level, size, number)) {
        gemm::compute(level, part, size.k, &a, &b, c, scratch);
        sink(part, c, gemm::part_stride(level, part));
    }
}

impl Source for Attention {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let [query, key, value] = [0, 1, 2].map(|read| io.values(read));
        let mask = self.mask.as_ref().map(|stack| (&stack[..], io.values(3)));
        let Attention { queries, keys, depth, width, .. } = *self;
        let blocks = queries.div_ceil(self.rows);
        team.run(self.batches * blocks, |task, scratch| {
            let (batch, block) = (task / blocks, task % blocks);
            let first = batch * queries + block * self.rows;
            let rows = self.rows.min(queries - block * self.rows);
            let (put, scratch) = scratch.split_at_mut(out.scratch());
            let (scores, scratch) = scratch.split_at_mut(self.rows * keys);
            let scores = &mut scores[..rows * keys];
            let [of_scores, of_values] = self.products(rows);

            let left = Strided { data: query, start: first * depth, row: depth, column: 1, rows };
            let right = Strided { data: key, start: batch * keys * depth, row: 1, column: depth, rows: depth };
            product(team.level, of_scores, [left, right], scratch, |tile, values, stride| {
                for (i, row) in values.chunks(stride).take(tile.rows).enumerate() {
                    let to = (tile.row + i) * keys + tile.column;
                    scores[to..][..tile.columns].copy_from_slice(&row[..tile.columns]);
                }
            });
            for (row, scores) in (first..).zip(scores.chunks_exact_mut(keys)) {
                self.finish(team.level, scores, mask.map(|(stack, mask)| (mask, position(stack, row))));
            }
            normal::softmax(team.level, scores, keys);

            let left = Strided { data: Values::F32(scores), start: 0, row: keys, column: 1, rows };
            let right = Strided { data: value, start: batch * keys * width, row: width, column: 1, rows: keys };
            product(team.level, of_values, [left, right], scratch, |tile, values, stride| {
                let start = (first + tile.row) * width + tile.column;
                let piece = Piece { start, rows: tile.rows, width: tile.columns, step: width };
                // SAFETY: each task has rows of its own, and a product gives each element in one tile.
                unsafe { out.put(piece, values, stride, put) };
            });
        });
    }
}

impl Attention {
    /// The sizes of both products for some rows of queries.
    fn products(&self, rows: usize) -> [Size; 2] {
        [(self.keys, self.depth), (self.width, self.keys)].map(|(n, k)| Size { batch: 1, m: rows, n, k })
    }

    /// Divides a row of scores, and adds its mask, which begins at a position.
    fn finish(&self, level: Level, scores: &mut [f32], mask: Option<(Values<'_>, usize)>) {
        let root = (self.depth as f32).sqrt();
        scores.iter_mut().for_each(|x| *x /= root);
        let Some((mask, start)) = mask else { return };
        let truths = matches!(mask, Values::Bool(_));
        let mut buffer = [0.0; CHUNK];
        for (chunk, scores) in scores.chunks_mut(CHUNK).enumerate() {
            let buffer = &mut buffer[..scores.len()];
            mask.load(level, start + chunk * CHUNK, buffer);
            for (x, mask) in scores.iter_mut().zip(buffer) {
                *x = match truths {
                    true if *mask == 0.0 => f32::NEG_INFINITY,
                    true => *x,
                    false => *x + *mask,
                };
            }
        }
    }
}
