//! Run-time inputs.

use super::{Graph, Kind, Tensor};
use crate::shape::Shape;
use anemone_ir::diagnostic::{Diagnostic, Location};
use anemone_ir::{DType, Dims, TensorType, names};

impl Graph {
    /// A run-time input. Inputs bind in the order of these calls, whether something reads them or not.
    ///
    /// The width must be at least [`super::MIN_SPATIAL_WIDTH`] unless [`crate::CompileOptions::limits`] says otherwise.
    #[track_caller]
    pub fn placeholder(&mut self, shape: Shape) -> Tensor {
        let mut name = format!("input_{}", self.inputs);
        while self.names.contains_key(&name) {
            name.push('_');
        }
        self.input(&name, shape)
    }

    /// A run-time input with a name of its own: a letter or `_`, then letters, digits, `_` or `@`; no word of MIL.
    #[track_caller]
    pub fn named_placeholder(&mut self, name: &str, shape: Shape) -> Tensor {
        if self.take_name(name) { self.input(name, shape) } else { self.placeholder(shape) }
    }

    #[track_caller]
    fn input(&mut self, name: &str, shape: Shape) -> Tensor {
        self.inputs += 1;
        self.names.insert(name.to_owned(), Location::caller());
        let dims = match (shape.problem(), Dims::new(&shape.dims())) {
            (None, Ok(dims)) => dims,
            (problem, _) => {
                self.mistake("placeholder", "dims", problem.unwrap_or_default(), &[]);
                return self.poisoned(shape);
            }
        };
        let var = self.builder.input(name, TensorType::new(DType::Fp16, dims));
        self.entry(Kind::Input(var), shape)
    }

    /// Whether a name can be given; if so, it is taken, if not, the mistake is recorded.
    #[track_caller]
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let here = Location::caller();
        let diagnostic = match (names::problem(name), self.names.get(name)) {
            (None, None) => {
                self.names.insert(name.to_owned(), here);
                return true;
            }
            (Some(why), _) => Diagnostic::error("name", format!("{name:?} cannot be a name: {why}"), here)
                .with_hint("a name is a letter or `_`, then letters, digits, `_` or `@`, and no word of MIL"),
            (None, Some(first)) => {
                Diagnostic::error("duplicate-name", format!("the name `{name}` is taken, at {first}"), here)
            }
        };
        self.builder.record(diagnostic);
        false
    }
}
