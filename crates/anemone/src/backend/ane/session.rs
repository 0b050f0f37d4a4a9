//! A program that is loaded on the Neural Engine.

use super::engine::Resident;
use super::port::{Place, Port};
use super::text::Text;
use super::{NeuralEngine, failed, path, qos};
use crate::backend::{Engine, Loaded};
use crate::compile::{Backend, CompileOptions};
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport, Transfer};
use anemone_apple::{Error as AppleError, Framework, Model, Options, Path, Procedure, Surface};
use anemone_ir::ane::{Generation, Ports};
use anemone_ir::reference::Array;
use anemone_ir::{DType, Diagnostic, Literal, Program, ValueId};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A loaded program, shared by what runs its functions.
#[derive(Clone)]
pub(crate) struct Session(pub(super) Arc<Shared>);

pub(super) struct Shared {
    model: Model,
    pub(super) functions: Vec<Function>,
    measured: Mutex<Measured>,
    warnings: Vec<Diagnostic>,
    maker: Maker,
}

/// What a program is loaded from.
struct Maker {
    framework: &'static Framework,
    generation: Generation,
    program: Arc<Program>,
    options: Options,
}

/// The same program, loaded to be measured: an ordinary one is not burdened with counters, and measuring a program that was
/// not loaded for it can throw (mil_infer).
enum Measured {
    Untried,
    Ready(Model),
    /// The system keeps the time to itself.
    Gated,
}

/// A function of the program.
pub(super) struct Function {
    name: Arc<str>,
    /// Its place among the model's procedures.
    pub(super) procedure: usize,
    /// In the order of the procedure; those that nothing reads are not there.
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// How many inputs the caller gives.
    pub(super) given: usize,
}

/// How a run went.
pub(super) struct Ran {
    pub(super) path: RunPath,
    pub(super) hardware: Option<Duration>,
}

impl Session {
    pub(crate) fn new(engine: &NeuralEngine, program: &Program, options: &CompileOptions) -> Result<Session, Error> {
        let mut settings = Options::default();
        settings.qos = qos(options.quality_of_service);
        settings.reproduction = options.reproduction.clone();
        settings.in_flight = options.in_flight.unwrap_or(settings.in_flight);
        let (framework, generation) = (engine.framework, engine.generation);
        let maker = Maker { framework, generation, program: Arc::new(program.clone()), options: settings };
        let (model, text) = maker.load(false)?;
        let functions = program.functions().iter().zip(&text.ports);
        let functions = functions.map(|(f, ports)| Function::new(f, ports, &model)).collect::<Result<_, _>>()?;
        let measured = Mutex::new(Measured::Untried);
        Ok(Session(Arc::new(Shared { model, functions, measured, warnings: text.warnings, maker })))
    }

    pub(crate) fn can(&self, wanted: RunPath) -> bool {
        self.0.can(wanted)
    }

    pub(crate) fn was_cached(&self) -> bool {
        self.0.model.was_cached()
    }

    /// Whether tensors of halves can be given to a function.
    pub(super) fn check_tensors(&self, function: &str) -> Result<(), Error> {
        let function = &self.0.functions[self.0.find(function)?];
        match function.inputs.iter().chain(&function.outputs).find(|p| p.ty.dtype != DType::Fp16) {
            None => Ok(()),
            Some(port) => {
                let message = format!("`{}` is {}, and tensors hold halves", port.name, port.ty);
                Err(Error::new(ErrorKind::Backend, message))
            }
        }
    }

    /// Runs a function on arrays.
    pub(crate) fn run(
        &self,
        function: &str,
        inputs: &[Vec<f64>],
        options: &RunOptions,
    ) -> Result<(Vec<Array>, RunReport), Error> {
        let start = Instant::now();
        let function = &self.0.functions[self.0.find(function)?];
        if inputs.len() != function.given {
            let message = format!("`{}` takes {} inputs, {} given", function.name, function.given, inputs.len());
            return Err(Error::new(ErrorKind::Binding, message));
        }
        let mut places = Vec::with_capacity(function.inputs.len());
        for port in &function.inputs {
            let elements = Literal::from_f64(port.ty, &inputs[port.at])
                .map_err(|e| Error::new(ErrorKind::Binding, format!("input `{}`: {e}", port.name)))?;
            let place = port.staging().map_err(failed)?;
            port.write_dense(elements.dense().bytes().unwrap_or_default(), place.surface()).map_err(failed)?;
            places.push(place);
        }
        let targets = function.outputs.iter().map(Port::staging).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let ran = self.0.run(function, &places, &targets, options).map_err(failed)?;
        let mut arrays = vec![None; function.outputs.len()];
        for (port, place) in function.outputs.iter().zip(&targets) {
            let elements = port.read_dense(place.surface()).map_err(failed)?;
            let array = Literal::from_bytes(port.ty, elements.into()).ok().and_then(|l| l.to_f64());
            let data = array.ok_or_else(|| {
                let message = format!("output `{}` came back as what is no {}", port.name, port.ty.dtype);
                Error::new(ErrorKind::Evaluate, message)
            })?;
            arrays[port.at] = Some(Array { ty: port.ty, data });
        }
        let report = function.report(&ran, &places, &targets, start);
        Ok((arrays.into_iter().flatten().collect(), report))
    }
}

impl Loaded for Session {
    fn engine(&self, function: &anemone_ir::Function) -> Result<Box<dyn Engine>, Error> {
        self.check_tensors(&function.name)?;
        let at = self.0.find(&function.name)?;
        Ok(Box::new(Resident { shared: self.0.clone(), function: at }))
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.0.warnings
    }
}

impl Maker {
    /// Compiles if need be, and loads.
    fn load(&self, statistics: bool) -> Result<(Model, Text), Error> {
        let text = Text::new(&self.program, self.generation)?;
        let mut options = self.options.clone();
        options.statistics = statistics;
        let model = Model::new(self.framework, &text.source(), options).map_err(failed)?;
        Ok((model, text))
    }
}

impl Shared {
    fn find(&self, function: &str) -> Result<usize, Error> {
        let found = self.functions.iter().position(|f| &*f.name == function);
        found.ok_or_else(|| Error::new(ErrorKind::Binding, format!("the program has no function `{function}`")))
    }

    pub(super) fn can(&self, wanted: RunPath) -> bool {
        self.model.can(path(wanted))
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// Runs a function on surfaces, which are given in the procedure's order.
    pub(super) fn run(
        &self,
        function: &Function,
        inputs: &[Place<'_>],
        outputs: &[Place<'_>],
        options: &RunOptions,
    ) -> Result<Ran, AppleError> {
        let (inputs, outputs) = (surfaces(inputs), surfaces(outputs));
        if options.statistics
            && let Some(model) = self.measured()
        {
            match model.evaluate_with_statistics(function.procedure, &inputs, &outputs) {
                Ok(evaluated) => {
                    if evaluated.hardware.is_none() {
                        self.measure_no_more();
                    }
                    let path = if model.can(Path::Client) { RunPath::Client } else { RunPath::InMemory };
                    return Ok(Ran { path, hardware: evaluated.hardware });
                }
                Err(e @ (AppleError::Busy(_) | AppleError::Binding(_))) => return Err(e),
                // Runs have been seen to throw for no other reason than that they were to be measured (mil_infer). If it is
                // another, the ordinary run meets it too.
                Err(e) => {
                    tracing::warn!("no time on the hardware can be measured: {e}");
                    self.measure_no_more();
                }
            }
        }
        let path = path(options.path);
        let evaluate = if options.cached { Model::evaluate_kept } else { Model::evaluate };
        let evaluated = evaluate(&self.model, function.procedure, &inputs, &outputs, path)?;
        Ok(Ran { path: options.path, hardware: evaluated.hardware })
    }

    fn measure_no_more(&self) {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Measured::Gated;
    }

    /// The program as it is loaded for measuring; `None` if nothing can be measured here.
    fn measured(&self) -> Option<Model> {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Measured::Untried = *measured {
            *measured = match self.maker.load(true) {
                Ok((model, _)) => Measured::Ready(model),
                Err(e) => {
                    tracing::warn!("no time on the hardware can be measured: {e}");
                    Measured::Gated
                }
            };
        }
        match &*measured {
            Measured::Ready(model) => Some(model.clone()),
            Measured::Untried | Measured::Gated => None,
        }
    }
}

pub(super) fn surfaces<'a>(places: &'a [Place<'_>]) -> Vec<&'a Surface> {
    places.iter().map(Place::surface).collect()
}

impl Function {
    /// Finds the function's ports among those that the framework tells of.
    fn new(function: &anemone_ir::Function, ports: &Ports, model: &Model) -> Result<Function, Error> {
        let unknown = |what: String| Error::new(ErrorKind::Load, format!("the loaded program has {what}"));
        let procedures = model.procedures();
        let only = (procedures.len() == 1).then_some(0);
        let procedure = procedures.iter().position(|p| p.name == *function.name).or(only);
        let procedure = procedure.ok_or_else(|| unknown(format!("no procedure `{}`", function.name)))?;
        let Procedure { inputs, outputs, .. } = &procedures[procedure];
        let port = |found: &anemone_apple::Port, at: Option<usize>, ids: &[ValueId]| {
            let at = at.ok_or_else(|| unknown(format!("a port `{}` that is none of ours", found.name)))?;
            let value = function.value(ids[at]);
            Port::new(&value.name, at, value.ty, found.layout)
        };
        let input = |found: &anemone_apple::Port| {
            let at = ports.inputs.iter().position(|name| name.as_deref() == Some(&*found.name));
            port(found, at, &function.params)
        };
        let output = |found: &anemone_apple::Port| {
            let at = ports.outputs.iter().position(|name| **name == *found.name);
            port(found, at, &function.outputs)
        };
        let inputs = inputs.iter().map(input).collect::<Result<Vec<_>, _>>()?;
        let outputs = outputs.iter().map(output).collect::<Result<Vec<_>, _>>()?;
        let missing = (0..function.outputs.len()).find(|at| outputs.iter().filter(|p| p.at == *at).count() != 1);
        if let Some(at) = missing {
            return Err(unknown(format!("not one output `{}`", function.value(function.outputs[at]).name)));
        }
        Ok(Function { name: function.name.clone(), procedure, inputs, outputs, given: function.params.len() })
    }

    pub(super) fn report(&self, ran: &Ran, inputs: &[Place<'_>], outputs: &[Place<'_>], start: Instant) -> RunReport {
        let transfers = |count: usize, ports: &[Port], places: &[Place<'_>]| {
            let mut transfers = vec![Transfer::Unused; count];
            ports.iter().zip(places).for_each(|(port, place)| transfers[port.at] = place.transfer());
            transfers
        };
        RunReport {
            backend: Backend::Ane,
            path: Some(ran.path),
            inputs: transfers(self.given, &self.inputs, inputs),
            outputs: transfers(self.outputs.len(), &self.outputs, outputs),
            hardware: ran.hardware,
            wall: start.elapsed(),
        }
    }
}
