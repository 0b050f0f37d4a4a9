//! Data movement as one idea: every element of the result is one element of an operand, or a fill value, and which one is
//! decided axis by axis. The reference and the engine's kernel read the same map. A map is small however large the
//! tensors are.

/// Consecutive indices of an axis of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// How many indices.
    pub count: usize,
    /// What the first index adds to the position in the operand, and how much more each next one; `None` fills.
    pub source: Option<(usize, isize)>,
}

/// Where the elements of a result come from: `source(i0, i1, …) = axes[0](i0) + axes[1](i1) + …`, or the fill value if any
/// of the axes says so. There may be more axes here than the result's type has; their product is the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatherMap {
    /// For each axis, its indices in runs.
    pub axes: Vec<Vec<Run>>,
}

impl GatherMap {
    /// A map each axis of which is one run: `(count, first, step)`.
    pub fn steps(axes: impl IntoIterator<Item = (usize, usize, isize)>) -> GatherMap {
        let run = |(count, first, step)| vec![Run { count, source: Some((first, step)) }];
        GatherMap { axes: axes.into_iter().map(run).collect() }
    }

    /// Elements of the result.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|runs| runs.iter().map(|r| r.count).sum::<usize>()).product()
    }

    /// Calls `visit(count, source)` for runs of elements of the result, row-major: `count` elements from the position
    /// `source.0` on, `source.1` apart, or `count` fills.
    pub fn visit(&self, mut visit: impl FnMut(usize, Option<(usize, isize)>)) {
        walk(&self.axes, Some(0), &mut visit);
    }

    /// The result's elements.
    pub fn apply(&self, data: &[f64], fill: f64) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.elements());
        self.visit(|count, source| match source {
            Some((first, step)) => out.extend((0..count).map(|i| data[first.wrapping_add_signed(i as isize * step)])),
            None => out.extend(std::iter::repeat_n(fill, count)),
        });
        out
    }
}

fn walk(axes: &[Vec<Run>], base: Option<usize>, visit: &mut impl FnMut(usize, Option<(usize, isize)>)) {
    let from = |source: Option<(usize, isize)>| base.zip(source).map(|(base, (first, step))| (base + first, step));
    match axes {
        [] => visit(1, base.map(|b| (b, 0))),
        [last] => last.iter().for_each(|run| visit(run.count, from(run.source))),
        [axis, rest @ ..] => {
            for run in axis {
                for i in 0..run.count {
                    let at = from(run.source).map(|(first, step)| first.wrapping_add_signed(i as isize * step));
                    walk(rest, at, visit);
                }
            }
        }
    }
}
