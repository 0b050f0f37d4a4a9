//! A program as the Neural Engine's compiler takes it.

use crate::error::{Error, ErrorKind};
use anemone_apple::Source;
use anemone_ir::ane::{Generation, Ports, legalise};
use anemone_ir::{Diagnostic, Program};
use anemone_mil::print_form;

/// Text, weight files, and the names of the ports.
pub(super) struct Text {
    text: String,
    weights: Vec<(String, Vec<u8>)>,
    /// Of each function.
    pub(super) ports: Vec<Ports>,
    /// What may not work.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Text {
    /// # Errors
    /// [`ErrorKind::Compile`] if the engine is known not to take the program, with every reason.
    pub(super) fn new(program: &Program, generation: Generation) -> Result<Text, Error> {
        let legal = legalise(program, generation).map_err(|found| {
            let message = format!("a Neural Engine of the generation {generation} does not take the program");
            Error::new(ErrorKind::Compile, message).with_diagnostics(found.0)
        })?;
        let printed = print_form(&legal.program, legal.form);
        let weights =
            printed.files.into_iter().map(|file| (format!("@model_path/{}", file.path), file.bytes)).collect();
        for change in &legal.changes {
            tracing::debug!(operation = &*change.name, "{}", change.what);
        }
        Ok(Text { text: printed.text, weights, ports: legal.ports, warnings: legal.warnings })
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source { text: self.text.as_bytes(), weights: &self.weights }
    }
}
