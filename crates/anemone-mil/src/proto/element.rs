//! The numbers of element types in programs and in descriptions.

use crate::Element;

const NUMBERS: [(Element, i32); 22] = [
    (Element::Bool, 1),
    (Element::String, 2),
    (Element::Fp16, 10),
    (Element::Fp32, 11),
    (Element::Fp64, 12),
    (Element::Bf16, 13),
    (Element::Int8, 21),
    (Element::Int16, 22),
    (Element::Int32, 23),
    (Element::Int64, 24),
    (Element::Int4, 25),
    (Element::UInt8, 31),
    (Element::UInt16, 32),
    (Element::UInt32, 33),
    (Element::UInt64, 34),
    (Element::UInt4, 35),
    (Element::UInt2, 36),
    (Element::UInt1, 37),
    (Element::UInt6, 38),
    (Element::UInt3, 39),
    (Element::Fp8E4M3Fn, 40),
    (Element::Fp8E5M2, 41),
];

/// The types that inputs and outputs may have.
const FEATURES: [(Element, i32); 5] = [
    (Element::Fp16, 65552),
    (Element::Fp32, 65568),
    (Element::Fp64, 65600),
    (Element::Int32, 131_104),
    (Element::Int8, 131_080),
];

fn by_number(table: &[(Element, i32)], number: i32) -> Option<Element> {
    table.iter().find(|(_, n)| *n == number).map(|(element, _)| *element)
}

fn by_element(table: &[(Element, i32)], element: Element) -> Option<i32> {
    table.iter().find(|(e, _)| *e == element).map(|(_, number)| *number)
}

impl Element {
    /// The type with this number in a program's messages.
    pub(crate) fn from_proto(number: i32) -> Option<Element> {
        by_number(&NUMBERS, number)
    }

    /// Its number in a program's messages.
    pub(crate) fn proto(self) -> i32 {
        by_element(&NUMBERS, self).expect("the table has every type")
    }

    /// The type with this number in a model's description.
    pub(crate) fn from_feature(number: i32) -> Option<Element> {
        by_number(&FEATURES, number)
    }

    /// Its number in a model's description; `None` if inputs and outputs cannot have it.
    pub(crate) fn feature(self) -> Option<i32> {
        by_element(&FEATURES, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_number() {
        for element in Element::ALL {
            assert_eq!(Element::from_proto(element.proto()), Some(*element));
        }
    }
}
