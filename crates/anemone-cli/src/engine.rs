//! The engine, as options want it: running it on bound inputs, and what is said about it.

use crate::elements::Elements;
use crate::failure::{Failure, Problem};
use crate::inputs::Bound;
use crate::progress::Progress;
use crate::table::plural;
use anemone::{RunPath, RunReport, Transfer};
use anemone_cpu::{Engine, EngineError, Input, Observer, Options, Output, State};
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

    /// Whether nothing is to be rounded to half precision.
    pub(crate) fn is_f32(&self) -> bool {
        matches!(self.profile, ProfileArg::F32)
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

/// Room for the outputs of as many runs, in the types in which the engine's profile keeps them.
///
/// # Errors
/// There is no memory, or an output has a type that runs do not give.
pub(crate) fn outputs(engine: &Engine, function: &Function, runs: usize) -> Result<Vec<Elements>, Failure> {
    let room = |id: &ValueId| {
        let value = function.value(*id);
        let dtype = engine.profile().storage(value.ty.dtype);
        Elements::zeros(dtype, value.ty.dims.elements().saturating_mul(runs))
            .map_err(|e| Problem::new("memory", format!("output `{}` is {}: {e}", value.name, value.ty)))
    };
    Ok(function.outputs.iter().map(room).collect::<Result<_, _>>()?)
}

/// Runs once, on states that begin as zeros, and gives the engine's own time.
///
/// # Errors
/// The engine has no memory.
pub(crate) fn execute(
    engine: &Engine,
    function: &Function,
    inputs: &[Bound],
    outputs: &mut [Elements],
) -> Result<Duration, Failure> {
    let mut state = engine.state().map_err(|e| problem(&e))?;
    execute_step(engine, function, 0, inputs, outputs, &mut state, None)
}

/// Runs once, on states that are left as the run leaves them: with the inputs of a step, into the places of the outputs that
/// are the step's. `observe` is told of each step of the plan.
///
/// # Errors
/// The engine has no memory.
pub(crate) fn execute_step(
    engine: &Engine,
    function: &Function,
    step: usize,
    inputs: &[Bound],
    outputs: &mut [Elements],
    state: &mut State,
    observe: Option<&mut Observer<'_>>,
) -> Result<Duration, Failure> {
    let row = |id: &ValueId| function.ty(*id).dims.last().copied().unwrap_or(1);
    let inputs = function.params.iter().zip(inputs);
    let inputs: Vec<_> =
        inputs.map(|(id, b)| Input { data: b.elements.part(b.at(step)), row_stride: row(id) }).collect();
    let outputs = function.outputs.iter().zip(outputs);
    let output = |(id, e): (&ValueId, _)| {
        let len = function.ty(*id).dims.elements();
        let elements: &mut Elements = e;
        Output { data: elements.part_mut(step * len..(step + 1) * len), row_stride: row(id) }
    };
    let mut outputs: Vec<_> = outputs.map(output).collect();
    let took = match observe {
        Some(observe) => engine.run_observed(&inputs, &mut outputs, state, observe),
        None => engine.run_stateful(&inputs, &mut outputs, state),
    };
    took.map_err(|e| problem(&e).into())
}

/// What ran a program, and how.
#[derive(Serialize)]
pub(crate) struct RanOn {
    /// `cpu` or `ane`.
    backend: &'static str,
    /// Why there.
    why: String,
    /// The CPU's vector instructions and threads.
    simd: Option<&'static str>,
    threads: Option<usize>,
    profile: &'static str,
    /// The way to the Neural Engine, and how the tensors came there and back: `in place`, `copied` or `unused`.
    path: Option<&'static str>,
    transfers: Option<Transfers>,
    /// Whether the system had the compiled program.
    was_cached: Option<bool>,
}

#[derive(Serialize)]
struct Transfers {
    inputs: Vec<&'static str>,
    outputs: Vec<&'static str>,
}

impl RanOn {
    /// On the CPU, for a reason.
    pub(crate) fn cpu(engine: &Engine, why: String) -> RanOn {
        RanOn {
            backend: "cpu",
            why,
            simd: Some(engine.level().name()),
            threads: Some(engine.threads()),
            profile: engine.profile().name(),
            path: None,
            transfers: None,
            was_cached: None,
        }
    }

    /// On the CPU, since the verb knows nothing else.
    pub(crate) fn only_cpu(engine: &Engine) -> RanOn {
        let on_purpose = || "this verb measures the CPU engine; `anemone doctor` times the Neural Engine".to_owned();
        RanOn::cpu(engine, anemone::neural_engine().err().map_or_else(on_purpose, |e| e.to_string()))
    }

    /// On the Neural Engine.
    pub(crate) fn neural(report: &RunReport, was_cached: bool) -> RanOn {
        let name = |transfer: &Transfer| match transfer {
            Transfer::InPlace => "in place",
            Transfer::Copied => "copied",
            Transfer::Unused => "unused",
        };
        let names = |transfers: &[Transfer]| transfers.iter().map(name).collect();
        RanOn {
            backend: "ane",
            why: "there is one, and it takes the program".to_owned(),
            simd: None,
            threads: None,
            profile: "fp16",
            path: report.path.map(RunPath::name),
            transfers: Some(Transfers { inputs: names(&report.inputs), outputs: names(&report.outputs) }),
            was_cached: Some(was_cached),
        }
    }

    pub(crate) fn text(&self) -> String {
        match (self.simd, self.threads) {
            (Some(simd), Some(threads)) => format!("CPU ({simd}, {}): {}", plural(threads, "thread"), self.why),
            _ => {
                let compiled = if self.was_cached == Some(true) { "from the system's cache" } else { "compiled now" };
                let path = self.path.unwrap_or_default();
                format!("Neural Engine ({path} path; {compiled}): {}", self.why)
            }
        }
    }

    pub(crate) fn profile_text(&self) -> &'static str {
        match (self.backend, self.profile) {
            ("ane", _) => "fp16, as the Neural Engine rounds",
            (_, "fp16") => "fp16: models published behaviour of the Neural Engine; it is not the hardware",
            _ => "f32: without rounding to half precision, unlike the Neural Engine",
        }
    }
}
