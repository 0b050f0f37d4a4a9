//! A compiled program.

use crate::backend::Engine;
use crate::compile::Backend;
use crate::error::{Error, ErrorKind};
use crate::shape::Shape;
use crate::tensor_data::TensorData;
use anemone_ir::{Diagnostic, Function, Program, ValueId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An input or an output of an [`Executable`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Port {
    /// The name: given by `named_placeholder` or `named_output`, or else made up.
    pub name: Arc<str>,
    /// The shape.
    pub shape: Shape,
}

impl Port {
    fn of(function: &Function, id: ValueId) -> Result<Port, Error> {
        let value = function.value(id);
        let shape = Shape::of(&value.ty.dims).ok_or_else(|| {
            let message = format!("`{}` is {}; inputs and outputs have four dimensions", value.name, value.ty);
            Error::new(ErrorKind::Backend, message)
        })?;
        Ok(Port { name: value.name.clone(), shape })
    }
}

/// A compiled and loaded program; it is unloaded when dropped.
///
/// It can be used from several threads at once. A run locks its tensors: inputs for reading, outputs for writing.
///
/// The `run` methods take the inputs in the order of the `placeholder` calls and the outputs in the order of the `output`
/// calls, or in that of the tensors nothing reads. They compute the same and differ in what they keep between calls on the
/// Neural Engine; on the CPU they are alike. All of them accept any tensors of the right shapes at any call.
///
/// ```
/// use anemone::{Graph, NSQualityOfService, Shape, TensorData};
/// let mut g = Graph::new();
/// let x = g.placeholder(Shape::spatial(2, 1, 64));
/// let y = g.square_root(x);
/// let executable = g.compile(NSQualityOfService::Default)?;
///
/// let (input, output) = (TensorData::new(x.shape), TensorData::new(y.shape));
/// for value in [4.0, 9.0] {
///     input.as_f32_slice_mut().fill(value);
///     let nanoseconds = executable.run_cached_with_stats(&[&input], &[&output])?;
///     println!("{} in {nanoseconds} ns", output.as_f32_slice()[0]);
/// }
/// assert_eq!(output.read_f32()[0], 3.0);
/// # Ok::<(), anemone::Error>(())
/// ```
///
/// # Errors
/// Of every `run` method: [`ErrorKind::Binding`] if the number or a shape is not the program's; [`ErrorKind::Locked`] if a
/// guard on one of the tensors is alive, or an output is also an input or another output; [`ErrorKind::Backend`] if the back
/// end fails. No output has changed then, but for the last case.
pub struct Executable {
    program: Arc<Program>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    warnings: Vec<Diagnostic>,
    engine: Box<dyn Engine>,
    backend: Backend,
    why: String,
}

impl Executable {
    pub(crate) fn new(
        program: Arc<Program>,
        warnings: Vec<Diagnostic>,
        engine: Box<dyn Engine>,
        backend: Backend,
        why: String,
    ) -> Result<Executable, Error> {
        let function = program.main();
        let inputs = function.params.iter().map(|id| Port::of(function, *id)).collect::<Result<_, _>>()?;
        let outputs = function.outputs.iter().map(|id| Port::of(function, *id)).collect::<Result<_, _>>()?;
        Ok(Executable { program, inputs, outputs, warnings, engine, backend, why })
    }

    /// Runs the program.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.evaluate(inputs, outputs).map(drop)
    }

    /// Runs the program and keeps what was prepared for these tensors, for the next call with them.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.evaluate(inputs, outputs).map(drop)
    }

    /// As [`Executable::run_cached`]; returns the nanoseconds that the engine itself took, without dispatch.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached_with_stats(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<u64, Error> {
        let time = self.evaluate(inputs, outputs)?;
        Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    /// As [`Executable::run_cached`], past the system's daemon where there is one.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached_direct(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.evaluate(inputs, outputs).map(drop)
    }

    #[track_caller]
    fn evaluate(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<Duration, Error> {
        check_ports("input", &self.inputs, inputs)?;
        check_ports("output", &self.outputs, outputs)?;
        self.check_overlap(inputs, outputs)?;
        let mut sources = Vec::with_capacity(inputs.len());
        for (port, tensor) in self.inputs.iter().zip(inputs) {
            sources.push(tensor.lock().map_err(|e| in_use("input", port, e))?);
        }
        let mut targets = Vec::with_capacity(outputs.len());
        for (port, tensor) in self.outputs.iter().zip(outputs) {
            targets.push(tensor.lock_mut().map_err(|e| in_use("output", port, e))?);
        }
        let sources: Vec<_> = sources.iter().map(|guard| &**guard).collect();
        let mut targets: Vec<_> = targets.iter_mut().map(|guard| &mut **guard).collect();
        self.engine.run(&sources, &mut targets)
    }

    fn check_overlap(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        for (at, (output, port)) in outputs.iter().zip(&self.outputs).enumerate() {
            let inputs = self.inputs.iter().zip(inputs).map(|(p, t)| ("input", p, t));
            let others = self.outputs.iter().zip(outputs).take(at).map(|(p, t)| ("output", p, t));
            if let Some((side, other, _)) = inputs.chain(others).find(|(_, _, t)| std::ptr::eq(**t, *output)) {
                let message = format!("output `{}` and {side} `{}` are the same tensor", port.name, other.name);
                return Err(Error::new(ErrorKind::Locked, message));
            }
        }
        Ok(())
    }

    /// The inputs, in the order in which a run takes them.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The outputs, in the order in which a run takes them.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// The program, in MIL's terms.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What was found while compiling that is worth knowing though not wrong.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Where the program runs; never [`Backend::Auto`].
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Where the program runs and why there, in words.
    pub fn why(&self) -> &str {
        &self.why
    }
}

fn check_ports(side: &str, ports: &[Port], tensors: &[&TensorData]) -> Result<(), Error> {
    if ports.len() != tensors.len() {
        let plural = if ports.len() == 1 { "" } else { "s" };
        let message = format!("the program has {} {side}{plural}, {} given", ports.len(), tensors.len());
        return Err(Error::new(ErrorKind::Binding, message));
    }
    match ports.iter().zip(tensors).find(|(port, tensor)| port.shape != tensor.shape()) {
        Some((port, tensor)) => {
            let message = format!("{side} `{}` is {}, the tensor given is {}", port.name, port.shape, tensor.shape());
            Err(Error::new(ErrorKind::Binding, message))
        }
        None => Ok(()),
    }
}

fn in_use(side: &str, port: &Port, e: Error) -> Error {
    let message = format!("{side} `{}` is in use: a guard of its tensor is alive, or another run has it", port.name);
    Error::new(ErrorKind::Locked, message).with_source(e)
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executable")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
