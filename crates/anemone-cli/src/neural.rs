//! Runs on the Neural Engine, where there is one and it takes the program.

use crate::context::Context;
use crate::elements::Elements;
use crate::engine::{EngineArgs, RanOn};
use crate::failure::{Failure, Problem};
use crate::inputs::Bound;
use crate::progress::Progress;
use anemone::ane::Session;
use anemone::{CompileOptions, RunOptions, RunPath};
use anemone_ir::{Function, Program};
use clap::ValueEnum;
use std::path::PathBuf;

/// Where to run, as the command line names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum BackendArg {
    /// The Neural Engine where there is one that takes the program, else the CPU
    Auto,
    /// The Neural Engine, or fail
    Ane,
    /// The CPU
    Cpu,
}

/// The way to the Neural Engine, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PathArg {
    /// Through the loaded program: works on every system
    InMemory,
    /// Through the connection to the system's service
    Client,
    /// Through that connection, past its queues
    Direct,
    /// The same, with the highest priority
    RealTime,
}

impl From<PathArg> for RunPath {
    fn from(arg: PathArg) -> RunPath {
        match arg {
            PathArg::InMemory => RunPath::InMemory,
            PathArg::Client => RunPath::Client,
            PathArg::Direct => RunPath::Direct,
            PathArg::RealTime => RunPath::RealTime,
        }
    }
}

/// Options about where a program runs.
#[derive(clap::Args, Debug)]
pub(crate) struct NeuralArgs {
    /// Where to run
    #[arg(long, value_enum, default_value = "auto")]
    backend: BackendArg,
    /// The way to the Neural Engine
    #[arg(long, value_enum, default_value = "in-memory")]
    path: PathArg,
    /// If the Neural Engine's compiler fails, leave a folder in DIR with all that is needed to see it again
    #[arg(long, value_name = "DIR")]
    reproduction: Option<PathBuf>,
}

/// What a run on the Neural Engine gave.
pub(crate) struct Done {
    pub(crate) outputs: Vec<Elements>,
    pub(crate) ran_on: RanOn,
    pub(crate) seconds: f64,
}

impl NeuralArgs {
    /// Runs a function on the Neural Engine; or says why the CPU is to run it.
    ///
    /// # Errors
    /// The Neural Engine was asked for and cannot, or did not.
    pub(crate) fn run(
        &self,
        engine: &EngineArgs,
        program: &Program,
        function: &Function,
        inputs: &[Bound],
        cx: &Context,
    ) -> Result<Result<Done, String>, Failure> {
        let required = self.backend == BackendArg::Ane;
        if self.backend == BackendArg::Cpu {
            return Ok(Err("that was asked for".to_owned()));
        }
        if engine.is_f32() {
            let why = "the profile f32 is the CPU's: the Neural Engine rounds to half precision";
            return if required {
                Err(Failure::from(Problem::new("usage", why)).usage())
            } else {
                Ok(Err(why.to_owned()))
            };
        }
        match self.try_run(program, function, inputs) {
            Ok(done) => Ok(Ok(done)),
            Err(e) if required => Err(Problem::new("neural-engine", e).into()),
            Err(e) => {
                // Where there is no engine there is nothing to warn of.
                if anemone::neural_engine().is_ok() {
                    cx.warn(&format!("the CPU runs this: {e}"));
                }
                Ok(Err(e.lines().next().unwrap_or_default().to_owned()))
            }
        }
    }

    /// Says that the CPU runs what only it can.
    ///
    /// # Errors
    /// The Neural Engine was asked for.
    pub(crate) fn not_asked_for(&self, why: &str) -> Result<Result<Done, String>, Failure> {
        if self.backend == BackendArg::Ane {
            return Err(Failure::from(Problem::new("usage", format!("--backend ane: {why}"))).usage());
        }
        Ok(Err(why.to_owned()))
    }

    fn try_run(&self, program: &Program, function: &Function, inputs: &[Bound]) -> Result<Done, String> {
        let mut options = CompileOptions::new();
        options.reproduction = self.reproduction.clone();
        let progress = Progress::stage("compiling");
        let session = Session::new(program, &options).map_err(|e| e.to_string())?;
        drop(progress);
        let _progress = Progress::stage("running");
        let inputs: Vec<_> = inputs.iter().map(|bound| bound.elements.to_f64()).collect();
        let options = RunOptions::new().path(self.path.into());
        let (arrays, report) = session.run(&function.name, &inputs, &options).map_err(|e| e.to_string())?;
        let elements = |array: &anemone_ir::reference::Array| {
            let numbers = array.data.iter().copied();
            Elements::from_f64(array.ty.dtype, array.data.len(), numbers)
        };
        let outputs = arrays.iter().map(elements).collect::<Result<_, _>>()?;
        Ok(Done { outputs, ran_on: RanOn::neural(&report, session.was_cached()), seconds: report.wall.as_secs_f64() })
    }
}
