//! Sliding windows: which elements lie under which position of the window.

mod run;
mod sweep;

use anemone_ir::ops::window::Window;
use std::ops::Range;

pub(crate) use run::{Element, copy};
pub(crate) use sweep::{Fold, Sweep, sweep_scratch};

/// One element of the window on an axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tap {
    /// Where its element lies at position 0; at position `p` it is `p * stride` further.
    pub(crate) offset: i64,
    /// The positions at which its element lies inside the input.
    pub(crate) inside: Range<usize>,
}

/// One spatial axis under a window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    /// Positions of the window.
    pub(crate) output: usize,
    pub(crate) stride: usize,
    pub(crate) taps: Vec<Tap>,
}

impl Axis {
    /// An axis of `input` elements, on which the window has `output` positions and taps at these offsets.
    pub(crate) fn new(input: usize, output: usize, stride: usize, offsets: impl Iterator<Item = i64>) -> Axis {
        let first_at = |element: i64| (element.max(0) as usize).div_ceil(stride).min(output);
        let tap = |offset: i64| {
            let end = first_at(input as i64 - offset);
            Tap { offset, inside: first_at(-offset).min(end)..end }
        };
        Axis { input, output, stride, taps: offsets.map(tap).collect() }
    }

    /// The element under a tap at a position inside its range.
    pub(crate) fn element(&self, tap: &Tap, at: usize) -> usize {
        debug_assert!(tap.inside.contains(&at));
        ((at * self.stride) as i64 + tap.offset) as usize
    }

    /// The element under a tap, if it lies inside the input.
    pub(crate) fn inside(&self, tap: usize, at: usize) -> Option<usize> {
        let tap = &self.taps[tap];
        tap.inside.contains(&at).then(|| self.element(tap, at))
    }

    fn is_padded(&self) -> bool {
        self.taps.iter().any(|tap| tap.inside != (0..self.output))
    }
}

/// The spatial axes under a window: always three, outermost first; those that are not there have one element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Space {
    pub(crate) axes: [Axis; 3],
}

impl Space {
    /// The space of a window. One that only ever covers one element, and moves by one, sees a single long axis.
    pub(crate) fn new(window: &Window) -> Space {
        let axis = |i: usize| {
            let offsets = (0..window.kernel[i]).map(|tap| (tap * window.dilations[i]) as i64 - window.before[i] as i64);
            Axis::new(window.input[i], window.output[i], window.strides[i], offsets)
        };
        let space = Space::of((0..window.rank()).map(axis).collect());
        let pointwise = |a: &Axis| a.stride == 1 && a.input == a.output && a.taps.len() == 1 && !a.is_padded();
        if !space.axes.iter().all(pointwise) {
            return space;
        }
        let elements = space.input();
        Space::of(vec![Axis::new(elements, elements, 1, [0].into_iter())])
    }

    /// The space of one to three axes.
    pub(crate) fn of(axes: Vec<Axis>) -> Space {
        let missing = (axes.len()..3).map(|_| Axis::new(1, 1, 1, [0].into_iter()));
        let axes: Vec<Axis> = missing.chain(axes).collect();
        Space { axes: axes.try_into().expect("checked calls have one to three spatial axes") }
    }

    /// Elements of the input.
    pub(crate) fn input(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }

    /// Positions of the window.
    pub(crate) fn output(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }

    /// Elements of the window.
    pub(crate) fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.taps.len()).product()
    }

    /// Whether the window reaches beyond the input anywhere.
    pub(crate) fn is_padded(&self) -> bool {
        self.axes.iter().any(Axis::is_padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_those_that_the_definition_visits() {
        let mut seed = 1u64;
        let mut below = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % n
        };
        for _ in 0..500 {
            let (kernel, stride, dilation, before) = (1 + below(4), 1 + below(3), 1 + below(3), below(5));
            let (input, output) = (1 + below(9), 1 + below(9));
            let window = Window {
                kernel: vec![kernel],
                strides: vec![stride],
                dilations: vec![dilation],
                before: vec![before],
                after: vec![0],
                input: vec![input],
                output: vec![output],
            };
            let space = Space::new(&window);
            for at in 0..space.output() {
                let mut visited = Vec::new();
                window.visit(&[at], |tap, element| visited.push((tap, element)));
                let axis = &space.axes[2];
                let found: Vec<_> = (0..axis.taps.len()).filter_map(|t| axis.inside(t, at).map(|e| (t, e))).collect();
                assert_eq!(found, visited, "{window:?}");
            }
        }
    }
}
