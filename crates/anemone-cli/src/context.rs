//! What all verbs share: where results go, and how they look.

use crate::failure::{Failure, Problem};
use crate::finding::Finding;
use crate::style::Style;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// The version of what `--json` writes. It grows when a field changes its meaning or goes, not when one is added.
pub(crate) const SCHEMA: u32 = 1;

/// What a verb found: for people as text, for programs as JSON.
pub(crate) trait Report: Serialize {
    /// What people read, whole lines.
    fn text(&self, style: Style) -> String;

    /// The exit code: 0 if the verb says yes.
    fn code(&self) -> u8 {
        0
    }
}

/// How to speak.
pub(crate) struct Context {
    pub(crate) json: bool,
    pub(crate) out: Style,
    pub(crate) err: Style,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: u32,
    verb: &'a str,
    ok: bool,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [Problem],
    diagnostics: &'a [Finding],
    note: Option<&'a str>,
}

impl Context {
    pub(crate) fn new(json: bool) -> Context {
        Context { json, out: Style::of(&io::stdout()), err: Style::of(&io::stderr()) }
    }

    /// Says something on stderr.
    pub(crate) fn say(&self, text: &str) {
        // Nobody is there to be told that nobody listens.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Says on stderr that something deserves attention.
    pub(crate) fn warn(&self, text: &str) {
        self.say(&format!("{} {text}\n", self.err.warning("warning:")));
    }

    /// Says on stderr something that is good to know.
    pub(crate) fn note(&self, text: &str) {
        self.say(&format!("{} {text}\n", self.err.hint("note:")));
    }

    /// Writes what came of a verb, and gives the exit code.
    pub(crate) fn finish<R: Report>(&self, verb: &str, result: Result<R, Failure>) -> ExitCode {
        let written = match &result {
            Ok(report) if self.json => self.write_json(verb, report.code() == 0, report),
            Ok(report) => write_out(&report.text(self.out)),
            Err(failure) => {
                self.say(&failure.text(self.err));
                let Failure { problems, findings, note, .. } = failure;
                let errors = Errors { errors: problems, diagnostics: findings, note: note.as_deref() };
                if self.json { self.write_json(verb, false, errors) } else { Ok(()) }
            }
        };
        if let Err(e) = written {
            self.say(&Failure::from(Problem::new("io", format!("cannot write to stdout: {e}"))).text(self.err));
            return ExitCode::FAILURE;
        }
        match result {
            Ok(report) => ExitCode::from(report.code()),
            Err(failure) if failure.usage => ExitCode::from(2),
            Err(_) => ExitCode::FAILURE,
        }
    }

    fn write_json(&self, verb: &str, ok: bool, content: impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string(&Envelope { schema: SCHEMA, verb, ok, content })?;
        text.push('\n');
        write_out(&text)
    }
}

/// Writes to stdout. That nobody reads it any more, as with `| head`, is no error.
fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // The text of a model ends without a line feed; a prompt should not follow it on its line.
    let end: &[u8] = if out.is_terminal() && !text.ends_with('\n') { b"\n" } else { b"" };
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
