//! Convolution and its transpose.
//!
//! An element of a convolution is a dot product over `k = (channel of the group, tap)`, taps row-major, accumulated from
//! `k = 0` upwards as [`crate::gemm`] says; the bias is added last. What lies outside of the input takes no part. The shape
//! and the weights alone decide which of two ways is gone:
//!
//! * a matrix product of the weights with patches of the input, which are brought together panel by panel ([`Patches`]).
//!   There padding is zeros, which is the same as no part only if the weights are finite;
//! * a sweep, row by row ([`Sweep`]), for few outputs to a group, and for padding under weights that may not be finite.

mod patches;
mod transpose;

use super::linear::pack;
use super::window::{Fold, Space, Sweep, sweep_scratch};
use super::{Form, Kernel};
use crate::chain::Piece;
use crate::gemm::{self, Columns, Matrices, PackB, Packed, SMALL, Sink, Size, Strided, Tile};
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::conv::Conv;
use anemone_ir::{Literal, ValueId};
use anemone_simd::{Level, Simd};
use patches::Patches;

/// The most outputs of a group for which a sweep is faster than a product, on rows that are not short.
const FEW_OUTPUTS: usize = 4;
/// Rows below are short.
const SHORT: usize = 64;
/// Longer windows are left to the reference, so that the taps of a plan take little memory.
const LONGEST: usize = 1 << 20;

/// What the kernels of this family read: `x`, the weights, the bias if there is one; `None` if they are no floats.
fn operands(cx: &PlanCx<'_>) -> Option<[Option<ValueId>; 3]> {
    let ids @ [Some(_), Some(_), _] = ["x", "weight", "bias"].map(|param| cx.id(param)) else { return None };
    ids.iter().flatten().all(|id| cx.computes_as_float(*id)).then_some(ids)
}

/// Whether no weight is infinite or NaN.
fn is_finite(literal: &Literal) -> bool {
    match (literal.as_f16(), literal.as_f32()) {
        (Some(data), _) => data.iter().all(|x| x.is_finite()),
        (_, Some(data)) => data.iter().all(|x| x.is_finite()),
        _ => false,
    }
}

/// A convolution in numbers.
struct Shape {
    space: Space,
    /// `x`'s `n`.
    images: usize,
    groups: usize,
    /// Channels of a group.
    inputs: usize,
    /// Outputs of a group.
    outputs: usize,
}

impl Shape {
    /// The products, one for each image and group: outputs by positions.
    fn size(&self) -> Size {
        let batch = self.images * self.groups;
        Size { batch, m: self.outputs, n: self.space.output(), k: self.inputs * self.space.taps() }
    }
}

impl Kernel for Conv {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let Some([Some(x), Some(weight), bias]) = operands(cx) else { return Form::Reference };
        if self.window.kernel.iter().any(|n| *n > LONGEST) {
            return Form::Reference;
        }
        let shape = Shape {
            space: Space::new(&self.window),
            images: cx.ty(x).dims[0],
            groups: self.groups,
            inputs: self.inputs / self.groups,
            outputs: self.outputs / self.groups,
        };
        let (size, literal) = (shape.size(), cx.literal(weight));
        let is_small = literal.is_some() && shape.groups == 1 && size.n <= SMALL;
        let is_row_long = shape.space.axes[2].output >= SHORT;
        let is_thin = shape.outputs == 1 || (shape.outputs <= FEW_OUTPUTS && is_row_long);
        let is_exact = !shape.space.is_padded() || literal.is_some_and(is_finite);
        if !is_exact || (is_thin && !is_small) {
            let (reads, scratch) = ([x, weight].into_iter().chain(bias).collect(), sweep_scratch(size.k));
            return Form::Source(Planned { step: Box::new(Swept { shape, has_bias: bias.is_some() }), reads, scratch });
        }
        let at = |group: usize, o: usize, k: usize| (group * size.m + o) * size.k + k;
        let weights = match literal {
            None => Weights::Computed([(shape.images, 0), (shape.groups, size.m * size.k)]),
            Some(literal) => match pack(literal, [shape.groups, size.m, size.k], at) {
                Some(packed) => Weights::Packed(packed),
                None => return Form::Reference,
            },
        };
        let reads = match weights {
            Weights::Packed(_) => [x].into_iter().chain(bias).collect(),
            Weights::Computed(_) => [x, weight].into_iter().chain(bias).collect(),
        };
        let scratch = if is_small { gemm::small_scratch(size.n, size.k) } else { gemm::scratch(cx.level, size) };
        let step = Product { shape, weights, is_small, has_bias: bias.is_some() };
        Form::Source(Planned { step: Box::new(step), reads, scratch })
    }
}

enum Weights {
    Packed(Packed),
    /// Read at run time; how those of the products are stacked, see [`Matrices`].
    Computed([(usize, usize); 2]),
}

/// A convolution as a matrix product.
struct Product {
    shape: Shape,
    weights: Weights,
    is_small: bool,
    has_bias: bool,
}

impl Source for Product {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let (size, groups) = (self.shape.size(), self.shape.groups);
        let patches = Patches { space: &self.shape.space, channels: self.shape.inputs, x: io.values(0) };
        let first_free = if matches!(self.weights, Weights::Packed(_)) { 1 } else { 2 };
        let bias = self.has_bias.then(|| io.values(first_free));
        let sink = Planes { out, size, groups, bias };
        match &self.weights {
            Weights::Packed(weights) if self.is_small => self.small(team, weights, &patches, &sink),
            Weights::Packed(weights) => gemm::run(team, size, weights, &patches, &sink),
            Weights::Computed(stack) => {
                let form = Strided { data: io.values(1), start: 0, row: size.k, column: 1, rows: size.m };
                gemm::run(team, size, &Matrices { stack, form }, &patches, &sink);
            }
        }
    }

    fn packed_bytes(&self) -> usize {
        match &self.weights {
            Weights::Packed(weights) => weights.bytes(),
            Weights::Computed(_) => 0,
        }
    }
}

impl Product {
    /// Few positions: each weight is read once for each image.
    fn small(&self, team: &Team<'_>, weights: &Packed, patches: &Patches<'_>, sink: &Planes<'_>) {
        let Size { batch, n, k, .. } = self.shape.size();
        let space = &self.shape.space;
        let is_whole = n == 1 && space.taps() == space.input() && !space.is_padded();
        for image in 0..batch {
            let load = |level, position: usize, to: &mut [f32]| {
                if is_whole {
                    // The window is the image.
                    return patches.x.load(level, image * k, to);
                }
                patches.pack(level, image, 0, k, Columns { first: position, count: 1, stride: 1 }, to);
            };
            let take = |row: usize, column: usize, values: &mut [f32], scratch: &mut [f32]| {
                let tile = Tile { batch: image, row, rows: values.len(), column, columns: 1 };
                sink.tile(tile, values, 1, scratch);
            };
            gemm::run_small(team, (weights, 0), n, &load, sink.scratch(), &take);
        }
    }
}

/// Hands tiles on whose rows are rows of channels; the bias is one number for each row.
struct Planes<'a> {
    out: &'a Out<'a>,
    size: Size,
    groups: usize,
    bias: Option<Values<'a>>,
}

impl Sink for Planes<'_> {
    fn scratch(&self) -> usize {
        self.out.scratch()
    }

    fn tile(&self, tile: Tile, values: &mut [f32], stride: usize, scratch: &mut [f32]) {
        let Size { m, n, .. } = self.size;
        if let Some(bias) = self.bias {
            let first = tile.batch % self.groups * m + tile.row;
            for (i, row) in values.chunks_mut(stride).take(tile.rows).enumerate() {
                let bias = bias.get(first + i);
                row[..tile.columns].iter_mut().for_each(|x| *x += bias);
            }
        }
        let start = (tile.batch * m + tile.row) * n + tile.column;
        let piece = Piece { start, rows: tile.rows, width: tile.columns, step: n };
        // SAFETY: a product gives each element of its result in one tile.
        unsafe { self.out.put(piece, values, stride, scratch) };
    }
}

/// A convolution as a sweep.
struct Swept {
    shape: Shape,
    has_bias: bool,
}

impl Source for Swept {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let Shape { space, inputs, outputs, groups, .. } = &self.shape;
        let Size { batch, m, k, .. } = self.shape.size();
        let bias = self.has_bias.then(|| io.values(2));
        let sweep = Sweep { space, planes: batch * m, channels: *inputs, sharing: *outputs, weights: k };
        sweep.run(team, io.values(0), &Weighted { weights: io.values(1), k, bias, planes: groups * outputs }, out);
    }
}

/// Sums of products.
struct Weighted<'a> {
    weights: Values<'a>,
    k: usize,
    bias: Option<Values<'a>>,
    /// Planes of an image.
    planes: usize,
}

impl Fold for Weighted<'_> {
    const START: f32 = 0.0;

    fn weights(&self, level: Level, plane: usize, to: &mut [f32]) {
        self.weights.load(level, plane % self.planes * self.k, to);
    }

    #[inline(always)]
    fn step<S: Simd>(s: S, acc: S::V, x: S::V, weight: S::V) -> S::V {
        s.fma(weight, x, acc)
    }

    fn finish(&self, plane: usize, _: [usize; 2], _: usize, values: &mut [f32]) {
        if let Some(bias) = self.bias {
            let bias = bias.get(plane % self.planes);
            values.iter_mut().for_each(|x| *x += bias);
        }
    }
}

#[cfg(test)]
mod tests;
