//! Memory of a run: 64-byte aligned storage, and typed views of parts of it.
//!
//! This is one of the few places with `unsafe`: a step reads some buffers while it writes others, and several threads fill
//! one buffer, which the borrow checker cannot follow. That the buffers of a step do not overlap is proved for each plan by
//! [`crate::plan::verify`] before the plan can run; that threads keep to their own elements is owed by each caller of an
//! `unsafe` method here.

use crate::plan::BufferId;
use anemone_ir::DType;
use anemone_simd::{Level, half as halves};
use half::f16;
use std::marker::PhantomData;

/// A cache line.
#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);

/// Bytes of a cache line, and the alignment of every buffer.
pub(crate) const LINE: usize = 64;

/// Zeroed, 64-byte aligned storage. Addresses in it hold when it is moved, which a box would not promise: places point
/// into the storage that lies beside them.
pub(crate) struct Storage(Vec<Line>);

impl Storage {
    /// `None` if there is no memory for it.
    pub(crate) fn try_new(bytes: usize) -> Option<Storage> {
        bytemuck::allocation::try_zeroed_vec(bytes.div_ceil(LINE)).ok().map(Storage)
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

    pub(crate) fn floats_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
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

macro_rules! stored {
    ($($(#[$doc:meta])* $t:ty: $dtype:ident => $holds:expr;)*) => {$(
        impl Stored for $t {
            $(#[$doc])*
            fn holds($dtype: DType) -> bool {
                $holds
            }
        }
    )*};
}
stored! {
    f16: d => d == DType::Fp16;
    f32: d => d == DType::Fp32;
    i32: d => d == DType::Int32;
    /// Any 8-bit type, for kernels that only move data.
    u8: d => d.size() == 1;
    /// Any 16-bit type, for kernels that only move data.
    u16: d => d.size() == 2;
    /// Any 32-bit type, for kernels that only move data.
    u32: d => d.size() == 4;
}

/// Numbers that kernels compute with: `bool` counts as 0 and 1.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    F16(&'a [f16]),
    F32(&'a [f32]),
    Bool(&'a [u8]),
}

impl<'a> Values<'a> {
    pub(crate) fn get(&self, at: usize) -> f32 {
        match self {
            Values::F16(v) => v[at].to_f32(),
            Values::F32(v) => v[at],
            Values::Bool(v) => f32::from(v[at]),
        }
    }

    /// Widens `to.len()` elements from `start` on.
    pub(crate) fn load(&self, level: Level, start: usize, to: &mut [f32]) {
        match self {
            Values::F16(v) => halves::to_f32(level, &v[start..][..to.len()], to),
            Values::F32(v) => to.copy_from_slice(&v[start..][..to.len()]),
            Values::Bool(v) => v[start..][..to.len()].iter().zip(to).for_each(|(b, x)| *x = f32::from(*b)),
        }
    }
}

/// The buffers of one step during one run.
pub(crate) struct Io<'a> {
    places: &'a [Place],
    reads: &'a [BufferId],
    writes: &'a [BufferId],
    /// Results below this one are taken or passed over.
    taken: usize,
    life: PhantomData<&'a mut [u8]>,
}

impl<'a> Io<'a> {
    /// Buffers of a step: positions in `places`.
    ///
    /// # Safety
    /// For `'a`, every place of the step is valid for its elements, aligned to them and initialised; nobody but the step
    /// writes a place in `reads` or touches a place in `writes`; no place in `writes` overlaps another place of the step.
    pub(crate) unsafe fn new(places: &'a [Place], reads: &'a [BufferId], writes: &'a [BufferId]) -> Io<'a> {
        Io { places, reads, writes, taken: 0, life: PhantomData }
    }

    /// The element type of an operand.
    pub(crate) fn dtype(&self, read: usize) -> DType {
        self.places[self.reads[read]].dtype
    }

    /// The elements of an operand.
    pub(crate) fn read<T: Stored>(&self, read: usize) -> &'a [T] {
        let place = self.places[self.reads[read]];
        assert!(T::holds(place.dtype), "operand {read} is {}", place.dtype);
        // SAFETY: `new`'s caller vouches for the place; `holds` has checked the element size, and every stored type takes
        // any bit pattern.
        unsafe { std::slice::from_raw_parts(place.base.cast_const().cast::<T>(), place.elements) }
    }

    /// The elements of an operand to compute with.
    pub(crate) fn values(&self, read: usize) -> Values<'a> {
        match self.dtype(read) {
            DType::Fp16 => Values::F16(self.read(read)),
            DType::Fp32 => Values::F32(self.read(read)),
            DType::Bool => Values::Bool(self.read(read)),
            other => unreachable!("operand {read} is {other}: kernels of floats are planned for floats and bool only"),
        }
    }

    /// The elements of a result. Each can be taken once, in their order.
    pub(crate) fn write<T: Stored>(&mut self, write: usize) -> &'a mut [T] {
        assert!(write >= self.taken, "result {write} may be taken");
        self.taken = write + 1;
        let place = self.places[self.writes[write]];
        // SAFETY: `new`'s caller vouches for the place; nothing else touches it, and it is handed out once.
        unsafe { place.slice(0, place.elements) }
    }

    /// A result that several threads fill.
    pub(crate) fn target(&self, write: usize) -> Place {
        self.places[self.writes[write]]
    }

    /// The number of results.
    pub(crate) fn writes(&self) -> usize {
        self.writes.len()
    }
}

impl Place {
    /// Some of the elements, to be written.
    ///
    /// # Safety
    /// The place is valid for `'a`, and nobody else touches these elements meanwhile.
    pub(crate) unsafe fn slice<'a, T: Stored>(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(T::holds(self.dtype), "the buffer holds {}", self.dtype);
        assert!(start <= self.elements && len <= self.elements - start, "{start} + {len} of {}", self.elements);
        // SAFETY: the caller vouches for place and exclusiveness; `holds` has checked the element size, the range is
        // inside, and every stored type takes any bit pattern.
        unsafe { std::slice::from_raw_parts_mut(self.base.cast::<T>().add(start), len) }
    }

    /// Stores numbers, rounded to the place's type, from element `start` on.
    ///
    /// # Safety
    /// As [`Place::slice`].
    pub(crate) unsafe fn store(&self, level: Level, start: usize, values: &[f32]) {
        // SAFETY: the caller's.
        unsafe {
            match self.dtype {
                DType::Fp16 => halves::to_f16(level, values, self.slice(start, values.len())),
                DType::Fp32 => self.slice::<f32>(start, values.len()).copy_from_slice(values),
                DType::Bool => {
                    let to = self.slice::<u8>(start, values.len());
                    to.iter_mut().zip(values).for_each(|(to, x)| *to = u8::from(*x != 0.0));
                }
                other => unreachable!("a kernel of floats writes {other}"),
            }
        }
    }
}
