//! Rows of halves, each on a 64-byte boundary.

use crate::shape::Shape;
use half::f16;
use half::slice::HalfFloatSliceExt;

/// Bytes on which each row begins: the Neural Engine's row pitch.
const ALIGN: usize = 64;

/// Halves in [`ALIGN`] bytes.
const UNIT: usize = ALIGN / size_of::<f16>();

/// Elements from row to row.
pub(crate) fn row_stride(width: usize) -> usize {
    width.div_ceil(UNIT).saturating_mul(UNIT)
}

/// The rows of a tensor.
///
/// The vector is a little longer than the rows need, and they begin where it is aligned; it never grows, so it never moves.
pub(crate) struct Storage {
    halves: Vec<f16>,
    start: usize,
    width: usize,
    stride: usize,
    rows: usize,
}

impl Storage {
    /// Zeros; `None` if there is no memory for them.
    pub(crate) fn new(shape: Shape) -> Option<Storage> {
        let stride = row_stride(shape.width);
        let rows = shape.batch.checked_mul(shape.channels)?.checked_mul(shape.height)?;
        let len = rows.checked_mul(stride)?.checked_add(UNIT)?;
        let mut halves = Vec::new();
        halves.try_reserve_exact(len).ok()?;
        halves.resize(len, f16::ZERO);
        let misaligned = halves.as_ptr() as usize % ALIGN;
        let start = (ALIGN - misaligned) % ALIGN / size_of::<f16>();
        Some(Storage { halves, start, width: shape.width, stride, rows })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Elements from row to row.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Whether rows follow each other without padding.
    pub(crate) fn dense(&self) -> bool {
        self.width == self.stride
    }

    /// All rows with their padding.
    pub(crate) fn padded(&self) -> &[f16] {
        &self.halves[self.start..][..self.rows * self.stride]
    }

    /// All rows with their padding.
    pub(crate) fn padded_mut(&mut self) -> &mut [f16] {
        &mut self.halves[self.start..][..self.rows * self.stride]
    }

    #[track_caller]
    pub(crate) fn row(&self, row: usize) -> &[f16] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &self.padded()[row * self.stride..][..self.width]
    }

    #[track_caller]
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f16] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let (width, stride) = (self.width, self.stride);
        &mut self.padded_mut()[row * stride..][..width]
    }

    pub(crate) fn set(&mut self, index: usize, value: f16) {
        let at = index / self.width * self.stride + index % self.width;
        self.padded_mut()[at] = value;
    }

    pub(crate) fn to_f32(&self) -> Box<[f32]> {
        let mut out = vec![0.0; self.rows * self.width].into_boxed_slice();
        if self.dense() {
            self.padded().convert_to_f32_slice(&mut out);
        } else {
            let rows = out.chunks_exact_mut(self.width.max(1)).zip(self.padded().chunks_exact(self.stride.max(1)));
            rows.for_each(|(to, from)| from[..self.width].convert_to_f32_slice(to));
        }
        out
    }

    /// Replaces all elements; `values` has as many.
    pub(crate) fn copy_from_f32(&mut self, values: &[f32]) {
        if self.dense() {
            self.padded_mut().convert_from_f32_slice(values);
        } else {
            let (width, stride) = (self.width, self.stride);
            let rows = self.padded_mut().chunks_exact_mut(stride.max(1)).zip(values.chunks_exact(width.max(1)));
            rows.for_each(|(to, from)| to[..width].convert_from_f32_slice(from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_aligned() {
        for width in [1, 31, 32, 33, 64, 100] {
            let mut storage = Storage::new(Shape { batch: 2, channels: 3, height: 2, width }).unwrap();
            for row in 0..12 {
                assert_eq!(storage.row(row).as_ptr() as usize % ALIGN, 0);
                assert_eq!(storage.row(row).len(), width);
            }
            storage.set(width, f16::ONE);
            assert_eq!(storage.row(1)[0], f16::ONE);
            assert_eq!(storage.to_f32().iter().sum::<f32>(), 1.0);
        }
    }

    #[test]
    fn absurd_shapes_are_refused() {
        assert!(Storage::new(Shape::spatial(usize::MAX, 2, 1)).is_none());
        assert!(Storage::new(Shape::spatial(1 << 40, 1 << 10, 1)).is_none());
        assert!(Storage::new(Shape::spatial(1, 1, usize::MAX)).is_none());
        assert_eq!(Storage::new(Shape::spatial(0, 1, 0)).unwrap().to_f32().len(), 0);
    }
}
