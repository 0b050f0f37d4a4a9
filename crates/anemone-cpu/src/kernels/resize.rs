//! Tensors with other sizes: the nearest elements are moved; linear interpolation of rows and columns goes line by line.
//!
//! A line of the operand is interpolated along itself once, and kept for as long as lines of the result are between it and
//! the next one.

use super::{Form, Kernel, movement};
use crate::chain::Piece;
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::movement::{GatherMap, Run};
use anemone_ir::ops::resize::*;
use anemone_simd::Level;

/// Longer axes are left to the reference: what their elements are made of is listed while planning.
const LONGEST: usize = 1 << 20;

/// What an element is made of.
struct Weights {
    low: usize,
    high: usize,
    of_low: f32,
    /// 0 if it is the element `low`.
    of_high: f32,
}

impl Weights {
    fn new(tap: &Tap) -> Weights {
        Weights { low: tap.low, high: tap.high(), of_low: (1.0 - tap.weight) as f32, of_high: tap.weight as f32 }
    }

    fn between(&self, low: f32, high: f32) -> f32 {
        if self.of_high == 0.0 { low } else { low * self.of_low + high * self.of_high }
    }
}

/// Planes resized along one axis, or two.
struct Bilinear {
    planes: usize,
    /// Rows and columns of the operand.
    from: [usize; 2],
    rows: Vec<Weights>,
    columns: Vec<Weights>,
}

fn form(cx: &PlanCx<'_>, resizing: &Resizing) -> Form {
    let axes = &resizing.axes;
    let Some(x) = cx.id("x") else { return Form::Reference };
    if axes.iter().any(|axis| axis.to > LONGEST) {
        return Form::Reference;
    }
    if axes.iter().all(|axis| axis.interpolation == Interpolation::Nearest) {
        return movement::form(cx, &nearest(cx, axes), 0.0);
    }
    let weights = |axis: &Resized| axis.taps().map(|tap| Weights::new(&tap)).collect::<Vec<_>>();
    let (rows, height, columns) = match &axes[..] {
        [columns] => (vec![Weights { low: 0, high: 0, of_low: 1.0, of_high: 0.0 }], 1, columns),
        [rows, columns] => (weights(rows), rows.from, columns),
        _ => return Form::Reference,
    };
    if !cx.computes_as_float(x) {
        return Form::Reference;
    }
    let planes = cx.ty(x).dims.elements() / (height * columns.from);
    let step = Bilinear { planes, from: [height, columns.from], rows, columns: weights(columns) };
    let scratch = columns.from + 3 * columns.to;
    Form::Source(Planned { step: Box::new(step), reads: vec![x], scratch })
}

/// Where the nearest elements are.
fn nearest(cx: &PlanCx<'_>, axes: &[Resized]) -> GatherMap {
    let x = cx.id("x").map(|x| cx.ty(x).dims).unwrap_or_default();
    let (strides, first) = (x.strides(), x.rank() - axes.len());
    let mut map = GatherMap::steps((0..first).map(|a| (x[a], 0, strides[a] as isize)));
    for (axis, stride) in axes.iter().zip(&strides[first..]) {
        map.axes.push(axis.taps().map(|tap| Run { count: 1, source: Some((tap.low * stride, 0)) }).collect());
    }
    map
}

impl Bilinear {
    /// A line of the operand, interpolated along itself; `line` is room for it.
    fn widen(&self, level: Level, x: &Values<'_>, row: usize, line: &mut [f32], to: &mut [f32]) {
        x.load(level, row * line.len(), line);
        for (to, column) in to.iter_mut().zip(&self.columns) {
            *to = column.between(line[column.low], line[column.high]);
        }
    }
}

impl Source for Bilinear {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let x = io.values(0);
        let ([height, width], rows, columns) = (self.from, self.rows.len(), self.columns.len());
        let all = self.planes * rows;
        let each = (team.piece(all * columns, columns) / columns).max(1);
        team.run(all.div_ceil(each), |task, scratch| {
            let (for_out, scratch) = scratch.split_at_mut(out.scratch());
            let (line, scratch) = scratch.split_at_mut(width);
            let (result, scratch) = scratch.split_at_mut(columns);
            let (mut low, rest) = scratch.split_at_mut(columns);
            let mut high = &mut rest[..columns];
            // The lines of the operand that they hold.
            let (mut in_low, mut in_high) = (None, None);
            for row in task * each..all.min((task + 1) * each) {
                let weights = &self.rows[row % rows];
                let first = row / rows * height;
                let (above, below) = (Some(first + weights.low), Some(first + weights.high));
                if in_low != above && in_high == above {
                    std::mem::swap(&mut low, &mut high);
                    std::mem::swap(&mut in_low, &mut in_high);
                }
                if in_low != above {
                    self.widen(team.level, &x, first + weights.low, line, low);
                    in_low = above;
                }
                let piece = Piece { start: row * columns, rows: 1, width: columns, step: columns };
                if weights.of_high == 0.0 {
                    // SAFETY: each row of the result is put once.
                    unsafe { out.put(piece, low, columns, for_out) };
                    continue;
                }
                if in_high != below {
                    self.widen(team.level, &x, first + weights.high, line, high);
                    in_high = below;
                }
                for ((to, low), high) in result.iter_mut().zip(&*low).zip(&*high) {
                    *to = low * weights.of_low + high * weights.of_high;
                }
                // SAFETY: each row of the result is put once.
                unsafe { out.put(piece, result, columns, for_out) };
            }
        });
    }
}

macro_rules! resizing_kernels {
    ($($Type:ty)*) => {$(
        impl Kernel for $Type {
            fn form(&self, cx: &PlanCx<'_>) -> Form {
                form(cx, &self.resizing)
            }
        }
    )*};
}
resizing_kernels! { UpsampleBilinear ResizeBilinear ResizeNearestNeighbor Resize }
