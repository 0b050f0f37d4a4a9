//! Groups of elements: what a reduction makes one number of, and a normalisation takes statistics of.
//!
//! The elements of a group have an order, their row-major order along the reduced axes, and a group's sixteen partial
//! results depend on nothing else: not on where in memory the elements are, nor on which axes are reduced.

use crate::chain::{Piece, position};
use crate::memory::Values;
use anemone_simd::Level;

/// Where the groups of a tensor lie. Axes of size 1 are left out, neighbours of one kind merged.
pub(super) struct Groups {
    /// Axes that tell groups apart, without the columns: `(size, step)`, outermost first.
    kept: Vec<(usize, usize)>,
    /// Axes inside a group, without the run.
    inner: Vec<(usize, usize)>,
    /// Groups for each index of `inner` that lie side by side; 1 if it is the elements of a group that do.
    pub(super) columns: usize,
    /// Elements of a group that lie side by side; 1 if it is the groups that do.
    run: usize,
    /// Product of `kept`.
    pub(super) outer: usize,
    /// Elements of a group.
    pub(super) count: usize,
}

impl Groups {
    /// The groups of a tensor of which `axes` are reduced.
    pub(super) fn new(dims: &[usize], axes: &[usize]) -> Groups {
        let mut merged: Vec<(bool, usize)> = Vec::new();
        for (axis, size) in dims.iter().enumerate().filter(|(_, size)| **size != 1) {
            let reduced = axes.contains(&axis);
            match merged.last_mut() {
                Some((kind, outer)) if *kind == reduced => *outer *= size,
                _ => merged.push((reduced, *size)),
            }
        }
        let (run, columns) = match merged.pop() {
            Some((true, size)) => (size, 1),
            Some((false, size)) => (1, size),
            None => (1, 1),
        };
        let (mut kept, mut inner, mut step) = (Vec::new(), Vec::new(), run * columns);
        for (reduced, size) in merged.into_iter().rev() {
            if reduced { &mut inner } else { &mut kept }.insert(0, (size, step));
            step *= size;
        }
        let product = |axes: &[(usize, usize)]| axes.iter().map(|(size, _)| size).product::<usize>();
        let (outer, count) = (product(&kept), product(&inner) * run);
        Groups { kept, inner, columns, run, outer, count }
    }

    /// Groups of `count` elements that lie one after the other.
    pub(super) fn rows(groups: usize, count: usize) -> Groups {
        Groups { kept: vec![(groups, count)], inner: Vec::new(), columns: 1, run: count, outer: groups, count }
    }

    /// Whether groups are rows of memory, one after the other.
    pub(super) fn contiguous(&self) -> bool {
        self.columns == 1 && self.inner.is_empty()
    }

    /// Reads `to.len()` elements of a group of rows, from its element `first` on.
    pub(super) fn load_row(&self, level: Level, x: &Values<'_>, group: usize, first: usize, to: &mut [f32]) {
        let base = position(&self.kept, group);
        let mut done = 0;
        while done < to.len() {
            let (index, skip) = ((first + done) / self.run, (first + done) % self.run);
            let count = (self.run - skip).min(to.len() - done);
            x.load(level, base + position(&self.inner, index) + skip, &mut to[done..done + count]);
            done += count;
        }
    }

    /// Reads elements `first..` of `lanes` groups side by side, from column `lane` on: as many rows as `to` has room for.
    pub(super) fn load_columns(
        &self,
        level: Level,
        x: &Values<'_>,
        (outer, lane): (usize, usize),
        first: usize,
        lanes: usize,
        to: &mut [f32],
    ) {
        let base = position(&self.kept, outer) + lane;
        // Whole rows, one after the other.
        if lanes == self.columns && matches!(self.inner[..], [(_, step)] if step == lanes) {
            return x.load(level, base + first * lanes, to);
        }
        for (row, i) in to.chunks_exact_mut(lanes).zip(first..) {
            x.load(level, base + position(&self.inner, i), row);
        }
    }

    /// Calls `put(piece, offset)` for the elements of a group of rows, or of `lanes` groups side by side: `offset` is where
    /// a piece begins among them, whose rows lie one after the other.
    pub(super) fn pieces(&self, (outer, lane): (usize, usize), lanes: usize, mut put: impl FnMut(Piece, usize)) {
        let start = position(&self.kept, outer) + lane;
        let width = self.run * lanes;
        match self.inner[..] {
            [] => put(Piece { start, rows: 1, width, step: width }, 0),
            [(rows, step)] => put(Piece { start, rows, width, step }, 0),
            _ => {
                for i in 0..self.count / self.run {
                    let start = start + position(&self.inner, i);
                    put(Piece { start, rows: 1, width, step: width }, i * width);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positions of each group's elements, in order, as row-major counting says.
    fn expected(dims: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
        let groups = (0..dims.len()).filter(|a| !axes.contains(a)).map(|a| dims[a]).product();
        let mut out = vec![Vec::new(); groups];
        for at in 0..dims.iter().product() {
            let (mut rest, mut step, mut group) = (at, 1, 0);
            for axis in (0..dims.len()).rev() {
                if !axes.contains(&axis) {
                    group += rest % dims[axis] * step;
                    step *= dims[axis];
                }
                rest /= dims[axis];
            }
            out[group].push(at);
        }
        out
    }

    #[test]
    fn elements_come_in_row_major_order() {
        let all = [2, 3, 1, 4, 2];
        for rank in 0..=5 {
            let dims = &all[..rank];
            let data: Vec<f32> = (0..dims.iter().product::<usize>()).map(|i| i as f32).collect();
            let x = Values::F32(&data);
            for set in 0..1 << rank {
                let axes: Vec<usize> = (0..rank).filter(|a| set >> a & 1 == 1).collect();
                let groups = Groups::new(dims, &axes);
                for (at, expected) in expected(dims, &axes).iter().enumerate() {
                    assert_eq!(groups.count, expected.len());
                    let (outer, lane) = (at / groups.columns, at % groups.columns);
                    let mut found = vec![0.0; groups.count];
                    if groups.columns == 1 {
                        groups.load_row(Level::Scalar, &x, outer, 0, &mut found);
                    } else {
                        groups.load_columns(Level::Scalar, &x, (outer, lane), 0, 1, &mut found);
                    }
                    let found: Vec<usize> = found.iter().map(|x| *x as usize).collect();
                    assert_eq!(&found, expected, "{dims:?} {axes:?}");
                    let mut put = vec![usize::MAX; groups.count];
                    groups.pieces((outer, lane), 1, |piece, offset| {
                        for i in 0..piece.rows * piece.width {
                            put[offset + i] = piece.start + i / piece.width * piece.step + i % piece.width;
                        }
                    });
                    assert_eq!(&put, expected, "{dims:?} {axes:?}");
                }
            }
        }
    }
}
