//! The CPU.

use super::Engine;
use crate::compile::CompileOptions;
use crate::error::Error;
use crate::tensor_data::Storage;
use anemone_ir::Program;
use anemone_ir::reference::{self, Profile};
use half::f16;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The reference evaluation.
pub(super) struct Cpu {
    program: Arc<Program>,
    profile: Profile,
}

impl Cpu {
    pub(super) fn new(program: Arc<Program>, options: &CompileOptions) -> Result<Cpu, Error> {
        Ok(Cpu { program, profile: options.profile })
    }
}

impl Engine for Cpu {
    fn run(&self, inputs: &[&Storage], outputs: &mut [&mut Storage]) -> Result<Duration, Error> {
        let start = Instant::now();
        let arrays: Vec<Vec<f64>> = inputs.iter().map(|i| i.to_f32().iter().map(|x| f64::from(*x)).collect()).collect();
        let results = reference::run(self.program.main(), &arrays, self.profile);
        for (output, array) in outputs.iter_mut().zip(results) {
            array.data.iter().enumerate().for_each(|(at, x)| output.set(at, f16::from_f64(*x)));
        }
        Ok(start.elapsed())
    }
}
