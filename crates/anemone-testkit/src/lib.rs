//! What anemone's own tests are made with.
//!
//! * [`mod@filetest`] reads `filetests/run/<mnemonic>.mil` and runs what it says on every executor.
//! * [`mod@tolerance`] is the one table of how far the engine may be from the reference, and [`mod@compare`] compares.
//! * [`mod@random`] makes programs out of bytes, over the whole table of operations.

#![forbid(unsafe_code)]

pub mod compare;
pub mod filetest;
pub mod numbers;
pub mod random;
pub mod round_trip;
pub mod tolerance;
