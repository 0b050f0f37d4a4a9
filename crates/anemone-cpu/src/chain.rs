//! Chains: functions of elements that run together, tile by tile, while the numbers are in the first-level cache.
//!
//! A chain is a straight-line program on registers. A register holds a tile of [`TILE`] numbers as `f32`; every
//! instruction works on whole tiles. Where the unfused program would round to `fp16`, the chain rounds, so fusing changes
//! no bit. A chain either stands alone, or finishes what another step computes ([`crate::plan::Source`]): then register 0
//! is given.

mod build;
mod walk;

use crate::memory::{Io, Place};
use crate::team::Team;
use anemone_simd::map::{self, Keep};
use anemone_simd::{Binary, Level, Unary};
pub(crate) use build::{Builder, MapOp, Reg};
pub(crate) use walk::{Walk, position};

/// Numbers in a register: small enough that a few registers fit the first-level cache.
pub(crate) const TILE: usize = 512;

/// What a chain does to a tile. Registers are numbered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Instr {
    /// Reads an operand.
    Load {
        load: usize,
        to: usize,
    },
    Copy {
        from: usize,
        to: usize,
    },
    /// In place.
    Unary {
        op: Unary,
        at: usize,
        keep: Keep,
    },
    /// Into `a`.
    Binary {
        op: Binary,
        a: usize,
        b: usize,
        keep: Keep,
    },
    /// `a` where `cond` is not 0, else `b`; into `a`.
    Select {
        cond: usize,
        a: usize,
        b: usize,
    },
    /// Writes a result.
    Store {
        from: usize,
        write: usize,
    },
}

/// An operand: which of the step's reads, and how it is broadcast.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Load {
    pub(crate) read: usize,
    pub(crate) walk: Walk,
}

/// A straight-line program on tiles.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Chain {
    pub(crate) code: Vec<Instr>,
    pub(crate) loads: Vec<Load>,
    pub(crate) registers: usize,
    /// Elements of each result.
    pub(crate) elements: usize,
}

/// Elements `start + i * step + j` of a result, for `i < rows` and `j < width`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) step: usize,
}

/// Numbers that a source gives for a piece: rows `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

impl Chain {
    /// Elements of scratch that [`Chain::run`] needs.
    pub(crate) fn scratch(&self) -> usize {
        self.registers * TILE
    }

    /// Runs the chain on a piece of its results. `given` goes into register 0.
    ///
    /// # Safety
    /// Pieces that run at the same time have no element in common.
    pub(crate) unsafe fn run(
        &self,
        level: Level,
        io: &Io<'_>,
        piece: Piece,
        given: Option<Given<'_>>,
        scratch: &mut [f32],
    ) {
        let registers = &mut scratch[..self.scratch()];
        let mut part = |part: Piece, from: usize| {
            let given = given.map(|g| Given { values: &g.values[from..], stride: g.stride });
            // SAFETY: a part of the piece; the caller's.
            unsafe { self.tile(level, io, part, given, registers) };
        };
        let Piece { start, rows, width, step } = piece;
        let stride = given.map_or(step, |g| g.stride);
        if rows == 1 || (step == width && stride == width) {
            let len = rows * width;
            for at in (0..len).step_by(TILE) {
                let width = TILE.min(len - at);
                part(Piece { start: start + at, rows: 1, width, step: width }, at);
            }
        } else if width >= TILE {
            for row in 0..rows {
                for at in (0..width).step_by(TILE) {
                    let width = TILE.min(width - at);
                    part(Piece { start: start + row * step + at, rows: 1, width, step: width }, row * stride + at);
                }
            }
        } else {
            let group = TILE / width.max(1);
            for row in (0..rows).step_by(group) {
                let rows = group.min(rows - row);
                part(Piece { start: start + row * step, rows, width, step }, row * stride);
            }
        }
    }

    /// # Safety
    /// As [`Chain::run`].
    unsafe fn tile(&self, level: Level, io: &Io<'_>, piece: Piece, given: Option<Given<'_>>, registers: &mut [f32]) {
        let Piece { start, rows, width, step } = piece;
        let n = rows * width;
        if let Some(given) = given {
            for (to, i) in registers[..n].chunks_exact_mut(width).zip(0..) {
                to.copy_from_slice(&given.values[i * given.stride..][..width]);
            }
        }
        for instr in &self.code {
            match *instr {
                Instr::Load { load, to } => {
                    let Load { read, walk } = &self.loads[load];
                    let values = io.values(*read);
                    for (to, i) in registers[to * TILE..][..n].chunks_exact_mut(width).zip(0..) {
                        walk.load(level, &values, start + i * step, to);
                    }
                }
                Instr::Copy { from, to } => registers.copy_within(from * TILE..from * TILE + n, to * TILE),
                Instr::Unary { op, at, keep } => {
                    let x = &mut registers[at * TILE..][..n];
                    map::unary(level, op, x, keep);
                }
                Instr::Binary { op, a, b, keep } => {
                    let (a, b) = pair(registers, a, b, n);
                    map::binary(level, op, a, b, keep);
                }
                Instr::Select { cond, a, b } => select(level, registers, [cond, a, b], n),
                Instr::Store { from, write } => {
                    let target: Place = io.target(write);
                    for (from, i) in registers[from * TILE..][..n].chunks_exact(width).zip(0..) {
                        // SAFETY: these elements belong to the piece; the caller's.
                        unsafe { target.store(level, start + i * step, from) };
                    }
                }
            }
        }
    }

    /// Runs a chain that stands alone on all its elements.
    pub(crate) fn run_alone(&self, io: &Io<'_>, team: &Team<'_>) {
        let piece = team.piece(self.elements, TILE);
        team.run(self.elements.div_ceil(piece.max(1)), |task, scratch| {
            let start = task * piece;
            let width = piece.min(self.elements - start);
            // SAFETY: each task has a range of its own.
            unsafe { self.run(team.level, io, Piece { start, rows: 1, width, step: width }, None, scratch) };
        });
    }
}

/// Two different registers, the first to be written.
fn pair(registers: &mut [f32], a: usize, b: usize, n: usize) -> (&mut [f32], &[f32]) {
    debug_assert_ne!(a, b);
    let (low, high) = registers.split_at_mut(a.max(b) * TILE);
    if a < b { (&mut low[a * TILE..][..n], &high[..n]) } else { (&mut high[..n], &low[b * TILE..][..n]) }
}

/// Three registers, `a` to be written, the others different from it.
fn select(level: Level, registers: &mut [f32], [cond, a, b]: [usize; 3], n: usize) {
    let (low, rest) = registers.split_at_mut(a * TILE);
    let (target, high) = rest.split_at_mut(TILE);
    let other = |r: usize| if r < a { &low[r * TILE..][..n] } else { &high[(r - a - 1) * TILE..][..n] };
    map::select(level, other(cond), &mut target[..n], other(b));
}

#[cfg(test)]
mod tests;
