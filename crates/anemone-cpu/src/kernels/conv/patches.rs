//! Patches of the input as the right operand of a product.

use crate::gemm::{Columns, MOST_COLUMNS, PackB};
use crate::kernels::window::{Element, Space, copy};
use crate::memory::Values;
use anemone_simd::{Level, Simd, WithSimd, dispatch};

/// A matrix that is never there as a whole: its columns are the positions of the window, its rows `(channel, tap)`; product
/// `b` sees the channels from `b * channels` on. What lies outside of the input is zero.
pub(super) struct Patches<'a> {
    pub(super) space: &'a Space,
    /// Channels of each product.
    pub(super) channels: usize,
    pub(super) x: Values<'a>,
}

impl PackB for Patches<'_> {
    fn pack(&self, level: Level, batch: usize, k: usize, count: usize, columns: Columns, to: &mut [f32]) {
        let Patches { space, channels, x } = *self;
        let first = batch * channels;
        match x {
            Values::F16(data) => dispatch(level, Pack { space, data, first, k, count, columns, to }),
            Values::F32(data) => dispatch(level, Pack { space, data, first, k, count, columns, to }),
            Values::Bool(_) => unreachable!("convolutions are of floats"),
        }
    }
}

/// Columns that are neighbours on the innermost axis.
#[derive(Clone, Copy, Default)]
struct Segment {
    /// Positions on the axes; of the first column on the innermost.
    at: [usize; 3],
    /// Where its columns go in a row.
    to: usize,
    len: usize,
}

struct Pack<'a, T> {
    space: &'a Space,
    data: &'a [T],
    /// The plane of channel 0.
    first: usize,
    k: usize,
    count: usize,
    columns: Columns,
    to: &'a mut [f32],
}

impl<T: Element> WithSimd for Pack<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Pack { space, data, first, k, count, columns, to } = self;
        let mut segments = [Segment::default(); MOST_COLUMNS];
        let segments = cut(space, columns, &mut segments);
        let [outer, middle, inner] = &space.axes;
        let (n1, n2) = (middle.taps.len(), inner.taps.len());
        let (mut channel, tap) = (first + k / space.taps(), k % space.taps());
        let [mut t0, mut t1, mut t2] = [tap / (n1 * n2), tap / n2 % n1, tap % n2];
        let input = space.input();
        // Rows are written in order: what a segment writes beyond itself is overwritten by what comes after it.
        for row in 0..count {
            let row = &mut to[row * columns.stride..];
            let tap = &inner.taps[t2];
            for segment in segments.iter() {
                let [at0, at1, at2] = segment.at;
                let line = outer.inside(t0, at0).zip(middle.inside(t1, at1));
                let row = &mut row[segment.to..];
                let inside = match line {
                    Some(_) => tap.inside.start.max(at2)..tap.inside.end.min(at2 + segment.len),
                    None => 0..0,
                };
                let Some((e0, e1)) = line.filter(|_| !inside.is_empty()) else {
                    row[..segment.len].fill(0.0);
                    continue;
                };
                let from = &data[channel * input + (e0 * middle.input + e1) * inner.input..];
                let (before, end) = (inside.start - at2, inside.end - at2);
                row[..before].iter_mut().for_each(|x| *x = 0.0);
                copy(s, &from[inner.element(tap, inside.start)..], inner.stride, end - before, &mut row[before..]);
                row[end..segment.len].iter_mut().for_each(|x| *x = 0.0);
            }
            t2 += 1;
            if t2 == n2 {
                (t1, t2) = (t1 + 1, 0);
            }
            if t1 == n1 {
                (t0, t1) = (t0 + 1, 0);
            }
            if t0 == outer.taps.len() {
                (channel, t0) = (channel + 1, 0);
            }
        }
    }
}

/// Cuts columns where rows of the result end.
fn cut<'a>(space: &Space, columns: Columns, segments: &'a mut [Segment; MOST_COLUMNS]) -> &'a [Segment] {
    let [_, middle, inner] = &space.axes;
    let (mut done, mut used) = (0, 0);
    while done < columns.count {
        let position = columns.first + done;
        let (row, at) = (position / inner.output, position % inner.output);
        let len = (inner.output - at).min(columns.count - done);
        segments[used] = Segment { at: [row / middle.output, row % middle.output, at], to: done, len };
        (done, used) = (done + len, used + 1);
    }
    &segments[..used]
}
