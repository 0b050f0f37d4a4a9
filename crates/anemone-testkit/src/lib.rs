//! What anemone's own tests are made with.
//!
//! * [`mod@filetest`] reads `filetests/run/<mnemonic>.mil` and runs what it says on every executor.
//! * [`mod@tolerance`] is the one table of how far the engine may be from the reference, and [`mod@compare`] compares.
//! * [`mod@random`] makes programs out of bytes, over the whole table of operations.
//!
//! Programs as a whole have no tolerance. A program is run node by node, each on an engine of its own and on the reference
//! with the same operands, so that errors do not add up ([`stepwise`]); and its outputs on every engine are the bytes that the
//! nodes gave.

#![forbid(unsafe_code)]

pub mod compare;
pub mod executor;
pub mod filetest;
pub mod numbers;
pub mod random;
pub mod round_trip;
pub mod stepwise;
pub mod tolerance;
