//! The Neural Engine, as it is examined. Where there is none, every question has that for its answer.

use super::probe::{Probe, Sample, median};
use super::report::{Method, NeuralEngine, PathRow};
use anemone::ane::{self, Finding, FrameworkError, Session};
use anemone::{Backend, CompileOptions, Error, Executable, Fallback, RunOptions, RunPath, TensorData};
use anemone_conformance::{Accuracy, Compiled, Engine, Refusal};
use anemone_ir::Program;
use std::error::Error as _;
use std::time::Instant;

/// The Neural Engine of this machine, if it has one.
pub(crate) struct Ane;

/// What the system says of its Neural Engine.
pub(crate) fn survey() -> NeuralEngine {
    let why = anemone::neural_engine().err().map(|e| said(&e));
    let device = ane::device().unwrap_or_default();
    NeuralEngine {
        available: why.is_none(),
        why,
        double: cfg!(feature = "double"),
        architecture: device.architecture,
        engines: device.engines,
        cores: device.cores,
        board: device.board,
        build: device.build,
        virtual_machine: device.is_virtual_machine,
        methods: ane::preflight().iter().map(method).collect(),
    }
}

fn method(finding: &Finding) -> Method {
    let sign = if finding.of_class { '+' } else { '-' };
    Method {
        name: format!("{sign}[{} {}]", finding.class, finding.selector),
        expected: finding.expected.to_owned(),
        found: finding.found.clone(),
        usable: finding.usable(),
        required: finding.required,
        since: finding.since.to_owned(),
        source: finding.source.to_owned(),
    }
}

/// The message, and what the framework said if that is not in it.
fn said(e: &Error) -> String {
    match e.source() {
        Some(source) if !e.to_string().contains(&source.to_string()) => format!("{e}: {source}"),
        _ => e.to_string(),
    }
}

impl Engine for Ane {
    fn accuracy(&self) -> Accuracy {
        Accuracy::Half
    }

    fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal> {
        let session = Session::new(program, &CompileOptions::new()).map_err(|e| refusal(&e))?;
        Ok(Box::new(Ready { session, function: program.main().name.to_string() }))
    }
}

/// What is known without the framework comes as diagnostics, and without an error of the framework's.
fn refusal(e: &Error) -> Refusal {
    let of_framework = e.source().is_some_and(|source| source.is::<FrameworkError>());
    if of_framework || e.diagnostics().is_empty() {
        return Refusal::Failed(said(e));
    }
    // Without places, so that equal reasons are equal.
    let reasons: Vec<String> = e.diagnostics().iter().map(|d| format!("{}: {}", d.slug, d.message)).collect();
    Refusal::Unsuitable(reasons.join("; "))
}

struct Ready {
    session: Session,
    function: String,
}

impl Compiled for Ready {
    fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
        let (outputs, _) = self.session.run(&self.function, inputs, &RunOptions::new()).map_err(|e| said(&e))?;
        Ok(outputs.into_iter().map(|array| array.data).collect())
    }
}

/// The way that is no option of a run.
const SUBMIT: &str = "submit and wait";

/// The other ways to run: name and options.
fn ways() -> Vec<(String, RunOptions)> {
    let plain = RunOptions::new();
    let mut ways = vec![(RunPath::InMemory.name().to_owned(), plain)];
    let cached = |path: RunPath| (format!("{}, cached", path.name()), plain.path(path).cached(true));
    ways.extend(RunPath::ALL.map(cached));
    ways.push(("statistics".to_owned(), plain.cached(true).statistics(true)));
    ways
}

impl Probe for Ane {
    fn paths(&self) -> Vec<String> {
        ways().into_iter().map(|(name, _)| name).chain([SUBMIT.to_owned()]).collect()
    }

    fn probe(&mut self, path: &str, sample: &Sample) -> Result<PathRow, String> {
        if path == SUBMIT {
            return submit(sample);
        }
        let ways = ways();
        let (_, options) = ways.iter().find(|(name, _)| name == path).ok_or("there is no such way")?;
        let open = || {
            let begin = Instant::now();
            let session = Session::new(&sample.program, &CompileOptions::new()).map_err(|e| said(&e))?;
            Ok::<_, String>((session, begin.elapsed().as_secs_f64()))
        };
        let (first, compile) = open()?;
        let (session, again) = open()?;
        if !session.can_run(options.path) {
            return Err("the framework of this system has no such path".to_owned());
        }
        let function = &sample.program.main().name;
        let input = std::slice::from_ref(&sample.input);
        let (mut hardware, mut walls, mut result) = (Vec::new(), Vec::new(), Vec::new());
        sample.median(|| {
            let (outputs, report) = session.run(function, input, options).map_err(|e| said(&e))?;
            walls.push(report.wall.as_secs_f64());
            hardware.extend(report.hardware.map(|time| time.as_secs_f64()));
            result = outputs.into_iter().map(|array| array.data).next().unwrap_or_default();
            Ok(())
        })?;
        sample.check(&result)?;
        let notes = [
            first.was_cached().then_some("the cache knew a program that is new"),
            (!session.was_cached()).then_some("not cached"),
            (options.statistics && hardware.is_empty()).then_some("the system keeps its counters to itself"),
        ];
        let note = notes.into_iter().flatten().collect::<Vec<_>>().join("; ");
        Ok(PathRow {
            compile_seconds: Some(compile),
            cached_compile_seconds: Some(again),
            run_seconds: Some(median(walls)),
            hardware_seconds: (!hardware.is_empty()).then(|| median(hardware)),
            note: Some(note).filter(|note| !note.is_empty()),
            ..PathRow::of(path)
        })
    }
}

/// Runs that are begun and waited for, on tensors that lie in surfaces.
fn submit(sample: &Sample) -> Result<PathRow, String> {
    let options = CompileOptions::new().backend(Backend::Ane).fallback(Fallback::Forbid);
    let begin = Instant::now();
    let executable = Executable::from_program(sample.program.clone(), &options).map_err(|e| said(&e))?;
    let compile = begin.elapsed().as_secs_f64();
    let [x, y] = [executable.inputs(), executable.outputs()].map(|ports| TensorData::new(ports[0].shape));
    // The numbers are halves, and exact.
    x.copy_from_f32(&sample.input.iter().map(|x| *x as f32).collect::<Vec<_>>());
    let run = sample.median(|| {
        let submission = executable.submit(&[&x], &[&y]).map_err(|e| said(&e))?;
        submission.wait().map(drop).map_err(|e| said(&e))
    })?;
    sample.check(&y.read_f32().iter().map(|y| f64::from(*y)).collect::<Vec<_>>())?;
    Ok(PathRow { compile_seconds: Some(compile), run_seconds: Some(run), ..PathRow::of(SUBMIT) })
}
