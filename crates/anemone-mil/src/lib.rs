//! MIL text, weight files and Core ML models, in and out.
//!
//! * [`ModelFile`] opens and writes a model in any form: MIL text, `.mlmodelc`, `.mlpackage`, `.mlmodel`; [`description`] is what
//!   a model tells of itself.
//! * [`parse`] and [`load`] make a checked [`Program`] of a text; [`print()`] makes the canonical text of a program, and the
//!   `weight.bin` that goes with it; [`print_form`] writes it as a generation of the Neural Engine takes it.
//! * [`syntax`] is the text as a tree, for the whole grammar: also what no program can be made of yet.
//! * [`blob`] reads and writes `weight.bin`.
//! * [`Source`] shows diagnostics with the line that they are about.
//!
//! ```
//! use anemone_mil::Dialect;
//! let text = r#"
//!     program(1.3) {
//!         func main<ios16>(tensor<fp16, [1, 64]> x) {
//!             tensor<fp16, [1, 64]> y = relu(x = x);
//!         } -> (y);
//!     }"#;
//! let program = anemone_mil::parse(text, &anemone_mil::NoWeights)?;
//! let printed = anemone_mil::print(&program, Dialect::V1_0);
//! let again = anemone_mil::parse(&printed.text, &printed)?;
//! assert_eq!(again.main().nodes.len(), 1);
//! # Ok::<(), anemone_mil::ParseError>(())
//! ```

#![forbid(unsafe_code)]

pub mod blob;
pub mod description;
mod element;
#[doc(hidden)]
pub mod fuzz;
mod lower;
mod model;
mod proto;
mod raise;
mod source;
pub mod syntax;
pub mod weights;

use anemone_ir::Program;
use std::path::Path;

pub use element::Element;
pub use lower::{Printed, WeightFile, WeightFiles, print, print_form, print_with};
pub use model::{Form, ModelFile, SaveError};
pub use raise::raise;
pub use source::{LoadError, ParseError, Parsed, Source};
pub use syntax::Dialect;
pub use weights::{Folder, InMemory, NoWeights, Weights};

/// Reads a text. The data of each `BLOBFILE` comes from `weights`.
///
/// # Errors
/// Everything that is wrong with it, each with its place; first what is wrong with the grammar, and only without such errors
/// what is wrong with the program.
pub fn parse(text: &str, weights: &dyn Weights) -> Result<Program, ParseError> {
    Source::new("model.mil", text).parse(weights).map(|parsed| parsed.program)
}

/// Reads a file, and the weights that lie in its folder; see [`Folder`].
///
/// # Errors
/// The file cannot be read, or its text is wrong.
pub fn load(path: &Path) -> Result<Program, LoadError> {
    let parsed = Source::open(path)?.parse(&Folder::of(path))?;
    Ok(parsed.program)
}
