//! The CPU.

use super::{Engine, Loaded};
use crate::call::Call;
use crate::compile::{Backend, CompileOptions};
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport, Transfer};
use crate::submission::Submission;
use crate::tensor_data::Rows;
use anemone_cpu::{EngineError, Input, Options, Output, Slice, SliceMut};
use anemone_ir::{Function, Profile};

/// How functions are planned.
pub(super) struct Cpu(Options);

impl Cpu {
    pub(super) fn new(options: &CompileOptions) -> Cpu {
        Cpu(Options { profile: options.profile, threads: options.threads, ..Options::default() })
    }
}

impl Loaded for Cpu {
    fn engine(&self, function: &Function) -> Result<Box<dyn Engine>, Error> {
        let engine = anemone_cpu::Engine::new(function, &self.0).map_err(failed)?;
        Ok(Box::new(Planned(engine)))
    }
}

/// A function planned for the CPU.
struct Planned(anemone_cpu::Engine);

fn failed(e: EngineError) -> Error {
    Error::new(ErrorKind::Backend, format!("the CPU engine: {e}")).with_source(e)
}

impl Planned {
    /// The engine uses rows that follow each other in place, if it keeps halves as halves.
    fn transfer(&self, rows: Rows) -> Transfer {
        let in_place = self.0.profile() == Profile::Fp16 && (rows.dense() || rows.rows() == 1);
        if in_place { Transfer::InPlace } else { Transfer::Copied }
    }
}

impl Engine for Planned {
    fn run(&self, call: &Call<'_, '_>, _: &RunOptions) -> Result<RunReport, Error> {
        let sources = (0..call.inputs.len()).map(|i| call.inputs.read(i)).collect::<Result<Vec<_>, _>>()?;
        let mut targets = (0..call.outputs.len()).map(|i| call.outputs.write(i)).collect::<Result<Vec<_>, _>>()?;
        let report = |hardware| RunReport {
            backend: Backend::Cpu,
            path: None,
            inputs: call.inputs.bound().map(|(_, t)| self.transfer(t.storage().rows())).collect(),
            outputs: call.outputs.bound().map(|(_, t)| self.transfer(t.storage().rows())).collect(),
            hardware: Some(hardware),
            wall: call.start.elapsed(),
        };
        let inputs = sources.iter().map(|s| Input { data: Slice::F16(s.padded()), row_stride: s.rows().stride() });
        let inputs: Vec<Input<'_>> = inputs.collect();
        let mut outputs: Vec<Output<'_>> = Vec::with_capacity(targets.len());
        for target in &mut targets {
            let row_stride = target.rows().stride();
            outputs.push(Output { data: SliceMut::F16(target.padded_mut()), row_stride });
        }
        self.0.run(&inputs, &mut outputs).map(report).map_err(failed)
    }

    fn submit<'a>(&'a self, call: &Call<'a, '_>) -> Result<Submission<'a>, Error> {
        self.run(call, &RunOptions::default()).map(Submission::done)
    }

    fn can(&self, _: RunPath) -> bool {
        true
    }
}
