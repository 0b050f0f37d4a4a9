//! Moving elements between the batch and space, in blocks.
//!
//! Batch `(i * bw + j) * n + k` is made of position `(i, j)` of every block of `bh` rows and `bw` columns of image `k`.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::movement::{GatherMap, Run};
use crate::ops::space::pairs;
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// The images of an operation of this file, and its blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocks {
    /// Images that have space, not blocks.
    pub images: usize,
    /// Channels of each.
    pub channels: usize,
    /// Rows and columns of an operand's image.
    pub from: [usize; 2],
    /// Rows and columns of a result's image.
    pub to: [usize; 2],
    /// Rows and columns of a block.
    pub block: [usize; 2],
    /// What is put before the rows and columns, or taken away there.
    pub before: [usize; 2],
}

/// `x` as `[n, c, h, w]`, the block's sizes, and the pairs for rows and columns.
type Sizes = ([usize; 4], [usize; 2], [usize; 4]);

fn read(call: &Call<'_>, name: &str) -> Result<Sizes, OpError> {
    let x = call.ty("x");
    let [n, c, h, w] = *x.dims else { fail!("rank", "`x` is {}, [n, c, h, w] is wanted", x.dims) };
    let block = call.counts("block_shape", 2, 1)?;
    let shape = call.ty(name).dims;
    ensure!(*shape == [2, 2], "shape", "`{name}` is {shape}, [2, 2] is wanted");
    let [top, bottom, left, right] = *pairs(call, name, 2)?.as_slice() else { unreachable!("two pairs") };
    Ok(([n, c, h, w], [block[0], block[1]], [top, bottom, left, right]))
}

/// Space into the batch, after zeros have been put around it.
#[derive(Clone, PartialEq, Debug)]
pub struct SpaceToBatch {
    /// Sizes.
    pub blocks: Blocks,
}

impl SpaceToBatch {
    /// The images of one position of the blocks, `(row, column)`; the others follow, row by row.
    pub fn map(&self, row: usize, column: usize) -> GatherMap {
        let Blocks { images, channels, from: [h, w], .. } = self.blocks;
        let plane = h * w;
        let mut map = GatherMap::steps([(images, 0, (channels * plane) as isize), (channels, 0, plane as isize)]);
        map.axes.push(self.walk(0, row, w));
        map.axes.push(self.walk(1, column, 1));
        map
    }

    /// Where all elements come from, if nothing is put around the images.
    pub fn whole(&self) -> Option<GatherMap> {
        let Blocks { images, channels, from: [h, w], to, block, .. } = self.blocks;
        let plane = h * w;
        let axes = [
            (block[0], w),
            (block[1], 1),
            (images, channels * plane),
            (channels, plane),
            (to[0], block[0] * w),
            (to[1], block[1]),
        ];
        let unpadded = to[0] * block[0] == h && to[1] * block[1] == w;
        unpadded.then(|| GatherMap::steps(axes.map(|(count, step)| (count, 0, step as isize))))
    }

    /// Where rows (or columns) of a result come from, for a position in the blocks.
    fn walk(&self, axis: usize, position: usize, stride: usize) -> Vec<Run> {
        let b = &self.blocks;
        let (size, block, before) = (b.from[axis], b.block[axis], b.before[axis]);
        // Index `k` is element `k * block + position - before` of the operand.
        let first = before.saturating_sub(position).div_ceil(block).min(b.to[axis]);
        let end = (size + before).saturating_sub(position).div_ceil(block).clamp(first, b.to[axis]);
        let run = |count, source| Run { count, source };
        let inside = || ((first * block + position - before) * stride, (block * stride) as isize);
        let runs = [run(first, None), run(end - first, (end > first).then(inside)), run(b.to[axis] - end, None)];
        runs.into_iter().filter(|run| run.count > 0).collect()
    }
}

impl Operation for SpaceToBatch {
    const SCHEMA: Schema = Schema::new(
        "space_to_batch",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::ints("block_shape").vector(), Param::ints("paddings")],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let ([n, c, h, w], block, [top, bottom, left, right]) = read(call, "paddings")?;
        // No sum overflows: an `int32` is below 2^31, and sizes are below 2^40.
        let padded = [h + top + bottom, w + left + right];
        let fits = (0..2).all(|axis| padded[axis].is_multiple_of(block[axis]));
        ensure!(fits, "shape", "{} rows and {} columns are no blocks of {block:?}", padded[0], padded[1]);
        let to = [padded[0] / block[0], padded[1] / block[1]];
        let batch = n.saturating_mul(block[0] * block[1]);
        let ty = TensorType::new(call.ty("x").dtype, Dims::new(&[batch, c, to[0], to[1]])?);
        let blocks = Blocks { images: n, channels: c, from: [h, w], to, block, before: [top, left] };
        Ok(Inferred::one(SpaceToBatch { blocks }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let data = &x.get("x").data;
        let [rows, columns] = self.blocks.block;
        let positions = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        vec![positions.flat_map(|(row, column)| self.map(row, column).apply(data, 0.0)).collect()]
    }
}

/// The batch into space, the inverse of [`SpaceToBatch`]: what that put around it is taken away.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchToSpace {
    /// Sizes.
    pub blocks: Blocks,
}

impl BatchToSpace {
    /// Where elements come from. It lists the rows and columns of the result one by one.
    pub fn map(&self) -> GatherMap {
        let Blocks { images, channels, from: [h, w], to, block, before } = self.blocks;
        let plane = h * w;
        let image = channels * plane;
        let mut map = GatherMap::steps([(images, 0, image as isize), (channels, 0, plane as isize)]);
        for (axis, position, stride) in [(0, block[1] * images * image, w), (1, images * image, 1)] {
            let source = |at: usize| (at % block[axis] * position + at / block[axis] * stride, 0);
            let run = |at| Run { count: 1, source: Some(source(at + before[axis])) };
            map.axes.push((0..to[axis]).map(run).collect());
        }
        map
    }
}

impl Operation for BatchToSpace {
    const SCHEMA: Schema = Schema::new(
        "batch_to_space",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::ints("block_shape").vector(), Param::ints("crops")],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let ([n, c, h, w], block, [top, bottom, left, right]) = read(call, "crops")?;
        let whole = block[0] * block[1];
        ensure!(n.is_multiple_of(whole), "shape", "a batch of {n} is no blocks of {block:?}");
        let mut to = [0; 2];
        for (axis, (size, before, after)) in [(h, top, bottom), (w, left, right)].into_iter().enumerate() {
            let all = size.saturating_mul(block[axis]);
            match all.checked_sub(before + after) {
                Some(rest) if rest > 0 => to[axis] = rest,
                _ => fail!("range", "`crops` takes {before} and {after} of {all}, which leaves nothing"),
            }
        }
        let ty = TensorType::new(call.ty("x").dtype, Dims::new(&[n / whole, c, to[0], to[1]])?);
        let blocks = Blocks { images: n / whole, channels: c, from: [h, w], to, block, before: [top, left] };
        Ok(Inferred::one(BatchToSpace { blocks }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map().apply(&x.get("x").data, 0.0)]
    }
}
