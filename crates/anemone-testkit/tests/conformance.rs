//! What `anemone doctor` measures engines with, on the CPU engine: every program is as near as its promise, and one wrong
//! element is seen whatever the promise.

use anemone_conformance::{Accuracy, Compiled, Engine, Outcome, Refusal, Status, Summary, check, filetest, suite};
use anemone_ir::{Profile, Program};
use anemone_testkit::executor::{Executor, Setup};

struct Cpu {
    accuracy: Accuracy,
    /// Whether the last element of each output is made wrong.
    spoil: bool,
}

struct Ready(Executor, bool);

impl Engine for Cpu {
    fn accuracy(&self) -> Accuracy {
        self.accuracy
    }

    fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal> {
        let made = Executor::new(program.main(), Setup::plain(Profile::Fp16)).map_err(Refusal::Failed)?;
        Ok(Box::new(Ready(made, self.spoil)))
    }
}

impl Compiled for Ready {
    fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
        let mut results: Vec<Vec<f64>> = self.0.run(inputs)?.into_iter().map(|array| array.data).collect();
        if self.1 {
            for x in results.iter_mut().filter_map(|data| data.last_mut()) {
                *x = if *x != 0.0 && x.is_finite() { *x / 2.0 } else { 1.0 };
            }
        }
        Ok(results)
    }
}

fn outcomes(accuracy: Accuracy, spoil: bool) -> Vec<(suite::Id, Outcome)> {
    let all = filetest::FILES
        .iter()
        .flat_map(|(operation, _)| suite::of_operation(operation).expect("FILES names operations"));
    all.map(|subject| (subject.id.clone(), check(&mut Cpu { accuracy, spoil }, &subject))).collect()
}

#[test]
fn the_cpu_engine_conforms() {
    let outcomes = outcomes(Accuracy::Single, false);
    for (id, outcome) in &outcomes {
        assert!(matches!(outcome.status, Status::Equal | Status::Near), "{id}: {outcome:?}");
    }
    let summary = Summary::of(outcomes.iter().map(|(_, outcome)| outcome));
    assert_eq!((summary.right, summary.special, summary.unsuitable), (summary.programs, 0, 0));
    // Not all of them are equal, or errors would not be seen.
    assert!(outcomes.iter().any(|(_, o)| o.error.is_some_and(|e| e.ulp > 0)));
}

#[test]
fn a_wrong_element_is_found() {
    for accuracy in [Accuracy::Single, Accuracy::Half] {
        let outcomes = outcomes(accuracy, true);
        let missed: Vec<_> = outcomes.iter().filter(|(_, o)| o.status <= Status::Near).map(|(id, _)| id).collect();
        // Not seen is what halves the last bits of a subnormal number, or a number below the absolute error.
        assert!(missed.len() * 15 < outcomes.len(), "{accuracy:?}: {} of {}: {missed:?}", missed.len(), outcomes.len());
    }
}
