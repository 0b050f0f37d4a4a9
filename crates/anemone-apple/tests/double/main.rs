//! The back end on the test double of Apple's framework: the same source that runs on a Mac, through real messages.
//!
//! The crate `anemone-double` runs this; alone it is
//! `ANEMONE_DOUBLE_ENGINE=target/debug/libanemone_double.so CC_x86_64_unknown_linux_gnu=$PWD/crates/anemone-apple/double/gcc
//! cargo test -p anemone-apple --features double --target-dir target/double`, after `cargo build -p anemone-double`.
#![cfg(feature = "double")]
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

mod bed;
mod double;
mod failures;
mod life;
mod memory;
mod methods;
mod processes;
mod programs;
mod rules;
mod runs;
mod soak;
mod statistics;
mod submit;
mod threads;
mod variants;
