//! The portable core of anemone's CPU engine: SIMD levels, half precision, vector math.
//!
//! Every algorithm is written once, against the [`Simd`] trait, and compiled for each [`Level`]. Results are the same bytes
//! on every level: vector operations are the correctly rounded ones of IEEE 754 (fused multiply-add among them), in the
//! same order whatever the vector's width, and reductions have a fixed shape (see [`reduce`]).
//!
//! A level is chosen once for a program ([`Level::from_env`]) and handed to every function, so that tests can compare all
//! levels of a machine in one process.

mod arch;
pub mod half;
pub mod map;
pub mod math;
pub mod normal;
pub mod reduce;
mod simd;

pub use arch::{Level, LevelError, dispatch};
pub use map::{Binary, Unary};
pub use simd::{Simd, WithSimd};

/// The token of plain Rust, for the tails of vector loops.
#[inline(always)]
pub(crate) fn simd_scalar() -> impl Simd<V = f32, M = bool> {
    arch::SCALAR
}
