//! The engine, as options want it: running it on bound inputs, and what is said about it.

use crate::elements::Elements;
use crate::failure::{Failure, Problem};
use crate::inputs::Bound;
use crate::progress::Progress;
use crate::table::plural;
use anemone_cpu::{Engine, EngineError, Input, Options, Output};
use anemone_ir::{Function, Profile, ValueId};
use clap::ValueEnum;
use serde::Serialize;
use std::time::Duration;

/// Numerics, as the command line names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProfileArg {
    /// Each operation's result is rounded to half precision, as on the Neural Engine
    Fp16,
    /// Nothing is rounded to half precision on the way: tells a rounding error from a wrong graph
    F32,
}

/// Options of verbs that run something.
#[derive(clap::Args, Debug)]
pub(crate) struct EngineArgs {
    /// How values of type fp16 are kept between operations
    #[arg(long, value_enum, default_value = "fp16")]
    profile: ProfileArg,
    /// Threads; by default what ANEMONE_THREADS says, or else one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=anemone_cpu::MAX_THREADS as i64))]
    threads: Option<u16>,
}

impl EngineArgs {
    /// Plans a function.
    ///
    /// # Errors
    /// As [`plan`].
    pub(crate) fn plan(&self, function: &Function) -> Result<Engine, Failure> {
        let threads = self.threads.map(usize::from);
        plan(function, Options { profile: self.profile.into(), threads, ..Options::default() })
    }
}

impl From<ProfileArg> for Profile {
    fn from(arg: ProfileArg) -> Profile {
        match arg {
            ProfileArg::Fp16 => Profile::Fp16,
            ProfileArg::F32 => Profile::F32,
        }
    }
}

/// Plans a function.
///
/// # Errors
/// The engine refuses: a variable of the environment is wrong, or there is no memory.
pub(crate) fn plan(function: &Function, options: Options) -> Result<Engine, Failure> {
    let _progress = Progress::stage("planning");
    Engine::new(function, &options).map_err(|e| problem(&e).into())
}

/// What an error of the engine is to people.
pub(crate) fn problem(error: &EngineError) -> Problem {
    match error {
        // The command line takes no other numbers than the engine does.
        EngineError::Threads(_) => Problem::new("engine", format!("the variable ANEMONE_THREADS is wrong: {error}")),
        other => Problem::new("engine", other.to_string()),
    }
}

/// Room for the outputs, in the types in which the engine's profile keeps them.
///
/// # Errors
/// There is no memory, or an output has a type that runs do not give.
pub(crate) fn outputs(engine: &Engine, function: &Function) -> Result<Vec<Elements>, Failure> {
    let room = |id: &ValueId| {
        let value = function.value(*id);
        let dtype = engine.profile().storage(value.ty.dtype);
        Elements::zeros(dtype, value.ty.dims.elements())
            .map_err(|e| Problem::new("memory", format!("output `{}` is {}: {e}", value.name, value.ty)))
    };
    Ok(function.outputs.iter().map(room).collect::<Result<_, _>>()?)
}

/// Runs once, and gives the engine's own time.
///
/// # Errors
/// The engine has no memory.
pub(crate) fn execute(
    engine: &Engine,
    function: &Function,
    inputs: &[Bound],
    outputs: &mut [Elements],
) -> Result<Duration, Failure> {
    let row = |id: &ValueId| function.ty(*id).dims.last().copied().unwrap_or(1);
    let inputs = function.params.iter().zip(inputs);
    let inputs: Vec<_> = inputs.map(|(id, b)| Input { data: b.elements.slice(), row_stride: row(id) }).collect();
    let outputs = function.outputs.iter().zip(outputs);
    let mut outputs: Vec<_> = outputs.map(|(id, e)| Output { data: e.slice_mut(), row_stride: row(id) }).collect();
    engine.run(&inputs, &mut outputs).map_err(|e| problem(&e).into())
}

/// What ran a program, and how.
#[derive(Serialize)]
pub(crate) struct RanOn {
    /// `cpu`, which is all there is today.
    backend: &'static str,
    /// Why not elsewhere.
    why: String,
    simd: &'static str,
    threads: usize,
    profile: &'static str,
}

impl RanOn {
    pub(crate) fn new(engine: &Engine) -> RanOn {
        let on_purpose = || "verbs that run a model use the CPU engine".to_owned();
        let why = anemone::neural_engine().err().map_or_else(on_purpose, |e| e.to_string());
        let (simd, profile) = (engine.level().name(), engine.profile().name());
        RanOn { backend: "cpu", why, simd, threads: engine.threads(), profile }
    }

    pub(crate) fn text(&self) -> String {
        format!("CPU ({}, {}): {}", self.simd, plural(self.threads, "thread"), self.why)
    }

    pub(crate) fn profile_text(&self) -> &'static str {
        match self.profile {
            "fp16" => "fp16: models published behaviour of the Neural Engine; it is not the hardware",
            _ => "f32: without rounding to half precision, unlike the Neural Engine",
        }
    }
}
