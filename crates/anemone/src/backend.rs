//! Choosing what runs a program.

mod cpu;

use crate::compile::{Backend, CompileOptions};
use crate::error::{Error, ErrorKind};
use crate::executable::Executable;
use crate::tensor_data::Storage;
use anemone_ir::{Diagnostic, Program};
use std::sync::Arc;
use std::time::Duration;

/// A loaded program.
pub(crate) trait Engine: Send + Sync {
    /// Runs once; the tensors have the program's shapes. Returns the time the engine itself took.
    fn run(&self, inputs: &[&Storage], outputs: &mut [&mut Storage]) -> Result<Duration, Error>;
}

/// Whether programs can run on a Neural Engine here.
///
/// # Errors
/// [`ErrorKind::Unavailable`], and why not.
pub fn neural_engine() -> Result<(), Error> {
    Err(Error::new(ErrorKind::Unavailable, no_neural_engine()))
}

/// Why there is no Neural Engine to run on.
fn no_neural_engine() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    if os == "macos" {
        "this version has no back end for the Neural Engine yet".to_owned()
    } else {
        format!("this machine ({os} on {arch}) has no Neural Engine")
    }
}

/// Loads a program where the options say.
pub(crate) fn load(program: Program, warnings: Vec<Diagnostic>, options: &CompileOptions) -> Result<Executable, Error> {
    let why = match options.backend {
        Backend::Cpu => "on the CPU, because that was asked for".to_owned(),
        Backend::Auto | Backend::Ane if options.may_fall_back() => {
            format!("on the CPU, because {}", no_neural_engine())
        }
        Backend::Auto | Backend::Ane => {
            let message = format!(
                "the program must run on the Neural Engine, but {}; the options forbid the CPU",
                no_neural_engine()
            );
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
    };
    let program = Arc::new(program);
    let engine = Box::new(cpu::Cpu::new(program.main(), options)?);
    Executable::new(program, warnings, engine, Backend::Cpu, why)
}
