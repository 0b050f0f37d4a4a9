//! Tensors that lie in the caller's memory with strides of the caller's choice.

use anemone_cpu::{Input, Output, Slice, SliceMut};
use anemone_ir::{DType, TensorType};
use half::f16;

/// A tensor to read: the element at `index` begins at the byte that is the sum of `index[i] * strides[i]`.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// The memory.
    pub bytes: &'a [u8],
    /// Bytes from element to element, for each dimension.
    pub strides: &'a [usize],
}

/// A tensor to write, as [`Tensor`].
#[derive(Debug)]
pub struct TensorMut<'a> {
    /// The memory.
    pub bytes: &'a mut [u8],
    /// Bytes from element to element, for each dimension.
    pub strides: &'a [usize],
}

/// Why memory cannot be a tensor.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TensorError {
    /// The number of strides is not the number of dimensions.
    #[error("{strides} strides are given for {rank} dimensions")]
    Rank {
        /// Dimensions.
        rank: usize,
        /// Strides.
        strides: usize,
    },
    /// The last element ends behind the memory.
    #[error("the tensor takes {wanted} bytes, {given} are given")]
    Length {
        /// What it takes.
        wanted: usize,
        /// What is given.
        given: usize,
    },
}

/// Whether the strides keep every element of `ty` inside of `given` bytes.
pub(crate) fn check(ty: &TensorType, strides: &[usize], given: usize) -> Result<(), TensorError> {
    let rank = ty.dims.rank();
    if strides.len() != rank {
        return Err(TensorError::Rank { rank, strides: strides.len() });
    }
    if ty.dims.elements() == 0 {
        return Ok(());
    }
    let reach = |sum: usize, (dim, stride): (&usize, &usize)| sum.saturating_add((dim - 1).saturating_mul(*stride));
    let wanted = ty.dims.iter().zip(strides).fold(ty.dtype.size(), reach);
    if wanted > given { Err(TensorError::Length { wanted, given }) } else { Ok(()) }
}

/// Calls `each` with where an element begins: in memory of these strides, and in memory without gaps.
fn elements(ty: &TensorType, strides: &[usize], mut each: impl FnMut(usize, usize)) {
    let size = ty.dtype.size();
    for at in 0..ty.dims.elements() {
        let mut rest = at;
        let mut start = 0;
        for (dim, stride) in ty.dims.iter().zip(strides).rev() {
            start += rest % dim * stride;
            rest /= dim;
        }
        each(start, at * size);
    }
}

macro_rules! dense {
    ($($variant:ident $t:ty => $dtype:ident,)*) => {
        /// Elements without gaps, as the engine takes them.
        #[derive(Debug)]
        pub(crate) enum Dense {
            $($variant(Vec<$t>),)*
        }

        impl Dense {
            /// Zeros; `None` for a type that no input or output can have.
            pub(crate) fn new(ty: &TensorType) -> Option<Dense> {
                Some(match ty.dtype {
                    $(DType::$dtype => Dense::$variant(vec![bytemuck::Zeroable::zeroed(); ty.dims.elements()]),)*
                    _ => return None,
                })
            }

            fn bytes(&self) -> &[u8] {
                match self { $(Dense::$variant(v) => bytemuck::cast_slice(v),)* }
            }

            fn bytes_mut(&mut self) -> &mut [u8] {
                match self { $(Dense::$variant(v) => bytemuck::cast_slice_mut(v),)* }
            }

            pub(crate) fn input(&self, row_stride: usize) -> Input<'_> {
                let data = match self { $(Dense::$variant(v) => Slice::$variant(v),)* };
                Input { data, row_stride }
            }

            pub(crate) fn output(&mut self, row_stride: usize) -> Output<'_> {
                let data = match self { $(Dense::$variant(v) => SliceMut::$variant(v),)* };
                Output { data, row_stride }
            }
        }
    };
}

dense! {
    F16 f16 => Fp16,
    F32 f32 => Fp32,
    I32 i32 => Int32,
    I16 i16 => Int16,
    U16 u16 => UInt16,
    I8 i8 => Int8,
    U8 u8 => UInt8,
    Bool u8 => Bool,
}

impl Dense {
    /// Takes the elements out of a tensor that has been checked.
    pub(crate) fn fill(&mut self, ty: &TensorType, from: Tensor<'_>) {
        let (size, to) = (ty.dtype.size(), self.bytes_mut());
        elements(ty, from.strides, |start, at| to[at..at + size].copy_from_slice(&from.bytes[start..start + size]));
    }

    /// Puts the elements into a tensor that has been checked. Nothing between them is written.
    pub(crate) fn store(&self, ty: &TensorType, to: &mut TensorMut<'_>) {
        let (size, from) = (ty.dtype.size(), self.bytes());
        elements(ty, to.strides, |start, at| to.bytes[start..start + size].copy_from_slice(&from[at..at + size]));
    }
}
