//! The transpose of a convolution.
//!
//! An element of the result gathers from the taps that hit it. Which these are depends on its position modulo the strides:
//! so the positions with the same rests see `x` through a window of some of the taps, which moves by one, and are a
//! convolution of their own. An element is a dot product over `k = (channel of the group, tap that hits)`, taps row-major;
//! the bias is added last.

use super::{Patches, is_finite, operands};
use crate::chain::Piece;
use crate::gemm::{self, Packed, Size, Tile};
use crate::kernels::linear::pack;
use crate::kernels::window::{Axis, Space};
use crate::kernels::{Form, Kernel};
use crate::memory::{Io, Values};
use crate::plan::{Out, PlanCx, Planned, Source};
use crate::team::Team;
use anemone_ir::Literal;
use anemone_ir::ops::conv::ConvTranspose;
use anemone_ir::ops::window::Window;

/// The most convolutions that a transpose is made of; further strides are left to the reference.
const MOST: usize = 64;

/// The positions with one rest on the innermost axis, among those of a [`Comb`].
struct Phase {
    space: Space,
    weights: Packed,
}

/// The positions with the same rests on the outer axes.
struct Comb {
    rests: [usize; 2],
    /// For each rest on the innermost axis. There all have the same number of positions; the last may be beyond the end.
    phases: Vec<Phase>,
    /// The products of its phases, each with a `k` of its own.
    size: Size,
    /// The number of its first task.
    first: usize,
}

/// A transposed convolution as matrix products.
struct Transpose {
    combs: Vec<Comb>,
    tasks: usize,
    /// Channels and outputs of a group.
    channels: [usize; 2],
    groups: usize,
    /// Spatial sizes of the result, and strides; three axes.
    output: [usize; 3],
    strides: [usize; 3],
    /// Elements of the results of the largest part of a phase.
    room: usize,
    has_bias: bool,
}

impl Kernel for ConvTranspose {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let Some([Some(x), Some(weight), bias]) = operands(cx) else { return Form::Reference };
        // Zeros around `x` are the same as nothing there only if weights are finite.
        let Some(literal) = cx.literal(weight).filter(|l| is_finite(l)) else { return Form::Reference };
        let window = &self.window;
        let rests = |axis: usize| window.strides[axis].min(window.input[axis]);
        let phases = (0..window.rank()).map(rests).try_fold(1usize, |n, r| n.checked_mul(r));
        if phases.is_none_or(|n| n > MOST) {
            return Form::Reference;
        }
        let padded = |sizes: &[usize]| {
            let mut three = [1; 3];
            three[3 - sizes.len()..].copy_from_slice(sizes);
            three
        };
        let mut step = Transpose {
            combs: Vec::new(),
            tasks: 0,
            channels: [self.inputs / self.groups, self.outputs / self.groups],
            groups: self.groups,
            output: padded(&window.input),
            strides: padded(&window.strides),
            room: 0,
            has_bias: bias.is_some(),
        };
        let Some(scratch) = step.plan(cx, window, literal, cx.ty(x).dims[0]) else { return Form::Reference };
        Form::Source(Planned { step: Box::new(step), reads: [x].into_iter().chain(bias).collect(), scratch })
    }
}

/// The positions with one rest on an axis (`positions` of them), and the taps that hit them.
fn phase(window: &Window, axis: usize, rest: usize, positions: usize) -> (Axis, Vec<usize>) {
    let stride = window.strides[axis] as i64;
    let reach = |tap: usize| (rest + window.before[axis]) as i64 - (tap * window.dilations[axis]) as i64;
    let taps: Vec<usize> = (0..window.kernel[axis]).filter(|tap| reach(*tap) % stride == 0).collect();
    let offsets = taps.iter().map(|tap| reach(*tap) / stride);
    (Axis::new(window.output[axis], positions, 1, offsets), taps)
}

impl Transpose {
    /// Plans the phases, and gives the scratch that they need; `None` for weights that cannot be packed.
    fn plan(&mut self, cx: &PlanCx<'_>, window: &Window, literal: &Literal, images: usize) -> Option<usize> {
        let [inputs, outputs] = self.channels;
        let missing = 3 - window.rank();
        // One position, hit by one tap, on an axis that is not there.
        let on = |axis: usize, rest: usize, positions: usize| match axis.checked_sub(missing) {
            Some(own) => phase(window, own, rest, positions),
            None => (Axis::new(1, 1, 1, [0].into_iter()), vec![0]),
        };
        let kernel = [0usize, 1, 2].map(|axis| axis.checked_sub(missing).map_or(1, |own| window.kernel[own]));
        let taps: usize = kernel.iter().product();
        let [rests0, rests1, rests2] = [0, 1, 2].map(|axis| self.strides[axis].min(self.output[axis]));
        let (mut room, mut scratch) = (0, 0);
        for rests in (0..rests0 * rests1).map(|r| [r / rests1, r % rests1]) {
            let positions = [0, 1].map(|axis| (self.output[axis] - rests[axis]).div_ceil(self.strides[axis]));
            let width = self.output[2].div_ceil(self.strides[2]);
            let n = positions[0] * positions[1] * width;
            let size = Size { batch: images * self.groups, m: outputs, n, k: 0 };
            let mut phases = Vec::with_capacity(rests2);
            for rest in 0..rests2 {
                let [(a0, t0), (a1, t1), (a2, t2)] =
                    [on(0, rests[0], positions[0]), on(1, rests[1], positions[1]), on(2, rest, width)];
                let hits: Vec<usize> = (t0.iter())
                    .flat_map(|t0| t1.iter().map(move |t1| t0 * kernel[1] + t1))
                    .flat_map(|outer| t2.iter().map(move |t2| outer * kernel[2] + t2))
                    .collect();
                let at = |group: usize, o: usize, k: usize| {
                    let (channel, tap) = (k / hits.len(), hits[k % hits.len()]);
                    ((group * inputs + channel) * outputs + o) * taps + tap
                };
                let weights = pack(literal, [self.groups, outputs, inputs * hits.len()], at)?;
                scratch = scratch.max(gemm::part_scratch(cx.level, Size { k: weights.k, ..size }));
                phases.push(Phase { space: Space::of(vec![a0, a1, a2]), weights });
            }
            room = room.max(gemm::part_room(cx.level, size));
            self.combs.push(Comb { rests, phases, size, first: self.tasks });
            self.tasks += gemm::parts(cx.level, size);
        }
        self.room = room;
        // Results of all phases, and the same woven together.
        Some(2 * rests2 * room + scratch)
    }

    /// Weaves the results of the phases together, adds the bias and hands them on. `results` has `room` elements for each
    /// phase, in rows `stride` apart.
    fn weave(&self, comb: &Comb, tile: Tile, (results, stride): (&[f32], usize), woven: &mut [f32], end: &mut End<'_>) {
        let [p0, p1, p2] = self.output;
        let [s0, s1, _] = self.strides;
        let middle = comb.phases[0].space.axes[1].output;
        let (width, phases) = (comb.phases[0].space.axes[2].output, comb.phases.len());
        let first_row = tile.batch * self.channels[1] + tile.row;
        let mut done = 0;
        while done < tile.columns {
            let position = tile.column + done;
            let (line, at) = (position / width, position % width);
            let count = (width - at).min(tile.columns - done);
            let wide = count * phases;
            for row in 0..tile.rows {
                let bias = end.bias.map_or(0.0, |b| b.get((first_row + row) % (self.groups * self.channels[1])));
                let to = &mut woven[row * wide..][..wide];
                for (phase, results) in results.chunks_exact(self.room).enumerate() {
                    let from = &results[row * stride + done..][..count];
                    for (to, x) in to[phase..].iter_mut().step_by(phases).zip(from) {
                        *to = if self.has_bias { x + bias } else { *x };
                    }
                }
            }
            let [q0, q1] = [line / middle * s0 + comb.rests[0], line % middle * s1 + comb.rests[1]];
            let start = ((first_row * p0 + q0) * p1 + q1) * p2 + at * phases;
            // The last positions may lie beyond the end.
            let piece = Piece { start, rows: tile.rows, width: wide.min(p2 - at * phases), step: p0 * p1 * p2 };
            // SAFETY: positions belong to one comb, and in it to one tile.
            unsafe { end.out.put(piece, &woven[..tile.rows * wide], wide, end.scratch) };
            done += count;
        }
    }
}

/// Where results go.
struct End<'a> {
    out: &'a Out<'a>,
    bias: Option<Values<'a>>,
    scratch: &'a mut [f32],
}

impl Source for Transpose {
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>) {
        let (level, x) = (team.level, io.values(0));
        let bias = self.has_bias.then(|| io.values(1));
        team.run(self.tasks, |task, scratch| {
            let comb = &self.combs[self.combs.partition_point(|c| c.first <= task) - 1];
            let tile = gemm::part(level, comb.size, task - comb.first);
            let all = self.room * comb.phases.len();
            let (for_out, scratch) = scratch.split_at_mut(out.scratch());
            let (results, scratch) = scratch.split_at_mut(all);
            let (woven, scratch) = scratch.split_at_mut(all);
            for (phase, results) in comb.phases.iter().zip(results.chunks_exact_mut(self.room)) {
                let patches = Patches { space: &phase.space, channels: self.channels[0], x };
                gemm::compute(level, tile, phase.weights.k, &phase.weights, &patches, results, scratch);
            }
            let stride = gemm::part_stride(level, tile);
            self.weave(comb, tile, (results, stride), woven, &mut End { out, bias, scratch: for_out });
        });
    }

    fn packed_bytes(&self) -> usize {
        self.combs.iter().flat_map(|c| &c.phases).map(|p| p.weights.bytes()).sum()
    }
}
