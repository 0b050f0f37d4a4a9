//! The Neural Engine, where there is no framework that leads to it.

use super::probe::{Probe, Sample};
use super::report::{NeuralEngine, PathRow};
use anemone_conformance::{Accuracy, Compiled, Engine, Refusal};
use anemone_ir::Program;

/// What the system says of its Neural Engine.
pub(crate) fn survey() -> NeuralEngine {
    NeuralEngine { why: Some(why_not()), ..NeuralEngine::default() }
}

fn why_not() -> String {
    anemone::neural_engine().err().map(|e| e.to_string()).unwrap_or_default()
}

/// Nothing that could run.
pub(crate) struct Ane;

impl Engine for Ane {
    fn accuracy(&self) -> Accuracy {
        Accuracy::Half
    }

    fn compile(&mut self, _: &Program) -> Result<Box<dyn Compiled>, Refusal> {
        Err(Refusal::Failed(why_not()))
    }
}

impl Probe for Ane {
    fn paths(&self) -> Vec<String> {
        Vec::new()
    }

    fn probe(&mut self, _: &str, _: &Sample) -> Result<PathRow, String> {
        Err(why_not())
    }
}
