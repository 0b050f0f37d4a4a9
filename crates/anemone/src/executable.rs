//! A compiled program.

use crate::backend::{self, Engine, Loaded, Placed};
use crate::call::Call;
use crate::compile::{Backend, CompileOptions};
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport};
use crate::shape::Shape;
use crate::submission::Submission;
use crate::tensor_data::TensorData;
use anemone_ir::limits::lint;
use anemone_ir::{Diagnostic, Function, Program, Severity, ValueId};
use std::fmt;
use std::sync::Arc;

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
        let shape = Shape::of(&value.ty.dims).filter(|_| value.ty.dtype.is_float()).ok_or_else(|| {
            let message = format!("`{}` is {}; inputs and outputs are floats in four dimensions", value.name, value.ty);
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
/// Neural Engine, and in the way there; on the CPU they are alike. All of them accept any tensors of the right shapes at any call.
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
/// guard on one of the tensors is alive, or an output is also an input or another output; [`ErrorKind::Evaluate`] or
/// [`ErrorKind::Backend`] if the engine fails. No output has changed then, but for the last case.
pub struct Executable {
    loaded: Arc<dyn Loaded>,
    engine: Box<dyn Engine>,
    program: Arc<Program>,
    /// The function that runs, in the program.
    function: usize,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    warnings: Arc<[Diagnostic]>,
    backend: Backend,
    why: Arc<str>,
}

impl Executable {
    /// Loads a program that was read from MIL text or built with [`crate::ir::Builder`]. Its function `main` runs, or else
    /// the first; see [`Executable::for_function`] for others.
    ///
    /// ```
    /// use anemone::{CompileOptions, Executable, Limits, TensorData, mil};
    /// let text = r#"
    ///     program(1.3) {
    ///         func main<ios18>(tensor<fp16, [1, 2, 1, 64]> x) {
    ///             tensor<fp16, [1, 2, 1, 64]> y = relu(x = x);
    ///         } -> (y);
    ///     }"#;
    /// let program = mil::parse(text, &mil::NoWeights)?;
    /// let executable = Executable::from_program(program, &CompileOptions::new())?;
    /// let port = &executable.inputs()[0];
    /// let (x, y) = (TensorData::with_f32(&[-1.0; 128], port.shape), TensorData::new(port.shape));
    /// executable.run(&[&x], &[&y])?;
    /// assert_eq!(*y.read_f32(), [0.0; 128]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if it breaks a limit of the Neural Engine; [`ErrorKind::Backend`] if an input or output is no
    /// tensor of floats in four dimensions; what else the back end says.
    pub fn from_program(program: Program, options: &CompileOptions) -> Result<Executable, Error> {
        let findings: Vec<_> = program.functions().iter().flat_map(|f| lint(f, &options.limits)).collect();
        let errors = findings.iter().filter(|d| d.severity == Severity::Error).count();
        let warnings = [program.warnings(), &findings].concat();
        if errors > 0 { Err(Error::graph(warnings, errors)) } else { Executable::load(program, warnings, options) }
    }

    pub(crate) fn load(
        program: Program,
        mut warnings: Vec<Diagnostic>,
        options: &CompileOptions,
    ) -> Result<Executable, Error> {
        let program = Arc::new(program);
        let Placed { loaded, backend, why } = backend::load(&program, options)?;
        warnings.extend_from_slice(loaded.warnings());
        let main = &program.main().name;
        let function = program.functions().iter().position(|f| f.name == *main).expect("main is one of the functions");
        Executable::of(loaded, program, function, warnings.into(), backend, why.into())
    }

    fn of(
        loaded: Arc<dyn Loaded>,
        program: Arc<Program>,
        function: usize,
        warnings: Arc<[Diagnostic]>,
        backend: Backend,
        why: Arc<str>,
    ) -> Result<Executable, Error> {
        let of = &program.functions()[function];
        let ports = |ids: &[ValueId]| ids.iter().map(|id| Port::of(of, *id)).collect::<Result<Vec<_>, _>>();
        let (inputs, outputs) = (ports(&of.params)?, ports(&of.outputs)?);
        let engine = loaded.engine(of)?;
        Ok(Executable { loaded, engine, program, function, inputs, outputs, warnings, backend, why })
    }

    /// Another function of the same program, which stays loaded once for all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] if there is no such function; else as [`Executable::from_program`].
    pub fn for_function(&self, name: &str) -> Result<Executable, Error> {
        let function = self.program.functions().iter().position(|f| &*f.name == name).ok_or_else(|| {
            let names: Vec<_> = self.program.functions().iter().map(|f| &*f.name).collect();
            let message = format!("the program has no function `{name}`, only {}", names.join(", "));
            Error::new(ErrorKind::Binding, message)
        })?;
        let (loaded, program) = (self.loaded.clone(), self.program.clone());
        Executable::of(loaded, program, function, self.warnings.clone(), self.backend, self.why.clone())
    }

    /// Runs the program.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.run_with(inputs, outputs, &RunOptions::new()).map(drop)
    }

    /// Runs the program and keeps what was prepared for these tensors, for the next call with them; see
    /// [`RunOptions::cached`].
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.run_with(inputs, outputs, &RunOptions::new().cached(true)).map(drop)
    }

    /// As [`Executable::run_cached`]; returns the nanoseconds that the engine itself took, without dispatch. On the Neural
    /// Engine that is 0 if the system keeps the time to itself, which it does on most machines:
    /// [`RunReport::hardware`] tells 0 and unknown apart.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached_with_stats(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<u64, Error> {
        let report = self.run_with(inputs, outputs, &RunOptions::new().cached(true).statistics(true))?;
        Ok(report.hardware.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// As [`Executable::run_cached`], on [`RunPath::Direct`] where the system has it.
    #[allow(clippy::missing_errors_doc, reason = "said at the type")]
    #[track_caller]
    pub fn run_cached_direct(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        let path = if self.can_run(RunPath::Direct) { RunPath::Direct } else { RunPath::InMemory };
        self.run_with(inputs, outputs, &RunOptions::new().cached(true).path(path)).map(drop)
    }

    /// As [`Executable::run_cached`], on [`RunPath::RealTime`].
    ///
    /// # Errors
    /// As the other runs; also [`ErrorKind::Unavailable`] if this system does not have the path.
    #[track_caller]
    pub fn run_real_time(&self, inputs: &[&TensorData], outputs: &[&TensorData]) -> Result<(), Error> {
        self.run_with(inputs, outputs, &RunOptions::new().cached(true).path(RunPath::RealTime)).map(drop)
    }

    /// Runs the program as the options say, and reports what was done.
    ///
    /// # Errors
    /// As the other runs; also [`ErrorKind::Unavailable`] if this system does not have the path.
    #[track_caller]
    pub fn run_with(
        &self,
        inputs: &[&TensorData],
        outputs: &[&TensorData],
        options: &RunOptions,
    ) -> Result<RunReport, Error> {
        let call = Call::new([&self.inputs, &self.outputs], [inputs, outputs])?;
        if !self.can_run(options.path) {
            let message = format!("the {} path cannot be taken on this system", options.path);
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        self.engine.run(&call, options)
    }

    /// Starts a run and returns, with the tensors locked until the run is over. If as many runs are under way as
    /// [`CompileOptions::in_flight`] says, it first waits for one of them.
    ///
    /// ```
    /// # use anemone::{Graph, NSQualityOfService, Shape, TensorData};
    /// # let mut g = Graph::new();
    /// # let x = g.placeholder(Shape::spatial(2, 1, 64));
    /// # let y = g.relu(x);
    /// let executable = g.compile(NSQualityOfService::Default)?;
    /// let (input, output) = (TensorData::new(x.shape), TensorData::new(y.shape));
    /// let submission = executable.submit(&[&input], &[&output])?;
    /// // Something else is done here; or the submission is awaited.
    /// let report = submission.wait()?;
    /// println!("took {:?}", report.wall);
    /// # Ok::<(), anemone::Error>(())
    /// ```
    ///
    /// # Errors
    /// As the other runs; what goes wrong after the start is the submission's result.
    #[track_caller]
    pub fn submit<'a>(
        &'a self,
        inputs: &[&'a TensorData],
        outputs: &[&'a TensorData],
    ) -> Result<Submission<'a>, Error> {
        self.engine.submit(&Call::new([&self.inputs, &self.outputs], [inputs, outputs])?)
    }

    /// Whether runs can take a path here; on the CPU all are alike.
    pub fn can_run(&self, path: RunPath) -> bool {
        self.engine.can(path)
    }

    /// The function that runs.
    pub fn function(&self) -> &Function {
        &self.program.functions()[self.function]
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

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executable")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
