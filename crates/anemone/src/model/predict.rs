//! Running a model.

use super::{Array, ArrayView, Model, Shapes};
use crate::compile::Backend;
use crate::error::{Error, ErrorKind};
use crate::executable::Executable;
use crate::tensor_data::TensorData;
use anemone_cpu::{Engine, Input, Options, Output, State};
use anemone_ir::{DType, Function, Program, TensorType};
use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A function, planned for inputs of certain shapes.
pub(super) struct Predictor {
    program: Program,
    runs: Runs,
}

enum Runs {
    Cpu(Engine),
    /// Where it takes the program; see [`Model::predict`].
    NeuralEngine(Executable),
}

/// What a model gave: arrays by the names of the outputs.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    outputs: BTreeMap<String, Array>,
    /// Where it ran.
    pub backend: Backend,
    /// How long the run took.
    pub time: Duration,
}

impl Prediction {
    /// An output.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.outputs.get(name)
    }

    /// All outputs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.outputs.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The outputs, to keep.
    pub fn into_outputs(self) -> BTreeMap<String, Array> {
        self.outputs
    }
}

impl Index<&str> for Prediction {
    type Output = Array;
    fn index(&self, name: &str) -> &Array {
        self.get(name).unwrap_or_else(|| panic!("the model has no output `{name}`"))
    }
}

/// What a model remembers from one prediction to the next, such as the keys and values of a decoder. A new one holds zeros.
pub struct ModelState {
    function: String,
    state: State,
}

impl ModelState {
    /// The names of the states, and their types.
    pub fn types(&self) -> impl Iterator<Item = (&str, TensorType)> {
        self.state.types()
    }

    /// What the state with this name holds.
    pub fn get(&self, name: &str) -> Option<Array> {
        let (at, (_, ty)) = self.types().enumerate().find(|(_, (n, _))| *n == name)?;
        Some(Array::of(&ty.dims, self.state.get(at)?))
    }

    /// Has the state with this name hold something else. Floats are rounded to its type.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] if there is no such state, or it is of another shape or type.
    pub fn set<'a>(&mut self, name: &str, array: impl Into<ArrayView<'a>>) -> Result<(), Error> {
        let array: ArrayView<'a> = array.into();
        let found = self.types().enumerate().find(|(_, (n, _))| *n == name).map(|(at, (_, ty))| (at, ty));
        let Some((at, ty)) = found else {
            return Err(Error::new(ErrorKind::Binding, format!("the function has no state `{name}`")));
        };
        if *array.shape != *ty.dims {
            let message = format!("state `{name}` is {ty}; {:?} was given", array.shape);
            return Err(Error::new(ErrorKind::Binding, message));
        }
        self.state.set(at, array.elements).map_err(failed)
    }

    /// Has all states hold zeros again.
    pub fn reset(&mut self) {
        self.state.reset();
    }
}

impl Model {
    /// Runs the default function. Inputs have the shapes of what is given; states begin as zeros.
    ///
    /// A float may be given as another float type, and is rounded to the one that the model wants. The program runs where
    /// [`crate::CompileOptions::backend`] says; on the Neural Engine only if all its inputs and outputs are floats in four
    /// dimensions and it has no states.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] if an input is missing, is none of the function's, or has another type or shape;
    /// [`ErrorKind::Model`] if the program is not right with these shapes; what else the back end says.
    pub fn predict(&self, inputs: &[(&str, ArrayView<'_>)]) -> Result<Prediction, Error> {
        self.predict_function(self.default_function(), inputs)
    }

    /// The same with a function of the model's.
    ///
    /// # Errors
    /// As [`Model::predict`]; [`ErrorKind::Binding`] if there is no such function.
    pub fn predict_function(&self, function: &str, inputs: &[(&str, ArrayView<'_>)]) -> Result<Prediction, Error> {
        self.predictor(function, inputs)?.run(inputs, None)
    }

    /// The states of a function, holding zeros.
    ///
    /// # Errors
    /// As [`Model::program`].
    pub fn state(&self, function: &str) -> Result<ModelState, Error> {
        let program = self.program(function, &[])?;
        let engine = self.engine(program.main())?;
        Ok(ModelState { function: function.to_owned(), state: engine.state().map_err(failed)? })
    }

    /// Runs a function on states, which are then as the run leaves them. It runs on the CPU.
    ///
    /// # Errors
    /// As [`Model::predict_function`]; [`ErrorKind::Binding`] if the states are those of another function. They are as they
    /// were then.
    pub fn predict_stateful(
        &self,
        state: &mut ModelState,
        inputs: &[(&str, ArrayView<'_>)],
    ) -> Result<Prediction, Error> {
        self.predictor(&state.function.clone(), inputs)?.run(inputs, Some(&mut state.state))
    }

    fn engine(&self, function: &Function) -> Result<Engine, Error> {
        let options = Options { profile: self.options.profile, threads: self.options.threads, ..Options::default() };
        Engine::new(function, &options).map_err(failed)
    }

    /// The function planned for these inputs; it is kept.
    fn predictor(&self, function: &str, inputs: &[(&str, ArrayView<'_>)]) -> Result<Arc<Predictor>, Error> {
        let declared = self.function(function)?.inputs();
        let mut shapes: Shapes = Vec::new();
        let mut bound: Vec<(&str, &[usize])> = Vec::new();
        for (name, _) in declared {
            let Some((given, array)) = inputs.iter().find(|(given, _)| *given == name) else {
                let known = self.function(function)?.inputs().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
                let message = format!("input `{name}` is missing; `{function}` has {known}");
                return Err(Error::new(ErrorKind::Binding, message));
            };
            shapes.push(array.shape.to_vec());
            bound.push((given, array.shape));
        }
        if let Some((name, _)) = inputs.iter().find(|(name, _)| bound.iter().all(|(known, _)| known != name)) {
            let known = bound.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let message = format!("`{function}` has no input `{name}`; it has {known}");
            return Err(Error::new(ErrorKind::Binding, message));
        }
        let lock = || self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().get(function, &shapes) {
            return Ok(kept);
        }
        let planned = Arc::new(self.plan(self.program(function, &bound)?)?);
        lock().keep(function, shapes, planned.clone());
        Ok(planned)
    }

    fn plan(&self, program: Program) -> Result<Predictor, Error> {
        if self.options.backend != Backend::Cpu && crate::neural_engine().is_ok() && suits(program.main()) {
            let executable = Executable::from_program(program.clone(), &self.options)?;
            return Ok(Predictor { program, runs: Runs::NeuralEngine(executable) });
        }
        if self.options.backend == Backend::Ane && !self.options.may_fall_back() {
            crate::neural_engine()?;
            let message = "the Neural Engine takes floats in four dimensions, and no states; see `Model::inputs`";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let engine = self.engine(program.main())?;
        Ok(Predictor { program, runs: Runs::Cpu(engine) })
    }
}

/// The plans that are kept: each has the weights packed for itself, so that there are few.
#[derive(Default)]
pub(super) struct Plans(Vec<(String, Shapes, Arc<Predictor>)>);

/// The most plans that a model keeps. The one that was not used for the longest time goes.
const MOST_PLANS: usize = 8;

impl Plans {
    fn get(&mut self, function: &str, shapes: &Shapes) -> Option<Arc<Predictor>> {
        let at = self.0.iter().position(|(f, s, _)| f == function && s == shapes)?;
        self.0[at..].rotate_left(1);
        self.0.last().map(|(.., planned)| planned.clone())
    }

    fn keep(&mut self, function: &str, shapes: Shapes, planned: Arc<Predictor>) {
        if self.0.len() == MOST_PLANS {
            self.0.remove(0);
        }
        self.0.push((function.to_owned(), shapes, planned));
    }
}

/// Whether [`TensorData`] holds all inputs and outputs.
fn suits(function: &Function) -> bool {
    let ports = function.params.iter().chain(&function.outputs);
    let fits = |ty: &TensorType| ty.dtype == DType::Fp16 && crate::Shape::of(&ty.dims).is_some();
    function.states.is_empty() && ports.into_iter().all(|id| fits(function.ty(*id)))
}

fn failed(e: anemone_cpu::EngineError) -> Error {
    let kind = if matches!(e, anemone_cpu::EngineError::Memory(_)) { ErrorKind::Backend } else { ErrorKind::Binding };
    Error::new(kind, e.to_string()).with_source(e)
}

/// Elements of a row.
fn row(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

impl Predictor {
    fn run(&self, inputs: &[(&str, ArrayView<'_>)], state: Option<&mut State>) -> Result<Prediction, Error> {
        let function = self.program.main();
        let name = |id: &anemone_ir::ValueId| &*function.value(*id).name;
        let find = |id| inputs.iter().find(|(given, _)| *given == name(id)).map(|(_, array)| *array);
        let given: Vec<ArrayView<'_>> = function.params.iter().filter_map(find).collect();
        let arrays = function.outputs.iter().map(|id| Array::zeros(*function.ty(*id)));
        let mut arrays: Vec<Array> = arrays.collect::<Result<_, _>>()?;
        let (backend, time) = match &self.runs {
            Runs::Cpu(engine) => {
                let given: Vec<Input<'_>> =
                    given.iter().map(|a| Input { data: a.elements, row_stride: row(a.shape) }).collect();
                let mut outputs: Vec<Output<'_>> = Vec::with_capacity(arrays.len());
                for array in &mut arrays {
                    let row_stride = row(array.shape());
                    outputs.push(Output { data: array.slice_mut(), row_stride });
                }
                let time = match state {
                    Some(state) => engine.run_stateful(&given, &mut outputs, state),
                    None => engine.run(&given, &mut outputs),
                };
                (Backend::Cpu, time.map_err(failed)?)
            }
            Runs::NeuralEngine(executable) => on_tensors(executable, &given, &mut arrays)?,
        };
        let names = function.outputs.iter().map(|id| name(id).to_owned());
        Ok(Prediction { outputs: names.zip(arrays).collect(), backend, time })
    }
}

/// Runs an executable, whose inputs and outputs are all floats in four dimensions.
fn on_tensors(
    executable: &Executable,
    given: &[ArrayView<'_>],
    arrays: &mut [Array],
) -> Result<(Backend, Duration), Error> {
    let input = |(port, view): (&crate::Port, &ArrayView<'_>)| {
        TensorData::try_with_f32(&Array::of(view.shape, view.elements).to_f32(), port.shape)
    };
    let inputs: Vec<TensorData> = executable.inputs().iter().zip(given).map(input).collect::<Result<_, _>>()?;
    let outputs: Vec<TensorData> = executable.outputs().iter().map(|port| TensorData::new(port.shape)).collect();
    let report = executable.run_with(
        &inputs.iter().collect::<Vec<_>>(),
        &outputs.iter().collect::<Vec<_>>(),
        &crate::RunOptions::new(),
    )?;
    for (array, tensor) in arrays.iter_mut().zip(&outputs) {
        let numbers = tensor.try_read_f32()?;
        let halves = array.as_f16_mut().into_iter().flatten();
        halves.zip(numbers.iter()).for_each(|(to, x)| *to = half::f16::from_f32(*x));
    }
    Ok((report.backend, report.wall))
}
