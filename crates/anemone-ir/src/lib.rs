//! The intermediate representation of anemone. It is MIL, the language of Core ML models: its types, its operations under
//! their own names, its programs.
//!
//! * Write a program with [`Builder`] (or parse MIL text with `anemone-mil`): that makes a [`Draft`].
//! * [`check()`] turns a draft into a [`Program`], or says everything that is wrong with it, and where.
//! * [`mod@reference`] evaluates a program as it is defined; `anemone-cpu` runs it fast.
//!
//! Adding an operation takes a declaration in [`ops`] and one word in the table there.

#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("constants are kept as little-endian bytes in memory; big-endian hosts are not supported");

pub mod ane;
pub mod builder;
pub mod check;
pub mod diagnostic;
pub mod draft;
pub mod half;
pub mod limits;
pub mod literal;
pub mod names;
pub mod op;
pub mod ops;
pub mod program;
pub mod reference;
mod rewrite;
pub mod types;

pub use builder::{Argument, Builder, Var};
pub use check::{Diagnostics, check};
pub use diagnostic::{Diagnostic, Location, Operand, Severity};
pub use draft::Draft;
pub use literal::{Bytes, Literal, LiteralError};
pub use op::{Op, Operation, Schema};
pub use program::{Arg, Attribute, Block, Def, Function, Node, Program, Value, ValueId};
pub use reference::Profile;
pub use types::{DType, DTypeSet, Declared, Dims, DimsError, Kind, Opset, TensorType};
