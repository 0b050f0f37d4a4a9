//! Matrix products.

use super::{Form, Kernel};
use crate::chain::Piece;
use crate::gemm::{self, Matrices, Packed, SMALL, Sink, Size, Strided, Tile};
use crate::memory::Io;
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::linear::{Linear, Matmul};
use anemone_ir::{Dims, Literal, ValueId};

/// Packs constant weights, which stay halves if they are: `at(group, row, k)` is the position of an element.
pub(crate) fn pack(literal: &Literal, size: [usize; 3], at: impl Fn(usize, usize, usize) -> usize) -> Option<Packed> {
    Some(match (literal.as_f16(), literal.as_f32()) {
        (Some(data), _) => Packed::f16(size, |g, i, l| data[at(g, i, l)]),
        (_, Some(data)) => Packed::f32(size, |g, i, l| data[at(g, i, l)]),
        _ => return None,
    })
}

/// Hands tiles of matrices that lie one after the other, row-major, to the step's end; `bias` is added to each row.
struct Rows<'a> {
    out: &'a Out<'a>,
    size: Size,
    bias: Option<&'a [f32]>,
}

impl Sink for Rows<'_> {
    fn scratch(&self) -> usize {
        self.out.scratch()
    }

    fn tile(&self, tile: Tile, values: &mut [f32], stride: usize, scratch: &mut [f32]) {
        if let Some(bias) = self.bias {
            for row in values.chunks_mut(stride).take(tile.rows) {
                row.iter_mut().zip(&bias[tile.column..][..tile.columns]).for_each(|(x, b)| *x += b);
            }
        }
        let Size { m, n, .. } = self.size;
        let start = (tile.batch * m + tile.row) * n + tile.column;
        let piece = Piece { start, rows: tile.rows, width: tile.columns, step: n };
        // SAFETY: a product gives each element of its result in one tile.
        unsafe { self.out.put(piece, values, stride, scratch) };
    }
}

struct LinearStep {
    weights: Packed,
    bias: Option<Vec<f32>>,
    size: Size,
}

impl Kernel for Linear {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        // Since iOS 17 integers may have weights that are floats.
        let x = cx.id("x").filter(|id| cx.computes_as_float(*id));
        let (Some(x), Some(weight)) = (x, cx.id("weight").and_then(|id| cx.literal(id))) else {
            return Form::Reference;
        };
        let Some(weights) = pack(weight, [1, self.outputs, self.inputs], |_, o, i| o * self.inputs + i) else {
            return Form::Reference;
        };
        let m = cx.result(0).dims.elements() / self.outputs;
        let size = Size { batch: 1, m, n: self.outputs, k: self.inputs };
        let scratch = if m <= SMALL { gemm::small_scratch(m, size.k) } else { gemm::scratch(cx.level, size) };
        let bias = cx.id("bias").and_then(|id| cx.floats(id));
        Form::Source(Planned { step: Box::new(LinearStep { weights, bias, size }), reads: vec![x], scratch })
    }
}

impl Source for LinearStep {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let Size { m, n, k, .. } = self.size;
        let x = io.values(0);
        if m > SMALL {
            let form = Strided { data: x, start: 0, row: k, column: 1, rows: m };
            let sink = Rows { out, size: self.size, bias: self.bias.as_deref() };
            return gemm::run(team, self.size, &Matrices { stack: &[], form }, &self.weights, &sink);
        }
        // Few rows: the weights are the left operand, so that each is read once, and rows of `x` are the columns.
        let load = |level, row: usize, to: &mut [f32]| x.load(level, row * k, to);
        let sink = |first: usize, row: usize, values: &mut [f32], scratch: &mut [f32]| {
            if let Some(bias) = &self.bias {
                values.iter_mut().zip(&bias[first..]).for_each(|(x, b)| *x += b);
            }
            let width = values.len();
            let piece = Piece { start: row * n + first, rows: 1, width, step: width };
            // SAFETY: a product gives each element of its result in one panel.
            unsafe { out.put(piece, values, width, scratch) };
        };
        gemm::run_small(team, (&self.weights, 0), m, &load, out.scratch(), &sink);
    }

    fn packed_bytes(&self) -> usize {
        self.weights.bytes()
    }
}

struct MatmulStep {
    size: Size,
    transpose: [bool; 2],
    /// How the operands of the products are stacked, see [`Matrices`].
    stacks: [Vec<(usize, usize)>; 2],
}

impl Kernel for Matmul {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let operands: Option<Vec<ValueId>> = ["x", "y"].into_iter().map(|p| cx.id(p)).collect();
        let Some(reads) = operands.filter(|ids| ids.iter().all(|id| cx.computes_as_float(*id))) else {
            return Form::Reference;
        };
        let Matmul { m, k, n, .. } = *self;
        let size = Size { batch: self.batch.elements(), m, n, k };
        let stack = |dims: &Dims, plane: usize| {
            let steps = dims.broadcast_strides(&self.batch);
            self.batch.iter().zip(steps).map(|(size, step)| (*size, step * plane)).collect()
        };
        let step = MatmulStep {
            size,
            transpose: [self.transpose_x, self.transpose_y],
            stacks: [stack(&self.batch_x, m * k), stack(&self.batch_y, k * n)],
        };
        Form::Source(Planned { step: Box::new(step), reads, scratch: gemm::scratch(cx.level, size) })
    }
}

impl Source for MatmulStep {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let Size { m, n, k, .. } = self.size;
        let form = |read: usize, rows: usize, columns: usize| {
            let (row, column) = if self.transpose[read] { (1, rows) } else { (columns, 1) };
            Strided { data: io.values(read), start: 0, row, column, rows }
        };
        let a = Matrices { stack: &self.stacks[0], form: form(0, m, k) };
        let b = Matrices { stack: &self.stacks[1], form: form(1, k, n) };
        gemm::run(team, self.size, &a, &b, &Rows { out, size: self.size, bias: None });
    }
}
