//! What the engine is given to read and to fill: slices whose rows may be padded.

use anemone_ir::DType;
use half::f16;

macro_rules! slices {
    ($($(#[$doc:meta])* $variant:ident $t:ty => $dtype:ident,)*) => {
        /// Elements of an input. Halves are also taken for an `fp32` input, and singles for an `fp16` one, rounded to
        /// nearest even.
        #[derive(Clone, Copy, Debug)]
        pub enum Slice<'a> {
            $($(#[$doc])* $variant(&'a [$t]),)*
        }

        /// Elements of an output. An `fp32` output may be stored as halves, rounded to nearest even, and an `fp16` one as
        /// singles.
        #[derive(Debug)]
        pub enum SliceMut<'a> {
            $($(#[$doc])* $variant(&'a mut [$t]),)*
        }

        impl Slice<'_> {
            /// How many there are.
            pub fn len(&self) -> usize {
                match self { $(Slice::$variant(s) => s.len(),)* }
            }

            /// The element type.
            pub fn dtype(&self) -> DType {
                match self { $(Slice::$variant(_) => DType::$dtype,)* }
            }

            /// The raw bytes.
            pub(crate) fn bytes(&self) -> &[u8] {
                match self { $(Slice::$variant(s) => bytemuck::cast_slice(s),)* }
            }
        }

        impl<'a> Slice<'a> {
            /// Bytes as elements of a type that values have at run time.
            pub(crate) fn of(dtype: DType, bytes: &'a [u8]) -> Slice<'a> {
                match dtype {
                    $(DType::$dtype => Slice::$variant(bytemuck::cast_slice(bytes)),)*
                    other => unreachable!("no run-time value is {other}"),
                }
            }
        }

        impl<'a> SliceMut<'a> {
            /// Bytes as elements of a type that values have at run time.
            pub(crate) fn of(dtype: DType, bytes: &'a mut [u8]) -> SliceMut<'a> {
                match dtype {
                    $(DType::$dtype => SliceMut::$variant(bytemuck::cast_slice_mut(bytes)),)*
                    other => unreachable!("no run-time value is {other}"),
                }
            }
        }

        impl SliceMut<'_> {
            /// The same, for a shorter time.
            pub(crate) fn reborrow(&mut self) -> SliceMut<'_> {
                match self { $(SliceMut::$variant(s) => SliceMut::$variant(s),)* }
            }

            /// The same, to read.
            pub fn as_slice(&self) -> Slice<'_> {
                match self { $(SliceMut::$variant(s) => Slice::$variant(s),)* }
            }

            /// The raw bytes.
            pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
                match self { $(SliceMut::$variant(s) => bytemuck::cast_slice_mut(s),)* }
            }
        }
    };
}

slices! {
    /// `fp16`
    F16 f16 => Fp16,
    /// `fp32`
    F32 f32 => Fp32,
    /// `int32`
    I32 i32 => Int32,
    /// `int16`
    I16 i16 => Int16,
    /// `uint16`
    U16 u16 => UInt16,
    /// `int8`
    I8 i8 => Int8,
    /// `uint8`
    U8 u8 => UInt8,
    /// `bool`, one byte each: 0 is false
    Bool u8 => Bool,
}

impl Slice<'_> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
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

impl Output<'_> {
    /// The same, for a shorter time.
    pub(crate) fn reborrow(&mut self) -> Output<'_> {
        Output { data: self.data.reborrow(), row_stride: self.row_stride }
    }
}
