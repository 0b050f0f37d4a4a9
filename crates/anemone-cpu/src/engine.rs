//! The engine: a planned function, ready to run.

mod bind;
mod state;

use crate::memory::{Io, Place, Storage};
use crate::plan::{self, Home, Plan, Settings, verify::verify};
use crate::pool::Pool;
use crate::team::Team;
use crate::views::{Input, Output};
use anemone_ir::{DType, Function, Profile, TensorType};
use anemone_simd::{Level, LevelError};
pub use state::State;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How to run a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// How values typed `fp16` are kept.
    pub profile: Profile,
    /// Threads, 0 for as many as the machine has cores; `None` for what `ANEMONE_THREADS` says, or else 0.
    pub threads: Option<usize>,
    /// Vector instructions; `None` for what `ANEMONE_SIMD` says, or else the best there are.
    pub level: Option<Level>,
    /// Whether operations may run together. Results are the same bytes.
    pub fuse: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { profile: Profile::default(), threads: None, level: None, fuse: true }
    }
}

/// Why a function cannot be run.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The level that is asked for is not there.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The number of threads cannot be used.
    #[error("{0} is no number of threads: 1 to {MAX_THREADS} are possible, and 0 for as many as there are cores")]
    Threads(String),
    /// There is not enough memory.
    #[error("there is no memory for {0}")]
    Memory(&'static str),
    /// The states are those of another function.
    #[error("the states are those of another function")]
    States,
    /// The number of inputs or outputs is wrong.
    #[error("{given} {what}s are given, the function has {wanted}")]
    Count {
        /// `input` or `output`.
        what: &'static str,
        /// How many the function has.
        wanted: usize,
        /// How many were given.
        given: usize,
    },
    /// The elements have a type that cannot be used.
    #[error("{what} `{name}` is {wanted}, but {given} is given")]
    Type {
        /// `input` or `output`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The function's type.
        wanted: DType,
        /// What was given.
        given: DType,
    },
    /// There are too few elements, or rows are too close.
    #[error("{what} `{name}` has {wanted} elements in rows of {row}; {given} are given, with {stride} from row to row")]
    Length {
        /// `input` or `output`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Elements of the function's type.
        wanted: usize,
        /// Elements of a row.
        row: usize,
        /// Elements that were given.
        given: usize,
        /// Elements from row to row that were given.
        stride: usize,
    },
}

/// Is told of each step of a run when it is done: its position in [`Report::steps`](crate::Report::steps), when it began and
/// when it ended.
pub type Observer<'a> = dyn FnMut(usize, Instant, Instant) + 'a;

/// The most threads of an engine.
pub const MAX_THREADS: usize = 1024;

/// An input or output of the function.
#[derive(Clone, Debug)]
struct Port {
    name: String,
    ty: TensorType,
}

/// A function, planned: constants are packed, every intermediate value has its place.
///
/// ```
/// use anemone_cpu::{Engine, Input, Options, Output, Slice, SliceMut};
/// use anemone_ir::{Builder, DType, Dims, TensorType, args, check};
/// let mut b = Builder::new();
/// let x = b.input("x", TensorType::new(DType::Fp32, Dims::new(&[2, 2]).unwrap()));
/// let y = b.square(args! { x: x });
/// b.output(y);
/// let program = check(b.finish()).unwrap();
///
/// let engine = Engine::new(program.main(), &Options::default()).unwrap();
/// let mut out = [0.0; 4];
/// let input = Input { data: Slice::F32(&[1.0, 2.0, 3.0, 4.0]), row_stride: 2 };
/// engine.run(&[input], &mut [Output { data: SliceMut::F32(&mut out), row_stride: 2 }]).unwrap();
/// assert_eq!(out, [1.0, 4.0, 9.0, 16.0]);
/// ```
pub struct Engine {
    plan: Plan,
    pool: Option<Arc<Pool>>,
    level: Level,
    profile: Profile,
    /// The inputs, and behind them the states.
    inputs: Vec<Port>,
    /// The outputs, and behind them the states that are written.
    outputs: Vec<Port>,
    states: usize,
    nodes: Vec<(String, u64)>,
    /// Memory of runs that are over, to be used again.
    idle: Mutex<Vec<Context>>,
}

/// Memory of one run.
struct Context {
    /// Where each buffer is: those of the arena and constants for good, those of inputs and outputs for one run.
    places: Vec<Place>,
    /// Copies of inputs and outputs whose layout or type the engine cannot use in place; made when first needed.
    staging: Vec<Option<Storage>>,
    scratch: Storage,
    /// Kept for the places that point into it.
    _arena: Storage,
}

impl Engine {
    /// Plans a function.
    ///
    /// # Errors
    /// The level is not there, the number of threads is no such number, or there is no memory for the constants.
    pub fn new(function: &Function, options: &Options) -> Result<Engine, EngineError> {
        let level = match options.level {
            Some(level) => level.checked()?,
            None => Level::from_env()?,
        };
        let threads = threads(options.threads)?;
        let settings = Settings { profile: options.profile, level, threads, fuse: options.fuse };
        let plan = plan::build(function, settings).ok_or(EngineError::Memory("the constants"))?;
        if let Err(fault) = verify(&plan) {
            panic!("the planner made a plan that is not sound, which is a bug of anemone: {fault}");
        }
        let port =
            |id: &anemone_ir::ValueId| Port { name: function.value(*id).name.to_string(), ty: *function.ty(*id) };
        let node = |n: &anemone_ir::Node| (n.mnemonic().to_owned(), n.macs);
        let engine = Engine {
            level,
            profile: options.profile,
            inputs: function.params.iter().chain(&function.states).map(port).collect(),
            outputs: function
                .outputs
                .iter()
                .chain(plan.written.iter().map(|at| &function.states[*at]))
                .map(port)
                .collect(),
            states: function.states.len(),
            nodes: function.nodes.iter().map(node).collect(),
            pool: (threads > 1).then(|| Pool::shared(threads)),
            idle: Mutex::new(Vec::new()),
            plan,
        };
        engine.log();
        Ok(engine)
    }

    /// What was planned: a line at level `debug`, and one for each step at `trace`.
    fn log(&self) {
        let (steps, arena_bytes, threads) = (self.plan.steps.len(), self.plan.arena_bytes, self.threads());
        tracing::debug!(
            steps,
            arena_bytes,
            threads,
            simd = self.level.name(),
            profile = self.profile.name(),
            "planned"
        );
        if tracing::enabled!(tracing::Level::TRACE) {
            for (at, step) in self.report().steps.iter().enumerate() {
                let operations = step.operations.join(" + ");
                tracing::trace!(
                    at,
                    operations,
                    bytes_read = step.bytes_read,
                    bytes_written = step.bytes_written,
                    "step"
                );
            }
        }
    }

    /// Runs once, and returns the time that the engine itself took: without waiting for memory of its own.
    ///
    /// Inputs and outputs bind in the function's order. States begin as zeros; [`Engine::run_stateful`] keeps them. Memory is
    /// used in place if rows follow each other without padding
    /// and the elements are stored as the profile stores them; else it is copied and converted.
    ///
    /// # Errors
    /// What is given does not fit the function, or there is no memory. Then nothing has been written.
    pub fn run(&self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<Duration, EngineError> {
        if self.states > 0 {
            return self.run_stateful(inputs, outputs, &mut self.state()?);
        }
        self.run_pure(inputs, outputs, None)
    }

    /// Runs once, with states as further inputs, and those that are written as further outputs.
    fn run_pure(
        &self,
        inputs: &[Input<'_>],
        outputs: &mut [Output<'_>],
        mut observe: Option<&mut Observer<'_>>,
    ) -> Result<Duration, EngineError> {
        self.check(inputs, outputs)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = match idle {
            Some(context) => context,
            None => self.context()?,
        };
        let start = Instant::now();
        self.bind(&mut context, inputs, outputs)?;
        let Context { places, scratch, .. } = &mut context;
        let team = Team::new(self.pool.as_deref(), scratch.floats_mut(), self.level);
        for (at, step) in self.plan.steps.iter().enumerate() {
            // SAFETY: places of the arena and of constants point into memory that the context and the plan hold; those of
            // inputs and outputs into memory that the caller lends, or into the context. All are large enough for their
            // elements (the plan for the former, `check` and `bind` for the latter), aligned to 64 bytes or to their
            // type, and initialised. That a step's results overlap nothing else of the step has been verified; the
            // caller's inputs are shared and its outputs exclusive borrows.
            let mut io = unsafe { Io::new(places, step.operands(), &step.writes) };
            match &mut observe {
                None => step.work.run(&mut io, &team),
                Some(observe) => {
                    let begin = Instant::now();
                    step.work.run(&mut io, &team);
                    observe(at, begin, Instant::now());
                }
            }
        }
        self.finish(&mut context, outputs);
        let took = start.elapsed();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        Ok(took)
    }

    /// Memory for a run.
    fn context(&self) -> Result<Context, EngineError> {
        let no_memory = || EngineError::Memory("the intermediate values");
        let mut arena = Storage::try_new(self.plan.arena_bytes).ok_or_else(no_memory)?;
        let threads = self.threads();
        // Each worker's part is rounded to whole cache lines.
        let floats = (self.plan.scratch + 16).checked_mul(threads).ok_or_else(no_memory)?;
        let scratch = Storage::try_new(floats.checked_mul(4).ok_or_else(no_memory)?).ok_or_else(no_memory)?;
        let base = arena.base();
        let place = |buffer: &plan::Buffer| {
            let base = match buffer.home {
                // The plan has been verified: the offset is inside the arena.
                Home::Arena(offset) => base.wrapping_add(offset),
                // Only read: `verify` has shown that no step writes a constant.
                Home::Constant(at) => self.plan.constants[at].bytes().as_ptr().cast_mut(),
                Home::Input(_) | Home::Output(_) => std::ptr::null_mut(),
            };
            Place { base, elements: buffer.elements, dtype: buffer.dtype }
        };
        let places = self.plan.buffers.iter().map(place).collect();
        let staging = self.plan.buffers.iter().map(|_| None).collect();
        Ok(Context { places, staging, scratch, _arena: arena })
    }

    /// Threads of a run, the caller included.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, |p| p.threads())
    }

    /// The vector instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// How values typed `fp16` are kept.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// What the engine has planned.
    pub fn report(&self) -> crate::report::Report {
        crate::report::Report::new(&self.plan, &self.nodes)
    }
}

/// The number of threads to use.
fn threads(wanted: Option<usize>) -> Result<usize, EngineError> {
    let wanted = match (wanted, std::env::var("ANEMONE_THREADS")) {
        (Some(n), _) => Ok(n),
        (None, Ok(text)) => text.trim().parse().map_err(|_| text),
        (None, Err(_)) => Ok(0),
    };
    match wanted {
        Ok(0) => Ok(std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS))),
        Ok(n) if n <= MAX_THREADS => Ok(n),
        Ok(n) => Err(EngineError::Threads(n.to_string())),
        Err(text) => Err(EngineError::Threads(text)),
    }
}

#[cfg(test)]
mod tests;
