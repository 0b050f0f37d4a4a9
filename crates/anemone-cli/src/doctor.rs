//! `anemone doctor`

mod ane;
mod changes;
mod cpu;
mod date;
mod examine;
mod isolated;
mod probe;
mod report;
mod text;
pub(crate) mod worker;

use crate::context::{Context, Report};
use crate::failure::{Failure, Problem};
use crate::files::Files;
use crate::style::Style;
use anemone_conformance::filetest::FILES;
use changes::Changes;
use report::{Backend, Examination};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LONG_ABOUT: &str = "\
Examines this machine's Neural Engine, and says how near to their definitions it computes the operations of MIL.

First comes what the system is: machine, build, the generation and cores of the Neural Engine. Then Apple's private framework: \
is it there, and does every method that anemone calls have the type that it is known to have? Then one tiny program takes \
every way to the engine. At last come the programs of anemone's own tests, for each operation several, and each result is \
compared with the reference.

Where there is no Neural Engine that can be used, the report says why, and the CPU engine is examined. All that may crash or \
hang happens in other processes, and is a row in the report.

--save writes the report as JSON, to be sent along with a report of a bug, and --compare says what has changed since: do so \
after each update of the system. No result of a Neural Engine has been seen by those who wrote this: a report from a Mac \
proves or corrects them.

A program is `equal` if it gives the reference's bits, and `near` within what rounding explains. On a Neural Engine that is a \
guess, since Apple publishes no accuracy. Values that have to do with NaN, infinities or subnormal numbers are counted apart, \
as `special`.";

const EXAMPLES: &str = "\
Examples:
  anemone doctor --save before.json
  anemone doctor --compare before.json
  anemone doctor --only conv,matmul
  anemone doctor --show after.json --compare before.json
  anemone doctor --json | jq '.operations.conv'

Exit codes, besides those of every verb:
  1  something is wrong: the engine cannot be used, or gives wrong results
  3  something is worse than in the file of --compare";

/// The exit code if something got worse.
const WORSE: u8 = 3;

/// Examine the Neural Engine: framework, every way to it, and every operation against the reference
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Examine this; by default the Neural Engine where there is one, else the CPU engine
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// Only the programs of these operations
    #[arg(long, value_name = "OP,…", value_delimiter = ',', value_parser = operation)]
    only: Vec<String>,
    /// Write the report to a file, as JSON
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Say what has changed since the report in a file
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Examine nothing, and show the report in a file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["backend", "only", "save"])]
    show: Option<PathBuf>,
    /// Show every method of the framework and every program that is not right, however many there are
    #[arg(long)]
    full: bool,
    /// Give each program so many seconds
    #[arg(long, value_name = "S", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn operation(name: &str) -> Result<String, String> {
    match FILES.iter().any(|(operation, _)| *operation == name) {
        true => Ok(name.to_owned()),
        false => Err("there is no such operation; `anemone doctor` without --only shows all".to_owned()),
    }
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Doctor {
    #[serde(flatten)]
    examination: Examination,
    changes: Option<Changes>,
    /// Where the report has been written to.
    #[serde(skip)]
    saved: Option<PathBuf>,
    #[serde(skip)]
    full: bool,
}

/// # Errors
/// A file cannot be read or written, or the Neural Engine was asked for where there is no framework for it.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<Doctor, Failure> {
    // What is wrong with a file is said before minutes are spent.
    let before =
        args.compare.as_deref().map(|path| Examination::load(path).map(|before| (path, before))).transpose()?;
    let examination = match &args.show {
        Some(path) => Examination::load(path)?,
        None => examine::examine(args.backend, &args.only, Duration::from_secs(args.timeout), cx)?,
    };
    let changes = before.map(|(path, before)| Changes::new(path, &before, &examination));
    if let Some(path) = &args.save {
        save(path, &examination)?;
    }
    Ok(Doctor { examination, changes, saved: args.save.clone(), full: args.full })
}

fn save(path: &Path, examination: &Examination) -> Result<(), Problem> {
    let mut files = Files::default();
    files.add(path, |to| to.write_all(examination.to_json().as_bytes()))?;
    files.commit()
}

impl Report for Doctor {
    fn text(&self, style: Style) -> String {
        let Doctor { examination, changes, saved, full } = self;
        let end = text::end(examination, saved.as_deref(), style);
        text::Text { style, full: *full }.parts(examination, changes.as_ref()) + &end
    }

    fn code(&self) -> u8 {
        match &self.changes {
            Some(changes) if changes.worse => WORSE,
            _ => u8::from(!self.examination.verdict.healthy),
        }
    }
}
