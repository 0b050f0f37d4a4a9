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
pub(crate) use source::{Matrix, Strided};

/// Rows of a panel of `A`.
pub(crate) const PANEL: usize = 16;
/// Elements of `k` in a block: a panel of `B` stays in the first-level cache.
const KC: usize = 256;
/// Rows of `A` in a task.
const MC: usize = 128;

/// Columns of a tile of the kernel.
fn tile_columns(level: Level) -> usize {
    3 * level.lanes()
}

/// Columns of `B` in a task: about a hundred, in whole tiles.
fn task_columns(level: Level) -> usize {
    96usize.next_multiple_of(tile_columns(level))
}

/// The left operand.
pub(crate) trait PackA: Sync {
    /// Writes `A[row .. row + PANEL, k .. k + count]` as `[count][PANEL]`; rows that do not exist are zeros.
    fn pack(&self, level: Level, row: usize, k: usize, count: usize, to: &mut [f32]);
}

/// The right operand.
pub(crate) trait PackB: Sync {
    /// Writes `B[k .. k + count, column .. column + width]` as `[count][stride]`, where `stride >= width`; what is written
    /// beyond `width` does not matter.
    fn pack(&self, level: Level, k: usize, count: usize, column: usize, width: usize, stride: usize, to: &mut [f32]);
}

/// Takes finished tiles.
pub(crate) trait Sink: Sync {
    /// Elements `C[row .. row + rows, column .. column + columns]`, in rows `stride` apart.
    fn tile(
        &self,
        level: Level,
        row: usize,
        rows: usize,
        column: usize,
        columns: usize,
        tile: &mut [f32],
        stride: usize,
    );
}

/// Elements of scratch that [`run`] needs for each worker.
pub(crate) fn scratch(level: Level, m: usize, n: usize, k: usize) -> usize {
    let (rows, columns) = (m.min(MC).next_multiple_of(PANEL), columns_of(level, n));
    let depth = k.min(KC);
    rows * depth + columns * depth + rows * columns
}

fn columns_of(level: Level, n: usize) -> usize {
    n.next_multiple_of(tile_columns(level)).min(task_columns(level))
}

/// Computes the product of `A[m, k]` and `B[k, n]`.
pub(crate) fn run(team: &Team<'_>, m: usize, n: usize, k: usize, a: &impl PackA, b: &impl PackB, sink: &impl Sink) {
    let level = team.level;
    let (row_tasks, column_tasks) = (m.div_ceil(MC), n.div_ceil(task_columns(level)));
    team.run(row_tasks * column_tasks, |task, scratch| {
        let (row, column) = (task / column_tasks * MC, task % column_tasks * task_columns(level));
        let block = Block { row, rows: MC.min(m - row), column, columns: task_columns(level).min(n - column), k };
        block.run(level, a, b, sink, scratch);
    });
}

/// A part of the result that one task computes.
struct Block {
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
    k: usize,
}

impl Block {
    fn run(&self, level: Level, a: &impl PackA, b: &impl PackB, sink: &impl Sink, scratch: &mut [f32]) {
        let tile = tile_columns(level);
        let (rows, columns) = (self.rows.next_multiple_of(PANEL), self.columns.next_multiple_of(tile));
        let depth = self.k.min(KC);
        let (c, scratch) = scratch.split_at_mut(rows * columns);
        let (panels_a, scratch) = scratch.split_at_mut(rows * depth);
        let panels_b = &mut scratch[..columns * depth];
        c.fill(0.0);
        let mut k = 0;
        while k < self.k {
            let count = depth.min(self.k - k);
            for (i, panel) in panels_a.chunks_exact_mut(depth * PANEL).enumerate() {
                a.pack(level, self.row + i * PANEL, k, count, panel);
            }
            for (j, panel) in panels_b.chunks_exact_mut(depth * tile).enumerate() {
                let width = tile.min(self.columns - j * tile);
                b.pack(level, k, count, self.column + j * tile, width, tile, panel);
            }
            for (j, panel_b) in panels_b.chunks_exact(depth * tile).enumerate() {
                for (i, panel_a) in panels_a.chunks_exact(depth * PANEL).enumerate() {
                    let out = &mut c[i * PANEL * columns + j * tile..];
                    kernel::panel(level, &panel_a[..count * PANEL], &panel_b[..count * tile], out, columns);
                }
            }
            k += count;
        }
        sink.tile(level, self.row, self.rows, self.column, self.columns, c, columns);
    }
}

#[cfg(test)]
mod tests;
