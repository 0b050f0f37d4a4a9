//! The element types of MIL: those of the intermediate representation, and those that only text and weight files have.

use anemone_ir::DType;
use std::fmt;

macro_rules! elements {
    ($($Variant:ident $name:literal $bits:literal $code:expr, $dtype:expr;)*) => {
        /// An element type, as MIL text spells it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Element {
            $(#[doc = concat!("`", $name, "`")] $Variant,)*
        }

        impl Element {
            /// Every element type.
            pub const ALL: &[Element] = &[$(Element::$Variant),*];

            /// MIL's spelling.
            pub const fn name(self) -> &'static str {
                match self { $(Element::$Variant => $name,)* }
            }

            /// The type with this spelling.
            pub fn from_name(name: &str) -> Option<Element> {
                match name { $($name => Some(Element::$Variant),)* _ => None }
            }

            /// Bits an element takes in a weight file; 0 for `string`, which has no fixed size.
            pub const fn bits(self) -> u32 {
                match self { $(Element::$Variant => $bits,)* }
            }

            /// Its number in a weight file; `None` if such files cannot hold it.
            pub const fn code(self) -> Option<u32> {
                match self { $(Element::$Variant => $code,)* }
            }

            /// The type of the intermediate representation; `None` if it has none.
            pub const fn dtype(self) -> Option<DType> {
                match self { $(Element::$Variant => $dtype,)* }
            }
        }
    };
}

elements! {
    Bool "bool" 8 None, Some(DType::Bool);
    String "string" 0 None, Some(DType::String);
    Fp16 "fp16" 16 Some(1), Some(DType::Fp16);
    Fp32 "fp32" 32 Some(2), Some(DType::Fp32);
    Fp64 "fp64" 64 None, None;
    Bf16 "bf16" 16 Some(5), None;
    Fp8E4M3Fn "fp8e4m3fn" 8 Some(16), None;
    Fp8E5M2 "fp8e5m2" 8 Some(17), None;
    Int4 "int4" 4 Some(8), Some(DType::Int4);
    Int8 "int8" 8 Some(4), Some(DType::Int8);
    Int16 "int16" 16 Some(6), Some(DType::Int16);
    Int32 "int32" 32 Some(14), Some(DType::Int32);
    Int64 "int64" 64 None, None;
    UInt1 "uint1" 1 Some(9), Some(DType::UInt1);
    UInt2 "uint2" 2 Some(10), Some(DType::UInt2);
    UInt3 "uint3" 3 Some(12), Some(DType::UInt3);
    UInt4 "uint4" 4 Some(11), Some(DType::UInt4);
    UInt6 "uint6" 6 Some(13), Some(DType::UInt6);
    UInt8 "uint8" 8 Some(3), Some(DType::UInt8);
    UInt16 "uint16" 16 Some(7), Some(DType::UInt16);
    UInt32 "uint32" 32 Some(15), Some(DType::UInt32);
    UInt64 "uint64" 64 None, None;
}

impl Element {
    /// The type with this number in a weight file.
    pub fn from_code(code: u32) -> Option<Element> {
        Element::ALL.iter().copied().find(|e| e.code() == Some(code))
    }

    /// Whether several elements share a byte in a weight file.
    pub const fn is_packed(self) -> bool {
        matches!(self.bits(), 1..=7)
    }

    /// The bytes that `count` elements take in a weight file; `None` for `string`, or if there is no such number.
    pub fn bytes(self, count: u64) -> Option<u64> {
        let bits = u64::from(self.bits());
        if bits == 0 { None } else { Some(count.checked_mul(bits)?.div_ceil(8)) }
    }
}

impl From<DType> for Element {
    fn from(dtype: DType) -> Element {
        match dtype {
            DType::Bool => Element::Bool,
            DType::String => Element::String,
            DType::Fp16 => Element::Fp16,
            DType::Fp32 => Element::Fp32,
            DType::Int8 => Element::Int8,
            DType::Int16 => Element::Int16,
            DType::Int32 => Element::Int32,
            DType::UInt8 => Element::UInt8,
            DType::UInt16 => Element::UInt16,
            DType::UInt32 => Element::UInt32,
            DType::Int4 => Element::Int4,
            DType::UInt1 => Element::UInt1,
            DType::UInt2 => Element::UInt2,
            DType::UInt3 => Element::UInt3,
            DType::UInt4 => Element::UInt4,
            DType::UInt6 => Element::UInt6,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_sets_of_types_agree() {
        for dtype in DType::ALL {
            let element = Element::from(dtype);
            assert_eq!(element.name(), dtype.name());
            assert_eq!(element.dtype(), Some(dtype));
            assert_eq!(element.bits() as usize, dtype.bits());
        }
        for element in Element::ALL {
            assert_eq!(Element::from_name(element.name()), Some(*element));
            assert_eq!(element.code().and_then(Element::from_code), element.code().map(|_| *element));
        }
        let codes: Vec<_> = Element::ALL.iter().filter_map(|e| e.code()).collect();
        assert_eq!(codes.len(), 17, "weight files have 17 types");
    }
}
