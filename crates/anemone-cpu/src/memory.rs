//! Memory of a run: 64-byte aligned storage, and typed views of parts of it.
//!
//! This is one of the few places with `unsafe`: a step reads some buffers of the arena while it writes others, which the
//! borrow checker cannot follow through one vector. That the buffers of a step do not overlap is proved for each plan by
//! [`crate::plan::verify`] before the plan can run.

use anemone_ir::DType;
use half::f16;
use std::marker::PhantomData;

/// A cache line.
#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);

/// Bytes of a cache line, and the alignment of every buffer.
pub(crate) const LINE: usize = 64;

/// Zeroed, 64-byte aligned storage.
pub(crate) struct Storage(Vec<Line>);

impl Storage {
    pub(crate) fn new(bytes: usize) -> Storage {
        Storage(vec![Line([0; 64]); bytes.div_ceil(LINE)])
    }

    pub(crate) fn base(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Where a buffer is during a run.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) base: *mut u8,
    pub(crate) elements: usize,
    pub(crate) dtype: DType,
}

// SAFETY: a `Place` is only an address; who reads or writes through it is decided by `Io`, whose unsafe parts say why.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

/// Types that a buffer's elements are stored as.
pub(crate) trait Stored: bytemuck::Pod + Send + Sync {
    fn holds(dtype: DType) -> bool;
}
impl Stored for f16 {
    fn holds(dtype: DType) -> bool {
        dtype == DType::Fp16
    }
}
impl Stored for f32 {
    fn holds(dtype: DType) -> bool {
        dtype == DType::Fp32
    }
}
impl Stored for i32 {
    fn holds(dtype: DType) -> bool {
        dtype == DType::Int32
    }
}
impl Stored for u8 {
    fn holds(dtype: DType) -> bool {
        dtype.size() == 1
    }
}
impl Stored for u16 {
    /// Any 16-bit type, for kernels that only move data.
    fn holds(dtype: DType) -> bool {
        dtype.size() == 2
    }
}
impl Stored for u32 {
    /// Any 32-bit type, for kernels that only move data.
    fn holds(dtype: DType) -> bool {
        dtype.size() == 4
    }
}

/// The buffers of one step during one run.
pub(crate) struct Io<'a> {
    reads: &'a [Place],
    writes: &'a [Place],
    taken: u64,
    life: PhantomData<&'a mut [u8]>,
}

impl<'a> Io<'a> {
    /// Buffers of a step.
    ///
    /// # Safety
    /// For `'a`, every place is valid for its elements, aligned to them and initialised; nobody else writes a place in
    /// `reads` or touches a place in `writes`; no place in `writes` overlaps another place.
    pub(crate) unsafe fn new(reads: &'a [Place], writes: &'a [Place]) -> Io<'a> {
        Io { reads, writes, taken: 0, life: PhantomData }
    }

    /// The element type of an operand.
    pub(crate) fn dtype(&self, read: usize) -> DType {
        self.reads[read].dtype
    }

    /// The elements of an operand.
    pub(crate) fn read<T: Stored>(&self, read: usize) -> &'a [T] {
        let place = self.reads[read];
        assert!(T::holds(place.dtype), "operand {read} is {}", place.dtype);
        // SAFETY: `new`'s caller vouches for the place; `holds` has checked the element size, and every stored type takes
        // any bit pattern.
        unsafe { std::slice::from_raw_parts(place.base.cast_const().cast::<T>(), place.elements) }
    }

    /// The elements of a result, which can be taken once.
    pub(crate) fn write<T: Stored>(&mut self, write: usize) -> &'a mut [T] {
        let place = self.writes[write];
        assert!(T::holds(place.dtype), "result {write} is {}", place.dtype);
        assert!(write < 64 && self.taken & (1 << write) == 0, "result {write} is taken");
        self.taken |= 1 << write;
        // SAFETY: as in `read`; nothing else touches the place, and it is handed out once.
        unsafe { std::slice::from_raw_parts_mut(place.base.cast::<T>(), place.elements) }
    }

    /// The number of operands.
    pub(crate) fn reads(&self) -> usize {
        self.reads.len()
    }

    /// The number of results.
    pub(crate) fn writes(&self) -> usize {
        self.writes.len()
    }
}
