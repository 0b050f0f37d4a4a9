//! The CPU engine, as it is examined.

use super::probe::{Probe, Sample};
use super::report::PathRow;
use crate::elements::Elements;
use anemone_conformance::{Accuracy, Compiled, Engine, Refusal};
use anemone_cpu::{Input, Options, Output};
use anemone_ir::{Function, Program, TensorType};
use std::time::Instant;

/// The engine as it runs by default.
pub(crate) struct Cpu;

/// The one way to it.
const PATH: &str = "run";

impl Engine for Cpu {
    fn accuracy(&self) -> Accuracy {
        Accuracy::Single
    }

    fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal> {
        Ok(Box::new(Ready::new(program.main()).map_err(Refusal::Failed)?))
    }
}

impl Probe for Cpu {
    fn paths(&self) -> Vec<String> {
        vec![PATH.to_owned()]
    }

    fn probe(&mut self, path: &str, sample: &Sample) -> Result<PathRow, String> {
        let begin = Instant::now();
        let mut ready = Ready::new(sample.program.main())?;
        let compile = begin.elapsed();
        let given = elements(&ready.inputs, std::slice::from_ref(&sample.input))?;
        let mut results = zeros(&ready.outputs)?;
        let run = sample.median(|| ready.execute(&given, &mut results))?;
        sample.check(&results[0].to_f64())?;
        Ok(PathRow { compile_seconds: Some(compile.as_secs_f64()), run_seconds: Some(run), ..PathRow::of(path) })
    }
}

/// A function on the engine.
struct Ready {
    engine: anemone_cpu::Engine,
    inputs: Vec<TensorType>,
    outputs: Vec<TensorType>,
}

impl Ready {
    fn new(function: &Function) -> Result<Ready, String> {
        let engine = anemone_cpu::Engine::new(function, &Options::default()).map_err(|e| e.to_string())?;
        let types = |ids: &[_]| ids.iter().map(|id| *function.ty(*id)).collect();
        Ok(Ready { engine, inputs: types(&function.params), outputs: types(&function.outputs) })
    }

    fn execute(&mut self, given: &[Elements], results: &mut [Elements]) -> Result<(), String> {
        let row = |ty: &TensorType| ty.dims.last().copied().unwrap_or(1);
        let inputs = self.inputs.iter().zip(given);
        let inputs: Vec<_> = inputs.map(|(ty, e)| Input { data: e.slice(), row_stride: row(ty) }).collect();
        let outputs = self.outputs.iter().zip(results);
        let mut outputs: Vec<_> = outputs.map(|(ty, e)| Output { data: e.slice_mut(), row_stride: row(ty) }).collect();
        self.engine.run(&inputs, &mut outputs).map(drop).map_err(|e| e.to_string())
    }
}

impl Compiled for Ready {
    fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
        let given = elements(&self.inputs, inputs)?;
        let mut results = zeros(&self.outputs)?;
        self.execute(&given, &mut results)?;
        Ok(results.iter().map(Elements::to_f64).collect())
    }
}

fn elements(types: &[TensorType], data: &[Vec<f64>]) -> Result<Vec<Elements>, String> {
    let one = |(ty, data): (&TensorType, &Vec<f64>)| Elements::from_f64(ty.dtype, data.len(), data.iter().copied());
    types.iter().zip(data).map(one).collect()
}

fn zeros(types: &[TensorType]) -> Result<Vec<Elements>, String> {
    types.iter().map(|ty| Elements::zeros(ty.dtype, ty.dims.elements())).collect()
}
