//! The process that does what may go wrong, and the words between it and the one that waits for it.
//!
//! A request is a line of JSON on its standard input, the answer one on its standard output. It holds one request at a time,
//! so that who waits knows what it was when it is gone.

use super::ane;
use super::cpu::Cpu;
use super::probe::{Probe, Sample};
use super::report::{Backend, NeuralEngine, PathRow};
use anemone_conformance::{Outcome, check, suite};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

/// The name of the hidden verb.
pub(crate) const VERB: &str = "doctor-worker";

/// Answer the questions of `anemone doctor`
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What is examined
    #[arg(long, value_enum)]
    backend: Backend,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// What the system says of its Neural Engine.
    Survey,
    /// The ways to the engine.
    Paths,
    /// The tiny program on one of them.
    Path(String),
    /// A function of the filetests, by its [`suite::Id`].
    Program(String),
}

/// What is answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Survey(Box<NeuralEngine>),
    Paths(Vec<String>),
    Path(Box<PathRow>),
    Program(Box<Outcome>),
    /// The question itself is wrong: a bug, or two versions of anemone.
    Wrong(String),
}

/// Answers until nobody asks any more.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut engine: Box<dyn Probe> = match args.backend {
        Backend::Cpu => Box::new(Cpu),
        Backend::Ane => Box::new(ane::Ane),
    };
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let answer = match serde_json::from_str(&line) {
            Ok(request) => answer(&mut *engine, request),
            Err(e) => Answer::Wrong(format!("`{line}`: {e}")),
        };
        let mut out = io::stdout().lock();
        let Ok(text) = serde_json::to_string(&answer) else { return ExitCode::FAILURE };
        // Who asked is gone, and so is the need for an answer.
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn answer(engine: &mut dyn Probe, request: Request) -> Answer {
    match request {
        Request::Survey => Answer::Survey(Box::new(ane::survey())),
        Request::Paths => Answer::Paths(engine.paths()),
        Request::Path(path) => {
            let row = engine.probe(&path, &Sample::fresh());
            Answer::Path(Box::new(row.unwrap_or_else(|e| PathRow::failed(&path, e))))
        }
        Request::Program(id) => match program(engine, &id) {
            Ok(outcome) => Answer::Program(Box::new(outcome)),
            Err(e) => Answer::Wrong(e),
        },
    }
}

fn program(engine: &mut dyn Probe, id: &str) -> Result<Outcome, String> {
    let id: suite::Id = id.parse()?;
    let subjects = suite::of_operation(&id.operation)?;
    let subject = subjects.iter().find(|subject| subject.id == id);
    Ok(check(engine, subject.ok_or_else(|| format!("there is no function {id}"))?))
}
