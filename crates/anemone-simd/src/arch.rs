//! The levels, and how one is chosen.

mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::simd::WithSimd;
use std::fmt;

pub(crate) const SCALAR: scalar::Scalar = scalar::Scalar;

/// The bits of the `f32` nearest to sqrt(1/2).
const SQRT_HALF: u32 = 0x3f35_04f3;
/// The bits of 1 less those of sqrt(1/2); see the scalar `frexp`.
const FREXP_SHIFT: u32 = 0x3f80_0000 - SQRT_HALF;

/// A set of vector instructions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Plain Rust; on every machine.
    Scalar,
    /// AVX2, FMA and F16C: 8 lanes.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: 16 lanes.
    Avx512,
}

/// A level that was asked for and is not to be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LevelError {
    who: &'static str,
    wanted: String,
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<_> = Level::available().map(Level::name).collect();
        write!(f, "{} asks for `{}`; this machine has {}", self.who, self.wanted, here.join(", "))
    }
}

impl std::error::Error for LevelError {}

impl Level {
    const ALL: [Level; 3] = [Level::Scalar, Level::Avx2, Level::Avx512];

    /// `scalar`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// Elements of a vector.
    pub fn lanes(self) -> usize {
        match self {
            Level::Scalar => 1,
            Level::Avx2 => 8,
            Level::Avx512 => 16,
        }
    }

    fn is_available(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => x86::has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => x86::has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => false,
        }
    }

    /// The levels of this machine, slowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(|l| l.is_available())
    }

    /// The best level of this machine.
    pub fn best() -> Level {
        Level::available().last().unwrap_or(Level::Scalar)
    }

    /// This level, if the machine has it.
    ///
    /// # Errors
    /// The machine does not have it.
    pub fn checked(self) -> Result<Level, LevelError> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(LevelError { who: "the program", wanted: self.name().to_owned() })
        }
    }

    /// The level that the environment variable `ANEMONE_SIMD` names, or else the best.
    ///
    /// # Errors
    /// The variable names no level, or one that this machine does not have.
    pub fn from_env() -> Result<Level, LevelError> {
        match std::env::var("ANEMONE_SIMD") {
            Err(_) => Ok(Level::best()),
            Ok(wanted) => {
                let level = Level::available().find(|l| l.name() == wanted);
                level.ok_or(LevelError { who: "ANEMONE_SIMD", wanted })
            }
        }
    }
}

/// Runs work on a level.
///
/// # Panics
/// The machine does not have the level.
#[inline]
pub fn dispatch<W: WithSimd>(level: Level, work: W) -> W::Output {
    match level {
        Level::Scalar => work.run(scalar::Scalar),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            assert!(x86::has_avx2());
            // SAFETY: the processor has the instructions.
            unsafe { x86::with_avx2(work) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            assert!(x86::has_avx512());
            // SAFETY: the processor has the instructions.
            unsafe { x86::with_avx512(work) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2 | Level::Avx512 => panic!("{level:?} on another architecture"),
    }
}
