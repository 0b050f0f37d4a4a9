//! Softmax and normalisation: groups of elements are read once, worked on in scratch memory, and handed on.

use super::groups::Groups;
use super::{Form, Kernel};
use crate::chain::Piece;
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::norm::*;
use anemone_simd::reduce::{self, PARTIALS, Reduction};
use anemone_simd::{Level, normal};

/// Elements that are worked on at a time: as many groups as fit, at least one.
const AT_ONCE: usize = 2048;
/// Elements of a tile of columns: as many columns as fit, at least [`FEWEST`].
const TILE: usize = 16 * 1024;
/// Columns of a tile: a cache line of halves.
const FEWEST: usize = 32;
/// Groups that are longer are left to the reference, so that scratch memory, which each thread has, stays bounded.
const LONGEST: usize = 1 << 22;

/// What becomes of a group.
enum Normal {
    Softmax,
    /// By mean and variance; `gamma` and `beta` have a number for each element of the group.
    Layer {
        epsilon: f32,
        gamma: Vec<f32>,
        beta: Vec<f32>,
    },
    /// By mean and variance; `gamma` and `beta` have a number for each channel, through which the groups go in turn.
    Instance {
        epsilon: f32,
        gamma: Vec<f32>,
        beta: Vec<f32>,
    },
    /// By the root of the sum of squares.
    L2 {
        epsilon: f32,
    },
}

/// `gamma` and `beta`: `count` numbers of each, if they are not too many.
fn affine(cx: &PlanCx<'_>, count: usize) -> Option<(Vec<f32>, Vec<f32>)> {
    if count > LONGEST {
        return None;
    }
    let get = |param, default| match cx.id(param) {
        Some(id) => cx.floats(id),
        None => Some(vec![default; count]),
    };
    Some((get("gamma", 1.0)?, get("beta", 0.0)?))
}

fn form(cx: &PlanCx<'_>, groups: Groups, normal: Option<Normal>) -> Form {
    let (Some(x), Some(normal)) = (cx.id("x"), normal) else { return Form::Reference };
    if groups.count > LONGEST {
        return Form::Reference;
    }
    let (at_once, lanes, scratch) = if groups.columns == 1 {
        // Groups that lie one after the other are read together.
        let at_once = if groups.contiguous() { (AT_ONCE / groups.count).clamp(1, groups.outer) } else { 1 };
        (at_once, 1, at_once * groups.count)
    } else {
        let lanes = (TILE / groups.count / FEWEST * FEWEST).clamp(FEWEST, 512).min(groups.columns);
        (1, lanes, (groups.count + 2 * PARTIALS) * lanes)
    };
    let step = Normalize { groups, normal, at_once, lanes };
    Form::Source(Planned { step: Box::new(step), reads: vec![x], scratch })
}

impl Kernel for Softmax {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Groups::new(&cx.result(0).dims, &[self.axis]), Some(Normal::Softmax))
    }
}

impl Kernel for LayerNorm {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let groups = Groups::new(&cx.result(0).dims, &self.axes);
        let epsilon = self.epsilon as f32;
        let normal = affine(cx, groups.count).map(|(gamma, beta)| Normal::Layer { epsilon, gamma, beta });
        form(cx, groups, normal)
    }
}

impl Kernel for InstanceNorm {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let dims = cx.result(0).dims;
        let epsilon = self.epsilon as f32;
        let normal = affine(cx, dims[1]).map(|(gamma, beta)| Normal::Instance { epsilon, gamma, beta });
        form(cx, Groups::rows(dims[0] * dims[1], dims[2..].iter().product()), normal)
    }
}

impl Kernel for L2Norm {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let dims = cx.result(0).dims;
        let count: usize = self.axes.iter().map(|axis| dims[*axis]).product();
        let normal = Normal::L2 { epsilon: self.epsilon as f32 };
        form(cx, Groups::rows(dims.elements() / count, count), Some(normal))
    }
}

struct Normalize {
    groups: Groups,
    normal: Normal,
    /// Groups of rows that are read at a time.
    at_once: usize,
    /// Columns of a tile.
    lanes: usize,
}

impl Source for Normalize {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let x = io.values(0);
        let Groups { outer, columns, count, .. } = self.groups;
        let elements = outer * columns * count;
        if columns == 1 {
            let unit = self.at_once * count;
            let piece = (team.piece(elements, unit) / count).clamp(1, outer);
            return team.run(outer.div_ceil(piece), |task, scratch| {
                let end = (task * piece + piece).min(outer);
                for first in (task * piece..end).step_by(self.at_once) {
                    self.rows(team.level, &x, first, self.at_once.min(end - first), out, scratch);
                }
            });
        }
        let tiles = columns.div_ceil(self.lanes);
        let piece = (team.piece(elements, 1) / (count * self.lanes)).clamp(1, outer * tiles);
        team.run((outer * tiles).div_ceil(piece), |task, scratch| {
            for tile in task * piece..(task * piece + piece).min(outer * tiles) {
                self.columns(team.level, &x, (tile / tiles, tile % tiles * self.lanes), out, scratch);
            }
        });
    }

    fn packed_bytes(&self) -> usize {
        match &self.normal {
            Normal::Layer { gamma, beta, .. } | Normal::Instance { gamma, beta, .. } => {
                size_of_val(&gamma[..]) + size_of_val(&beta[..])
            }
            Normal::Softmax | Normal::L2 { .. } => 0,
        }
    }
}

impl Normalize {
    /// Normalises `number` groups of rows.
    fn rows(&self, level: Level, x: &Values<'_>, first: usize, number: usize, out: &Out<'_>, scratch: &mut [f32]) {
        let (put, scratch) = scratch.split_at_mut(out.scratch());
        let count = self.groups.count;
        let tile = &mut scratch[..number * count];
        if self.groups.contiguous() {
            x.load(level, first * count, tile);
        } else {
            self.groups.load_row(level, x, first, 0, tile);
        }
        self.normal.rows(level, first, count, tile);
        if self.groups.contiguous() {
            let piece = Piece { start: first * count, rows: 1, width: tile.len(), step: tile.len() };
            // SAFETY: each group is put once, here.
            return unsafe { out.put(piece, tile, tile.len(), put) };
        }
        self.groups.pieces((first, 0), 1, |piece, offset| {
            // SAFETY: each element of a group is put once, here.
            unsafe { out.put(piece, &tile[offset..], piece.width, put) };
        });
    }

    /// Normalises groups side by side, from a column on.
    fn columns(&self, level: Level, x: &Values<'_>, at: (usize, usize), out: &Out<'_>, scratch: &mut [f32]) {
        let lanes = self.lanes.min(self.groups.columns - at.1);
        let (put, scratch) = scratch.split_at_mut(out.scratch());
        let (tile, scratch) = scratch.split_at_mut(self.groups.count * lanes);
        let (constants, scratch) = scratch.split_at_mut(PARTIALS * lanes);
        self.groups.load_columns(level, x, at, 0, lanes, tile);
        self.normal.columns(level, tile, constants, &mut scratch[..PARTIALS * lanes]);
        self.groups.pieces(at, lanes, |piece, offset| {
            // SAFETY: each element of a group is put once, here.
            unsafe { out.put(piece, &tile[offset..], piece.width, put) };
        });
    }
}

fn reciprocal_root(x: f32) -> f32 {
    1.0 / x.sqrt()
}

/// The sum of partial sums of one group.
fn fold(level: Level, mut partials: [f32; PARTIALS]) -> f32 {
    reduce::fold(level, Reduction::Sum, &mut partials, 1);
    partials[0]
}

/// Subtracts the mean, and gives the variance.
fn center(level: Level, x: &mut [f32]) -> f32 {
    let n = x.len() as f32;
    let mean = reduce::reduce(level, Reduction::Sum, x) / n;
    let mut squares = [0.0; PARTIALS];
    normal::center(level, x, &[mean; PARTIALS], &mut squares);
    fold(level, squares) / n
}

impl Normal {
    /// Normalises groups of `count` elements that lie one after the other.
    fn rows(&self, level: Level, first: usize, count: usize, x: &mut [f32]) {
        let rows = |x: &mut [f32], f: &dyn Fn(usize, &mut [f32])| {
            x.chunks_exact_mut(count).zip(first..).for_each(|(row, group)| f(group, row));
        };
        match self {
            Normal::Softmax => normal::softmax(level, x, count),
            Normal::Layer { epsilon, gamma, beta } => rows(x, &|_, x| {
                let scale = reciprocal_root(center(level, x) + epsilon);
                normal::affine(level, x, scale, gamma, beta);
            }),
            Normal::Instance { epsilon, gamma, beta } => rows(x, &|group, x| {
                let scale = reciprocal_root(center(level, x) + epsilon);
                let channel = group % gamma.len();
                normal::linear(level, x, [&[0.0], &[scale * gamma[channel]], &[beta[channel]]]);
            }),
            Normal::L2 { epsilon } => rows(x, &|_, x| {
                let squares = reduce::reduce(level, Reduction::SumSquare, x);
                normal::scale(level, x, &[reciprocal_root(squares + epsilon)]);
            }),
        }
    }

    /// Normalises the columns of a tile. `constants` and `partials` are what the loops want, and hold anything.
    fn columns(&self, level: Level, x: &mut [f32], constants: &mut [f32], partials: &mut [f32]) {
        let lanes = partials.len() / PARTIALS;
        let count = (x.len() / lanes) as f32;
        let total = |reduction: Reduction, x: &[f32], partials: &mut [f32]| {
            partials.fill(reduction.identity());
            reduce::accumulate(level, reduction, x, partials, lanes, 0);
            reduce::fold(level, reduction, partials, lanes);
        };
        let spread = |from: &[f32], to: &mut [f32], f: &dyn Fn(f32) -> f32| {
            let (first, rest) = to.split_at_mut(lanes);
            first.iter_mut().zip(from).for_each(|(to, x)| *to = f(*x));
            rest.chunks_exact_mut(lanes).for_each(|row| row.copy_from_slice(first));
        };
        match self {
            Normal::Softmax => {
                total(Reduction::Max, x, partials);
                spread(partials, constants, &|x| x);
                partials.fill(0.0);
                normal::exp_sum(level, x, constants, partials);
                reduce::fold(level, Reduction::Sum, partials, lanes);
                let scales = &mut partials[..lanes];
                scales.iter_mut().for_each(|x| *x = 1.0 / *x);
                normal::scale(level, x, scales);
            }
            Normal::Layer { epsilon, gamma, beta } => {
                total(Reduction::Sum, x, partials);
                spread(partials, constants, &|x| x / count);
                partials.fill(0.0);
                normal::center(level, x, constants, partials);
                reduce::fold(level, Reduction::Sum, partials, lanes);
                let scales = &mut partials[..lanes];
                scales.iter_mut().for_each(|x| *x = reciprocal_root(*x / count + epsilon));
                normal::affine_columns(level, x, scales, gamma, beta);
            }
            Normal::Instance { .. } | Normal::L2 { .. } => unreachable!("their groups are rows"),
        }
    }
}

/// Channels of fewer elements are worked on together.
const SHORT: usize = 16;

/// `(x - mean) * scale + shift` with numbers for each channel.
struct Channels {
    mean: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// Elements of a channel, of one sample.
    space: usize,
    elements: usize,
}

impl Kernel for BatchNorm {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let dims = cx.result(0).dims;
        let (space, channels) = (dims[2..].iter().product(), dims[1]);
        let known = |param| cx.id(param).and_then(|id| cx.literal(id)).and_then(|l| l.to_f64());
        let (Some(x), Some(mean), Some(variance)) = (cx.id("x"), known("mean"), known("variance")) else {
            return Form::Reference;
        };
        let Some((gamma, shift)) = affine(cx, channels) else { return Form::Reference };
        let scale = |(v, gamma): (&f64, &f32)| (f64::from(*gamma) / (v + self.epsilon).sqrt()) as f32;
        let mut step = Channels {
            mean: mean.into_iter().map(|x| x as f32).collect(),
            scale: variance.iter().zip(&gamma).map(scale).collect(),
            shift,
            space,
            elements: dims.elements(),
        };
        if space < SHORT {
            for v in [&mut step.mean, &mut step.scale, &mut step.shift] {
                *v = v.iter().flat_map(|x| std::iter::repeat_n(*x, space)).collect();
            }
            step.space = 1;
        }
        Form::Source(Planned { step: Box::new(step), reads: vec![x], scratch: AT_ONCE })
    }
}

impl Source for Channels {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let x = io.values(0);
        let piece = team.piece(self.elements, AT_ONCE);
        team.run(self.elements.div_ceil(piece), |task, scratch| {
            let (put, scratch) = scratch.split_at_mut(out.scratch());
            let end = (task * piece + piece).min(self.elements);
            for start in (task * piece..end).step_by(AT_ONCE) {
                let tile = &mut scratch[..AT_ONCE.min(end - start)];
                x.load(team.level, start, tile);
                self.apply(team.level, start, tile);
                let piece = Piece { start, rows: 1, width: tile.len(), step: tile.len() };
                // SAFETY: each task has elements of its own.
                unsafe { out.put(piece, tile, tile.len(), put) };
            }
        });
    }

    fn packed_bytes(&self) -> usize {
        3 * size_of_val(&self.mean[..])
    }
}

impl Channels {
    /// Normalises consecutive elements.
    fn apply(&self, level: Level, start: usize, mut x: &mut [f32]) {
        let (channels, mut at) = (self.mean.len(), start);
        while !x.is_empty() {
            let channel = at / self.space % channels;
            let len = if self.space == 1 { channels - channel } else { self.space - at % self.space };
            let (part, rest) = x.split_at_mut(len.min(x.len()));
            let numbers = if self.space == 1 { part.len() } else { 1 };
            let parameters = [&self.mean, &self.scale, &self.shift].map(|v| &v[channel..channel + numbers]);
            normal::linear(level, part, parameters);
            at += part.len();
            x = rest;
        }
    }
}

impl Kernel for LocalResponseNorm {}

#[cfg(test)]
mod tests;
