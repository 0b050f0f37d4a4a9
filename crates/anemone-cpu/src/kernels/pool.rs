//! Pools: sweeps of a window over each plane.

use super::window::{Fold, Space, Sweep, sweep_scratch};
use super::{Form, Kernel};
use crate::memory::Io;
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::ops::pool::{AvgPool, L2Pool, MaxPool};
use anemone_ir::ops::window::Window;
use anemone_simd::{Simd, math};

/// Longer windows are left to the reference, which does not walk over what lies outside of the input.
const LONGEST: usize = 1 << 16;
/// Means of more positions are left to the reference, so that their counts take little memory.
const MOST_COUNTS: usize = 1 << 24;

/// A pool as a sweep.
struct Pool<F> {
    space: Space,
    planes: usize,
    fold: F,
}

fn form<F: Fold + Send + 'static>(cx: &PlanCx<'_>, window: &Window, fold: impl FnOnce() -> F) -> Form {
    match cx.id("x") {
        Some(x) if cx.computes_as_float(x) && window.kernel.iter().all(|n| *n <= LONGEST) => {
            let planes = cx.ty(x).dims[..2].iter().product();
            let step = Box::new(Pool { space: Space::new(window), planes, fold: fold() });
            Form::Source(Planned { step, reads: vec![x], scratch: sweep_scratch(0) })
        }
        _ => Form::Reference,
    }
}

impl<F: Fold + Send> Source for Pool<F> {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let sweep = Sweep { space: &self.space, planes: self.planes, channels: 1, sharing: 1, weights: 0 };
        sweep.run(team, io.values(0), &self.fold, out);
    }
}

impl Kernel for MaxPool {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, &self.window, || Largest)
    }
}

impl Kernel for AvgPool {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        if self.window.output.iter().product::<usize>() > MOST_COUNTS {
            return Form::Reference;
        }
        form(cx, &self.window, || Mean::new(self))
    }
}

impl Kernel for L2Pool {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, &self.window, || Norm)
    }
}

/// The largest; NaN if there is one.
struct Largest;

impl Fold for Largest {
    const START: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn step<S: Simd>(s: S, acc: S::V, x: S::V, _: S::V) -> S::V {
        math::maximum(s, acc, x)
    }

    fn finish(&self, _: usize, _: [usize; 2], _: usize, _: &mut [f32]) {}
}

/// The square root of the sum of squares.
struct Norm;

impl Fold for Norm {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<S: Simd>(s: S, acc: S::V, x: S::V, _: S::V) -> S::V {
        s.fma(x, x, acc)
    }

    fn finish(&self, _: usize, _: [usize; 2], _: usize, values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = x.sqrt());
    }
}

/// The sum, divided by how many elements count.
struct Mean {
    /// For each position on each axis, how many elements count; on the axes that [`Space::new`] has made of the window's.
    counts: [Vec<f32>; 3],
}

impl Mean {
    fn new(pool: &AvgPool) -> Mean {
        let window = &pool.window;
        let outputs = Space::new(window).axes.map(|a| a.output);
        let missing = 3 - window.rank();
        let is_collapsed = window.rank() > 1 && outputs[2] != window.output[window.rank() - 1];
        let count = |axis: usize, at: usize| {
            let n = if pool.exclude_padding { window.inside(axis, at).len() } else { window.covered_on(axis, at) };
            n as f32
        };
        let counts = [0usize, 1, 2].map(|axis| match axis.checked_sub(missing) {
            Some(own) if !is_collapsed => (0..outputs[axis]).map(|at| count(own, at)).collect(),
            _ => vec![1.0; outputs[axis]],
        });
        Mean { counts }
    }
}

impl Fold for Mean {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<S: Simd>(s: S, acc: S::V, x: S::V, _: S::V) -> S::V {
        s.add(acc, x)
    }

    fn finish(&self, _: usize, row: [usize; 2], column: usize, values: &mut [f32]) {
        let [outer, middle, inner] = &self.counts;
        let each = outer[row[0]] * middle[row[1]];
        for (x, count) in values.iter_mut().zip(&inner[column..]) {
            // The mean of nothing is 0.
            *x /= (each * count).max(1.0);
        }
    }
}

#[cfg(test)]
mod tests;
