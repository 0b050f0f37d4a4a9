//! Where there is no Neural Engine.

use super::{Engine, Loaded};
use crate::compile::CompileOptions;
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport};
use anemone_apple::{Device, Finding};
use anemone_ir::reference::Array;
use anemone_ir::{Function, Program};
use std::fmt;
use std::sync::Arc;

/// There is none.
pub(crate) enum NeuralEngine {}

fn none() -> Error {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Error::new(ErrorKind::Unavailable, format!("this machine ({os} on {arch}) has no Neural Engine"))
}

impl NeuralEngine {
    pub(crate) fn get() -> Result<NeuralEngine, Error> {
        Err(none())
    }
}

pub(crate) fn device() -> Result<Device, Error> {
    Err(none())
}

pub(crate) fn preflight() -> &'static [Finding] {
    &[]
}

impl fmt::Display for NeuralEngine {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// A program on no Neural Engine.
pub(crate) enum Session {}

pub(super) fn load(engine: &NeuralEngine, _: &Arc<Program>, _: &CompileOptions) -> Result<Session, Error> {
    match *engine {}
}

impl Session {
    pub(crate) fn new(engine: &NeuralEngine, _: &Program, _: &CompileOptions) -> Result<Session, Error> {
        match *engine {}
    }

    pub(crate) fn run(&self, _: &str, _: &[Vec<f64>], _: &RunOptions) -> Result<(Vec<Array>, RunReport), Error> {
        match *self {}
    }

    pub(crate) fn can(&self, _: RunPath) -> bool {
        match *self {}
    }

    pub(crate) fn was_cached(&self) -> bool {
        match *self {}
    }
}

impl Loaded for Session {
    fn engine(&self, _: &Function) -> Result<Box<dyn Engine>, Error> {
        match *self {}
    }
}
