//! Choosing what runs a program.

#[cfg(any(target_vendor = "apple", feature = "double"))]
mod ane;
#[cfg(not(any(target_vendor = "apple", feature = "double")))]
#[path = "backend/no_ane.rs"]
mod ane;
mod cpu;

use crate::call::Call;
use crate::compile::{Backend, CompileOptions};
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport};
use crate::submission::Submission;
use anemone_ir::{Diagnostic, Function, Profile, Program};
use std::sync::Arc;

pub(crate) use ane::{NeuralEngine, Session, device, preflight};

/// A program where it runs.
pub(crate) trait Loaded: Send + Sync {
    /// One of its functions, ready to run.
    fn engine(&self, function: &Function) -> Result<Box<dyn Engine>, Error>;

    /// What may not work here, though it is not known not to.
    fn warnings(&self) -> &[Diagnostic] {
        &[]
    }
}

/// A function, ready to run.
pub(crate) trait Engine: Send + Sync {
    /// Runs once.
    fn run(&self, call: &Call<'_, '_>, options: &RunOptions) -> Result<RunReport, Error>;

    /// Starts a run.
    fn submit<'a>(&'a self, call: &Call<'a, '_>) -> Result<Submission<'a>, Error>;

    /// Whether runs can take a path.
    fn can(&self, path: RunPath) -> bool;
}

/// Whether programs can run on a Neural Engine here.
///
/// # Errors
/// [`ErrorKind::Unavailable`], and why not.
pub fn neural_engine() -> Result<(), Error> {
    NeuralEngine::get().map(drop)
}

/// A program that has been loaded where the options say.
pub(crate) struct Placed {
    pub(crate) loaded: Arc<dyn Loaded>,
    /// Never [`Backend::Auto`].
    pub(crate) backend: Backend,
    /// Where and why there, in words.
    pub(crate) why: String,
}

/// Loads a program where the options say.
pub(crate) fn load(program: &Arc<Program>, options: &CompileOptions) -> Result<Placed, Error> {
    let on_cpu = |because: &dyn std::fmt::Display| Placed {
        loaded: Arc::new(cpu::Cpu::new(options)),
        backend: Backend::Cpu,
        why: format!("on the CPU, because {because}"),
    };
    if options.backend == Backend::Cpu {
        return Ok(on_cpu(&"that was asked for"));
    }
    match on_neural_engine(program, options) {
        Ok(placed) => Ok(placed),
        Err(e) if options.may_fall_back() => {
            if e.kind() != ErrorKind::Unavailable {
                tracing::warn!("the program runs on the CPU, because the Neural Engine failed: {e}");
            }
            Ok(on_cpu(&e.in_a_line()))
        }
        Err(e) => Err(e.in_context("the program must run on the Neural Engine, but ", "; the options forbid the CPU")),
    }
}

fn on_neural_engine(program: &Arc<Program>, options: &CompileOptions) -> Result<Placed, Error> {
    let engine = NeuralEngine::get()?;
    if options.profile != Profile::default() {
        let message = format!("the profile {} was asked for, and it computes in fp16 only", options.profile.name());
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    let loaded = ane::load(&engine, program, options)?;
    Ok(Placed { loaded: Arc::new(loaded), backend: Backend::Ane, why: format!("on the Neural Engine, {engine}") })
}
