//! Numbers that are always the same for a seed.

use anemone_ir::reference::round_to;
use anemone_ir::{DType, TensorType};

/// SplitMix64: a seed gives the same numbers on every machine and in every version.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next bit.
    pub fn bit(&mut self) -> bool {
        self.bits() >> 63 == 1
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// A number from -1 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// An element of a tensor: a float from -1 to 1, an integer from -8 (or 0) to 8, or a truth value.
    pub fn element(&mut self, dtype: DType) -> f64 {
        match dtype.int_range() {
            Some((low, _)) if low < 0 => self.below(17) as f64 - 8.0,
            Some(_) => self.below(9) as f64,
            None if dtype == DType::Bool => f64::from(u8::from(self.bit())),
            None => round_to(dtype, self.unit()),
        }
    }

    /// The elements of a tensor; see [`Random::element`].
    pub fn elements(&mut self, ty: &TensorType) -> Vec<f64> {
        (0..ty.dims.elements()).map(|_| self.element(ty.dtype)).collect()
    }
}

/// The first of some numbers, for messages.
pub fn show(data: &[f64]) -> String {
    const SHOWN: usize = 24;
    match data.len() {
        0..=SHOWN => format!("{data:?}"),
        n => format!("{:?} and {} more", &data[..SHOWN], n - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.bits(), random.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn elements_stay_in_their_ranges() {
        let mut random = Random::new(1);
        for _ in 0..1000 {
            assert!((-1.0..=1.0).contains(&random.element(DType::Fp16)));
            assert!((-8.0..=8.0).contains(&random.element(DType::Int8)));
            assert!((0.0..=8.0).contains(&random.element(DType::UInt8)));
            assert!([0.0, 1.0].contains(&random.element(DType::Bool)));
        }
    }
}
