//! Why a verb did not do its work.

use crate::finding::Finding;
use crate::style::Style;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// A stable name for this kind of problem.
    pub(crate) kind: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Problem {
        Problem { kind, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// What the system said about a file.
    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Problem {
        Problem::new("io", format!("cannot {doing} {}: {error}", path.display()))
    }
}

/// Everything that is wrong: at least one problem or finding.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    pub(crate) problems: Vec<Problem>,
    /// What is wrong with the model's text, in parts and as it is shown: whole lines.
    pub(crate) findings: Vec<Finding>,
    pub(crate) rendered: String,
    /// What helps to understand all of it.
    pub(crate) note: Option<String>,
    /// Whether the command line itself is at fault: exit code 2.
    pub(crate) usage: bool,
}

impl Failure {
    /// The same with a note.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Failure {
        self.note = Some(note.into());
        self
    }

    /// The same, as a fault of the command line.
    pub(crate) fn usage(mut self) -> Failure {
        self.usage = true;
        self
    }

    /// What people read.
    pub(crate) fn text(&self, style: Style) -> String {
        let mut out = self.rendered.clone();
        for problem in &self.problems {
            let _ = writeln!(out, "{} {}", style.error("error:"), problem.message);
            if let Some(hint) = &problem.hint {
                let _ = writeln!(out, "  {} {hint}", style.hint("= help:"));
            }
        }
        if let Some(note) = &self.note {
            let _ = writeln!(out, "{} {note}", style.hint("note:"));
        }
        out
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure { problems: vec![problem], ..Failure::default() }
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Failure {
        Failure { problems, ..Failure::default() }
    }
}
