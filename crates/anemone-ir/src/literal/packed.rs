//! Elements of fewer than eight bits: a stream of bits, the first element in the least significant ones.

use crate::types::DType;

/// Packs numbers into a stream of bits. Only the low bits of each number count; what is left of the last byte is 0.
pub fn pack(dtype: DType, numbers: impl IntoIterator<Item = i8>) -> Vec<u8> {
    let bits = dtype.bits();
    let mask = (1u32 << bits.min(8)) - 1;
    let mut out = Vec::new();
    let (mut held, mut filled) = (0u32, 0);
    for n in numbers {
        held |= (n as u32 & mask) << filled;
        filled += bits;
        while filled >= 8 {
            out.push(held as u8);
            held >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(held as u8);
    }
    out
}

/// Gives `each` the numbers `start..start + count` of a stream of bits, without their sign: `int4` in two's complement.
///
/// # Panics
/// The stream ends before them.
pub(crate) fn fields(bits: usize, stream: &[u8], start: usize, count: usize, mut each: impl FnMut(u8)) {
    let mask = ((1u32 << bits) - 1) as u16;
    let mut at = start * bits;
    for _ in 0..count {
        let low = u16::from(stream[at / 8]);
        // A field that crosses into the next byte; behind the last one there may be none.
        let high = if at % 8 + bits > 8 { u16::from(stream[at / 8 + 1]) } else { 0 };
        each(((low | high << 8) >> (at % 8) & mask) as u8);
        at += bits;
    }
}

/// The first `count` numbers of a stream of bits, signed ones extended; `None` if the stream has fewer, or `dtype` is not
/// below eight bits.
pub fn unpack(dtype: DType, count: usize, stream: &[u8]) -> Option<Vec<i8>> {
    let bits = dtype.bits();
    if !dtype.is_packed() || count.checked_mul(bits)?.div_ceil(8) > stream.len() {
        return None;
    }
    let mut out = Vec::with_capacity(count);
    fields(bits, stream, 0, count, |n| out.push(signed(dtype, n)));
    Some(out)
}

/// The number that a field stands for.
pub(crate) fn signed(dtype: DType, field: u8) -> i8 {
    if dtype == DType::Int4 { (field << 4) as i8 >> 4 } else { field as i8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_streams() {
        // From Apple's own writer.
        assert_eq!(pack(DType::Int4, [-8, 7, 1, 2, -1]), [0x78, 0x21, 0x0f]);
        assert_eq!(pack(DType::UInt3, [1, 2, 3, 4, 5, 6, 7, 0, 7]), [0xd1, 0x58, 0x1f, 0x07]);
    }

    #[test]
    fn packing_is_undone() {
        for dtype in DType::ALL.into_iter().filter(|d| d.is_packed()) {
            let (low, high) = dtype.int_range().unwrap();
            for len in 0..20 {
                let numbers: Vec<i8> = (0..len).map(|i| (low + i * 5 % (high - low + 1)) as i8).collect();
                let stream = pack(dtype, numbers.iter().copied());
                assert_eq!(unpack(dtype, numbers.len(), &stream), Some(numbers.clone()), "{dtype}");
                assert_eq!(unpack(dtype, numbers.len() + 8, &stream), None);
                for start in 0..numbers.len() {
                    let mut rest = Vec::new();
                    fields(dtype.bits(), &stream, start, numbers.len() - start, |n| rest.push(signed(dtype, n)));
                    assert_eq!(rest, numbers[start..], "{dtype} from {start}");
                }
            }
        }
        assert_eq!(unpack(DType::Fp16, 0, &[]), None);
    }
}
