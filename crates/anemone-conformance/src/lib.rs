//! Programs for every operation of MIL, and how near to its definition an engine computes them.
//!
//! * [`mod@filetest`] has a file of programs for each operation, as part of the program that uses this crate, and reads them.
//! * [`mod@tolerance`] is the one table of how far an engine may be from the reference, and [`mod@compare`] compares.
//! * An [`Engine`] is run by [`check`] on the functions of [`mod@suite`]; an [`Outcome`] says what came of each.

#![forbid(unsafe_code)]

pub mod accuracy;
pub mod compare;
mod engine;
pub mod filetest;
pub mod numbers;
pub mod outcome;
mod runner;
pub mod suite;
pub mod tolerance;

pub use accuracy::Accuracy;
pub use engine::{Compiled, Engine, Refusal};
pub use outcome::{Outcome, Status, Summary};
pub use runner::check;
