//! Elements of fewer than eight bits.

use crate::element::Element;

/// Packs numbers into a stream of bits, the first in the least significant ones. Only the low bits of each number count.
pub fn pack(element: Element, numbers: &[i8]) -> Vec<u8> {
    let bits = element.bits() as usize;
    let mut out = vec![0u8; (numbers.len() * bits).div_ceil(8)];
    for (i, n) in numbers.iter().enumerate() {
        for bit in (0..bits.min(8)).filter(|b| n >> b & 1 == 1) {
            let at = i * bits + bit;
            out[at / 8] |= 1 << (at % 8);
        }
    }
    out
}

/// The first `count` numbers of a stream of bits, signed ones extended; `None` if the stream has fewer, or `element` is not
/// below eight bits.
pub fn unpack(element: Element, count: usize, stream: &[u8]) -> Option<Vec<i8>> {
    let bits = element.bits() as usize;
    if !element.is_packed() || count.checked_mul(bits)? > stream.len().checked_mul(8)? {
        return None;
    }
    let number = |i: usize| {
        let bit = |b: usize| (stream[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1) << b;
        let unsigned = (0..bits).map(bit).sum::<u8>();
        let unused = 8 - bits;
        if element == Element::Int4 { (unsigned << unused) as i8 >> unused } else { unsigned as i8 }
    };
    Some((0..count).map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_streams() {
        // From Apple's own writer.
        assert_eq!(pack(Element::Int4, &[-8, 7, 1, 2, -1]), [0x78, 0x21, 0x0f]);
        assert_eq!(pack(Element::UInt3, &[1, 2, 3, 4, 5, 6, 7, 0, 7]), [0xd1, 0x58, 0x1f, 0x07]);
    }

    #[test]
    fn packing_is_undone() {
        for element in Element::ALL.iter().filter(|e| e.is_packed()) {
            let low = if *element == Element::Int4 { -8 } else { 0 };
            let values = 1i32 << element.bits();
            for len in 0..20 {
                let numbers: Vec<i8> = (0..len).map(|i| (low + i * 5 % values) as i8).collect();
                let stream = pack(*element, &numbers);
                assert_eq!(unpack(*element, numbers.len(), &stream), Some(numbers.clone()), "{element}");
                assert_eq!(unpack(*element, numbers.len() + 8, &stream), None);
            }
        }
        assert_eq!(unpack(Element::Fp16, 0, &[]), None);
    }
}
