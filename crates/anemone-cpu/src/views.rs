//! What the engine is given to read and to fill: slices whose rows may be padded.

use anemone_ir::DType;
use half::f16;

/// Elements of an input.
#[derive(Clone, Copy, Debug)]
pub enum Slice<'a> {
    /// Halves; also taken for an `fp32` input.
    F16(&'a [f16]),
    /// Singles; also taken for an `fp16` input, rounded to nearest even.
    F32(&'a [f32]),
    /// `int32`.
    I32(&'a [i32]),
    /// `bool`, one byte each, 0 or 1.
    Bool(&'a [u8]),
}

impl Slice<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Slice::F16(s) => s.len(),
            Slice::F32(s) => s.len(),
            Slice::I32(s) => s.len(),
            Slice::Bool(s) => s.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Slice::F16(_) => DType::Fp16,
            Slice::F32(_) => DType::Fp32,
            Slice::I32(_) => DType::Int32,
            Slice::Bool(_) => DType::Bool,
        }
    }
}

/// Elements of an output.
#[derive(Debug)]
pub enum SliceMut<'a> {
    /// Halves; an `fp32` output is rounded to nearest even.
    F16(&'a mut [f16]),
    /// Singles.
    F32(&'a mut [f32]),
    /// `int32`.
    I32(&'a mut [i32]),
    /// `bool`, one byte each.
    Bool(&'a mut [u8]),
}

impl SliceMut<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.as_slice().dtype()
    }

    /// The same, to read.
    pub fn as_slice(&self) -> Slice<'_> {
        match self {
            SliceMut::F16(s) => Slice::F16(s),
            SliceMut::F32(s) => Slice::F32(s),
            SliceMut::I32(s) => Slice::I32(s),
            SliceMut::Bool(s) => Slice::Bool(s),
        }
    }
}

/// An input: rows (the last dimension) of elements, each row beginning `row_stride` elements after the one before.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The elements.
    pub data: Slice<'a>,
    /// Elements from one row to the next; at least the last dimension.
    pub row_stride: usize,
}

/// An output, as [`Input`].
#[derive(Debug)]
pub struct Output<'a> {
    /// The elements.
    pub data: SliceMut<'a>,
    /// Elements from one row to the next.
    pub row_stride: usize,
}
