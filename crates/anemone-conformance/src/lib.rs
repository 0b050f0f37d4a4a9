//! Programs for every operation of MIL, and how near to its definition an engine computes them.
//!
//! * [`mod@filetest`] has a file of programs for each operation, as part of the program that uses this crate, and reads them.
//! * [`mod@tolerance`] is the one table of how far an engine may be from the reference, and [`mod@compare`] compares.

#![forbid(unsafe_code)]

pub mod compare;
pub mod filetest;
pub mod numbers;
pub mod tolerance;
