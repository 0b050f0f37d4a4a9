//! What can be compared with the reference.

use crate::accuracy::Accuracy;
use anemone_ir::Program;

/// Something that runs programs.
pub trait Engine {
    /// How far its results may be from the reference's.
    fn accuracy(&self) -> Accuracy;

    /// Makes a program of one function ready to run.
    ///
    /// # Errors
    /// The program is not for this engine, or the engine failed to take it.
    fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal>;
}

/// A function that is ready to run.
pub trait Compiled {
    /// Runs on the elements of each input, row-major and in the function's order, and gives those of each output. Every
    /// number of every type is exact in an `f64`.
    ///
    /// # Errors
    /// What the engine says.
    fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String>;
}

/// Why a function was not made ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is known without trying that the engine does not take it; and why.
    Unsuitable(String),
    /// The engine tried, and failed.
    Failed(String),
}
