//! What an examination found, as it is saved and sent.
//!
//! A saved report is what `--json` writes, less the envelope and with line breaks. Fields may be added within a version.

use crate::failure::Problem;
use crate::machine::Machine;
use anemone_conformance::{Outcome, Summary};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the format. It grows when a field changes its meaning or goes.
pub(crate) const VERSION: u32 = 1;

/// Where programs run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// The Neural Engine, through Apple's private framework
    Ane,
    /// The CPU engine
    Cpu,
}

impl Backend {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Backend::Ane => "the Neural Engine",
            Backend::Cpu => "the CPU engine",
        }
    }

    /// As the command line names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Backend::Ane => "ane",
            Backend::Cpu => "cpu",
        }
    }
}

/// What the system says of its Neural Engine and of the framework that leads to it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct NeuralEngine {
    /// Whether programs can be sent to it.
    pub(crate) available: bool,
    /// Why not.
    pub(crate) why: Option<String>,
    /// Whether this program was built for the test double of the framework: nothing here is then about hardware.
    pub(crate) double: bool,
    /// The generation and variant, such as `h15g`.
    pub(crate) architecture: Option<String>,
    /// Engines; two in an Ultra.
    pub(crate) engines: Option<u32>,
    pub(crate) cores: Option<u32>,
    pub(crate) board: Option<i64>,
    /// The system's build, as the framework tells it.
    pub(crate) build: Option<String>,
    pub(crate) virtual_machine: Option<bool>,
    /// Every method of the framework that is called; empty if there is no framework.
    pub(crate) methods: Vec<Method>,
}

/// A method of the framework.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Method {
    /// As `-[_ANEClient echo:]`.
    pub(crate) name: String,
    /// The type string that is expected.
    pub(crate) expected: String,
    /// The type string that it has here; absent if there is no such method.
    pub(crate) found: Option<String>,
    pub(crate) usable: bool,
    /// Whether nothing works without it.
    pub(crate) required: bool,
    /// The system that is known to have it first.
    pub(crate) since: String,
    /// Who says so.
    pub(crate) source: String,
}

/// One way of running a tiny program.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PathRow {
    pub(crate) path: String,
    /// What went wrong; absent if the result is right.
    pub(crate) error: Option<String>,
    /// Of compiling when nothing is kept from before; and when it is.
    pub(crate) compile_seconds: Option<f64>,
    pub(crate) cached_compile_seconds: Option<f64>,
    /// The median of runs.
    pub(crate) run_seconds: Option<f64>,
    /// The median of the time on the hardware, without dispatch; most systems do not tell.
    pub(crate) hardware_seconds: Option<f64>,
    /// What else is to be said.
    pub(crate) note: Option<String>,
}

impl PathRow {
    /// A path on which nothing came out.
    pub(crate) fn failed(path: &str, error: impl Into<String>) -> PathRow {
        PathRow { error: Some(error.into()), ..PathRow::of(path) }
    }

    /// A path of which nothing is known yet.
    pub(crate) fn of(path: &str) -> PathRow {
        PathRow {
            path: path.to_owned(),
            error: None,
            compile_seconds: None,
            cached_compile_seconds: None,
            run_seconds: None,
            hardware_seconds: None,
            note: None,
        }
    }
}

/// What came of a function of the filetests, which is a program by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ProgramRow {
    /// The operation whose file it is in.
    pub(crate) operation: String,
    /// The line there of the first of its run lines.
    pub(crate) line: usize,
    /// The same for the same program in every version; see [`anemone_conformance::suite::Subject::digest`].
    pub(crate) digest: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

impl ProgramRow {
    /// As `conv:12`.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", self.operation, self.line)
    }
}

/// One line about all of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) healthy: bool,
    pub(crate) text: String,
}

/// The whole of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Examination {
    /// [`VERSION`].
    pub(crate) doctor_schema: u32,
    /// The version of anemone.
    pub(crate) version: String,
    /// When it began, by the system's clock, in UTC.
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) backend: Backend,
    pub(crate) neural_engine: NeuralEngine,
    pub(crate) paths: Vec<PathRow>,
    /// By operation, of all its programs below.
    pub(crate) operations: BTreeMap<String, Summary>,
    /// Sorted by operation and line.
    pub(crate) programs: Vec<ProgramRow>,
    pub(crate) verdict: Verdict,
}

impl Examination {
    /// Reads a saved report.
    ///
    /// # Errors
    /// There is none, it is damaged, or it is of another version.
    pub(crate) fn load(path: &Path) -> Result<Examination, Problem> {
        let text = std::fs::read_to_string(path).map_err(|e| Problem::io("read", path, &e))?;
        let shown = path.display();
        let damaged = |e: &serde_json::Error| {
            Problem::new("report", format!("{shown} is no report of `anemone doctor`: {e}"))
                .hint("write one with `anemone doctor --save FILE`")
        };
        let any: serde_json::Value = serde_json::from_str(&text).map_err(|e| damaged(&e))?;
        match any.get("doctor_schema").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(VERSION) => {
                let message = format!("{shown} is a report of version {version}, this program reads version {VERSION}");
                Err(Problem::new("report-version", message).hint("use the anemone that wrote it, or a newer one"))
            }
            Some(_) => serde_json::from_value(any).map_err(|e| damaged(&e)),
            None => {
                let message = format!("{shown} is no report of `anemone doctor`: it has no field `doctor_schema`");
                Err(Problem::new("report", message).hint("write one with `anemone doctor --save FILE`"))
            }
        }
    }

    /// The file's text.
    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is made of text, numbers and lists");
        text.push('\n');
        text
    }
}
