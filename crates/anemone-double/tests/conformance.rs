//! Every program of the filetests through the Apple back end, on the double, against the reference.
//!
//! The double computes in the CPU engine, so this says nothing of a Neural Engine's arithmetic. It says that what is written
//! for a generation still computes what the program says, is taken by the double of its compiler, and that inputs and outputs
//! of every type and rank come and go in the layout that the framework names. `suite` runs it.
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

use anemone::ane::{FrameworkError, Session};
use anemone::{CompileOptions, ErrorKind, RunOptions};
use anemone_conformance::{Accuracy, Compiled, Engine, Refusal, Status, Summary, check, filetest, suite};
use anemone_ir::Program;
use std::error::Error as _;
use std::io::Write as _;

struct Double;

struct Ready {
    session: Session,
    function: String,
}

impl Engine for Double {
    fn accuracy(&self) -> Accuracy {
        Accuracy::Half
    }

    fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal> {
        match Session::new(program, &CompileOptions::new()) {
            Ok(session) => Ok(Box::new(Ready { session, function: program.main().name.to_string() })),
            // What was not tried has no error of the framework's.
            Err(e) if e.kind() == ErrorKind::Compile && !is_of_framework(&e) => Err(Refusal::Unsuitable(e.to_string())),
            Err(e) => Err(Refusal::Failed(e.to_string())),
        }
    }
}

fn is_of_framework(error: &anemone::Error) -> bool {
    error.source().is_some_and(|source| source.is::<FrameworkError>())
}

impl Compiled for Ready {
    fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
        let run = self.session.run(&self.function, inputs, &RunOptions::new());
        let (outputs, _) = run.map_err(|e| e.to_string())?;
        Ok(outputs.into_iter().map(|array| array.data).collect())
    }
}

#[test]
#[ignore = "needs the double; `suite` runs it"]
fn every_program_that_is_taken_is_right() {
    anemone::neural_engine().unwrap();
    let all = filetest::FILES.iter().flat_map(|(operation, _)| suite::of_operation(operation).unwrap());
    let outcomes: Vec<_> = all.map(|subject| (subject.id.clone(), check(&mut Double, &subject))).collect();
    let wrong: Vec<_> = outcomes.iter().filter(|(_, o)| o.status > Status::Special).collect();
    let text: String = wrong.iter().map(|(id, outcome)| format!("{id}: {outcome:?}\n")).collect();
    let sum = Summary::of(outcomes.iter().map(|(_, outcome)| outcome));
    let (programs, right, special, unsuitable) = (sum.programs, sum.right, sum.special, sum.unsuitable);
    let said = format!(
        "filetests on the double: {programs} programs, {right} right ({special} but for special values), {unsuitable} not tried\n"
    );
    let _ = std::io::stderr().write_all(said.as_bytes());
    assert!(wrong.is_empty(), "{} are not right:\n{text}", wrong.len());
    // The others have inputs or outputs that the engine does not take, most of them `fp32`.
    assert!(right * 3 > programs, "{right} of {programs} were tried");
}
