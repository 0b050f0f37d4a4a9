//! Tensors in memory.

mod storage;
#[cfg(target_vendor = "apple")]
mod surface;

use crate::error::{Error, ErrorKind};
use crate::shape::Shape;
use half::f16;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
pub(crate) use storage::{Read, Rows, Storage, Write};
#[cfg(target_vendor = "apple")]
pub use surface::IOSurfaceExt;

/// A tensor in memory: stored as `fp16`, written and read as `f32`.
///
/// Conversion to `fp16` rounds to nearest even; what is too large becomes infinite, NaN stays NaN, subnormals are kept.
///
/// # Layout
/// The storage is laid out as the Neural Engine wants it, on every platform: each row (the `width` axis) begins on a
/// 64-byte boundary, so it takes a multiple of 32 elements. A tensor whose width is a multiple of 32 is dense. One of width
/// 1, such as `[1, c, 1, 1]`, takes 32 times the memory of its elements; put such data into the width where memory matters.
/// On Apple's systems no tensor takes less than 16 KB, which is the least that the engine takes.
///
/// # Locks
/// Reading and writing take `&self`; the storage is locked meanwhile. Any number of readers, or one writer. A second
/// writer, or a reader beside a writer, is a bug in the program and panics, as `RefCell` does, at the caller's line; the
/// `try_` methods return an error of kind [`ErrorKind::Locked`]. A run of an [`crate::Executable`] locks its tensors too.
///
/// The methods that panic on a wrong length or index have `try_` forms as well; no data is changed when those fail.
///
/// # Surfaces
/// On Apple's systems the memory is an `IOSurface`, which the Neural Engine uses in place if the program wants the layout above:
/// `surface` gives it to other code, and `from_surface` takes one. It is locked for the CPU exactly while a guard of this crate
/// is alive; what other processes, the GPU or Objective-C code do with it, this crate cannot see.
///
/// ```
/// use anemone::{Shape, TensorData};
/// let t = TensorData::with_f32(&[1.0, 2.0, 3.0], Shape::channels(3));
/// t.as_f32_slice_mut()[0] = 0.1;
/// t.write_f32_at(2, -3.0);
/// assert_eq!(*t.read_f32(), [0.0999755859375, 2.0, -3.0]);
/// ```
pub struct TensorData {
    shape: Shape,
    storage: Storage,
}

impl TensorData {
    /// A tensor of zeros.
    ///
    /// # Panics
    /// The shape is too large for memory.
    #[track_caller]
    pub fn new(shape: Shape) -> TensorData {
        or_panic(TensorData::try_new(shape))
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// The shape is too large for memory.
    pub fn try_new(shape: Shape) -> Result<TensorData, Error> {
        let storage = Storage::new(shape)
            .ok_or_else(|| Error::new(ErrorKind::Shape, format!("there is no memory for a tensor of {shape}")))?;
        Ok(TensorData { shape, storage })
    }

    /// A tensor with these elements, in the order of [`Shape`].
    ///
    /// # Panics
    /// `data` has another length than `shape.total_elements()`, or the shape is too large for memory.
    #[track_caller]
    pub fn with_f32(data: &[f32], shape: Shape) -> TensorData {
        or_panic(TensorData::try_with_f32(data, shape))
    }

    /// As [`TensorData::with_f32`].
    ///
    /// # Errors
    /// `data` has another length than the shape says, or the shape is too large for memory.
    #[track_caller]
    pub fn try_with_f32(data: &[f32], shape: Shape) -> Result<TensorData, Error> {
        check_length(data.len(), shape)?;
        let tensor = TensorData::try_new(shape)?;
        tensor.try_copy_from_f32(data)?;
        Ok(tensor)
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Elements from the beginning of a row to the beginning of the next: the width rounded up to a multiple of 32.
    pub fn row_stride(&self) -> usize {
        storage::row_stride(self.shape.width)
    }

    /// Locks the tensor for reading and gives its elements as `f32`.
    ///
    /// # Panics
    /// It is locked for writing.
    #[track_caller]
    pub fn as_f32_slice(&self) -> LockedSlice<'_> {
        or_panic(self.try_as_f32_slice())
    }

    /// As [`TensorData::as_f32_slice`].
    ///
    /// # Errors
    /// The tensor is locked for writing.
    #[track_caller]
    pub fn try_as_f32_slice(&self) -> Result<LockedSlice<'_>, Error> {
        let guard = self.lock()?;
        Ok(LockedSlice { values: guard.to_f32(), _guard: guard })
    }

    /// Locks the tensor for writing and gives its elements as `f32`. They are stored when the guard is dropped.
    ///
    /// # Panics
    /// It is locked.
    #[track_caller]
    pub fn as_f32_slice_mut(&self) -> LockedSliceMut<'_> {
        or_panic(self.try_as_f32_slice_mut())
    }

    /// As [`TensorData::as_f32_slice_mut`].
    ///
    /// # Errors
    /// The tensor is locked.
    #[track_caller]
    pub fn try_as_f32_slice_mut(&self) -> Result<LockedSliceMut<'_>, Error> {
        let guard = self.lock_mut()?;
        Ok(LockedSliceMut { values: guard.to_f32(), guard, changed: false })
    }

    /// Locks the tensor for reading and gives its halves where they are, without a copy.
    ///
    /// # Panics
    /// It is locked for writing.
    #[track_caller]
    pub fn as_f16(&self) -> HalfSlice<'_> {
        or_panic(self.try_as_f16())
    }

    /// As [`TensorData::as_f16`].
    ///
    /// # Errors
    /// The tensor is locked for writing.
    #[track_caller]
    pub fn try_as_f16(&self) -> Result<HalfSlice<'_>, Error> {
        Ok(HalfSlice { guard: self.lock()? })
    }

    /// Locks the tensor for writing and gives its halves where they are, without a copy.
    ///
    /// # Panics
    /// It is locked.
    #[track_caller]
    pub fn as_f16_mut(&self) -> HalfSliceMut<'_> {
        or_panic(self.try_as_f16_mut())
    }

    /// As [`TensorData::as_f16_mut`].
    ///
    /// # Errors
    /// The tensor is locked.
    #[track_caller]
    pub fn try_as_f16_mut(&self) -> Result<HalfSliceMut<'_>, Error> {
        Ok(HalfSliceMut { guard: self.lock_mut()? })
    }

    /// The elements as `f32`.
    ///
    /// # Panics
    /// The tensor is locked for writing.
    #[track_caller]
    pub fn read_f32(&self) -> Box<[f32]> {
        or_panic(self.try_read_f32())
    }

    /// As [`TensorData::read_f32`].
    ///
    /// # Errors
    /// The tensor is locked for writing.
    #[track_caller]
    pub fn try_read_f32(&self) -> Result<Box<[f32]>, Error> {
        Ok(self.lock()?.to_f32())
    }

    /// Replaces all elements.
    ///
    /// # Panics
    /// `data` has another length than the tensor, or the tensor is locked.
    #[track_caller]
    pub fn copy_from_f32(&self, data: &[f32]) {
        or_panic(self.try_copy_from_f32(data));
    }

    /// As [`TensorData::copy_from_f32`].
    ///
    /// # Errors
    /// `data` has another length than the tensor, or the tensor is locked.
    #[track_caller]
    pub fn try_copy_from_f32(&self, data: &[f32]) -> Result<(), Error> {
        check_length(data.len(), self.shape)?;
        self.lock_mut()?.copy_from_f32(data);
        Ok(())
    }

    /// Replaces one element, by its position in the order of [`Shape`].
    ///
    /// # Panics
    /// `index` is outside of the tensor, or the tensor is locked.
    #[track_caller]
    pub fn write_f32_at(&self, index: usize, value: f32) {
        or_panic(self.try_write_f32_sparse(&[index], &[value]));
    }

    /// Replaces several elements: `values[i]` goes to position `indices[i]`.
    ///
    /// # Panics
    /// There are not as many values as indices, an index is outside of the tensor, or the tensor is locked.
    #[track_caller]
    pub fn write_f32_sparse(&self, indices: &[usize], values: &[f32]) {
        or_panic(self.try_write_f32_sparse(indices, values));
    }

    /// As [`TensorData::write_f32_sparse`].
    ///
    /// # Errors
    /// There are not as many values as indices, an index is outside of the tensor, or the tensor is locked. Nothing is
    /// written then.
    #[track_caller]
    pub fn try_write_f32_sparse(&self, indices: &[usize], values: &[f32]) -> Result<(), Error> {
        if indices.len() != values.len() {
            let message = format!("there are {} indices, but {} values", indices.len(), values.len());
            return Err(Error::new(ErrorKind::Length, message));
        }
        let total = self.shape.total_elements();
        if let Some(bad) = indices.iter().find(|i| **i >= total) {
            let message = format!("index {bad} is outside of {}, which has {total} elements", self.shape);
            return Err(Error::new(ErrorKind::Length, message));
        }
        let mut storage = self.lock_mut()?;
        indices.iter().zip(values).for_each(|(index, value)| storage.set(*index, f16::from_f32(*value)));
        Ok(())
    }

    #[track_caller]
    fn lock(&self) -> Result<Read<'_>, Error> {
        self.lock_at(Location::caller())
    }

    #[track_caller]
    fn lock_mut(&self) -> Result<Write<'_>, Error> {
        self.lock_mut_at(Location::caller())
    }

    /// Locks the tensor for reading, on behalf of a line of the user's.
    pub(crate) fn lock_at(&self, at: &Location<'_>) -> Result<Read<'_>, Error> {
        self.storage.read()?.ok_or_else(|| self.locked(at, "reading", "for writing"))
    }

    /// Locks the tensor for writing, on behalf of a line of the user's.
    pub(crate) fn lock_mut_at(&self, at: &Location<'_>) -> Result<Write<'_>, Error> {
        self.storage.write()?.ok_or_else(|| self.locked(at, "writing", "already"))
    }

    /// The memory behind.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    fn locked(&self, at: &Location<'_>, wanted: &str, held: &str) -> Error {
        let shape = self.shape;
        let message = format!("{at} locks a tensor of {shape} for {wanted}, but it is locked {held}: a guard is alive");
        Error::new(ErrorKind::Locked, message)
    }
}

fn check_length(found: usize, shape: Shape) -> Result<(), Error> {
    let wanted = shape.total_elements();
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Length,
        format!("{found} elements are given for a tensor of {shape}, which has {wanted}"),
    ))
}

#[track_caller]
fn or_panic<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{e}"),
    }
}

impl fmt::Debug for TensorData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorData").field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// The elements of a [`TensorData`] as `f32`, locked for reading.
pub struct LockedSlice<'a> {
    values: Box<[f32]>,
    _guard: Read<'a>,
}

impl Deref for LockedSlice<'_> {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl fmt::Debug for LockedSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.values, f)
    }
}

/// The elements of a [`TensorData`] as `f32`, locked for writing; stored as `fp16` when dropped.
pub struct LockedSliceMut<'a> {
    values: Box<[f32]>,
    guard: Write<'a>,
    changed: bool,
}

impl Deref for LockedSliceMut<'_> {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for LockedSliceMut<'_> {
    fn deref_mut(&mut self) -> &mut [f32] {
        self.changed = true;
        &mut self.values
    }
}

impl Drop for LockedSliceMut<'_> {
    fn drop(&mut self) {
        if self.changed {
            self.guard.copy_from_f32(&self.values);
        }
    }
}

impl fmt::Debug for LockedSliceMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.values, f)
    }
}

/// The halves of a [`TensorData`] where they are, locked for reading.
///
/// ```
/// use anemone::{Shape, TensorData};
/// let t = TensorData::with_f32(&[1.0; 2 * 40], Shape::spatial(2, 1, 40));
/// let halves = t.as_f16();
/// assert_eq!(halves.row(1).len(), 40);
/// assert!(halves.dense().is_none(), "rows of 40 are padded to 64");
/// ```
pub struct HalfSlice<'a> {
    guard: Read<'a>,
}

impl HalfSlice<'_> {
    /// The number of rows: batch times channels times height.
    pub fn rows(&self) -> usize {
        self.guard.rows().rows()
    }

    /// A row, without its padding.
    ///
    /// # Panics
    /// There are not as many rows.
    #[track_caller]
    pub fn row(&self, row: usize) -> &[f16] {
        self.guard.row(row)
    }

    /// All elements, if rows are not padded: if the width is a multiple of 32.
    pub fn dense(&self) -> Option<&[f16]> {
        self.guard.rows().dense().then(|| self.guard.padded())
    }
}

/// The halves of a [`TensorData`] where they are, locked for writing.
pub struct HalfSliceMut<'a> {
    guard: Write<'a>,
}

impl HalfSliceMut<'_> {
    /// The number of rows: batch times channels times height.
    pub fn rows(&self) -> usize {
        self.guard.rows().rows()
    }

    /// A row, without its padding.
    ///
    /// # Panics
    /// There are not as many rows.
    #[track_caller]
    pub fn row(&mut self, row: usize) -> &mut [f16] {
        self.guard.row_mut(row)
    }

    /// All elements, if rows are not padded: if the width is a multiple of 32.
    pub fn dense(&mut self) -> Option<&mut [f16]> {
        if self.guard.rows().dense() { Some(self.guard.padded_mut()) } else { None }
    }
}
