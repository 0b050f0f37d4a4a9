//! How a broadcast operand is read along the elements of a result.

use crate::memory::Values;
use anemone_ir::Dims;
use anemone_simd::Level;

/// Where the elements of an operand lie for consecutive elements of the result.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Walk {
    /// One number for all.
    Scalar,
    /// One after the other.
    Straight,
    /// `(size, step in the operand)` of each axis of the result, neighbours that walk alike merged; outermost first. A
    /// step of the last axis is 0 or 1.
    Axes(Vec<(usize, usize)>),
}

impl Walk {
    /// The walk of an operand of dimensions `dims` along a result of dimensions `target`.
    pub(crate) fn new(dims: &Dims, target: &Dims) -> Walk {
        let strides = dims.broadcast_strides(target);
        let mut axes: Vec<(usize, usize)> = Vec::new();
        for (axis, size) in target.iter().copied().enumerate().filter(|(_, size)| *size != 1) {
            let step = strides[axis];
            match axes.last_mut() {
                // The outer axis goes on where the inner one ends: they are one.
                Some((outer, outer_step)) if *outer_step == size * step => {
                    *outer *= size;
                    *outer_step = step;
                }
                _ => axes.push((size, step)),
            }
        }
        match axes[..] {
            [] | [(_, 0)] => Walk::Scalar,
            [(_, 1)] => Walk::Straight,
            _ => Walk::Axes(axes),
        }
    }

    /// Reads what belongs to the elements of the result from `start` on.
    pub(crate) fn load(&self, level: Level, values: &Values<'_>, start: usize, to: &mut [f32]) {
        match self {
            Walk::Scalar => to.fill(values.get(0)),
            Walk::Straight => values.load(level, start, to),
            Walk::Axes(axes) => {
                let [outer @ .., (size, step)] = &axes[..] else { return };
                let mut done = 0;
                while done < to.len() {
                    let at = start + done;
                    let inner = at % size;
                    let count = (size - inner).min(to.len() - done);
                    let from = position(outer, at / size) + inner * step;
                    let part = &mut to[done..done + count];
                    if *step == 0 {
                        part.fill(values.get(from));
                    } else {
                        values.load(level, from, part);
                    }
                    done += count;
                }
            }
        }
    }
}

/// The operand's position for a row-major position on these axes.
pub(crate) fn position(axes: &[(usize, usize)], mut at: usize) -> usize {
    let mut position = 0;
    for (size, step) in axes.iter().rev() {
        position += at % size * step;
        at /= size;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(dims: &[usize], target: &[usize]) -> Walk {
        Walk::new(&Dims::new(dims).unwrap(), &Dims::new(target).unwrap())
    }

    #[test]
    fn axes_that_walk_alike_are_one() {
        assert_eq!(walk(&[], &[2, 3]), Walk::Scalar);
        assert_eq!(walk(&[1, 1], &[2, 3]), Walk::Scalar);
        assert_eq!(walk(&[1, 2, 3], &[1, 2, 3]), Walk::Straight);
        assert_eq!(walk(&[6, 1, 1], &[1, 6, 4, 5]), Walk::Axes(vec![(6, 1), (20, 0)]));
        assert_eq!(walk(&[4, 5], &[2, 3, 4, 5]), Walk::Axes(vec![(6, 0), (20, 1)]));
    }

    #[test]
    fn any_stretch_is_read_as_broadcasting_says() {
        let target = Dims::new(&[2, 3, 1, 4]).unwrap();
        for dims in
            [&[4][..], &[3, 1, 1], &[2, 1, 1, 4], &[2, 3, 1, 1], &[1, 3, 1, 4], &[], &[2, 3, 1, 4], &[2, 1, 1, 1]]
        {
            let dims = Dims::new(dims).unwrap();
            let data: Vec<f32> = (0..dims.elements()).map(|i| i as f32 + 1.0).collect();
            let strides = dims.broadcast_strides(&target);
            let expected: Vec<f32> =
                (0..24).map(|at| data[at / 12 * strides[0] + at / 4 % 3 * strides[1] + at % 4 * strides[3]]).collect();
            let walk = Walk::new(&dims, &target);
            for start in 0..24 {
                for len in 0..=24 - start {
                    let mut out = vec![0.0; len];
                    walk.load(Level::Scalar, &Values::F32(&data), start, &mut out);
                    assert_eq!(out, expected[start..start + len], "{dims} from {start}");
                }
            }
        }
    }
}
