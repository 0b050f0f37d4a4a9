//! What the test double of Apple's framework computes with.
//!
//! The double (`crates/anemone-apple/double`) stages, compiles and loads as Apple's framework does, but has no Neural Engine.
//! It hands the folder that was staged to this library, which reads `model.mil` and the weight files from there and nothing
//! else: so what the double computes is what was really written. [`ffi`] is what the double calls; [`Program`] does the work.

pub mod ffi;
mod front_end;
mod program;
mod tensor;

pub use program::{Error, Function, Port, Program};
pub use tensor::{Tensor, TensorError, TensorMut};
