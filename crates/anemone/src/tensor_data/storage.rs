//! Rows of halves, each on a 64-byte boundary, behind a lock.

#[cfg(not(any(target_vendor = "apple", feature = "double")))]
#[path = "storage/host.rs"]
mod memory;
#[cfg(any(target_vendor = "apple", feature = "double"))]
#[path = "storage/surface.rs"]
mod memory;

use crate::error::Error;
use crate::shape::Shape;
use half::f16;
use half::slice::HalfFloatSliceExt;
use memory::Memory;

/// Bytes on which each row begins: the Neural Engine's row pitch.
const ALIGN: usize = 64;

/// Halves in [`ALIGN`] bytes.
const UNIT: usize = ALIGN / size_of::<f16>();

/// Elements from row to row.
pub(crate) fn row_stride(width: usize) -> usize {
    width.div_ceil(UNIT).saturating_mul(UNIT)
}

/// How a tensor lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rows {
    width: usize,
    stride: usize,
    rows: usize,
}

impl Rows {
    /// `None` if no memory can hold so many.
    fn new(shape: Shape) -> Option<Rows> {
        let stride = row_stride(shape.width);
        let rows = shape.batch.checked_mul(shape.channels)?.checked_mul(shape.height)?;
        rows.checked_mul(stride)?.checked_mul(size_of::<f16>())?;
        Some(Rows { width: shape.width, stride, rows })
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

    /// Elements of a row.
    #[cfg(any(target_vendor = "apple", feature = "double"))]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Halves of all rows with their padding.
    fn len(&self) -> usize {
        self.rows * self.stride
    }

    #[track_caller]
    fn start(&self, row: usize) -> usize {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        row * self.stride
    }
}

/// The memory of a tensor: any number of readers or one writer, and nobody waits.
pub(crate) struct Storage {
    memory: Memory,
    rows: Rows,
}

impl Storage {
    /// Zeros.
    ///
    /// `None` if there is no memory for them.
    pub(crate) fn new(shape: Shape) -> Option<Storage> {
        let rows = Rows::new(shape)?;
        Some(Storage { memory: Memory::new(rows.len())?, rows })
    }

    /// The memory of a surface.
    ///
    /// `None` if it is too small.
    #[cfg(target_vendor = "apple")]
    pub(crate) fn of_surface(surface: anemone_apple::Surface, shape: Shape) -> Option<Storage> {
        let rows = Rows::new(shape)?;
        Some(Storage { memory: Memory::of(surface, rows.len())?, rows })
    }

    /// How the rows lie.
    pub(crate) fn rows(&self) -> Rows {
        self.rows
    }

    /// Locks it for reading; `None` if it is locked for writing.
    pub(crate) fn read(&self) -> Result<Option<Read<'_>>, Error> {
        Ok(self.memory.read()?.map(|memory| Read { memory, rows: self.rows }))
    }

    /// Locks it for writing; `None` if it is locked.
    pub(crate) fn write(&self) -> Result<Option<Write<'_>>, Error> {
        Ok(self.memory.write()?.map(|memory| Write { memory, rows: self.rows }))
    }

    /// The surface that it is.
    #[cfg(any(target_vendor = "apple", feature = "double"))]
    pub(crate) fn surface(&self) -> &anemone_apple::Surface {
        self.memory.surface()
    }

    /// Whether writing one writes the other.
    pub(crate) fn is_same(&self, other: &Storage) -> bool {
        self.memory.is_same(&other.memory)
    }
}

/// A tensor's halves, locked for reading.
pub(crate) struct Read<'a> {
    memory: memory::Read<'a>,
    rows: Rows,
}

impl Read<'_> {
    pub(crate) fn rows(&self) -> Rows {
        self.rows
    }

    /// All rows with their padding.
    pub(crate) fn padded(&self) -> &[f16] {
        &self.memory.halves()[..self.rows.len()]
    }

    #[track_caller]
    pub(crate) fn row(&self, row: usize) -> &[f16] {
        &self.padded()[self.rows.start(row)..][..self.rows.width]
    }

    pub(crate) fn to_f32(&self) -> Box<[f32]> {
        to_f32(self.rows, self.padded())
    }
}

/// A tensor's halves, locked for writing.
pub(crate) struct Write<'a> {
    memory: memory::Write<'a>,
    rows: Rows,
}

impl Write<'_> {
    pub(crate) fn rows(&self) -> Rows {
        self.rows
    }

    /// All rows with their padding.
    pub(crate) fn padded_mut(&mut self) -> &mut [f16] {
        let len = self.rows.len();
        &mut self.memory.halves_mut()[..len]
    }

    #[track_caller]
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f16] {
        let (start, width) = (self.rows.start(row), self.rows.width);
        &mut self.padded_mut()[start..][..width]
    }

    pub(crate) fn set(&mut self, index: usize, value: f16) {
        let Rows { width, stride, .. } = self.rows;
        self.padded_mut()[index / width * stride + index % width] = value;
    }

    pub(crate) fn to_f32(&self) -> Box<[f32]> {
        to_f32(self.rows, &self.memory.halves()[..self.rows.len()])
    }

    /// Replaces all elements; `values` has as many.
    pub(crate) fn copy_from_f32(&mut self, values: &[f32]) {
        let Rows { width, stride, .. } = self.rows;
        if self.rows.dense() {
            self.padded_mut().convert_from_f32_slice(values);
        } else {
            let rows = self.padded_mut().chunks_exact_mut(stride.max(1)).zip(values.chunks_exact(width.max(1)));
            rows.for_each(|(to, from)| to[..width].convert_from_f32_slice(from));
        }
    }
}

fn to_f32(rows: Rows, padded: &[f16]) -> Box<[f32]> {
    let Rows { width, stride, .. } = rows;
    let mut out = vec![0.0; rows.rows * width].into_boxed_slice();
    if rows.dense() {
        padded.convert_to_f32_slice(&mut out);
    } else {
        let rows = out.chunks_exact_mut(width.max(1)).zip(padded.chunks_exact(stride.max(1)));
        rows.for_each(|(to, from)| from[..width].convert_to_f32_slice(to));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_aligned() {
        for width in [1, 31, 32, 33, 64, 100] {
            let storage = Storage::new(Shape { batch: 2, channels: 3, height: 2, width }).unwrap();
            let mut guard = storage.write().unwrap().unwrap();
            for row in 0..12 {
                assert_eq!(guard.row_mut(row).as_ptr() as usize % ALIGN, 0);
                assert_eq!(guard.row_mut(row).len(), width);
            }
            guard.set(width, f16::ONE);
            assert_eq!(guard.row_mut(1)[0], f16::ONE);
            assert_eq!(guard.to_f32().iter().sum::<f32>(), 1.0);
            drop(guard);
            let guard = storage.read().unwrap().unwrap();
            assert_eq!((guard.row(1)[0], guard.row(1).len()), (f16::ONE, width));
        }
    }

    #[test]
    fn absurd_shapes_are_refused() {
        assert!(Storage::new(Shape::spatial(usize::MAX, 2, 1)).is_none());
        assert!(Storage::new(Shape::spatial(1 << 40, 1 << 10, 1)).is_none());
        assert!(Storage::new(Shape::spatial(1, 1, usize::MAX)).is_none());
        assert_eq!(Storage::new(Shape::spatial(0, 1, 0)).unwrap().read().unwrap().unwrap().to_f32().len(), 0);
    }
}
