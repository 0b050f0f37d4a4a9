//! The Neural Engine below [`crate::Executable`]: what this machine has, what its framework looks like, and programs whose
//! inputs and outputs are of any rank and type.
//!
//! What is here is for tools that look into things, such as `anemone doctor`. Networks are run by [`crate::Executable`].
//!
//! What the framework says when it fails is the source of a [`crate::Error`], as a [`FrameworkError`]: the step, and the
//! domain, code, description and underlying errors.

use crate::backend::{self, NeuralEngine};
use crate::compile::CompileOptions;
use crate::error::Error;
use crate::run::{RunOptions, RunPath, RunReport};
use anemone_ir::Program;
use anemone_ir::reference::Array;
use std::fmt;

pub use anemone_apple::{Device, Error as FrameworkError, Finding, NsError, Stage, Status};

/// What the system says of its Neural Engine.
///
/// # Errors
/// [`crate::ErrorKind::Unavailable`] if the framework is not there or cannot be used. That there is no engine is no error:
/// see [`Device::has_ane`].
pub fn device() -> Result<Device, Error> {
    backend::device()
}

/// Every method of the framework that is called, as it is expected and as it is here; empty if there is no framework. It tells
/// also of a framework that cannot be used.
pub fn preflight() -> &'static [Finding] {
    backend::preflight()
}

/// A program loaded on the Neural Engine, or on nothing.
///
/// ```no_run
/// use anemone::ane::Session;
/// use anemone::{CompileOptions, RunOptions, mil};
/// let text = r#"
///     program(1.3) {
///         func main<ios18>(tensor<int32, [3]> x) {
///             tensor<fp16, [3]> y = cast(dtype = string("fp16"), x = x);
///         } -> (y);
///     }"#;
/// let program = mil::parse(text, &mil::NoWeights)?;
/// let session = Session::new(&program, &CompileOptions::new())?;
/// let (outputs, report) = session.run("main", &[vec![1.0, 2.0, 3.0]], &RunOptions::new())?;
/// println!("{:?} in {:?}", outputs[0].data, report.wall);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session(backend::Session);

impl Session {
    /// Compiles and loads a program. Of the options, [`CompileOptions::quality_of_service`] and
    /// [`CompileOptions::reproduction`] count.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unavailable`] if there is no Neural Engine, [`crate::ErrorKind::Compile`] if it is known not to take
    /// the program or its compiler refuses it, [`crate::ErrorKind::Load`] if it cannot be loaded.
    pub fn new(program: &Program, options: &CompileOptions) -> Result<Session, Error> {
        backend::Session::new(&NeuralEngine::get()?, program, options).map(Session)
    }

    /// Runs a function once. Inputs are row-major elements in the function's order, each rounded to its type, and so are the
    /// outputs.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Binding`] if there is no such function, or inputs of other numbers are given;
    /// [`crate::ErrorKind::Unavailable`] if the path cannot be taken here; [`crate::ErrorKind::Evaluate`] if the run fails.
    pub fn run(
        &self,
        function: &str,
        inputs: &[Vec<f64>],
        options: &RunOptions,
    ) -> Result<(Vec<Array>, RunReport), Error> {
        self.0.run(function, inputs, options)
    }

    /// Whether runs can take a path on this system.
    pub fn can_run(&self, path: RunPath) -> bool {
        self.0.can(path)
    }

    /// Whether the system had the compiled program in its cache.
    pub fn was_cached(&self) -> bool {
        self.0.was_cached()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
