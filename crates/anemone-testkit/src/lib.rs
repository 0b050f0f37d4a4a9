//! What anemone's own tests are made with.
//!
//! * [`mod@filetests`] runs the programs of [`anemone_conformance`] on every executor; [`mod@texts`] prints the texts of `texts`.
//! * [`mod@random`] makes programs out of bytes, over the whole table of operations.
//! * [`anemone_conformance`] has the one table of how far the engine may be from the reference, and compares.
//!
//! Programs as a whole have no tolerance. A program is run node by node, each on an engine of its own and on the reference
//! with the same operands, so that errors do not add up ([`stepwise`]); and its outputs on every engine are the bytes that the
//! nodes gave.

#![forbid(unsafe_code)]

pub mod executor;
pub mod filetests;
pub mod random;
pub mod round_trip;
pub mod stepwise;
pub mod texts;
