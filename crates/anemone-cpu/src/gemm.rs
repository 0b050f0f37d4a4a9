//! Matrix products `C[m, n] = sum over k of A[m, k] * B[k, n]`, in `f32`.
//!
//! Every element of the result is accumulated by itself, from `k = 0` upwards, with fused multiply-adds, starting from 0.
//! Blocks over `k` continue from the stored partial sum. The bits of a result therefore do not depend on the level, the
//! sizes of tiles, the number of threads, or how many other rows and columns there are.
//!
//! Both operands are packed block by block into `f32` panels in scratch memory: `A` in panels of [`PANEL`] rows, laid out
//! `[k][PANEL]`, which is also how constant weights are packed for good, as halves ([`Packed`]); `B` in panels as wide as
//! the kernel's tile. Where `n` is small, [`small`] reads each weight once instead.

mod kernel;
mod packed;
mod small;
mod source;

use crate::team::Team;
use anemone_simd::Level;

pub(crate) use packed::Packed;
pub(crate) use small::{SMALL, run_small, small_scratch};
pub(crate) use source::{Matrices, Strided};

/// Rows of a panel of `A`.
pub(crate) const PANEL: usize = 16;
/// Elements of `k` in a block: a panel of `B` stays in the first-level cache.
const KC: usize = 256;
/// Rows of `A` in a task.
const MC: usize = 128;

/// The most columns of a panel of `B`.
pub(crate) const MOST_COLUMNS: usize = 48;

/// Columns of a tile of the kernel.
fn tile_columns(level: Level) -> usize {
    3 * level.lanes()
}

/// Columns of `B` in a task: about a hundred, in whole tiles.
fn task_columns(level: Level) -> usize {
    96usize.next_multiple_of(tile_columns(level))
}

/// A stack of products of one size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size {
    pub(crate) batch: usize,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// Left operands.
pub(crate) trait PackA: Sync {
    /// Writes `A[row .. row + PANEL, k .. k + count]` of product `batch` as `[count][PANEL]`; rows that do not exist are
    /// zeros.
    fn pack(&self, level: Level, batch: usize, row: usize, k: usize, count: usize, to: &mut [f32]);
}

/// Columns of a right operand's panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Columns {
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Elements from row to row of the panel; at least `count`.
    pub(crate) stride: usize,
}

/// Right operands.
pub(crate) trait PackB: Sync {
    /// Writes `B[k .. k + count, columns]` of product `batch` as `[count][stride]`; what is written beyond the columns
    /// does not matter.
    fn pack(&self, level: Level, batch: usize, k: usize, count: usize, columns: Columns, to: &mut [f32]);
}

/// A part of a product: rows `row ..`, columns `column ..`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tile {
    pub(crate) batch: usize,
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) column: usize,
    pub(crate) columns: usize,
}

/// Takes finished tiles.
pub(crate) trait Sink: Sync {
    /// Elements of scratch that [`Sink::tile`] gets.
    fn scratch(&self) -> usize;
    /// Takes a tile, in rows `stride` apart. Tiles that are taken at the same time have no element in common.
    fn tile(&self, tile: Tile, values: &mut [f32], stride: usize, scratch: &mut [f32]);
}

/// Elements of scratch that [`run`] needs for each worker, besides what the sink needs.
pub(crate) fn scratch(level: Level, size: Size) -> usize {
    part_scratch(level, size) + part_room(level, size)
}

/// Elements of scratch that [`compute`] needs.
pub(crate) fn part_scratch(level: Level, size: Size) -> usize {
    (size.m.min(MC).next_multiple_of(PANEL) + columns_of(level, size.n)) * size.k.min(KC)
}

/// Elements of the largest part.
pub(crate) fn part_room(level: Level, size: Size) -> usize {
    size.m.min(MC).next_multiple_of(PANEL) * columns_of(level, size.n)
}

fn columns_of(level: Level, n: usize) -> usize {
    n.next_multiple_of(tile_columns(level)).min(task_columns(level))
}

/// Parts into which the results are divided.
pub(crate) fn parts(level: Level, size: Size) -> usize {
    size.batch * size.m.div_ceil(MC) * size.n.div_ceil(task_columns(level))
}

/// The part with this number.
pub(crate) fn part(level: Level, size: Size, number: usize) -> Tile {
    let Size { m, n, .. } = size;
    let (row_parts, column_parts) = (m.div_ceil(MC), n.div_ceil(task_columns(level)));
    let (batch, number) = (number / (row_parts * column_parts), number % (row_parts * column_parts));
    let (row, column) = (number / column_parts * MC, number % column_parts * task_columns(level));
    Tile { batch, row, rows: MC.min(m - row), column, columns: task_columns(level).min(n - column) }
}

/// Elements from row to row of a part.
pub(crate) fn part_stride(level: Level, part: Tile) -> usize {
    part.columns.next_multiple_of(tile_columns(level))
}

/// Computes the products of `A[m, k]` and `B[k, n]`.
pub(crate) fn run(team: &Team<'_>, size: Size, a: &impl PackA, b: &impl PackB, sink: &impl Sink) {
    let level = team.level;
    team.run(parts(level, size), |number, scratch| {
        let part = part(level, size, number);
        let (for_sink, scratch) = scratch.split_at_mut(sink.scratch());
        let (c, scratch) = scratch.split_at_mut(part_room(level, size));
        compute(level, part, size.k, a, b, c, scratch);
        sink.tile(part, c, part_stride(level, part), for_sink);
    });
}

/// Computes a part of the results, in rows [`part_stride`] apart.
pub(crate) fn compute(
    level: Level,
    part: Tile,
    k: usize,
    a: &impl PackA,
    b: &impl PackB,
    c: &mut [f32],
    scratch: &mut [f32],
) {
    let (tile, columns) = (tile_columns(level), part_stride(level, part));
    let rows = part.rows.next_multiple_of(PANEL);
    let depth = k.min(KC);
    let (panels_a, scratch) = scratch.split_at_mut(rows * depth);
    let panels_b = &mut scratch[..columns * depth];
    c[..rows * columns].fill(0.0);
    for start in (0..k).step_by(KC) {
        let count = depth.min(k - start);
        for (i, panel) in panels_a.chunks_exact_mut(depth * PANEL).enumerate() {
            a.pack(level, part.batch, part.row + i * PANEL, start, count, panel);
        }
        for (j, panel) in panels_b.chunks_exact_mut(depth * tile).enumerate() {
            let first = part.column + j * tile;
            let columns = Columns { first, count: tile.min(part.columns - j * tile), stride: tile };
            b.pack(level, part.batch, start, count, columns, panel);
        }
        for (j, panel_b) in panels_b.chunks_exact(depth * tile).enumerate() {
            for (i, panel_a) in panels_a.chunks_exact(depth * PANEL).enumerate() {
                let out = &mut c[i * PANEL * columns + j * tile..];
                let (a, b) = (&panel_a[..count * PANEL], &panel_b[..count * tile]);
                kernel::panel(level, a, b, out, tile.min(part.columns - j * tile), columns);
            }
        }
    }
}

#[cfg(test)]
mod tests;
