//! Running the filetests of [`anemone_conformance`], in every way there is.

use crate::executor::{Executor, Setup};
use crate::round_trip::{DIALECTS, round_trip};
use crate::stepwise;
use anemone_conformance::compare::{self, Allowed, Wanted};
use anemone_conformance::filetest::{self, Case, Failure, File, Finding, Run};
use anemone_conformance::numbers::show;
use anemone_conformance::tolerance::{self, Tolerance};
use anemone_ir::reference::{self, Array};
use anemone_ir::{DType, Diagnostic, Function, Location, Profile, Program, TensorType};
use anemone_mil::{NoWeights, parse};
use std::collections::HashMap;

/// Everything that is not as the file of an operation says.
pub fn run_file(mnemonic: &str) -> Vec<Failure> {
    let path = filetest::path(mnemonic);
    let Some((_, text)) = filetest::FILES.iter().find(|(name, _)| *name == mnemonic) else {
        return vec![Failure { path, line: 1, message: format!("`{mnemonic}` is no operation") }];
    };
    match filetest::parse(&path, text) {
        Ok(file) => run(&file, mnemonic),
        Err(failures) => failures,
    }
}

fn run(file: &File, mnemonic: &str) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut tested = false;
    for case in &file.programs {
        let mut fail = |line, message| failures.push(Failure { path: file.path.clone(), line, message });
        let program = match parse(&case.text, &NoWeights) {
            Ok(program) => program,
            Err(e) => {
                findings(case, e.diagnostics(), &mut fail);
                continue;
            }
        };
        findings(case, program.warnings(), &mut fail);
        tested |= case.runs.iter().filter_map(|r| program.function(&r.function)).any(|f| calls(f, mnemonic));
        run_case(case, &program, &mut fail);
    }
    if !tested {
        let message = format!("no run line of this file runs a function that calls `{mnemonic}`");
        failures.push(Failure { path: file.path.clone(), line: 1, message });
    }
    failures
}

fn calls(function: &Function, mnemonic: &str) -> bool {
    function.nodes.iter().any(|n| n.mnemonic() == mnemonic)
}

/// Compares what a program gives with what its comments say that it gives.
fn findings(case: &Case, found: &[Diagnostic], fail: &mut impl FnMut(usize, String)) {
    let mut left: Vec<(usize, &Diagnostic)> = found.iter().map(|d| (line_of(case, d), d)).collect();
    let matches = |wanted: &Finding, line: usize, d: &Diagnostic| {
        let there = (wanted.line..=wanted.last).contains(&line);
        there && d.severity == wanted.severity && d.slug == wanted.slug && d.message.contains(&wanted.message)
    };
    for wanted in &case.findings {
        match left.iter().position(|(line, d)| matches(wanted, *line, d)) {
            Some(at) => {
                left.remove(at);
            }
            None => {
                let Finding { severity, slug, message, .. } = wanted;
                fail(wanted.line, format!("expected here, but not found: {severity}[{slug}]: … {message} …"));
            }
        }
    }
    for (line, d) in left {
        fail(line, format!("not expected: {}[{}]: {}", d.severity, d.slug, d.message));
    }
}

fn line_of(case: &Case, diagnostic: &Diagnostic) -> usize {
    match diagnostic.location {
        Location::Text { start, .. } => {
            1 + case.text.as_bytes()[..start.min(case.text.len())].iter().filter(|b| **b == b'\n').count()
        }
        Location::Unknown | Location::Rust(_) => case.line,
    }
}

/// A program as it is, and as it is read from its own text.
struct Variants<'a> {
    program: &'a Program,
    again: Vec<Program>,
    executors: HashMap<(String, Profile), Vec<(Setup, Executor)>>,
}

fn run_case(case: &Case, program: &Program, fail: &mut impl FnMut(usize, String)) {
    let mut variants = Variants { program, again: Vec::new(), executors: HashMap::new() };
    for dialect in DIALECTS {
        match round_trip(program, dialect) {
            Ok(again) => variants.again.push(again),
            Err(e) => fail(case.line, e),
        }
    }
    for run in &case.runs {
        for profile in [Profile::Fp16, Profile::F32] {
            if run.profile.is_none_or(|only| only == profile)
                && let Err(e) = variants.run(run, profile)
            {
                fail(run.line, format!("{e}\n    run: {}", run.source));
            }
        }
    }
}

impl Variants<'_> {
    fn run(&mut self, run: &Run, profile: Profile) -> Result<(), String> {
        let program = self.program;
        let function =
            program.function(&run.function).ok_or_else(|| format!("there is no function `{}`", run.function))?;
        let inputs = run.inputs(function)?;
        let wanted = run.expected(function)?;
        let context = |e: String| format!("{e}\n{}", show_inputs(function, &inputs));

        let by_reference = reference::run(function, &inputs, profile);
        let allowed = |ty: &TensorType| written(run, function, ty, profile);
        let all = wanted.iter().zip(&by_reference);
        for (at, (wanted, got)) in all.enumerate() {
            let allowed = Allowed { tolerance: allowed(&got.ty), slack: Vec::new() };
            expected("reference", profile, function, at, wanted.as_deref(), got, &allowed).map_err(context)?;
        }
        self.texts_agree(run, function, &inputs, &by_reference, profile).map_err(context)?;

        let trace = stepwise::trace(function, Setup::plain(profile), &inputs, run.tolerance).map_err(context)?;
        for (at, (wanted, got)) in wanted.iter().zip(&trace.outputs).enumerate() {
            let allowed = Allowed { tolerance: allowed(&got.ty), slack: trace.allowed[at].slack.clone() };
            expected("engine", profile, function, at, wanted.as_deref(), got, &allowed).map_err(context)?;
        }
        for (setup, executor) in self.executors(function, profile)? {
            let results = executor.run(&inputs)?;
            for (at, (want, got)) in trace.outputs.iter().zip(&results).enumerate() {
                let name = &function.value(function.outputs[at]).name;
                compare::bits(&want.data, &got.data)
                    .map_err(|e| context(format!("{setup}: `{name}` is not what its nodes give one by one: {e}")))?;
            }
        }
        Ok(())
    }

    fn executors(&mut self, function: &Function, profile: Profile) -> Result<&[(Setup, Executor)], String> {
        let key = (function.name.to_string(), profile);
        if !self.executors.contains_key(&key) {
            let make = |setup| Executor::new(function, setup).map(|e| (setup, e));
            let made = Setup::all(profile).into_iter().map(make).collect::<Result<_, _>>()?;
            self.executors.insert(key.clone(), made);
        }
        Ok(&self.executors[&key])
    }

    /// The programs that were read from this one's own texts give the same.
    fn texts_agree(
        &self,
        run: &Run,
        function: &Function,
        inputs: &[Vec<f64>],
        wanted: &[Array],
        profile: Profile,
    ) -> Result<(), String> {
        for again in &self.again {
            let other = again.function(&run.function).ok_or("printing loses a function")?;
            let by_name = |id: &_| {
                let at = function.params.iter().position(|p| function.value(*p).name == other.value(*id).name);
                at.map(|at| inputs[at].clone()).ok_or("printing loses an input")
            };
            let inputs = other.params.iter().map(by_name).collect::<Result<Vec<_>, _>>()?;
            let got = reference::run(other, &inputs, profile);
            for (want, got) in wanted.iter().zip(&got) {
                compare::bits(&want.data, &got.data).map_err(|e| format!("the program read from its own text: {e}"))?;
            }
        }
        Ok(())
    }
}

/// How far a result may be from a written number. In profile `f32` nothing is rounded before the end, so the last rounding
/// may go the other way.
fn written(run: &Run, function: &Function, ty: &TensorType, profile: Profile) -> Tolerance {
    let mut table = tolerance::of_function(function, ty.dtype);
    if profile == Profile::F32 && ty.dtype == DType::Fp16 {
        table.steps += 1;
    }
    if ty.dtype.is_float() { table.or(run.tolerance) } else { Tolerance::default() }
}

fn expected(
    executor: &str,
    profile: Profile,
    function: &Function,
    at: usize,
    wanted: Option<&[Wanted]>,
    got: &Array,
    allowed: &Allowed,
) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    compare::with_written(got.ty.dtype, wanted, &got.data, allowed).map_err(|e| {
        let name = &function.value(function.outputs[at]).name;
        let numbers: Vec<f64> = wanted.iter().map(|w| w.value).collect();
        let (want, got) = (show(&numbers), show(&got.data));
        format!("{executor}, {}: `{name}`: {e}\n    expected {want}\n    got      {got}", profile.name())
    })
}

fn show_inputs(function: &Function, inputs: &[Vec<f64>]) -> String {
    let one = |(id, data): (&_, &Vec<f64>)| {
        let value = function.value(*id);
        format!("    {} = {} {}", value.name, value.ty, show(data))
    };
    function.params.iter().zip(inputs).map(one).collect::<Vec<_>>().join("\n")
}
