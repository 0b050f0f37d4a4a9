//! Elements of tensors outside of the engine: what files hold, and what runs are given and give.

use crate::table;
use anemone_cpu::{Slice, SliceMut};
use anemone_ir::DType;
use anemone_ir::reference::to_f16;
use half::f16;
use serde::Serialize;
use std::ops::Range;

/// The types of elements: variant, Rust's type, MIL's, code and name of NumPy, and the conversion from `f64`.
macro_rules! for_each_type {
    ($callback:ident) => {
        $callback! {
            F16 f16 Fp16 "<f2" "float16" |x| to_f16(x);
            F32 f32 Fp32 "<f4" "float32" |x| x as f32;
            I32 i32 Int32 "<i4" "int32" |x| x as i32;
            I16 i16 Int16 "<i2" "int16" |x| x as i16;
            U16 u16 UInt16 "<u2" "uint16" |x| x as u16;
            I8 i8 Int8 "|i1" "int8" |x| x as i8;
            U8 u8 UInt8 "|u1" "uint8" |x| x as u8;
            Bool u8 Bool "|b1" "bool" |x| u8::from(x != 0.0);
        }
    };
}

macro_rules! define_elements {
    ($($variant:ident $t:ident $dtype:ident $code:literal $name:literal |$x:ident| $from:expr;)*) => {
        /// Dense, row-major elements. `Bool` is one byte each, 0 or 1.
        #[derive(Clone, PartialEq, Debug)]
        pub(crate) enum Elements {
            $($variant(Vec<$t>),)*
        }

        impl Elements {
            /// `len` numbers, each rounded to `dtype`.
            ///
            /// # Errors
            /// `dtype` is none that runs take, or there is no memory for so many.
            pub(crate) fn from_f64(dtype: DType, len: usize, v: impl Iterator<Item = f64>) -> Result<Elements, String> {
                match dtype {
                    $(DType::$dtype => collect(len, v.map(|$x| $from)).map(Elements::$variant),)*
                    other => Err(format!("tensors of type {other} are no inputs and outputs of runs")),
                }
            }

            pub(crate) fn dtype(&self) -> DType {
                match self { $(Elements::$variant(_) => DType::$dtype,)* }
            }

            /// The bytes, little-endian.
            pub(crate) fn bytes(&self) -> &[u8] {
                match self { $(Elements::$variant(v) => bytemuck::cast_slice(v),)* }
            }

            /// The bytes, to fill: little-endian. Whoever fills a [`Elements::Bool`] owes zeros and ones.
            pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
                match self { $(Elements::$variant(v) => bytemuck::cast_slice_mut(v),)* }
            }

            /// How many there are.
            pub(crate) fn len(&self) -> usize {
                match self { $(Elements::$variant(v) => v.len(),)* }
            }

            /// A part of the elements, for the engine to read.
            pub(crate) fn part(&self, range: Range<usize>) -> Slice<'_> {
                match self { $(Elements::$variant(v) => Slice::$variant(&v[range]),)* }
            }

            /// A part of the elements, for the engine to fill.
            pub(crate) fn part_mut(&mut self, range: Range<usize>) -> SliceMut<'_> {
                match self { $(Elements::$variant(v) => SliceMut::$variant(&mut v[range]),)* }
            }

            /// A copy of what an engine holds.
            pub(crate) fn of(slice: Slice<'_>) -> Elements {
                match slice { $(Slice::$variant(v) => Elements::$variant(v.to_vec()),)* }
            }

            /// The numbers; each is exact.
            pub(crate) fn to_f64(&self) -> Vec<f64> {
                match self { $(Elements::$variant(v) => v.iter().map(|x| f64::from(*x)).collect(),)* }
            }
        }

        /// How NumPy's files write a type, and how NumPy calls it; `None` for types that are no elements.
        pub(crate) fn numpy(dtype: DType) -> Option<(&'static str, &'static str)> {
            match dtype {
                $(DType::$dtype => Some(($code, $name)),)*
                _ => None,
            }
        }
    };
}
for_each_type!(define_elements);

impl Elements {
    /// All elements, for the engine to read.
    pub(crate) fn slice(&self) -> Slice<'_> {
        self.part(0..self.len())
    }

    /// All elements, for the engine to fill.
    pub(crate) fn slice_mut(&mut self) -> SliceMut<'_> {
        self.part_mut(0..self.len())
    }

    /// `len` zeros.
    ///
    /// # Errors
    /// As [`Elements::from_f64`].
    pub(crate) fn zeros(dtype: DType, len: usize) -> Result<Elements, String> {
        Elements::from_f64(dtype, len, std::iter::repeat(0.0))
    }
}

/// The first `len` of `v`. Sizes come from files: no memory is an error, and not the program's end.
fn collect<T>(len: usize, v: impl Iterator<Item = T>) -> Result<Vec<T>, String> {
    let mut out = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>()) as u64;
    out.try_reserve_exact(len).map_err(|_| format!("there is no memory for a tensor of {}", table::bytes(bytes)))?;
    out.extend(v.take(len));
    Ok(out)
}

/// What a tensor holds, in a few numbers. Minimum, maximum and mean are of the finite elements; `None` if there are none.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Statistics {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) mean: Option<f64>,
    pub(crate) nan: usize,
    pub(crate) inf: usize,
}

impl Statistics {
    pub(crate) fn of(elements: &Elements) -> Statistics {
        let all = elements.to_f64();
        let finite = || all.iter().copied().filter(|x| x.is_finite());
        let count = finite().count();
        Statistics {
            min: finite().reduce(f64::min),
            max: finite().reduce(f64::max),
            mean: (count > 0).then(|| finite().sum::<f64>() / count as f64),
            nan: all.iter().filter(|x| x.is_nan()).count(),
            inf: all.iter().filter(|x| x.is_infinite()).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_of_the_finite_elements() {
        let some = Elements::F32(vec![1.0, f32::NAN, -3.0, f32::INFINITY, f32::NEG_INFINITY, 8.0]);
        let expected = Statistics { min: Some(-3.0), max: Some(8.0), mean: Some(2.0), nan: 1, inf: 2 };
        assert_eq!(Statistics::of(&some), expected);
        let none = Statistics::of(&Elements::F16(vec![f16::NAN]));
        assert_eq!(none, Statistics { min: None, max: None, mean: None, nan: 1, inf: 0 });
    }

    #[test]
    fn no_memory_is_an_error() {
        assert!(Elements::zeros(DType::Fp32, 1 << 50).unwrap_err().contains("no memory for a tensor of 4096 TiB"));
        assert!(Elements::zeros(DType::String, 1).is_err());
    }
}
