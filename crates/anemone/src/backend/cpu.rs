//! The CPU.

use super::Engine;
use crate::compile::CompileOptions;
use crate::error::{Error, ErrorKind};
use crate::tensor_data::Storage;
use anemone_cpu::{EngineError, Input, Options, Output, Slice, SliceMut};
use anemone_ir::Function;
use std::time::Duration;

/// A program planned for the CPU.
pub(super) struct Cpu(anemone_cpu::Engine);

impl Cpu {
    pub(super) fn new(function: &Function, options: &CompileOptions) -> Result<Cpu, Error> {
        let options = Options { profile: options.profile, threads: options.threads, ..Options::default() };
        anemone_cpu::Engine::new(function, &options).map(Cpu).map_err(failed)
    }
}

fn failed(e: EngineError) -> Error {
    Error::new(ErrorKind::Backend, format!("the CPU engine: {e}")).with_source(e)
}

impl Engine for Cpu {
    fn run(&self, inputs: &[&Storage], outputs: &mut [&mut Storage]) -> Result<Duration, Error> {
        let inputs = inputs.iter().map(|s| Input { data: Slice::F16(s.padded()), row_stride: s.stride() });
        let inputs: Vec<Input<'_>> = inputs.collect();
        let mut views: Vec<Output<'_>> = Vec::with_capacity(outputs.len());
        for storage in outputs.iter_mut() {
            let row_stride = storage.stride();
            views.push(Output { data: SliceMut::F16(storage.padded_mut()), row_stride });
        }
        self.0.run(&inputs, &mut views).map_err(failed)
    }
}
