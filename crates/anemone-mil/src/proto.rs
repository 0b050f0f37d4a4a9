//! Core ML's protobuf messages, as far as ML programs need them: field numbers and names of coremltools 9.0, written by hand.
//!
//! Maps are ordered, so that equal messages give equal bytes. Unknown fields are skipped; nesting beyond 100 messages is an
//! error of the decoder.

mod container;
mod element;
mod features;
mod mil;
pub(crate) mod read;
mod weight;
pub(crate) mod write;

pub(crate) use container::{Container, has_field, pipeline_names, type_name};
pub(crate) use features::*;
pub(crate) use mil::*;
pub(crate) use weight::weigh;
