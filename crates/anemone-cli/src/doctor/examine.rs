//! Asking everything, one question after the other.

use super::date;
use super::isolated::{Isolated, Lost};
use super::report::{Backend, Examination, Method, NeuralEngine, PathRow, ProgramRow, VERSION, Verdict};
use super::worker::{self, Answer, Request};
use crate::context::Context;
use crate::failure::{Failure, Problem};
use crate::machine::Machine;
use crate::progress::Progress;
use crate::table::plural;
use anemone_conformance::filetest::FILES;
use anemone_conformance::suite::{self, Subject};
use anemone_conformance::{Outcome, Status, Summary};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// Examines this machine; `only` names operations, all if it is empty.
///
/// # Errors
/// The Neural Engine was asked for, and there is no framework for it; or this program cannot start itself.
pub(crate) fn examine(
    backend: Option<Backend>,
    only: &[String],
    patience: Duration,
    cx: &Context,
) -> Result<Examination, Failure> {
    let date = date::now();
    let mut neural_engine = survey(patience)?;
    neural_engine.why = neural_engine.why.map(anonymous);
    let has_framework = !neural_engine.methods.is_empty();
    if backend == Some(Backend::Ane) && !has_framework && !neural_engine.available {
        let why = neural_engine.why.unwrap_or_default();
        let problem = Problem::new("unavailable", format!("the Neural Engine cannot be examined: {why}"));
        return Err(problem.hint("without --backend the report says so, and examines the CPU engine").into());
    }
    let machine = Machine::this();
    warn(&machine, &neural_engine, cx);
    let backend = backend.unwrap_or(if neural_engine.available { Backend::Ane } else { Backend::Cpu });
    let mut isolated = isolated(backend, patience)?;
    let paths = paths(&mut isolated);
    let programs = programs(&mut isolated, only);
    let operations = operations(&programs);
    let verdict = verdict(backend, &neural_engine, &paths, &programs);
    Ok(Examination {
        doctor_schema: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        date,
        machine,
        backend,
        neural_engine,
        paths,
        operations,
        programs,
        verdict,
    })
}

/// Processes of this program that examine a back end.
fn isolated(backend: Backend, patience: Duration) -> Result<Isolated, Problem> {
    let this = std::env::current_exe()
        .map_err(|e| Problem::new("io", format!("cannot find the program that is running, to start it again: {e}")))?;
    Ok(Isolated::new(patience, move || {
        let mut command = Command::new(&this);
        command.args([worker::VERB, "--backend", backend.name()]);
        command
    }))
}

fn survey(patience: Duration) -> Result<NeuralEngine, Failure> {
    match isolated(Backend::Ane, patience)?.ask(&Request::Survey) {
        Ok(Answer::Survey(found)) => Ok(*found),
        Ok(other) => Err(Problem::new("doctor", format!("an answer to another question came: {other:?}")).into()),
        Err(Lost::Broken(why)) => Err(Problem::new("doctor", why).into()),
        Err(lost) => {
            let why = format!("loading Apple's framework went wrong: {}", lost.message());
            Ok(NeuralEngine { why: Some(why), ..NeuralEngine::default() })
        }
    }
}

fn warn(machine: &Machine, neural_engine: &NeuralEngine, cx: &Context) {
    if neural_engine.double {
        cx.warn("this program was built for a test double of Apple's framework: nothing below is about hardware");
    }
    if neural_engine.available || !neural_engine.methods.is_empty() {
        cx.warn(
            "this calls a private framework of Apple's, which may change with any update of the system, and which the \
             App Store does not allow (guideline 2.5.1)",
        );
    }
    let guest = neural_engine.virtual_machine.or(machine.virtual_machine) == Some(true);
    if machine.os == "macos" && (guest || std::env::var_os("CI").is_some()) {
        cx.warn("virtual machines, and the hosts of CI services with them, usually have no Neural Engine");
    }
}

fn paths(isolated: &mut Isolated) -> Vec<PathRow> {
    let _progress = Progress::stage("a tiny program, on every way to the engine");
    let paths = match isolated.ask(&Request::Paths) {
        Ok(Answer::Paths(paths)) => paths,
        Ok(other) => return vec![PathRow::failed("any", format!("an answer to another question came: {other:?}"))],
        Err(lost) => return vec![PathRow::failed("any", lost.message())],
    };
    let one = |path: String| match isolated.ask(&Request::Path(path.clone())) {
        Ok(Answer::Path(row)) => *row,
        Ok(other) => PathRow::failed(&path, format!("an answer to another question came: {other:?}")),
        Err(lost) => PathRow::failed(&path, lost.message()),
    };
    paths.into_iter().map(one).map(|row| PathRow { error: row.error.map(anonymous), ..row }).collect()
}

fn programs(isolated: &mut Isolated, only: &[String]) -> Vec<ProgramRow> {
    let mut operations: Vec<&str> = FILES.iter().map(|(operation, _)| *operation).collect();
    operations.retain(|operation| only.is_empty() || only.iter().any(|o| o == operation));
    operations.sort_unstable();
    let all = operations.iter().flat_map(|o| suite::of_operation(o).expect("the files of this program are right"));
    let subjects: Vec<Subject> = all.collect();
    let progress = Progress::steps("operations", subjects.len() as u64);
    let one = |(at, subject): (usize, &Subject)| {
        progress.at(at as u64);
        let outcome = match isolated.ask(&Request::Program(subject.id.to_string())) {
            Ok(Answer::Program(outcome)) => *outcome,
            Ok(other) => {
                Outcome::without_run(Status::RunFails, format!("an answer to another question came: {other:?}"))
            }
            Err(lost) => Outcome::without_run(status_of(&lost), lost.message()),
        };
        let outcome = Outcome { message: outcome.message.map(anonymous), ..outcome };
        let digest = format!("{:016x}", subject.digest());
        ProgramRow { operation: subject.id.operation.clone(), line: subject.id.line, digest, outcome }
    };
    subjects.iter().enumerate().map(one).collect()
}

/// A message without the name of the user's folder: reports are sent to others.
fn anonymous(message: String) -> String {
    match std::env::var("HOME") {
        Ok(home) if home.len() > 1 => message.replace(&home, "~"),
        _ => message,
    }
}

fn status_of(lost: &Lost) -> Status {
    match lost {
        Lost::Crashed(_) => Status::Crashed,
        Lost::TimedOut(_) => Status::TimedOut,
        Lost::Broken(_) => Status::RunFails,
    }
}

fn operations(programs: &[ProgramRow]) -> BTreeMap<String, Summary> {
    let mut by_name: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for row in programs {
        by_name.entry(row.operation.clone()).or_default().push(&row.outcome);
    }
    by_name.into_iter().map(|(name, outcomes)| (name, Summary::of(outcomes))).collect()
}

/// What is to be said in one line. On the CPU engine special values must be right too; the Neural Engine is said to have its
/// own.
fn verdict(backend: Backend, neural_engine: &NeuralEngine, paths: &[PathRow], programs: &[ProgramRow]) -> Verdict {
    let tried: Vec<Status> = programs.iter().map(|p| p.outcome.status).filter(|s| *s != Status::Unsuitable).collect();
    let is_right = |status: &Status| match backend {
        Backend::Ane => status.is_right(),
        Backend::Cpu => matches!(status, Status::Equal | Status::Near),
    };
    let right = tried.iter().filter(|status| is_right(status)).count();
    let broken_paths = paths.iter().filter(|row| row.error.is_some()).count();
    // A method that only newer systems have is no fault of this one.
    let broken = |m: &&Method| !m.usable && (m.required || m.found.is_some());
    let broken_methods = neural_engine.methods.iter().filter(broken).count();
    let healthy = right == tried.len() && broken_paths == 0 && broken_methods == 0;

    let mut text = String::new();
    if backend == Backend::Cpu && !neural_engine.available {
        text += "no Neural Engine can be used here; ";
    }
    text += &match right == tried.len() {
        true => format!("{} computes all {} right", backend.words(), plural(right, "program")),
        false => format!("{} computes {right} of {} right", backend.words(), plural(tried.len(), "program")),
    };
    let untried = programs.len() - tried.len();
    if untried > 0 {
        text += &format!(", {untried} were not tried");
    }
    if broken_paths > 0 {
        text += &format!("; {broken_paths} of {} to it fail", plural(paths.len(), "way"));
    }
    if broken_methods > 0 {
        text += &format!("; {} of the framework are not as they should be", plural(broken_methods, "method"));
    }
    Verdict { healthy, text }
}
