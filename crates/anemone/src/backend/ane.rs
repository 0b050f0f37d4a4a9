//! The Neural Engine, through Apple's private framework.

mod engine;
mod flight;
mod port;
mod session;
mod text;

use crate::compile::{CompileOptions, NSQualityOfService};
use crate::error::{Error, ErrorKind};
use crate::run::RunPath;
use anemone_apple::{Device, Finding, Framework, Path, Qos, Stage};
use anemone_ir::Program;
use anemone_ir::ane::Generation;
use std::fmt;
use std::sync::Arc;

pub(crate) use session::Session;

/// The Neural Engine of this machine.
pub(crate) struct NeuralEngine {
    framework: &'static Framework,
    device: Device,
    generation: Generation,
}

impl NeuralEngine {
    /// The engine, or why there is none.
    pub(crate) fn get() -> Result<NeuralEngine, Error> {
        let unavailable = |message: String| Error::new(ErrorKind::Unavailable, message);
        let framework = Framework::get().map_err(failed)?;
        let device = framework.device().map_err(failed)?;
        if device.has_ane == Some(false) {
            let guest = if device.is_virtual_machine == Some(true) { ", a virtual one," } else { "" };
            return Err(unavailable(format!("this machine{guest} has no Neural Engine")));
        }
        let generation = match &device.architecture {
            None => Generation::default(),
            Some(name) => Generation::of_architecture(name).ok_or_else(|| {
                unavailable(format!("the compiler for this Neural Engine, {name}, is not known to take MIL text"))
            })?,
        };
        Ok(NeuralEngine { framework, device, generation })
    }
}

impl fmt::Display for NeuralEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.device.architecture.as_deref().unwrap_or("of an unknown generation"))?;
        self.device.cores.map_or(Ok(()), |cores| write!(f, ", {cores} cores"))
    }
}

pub(crate) fn device() -> Result<Device, Error> {
    Framework::get().and_then(Framework::device).map_err(failed)
}

pub(crate) fn preflight() -> &'static [Finding] {
    Framework::preflight()
}

/// Loads a program whose inputs and outputs are to be [`crate::TensorData`].
pub(super) fn load(engine: &NeuralEngine, program: &Arc<Program>, options: &CompileOptions) -> Result<Session, Error> {
    let session = Session::new(engine, program, options)?;
    session.check_tensors(&program.main().name)?;
    Ok(session)
}

fn qos(wanted: NSQualityOfService) -> Qos {
    match wanted {
        NSQualityOfService::UserInteractive => Qos::UserInteractive,
        NSQualityOfService::UserInitiated => Qos::UserInitiated,
        NSQualityOfService::Default => Qos::Default,
        NSQualityOfService::Utility => Qos::Utility,
        NSQualityOfService::Background => Qos::Background,
    }
}

fn path(wanted: RunPath) -> Path {
    match wanted {
        RunPath::InMemory => Path::InMemory,
        RunPath::Client => Path::Client,
        RunPath::Direct => Path::Direct,
        RunPath::RealTime => Path::RealTime,
    }
}

/// The framework's error in this crate's words.
fn failed(e: anemone_apple::Error) -> Error {
    let kind = match &e {
        anemone_apple::Error::Busy(_) => ErrorKind::Locked,
        anemone_apple::Error::Binding(_) => ErrorKind::Binding,
        other => match other.stage() {
            None => ErrorKind::Unavailable,
            Some(Stage::Descriptor | Stage::Model | Stage::Files | Stage::Compile) => ErrorKind::Compile,
            Some(Stage::Load | Stage::Attributes) => ErrorKind::Load,
            Some(Stage::Request | Stage::Map | Stage::Evaluate) => ErrorKind::Evaluate,
            Some(Stage::Surface | Stage::Unload | Stage::Device) => ErrorKind::Backend,
        },
    };
    Error::new(kind, e.to_string()).with_source(e)
}
