//! Running a program on an engine, and comparing it with the reference.

use crate::compare::{Allowed, difference, steps};
use crate::engine::{Compiled, Engine, Refusal};
use crate::filetest::Run;
use crate::outcome::{Departure, Largest, Outcome, Status};
use crate::suite::Subject;
use anemone_ir::reference::{self, Array};
use anemone_ir::{DType, Function, Profile};
use std::time::Instant;

/// What comes of a function's run lines on an engine. A line that does not run ends it.
pub fn check(engine: &mut dyn Engine, subject: &Subject) -> Outcome {
    let begin = Instant::now();
    let mut compiled = match engine.compile(&subject.program) {
        Ok(compiled) => compiled,
        Err(Refusal::Unsuitable(why)) => return Outcome::without_run(Status::Unsuitable, why),
        Err(Refusal::Failed(why)) => return Outcome::without_run(Status::CompileFails, why),
    };
    let mut outcome = Outcome { compile_seconds: Some(begin.elapsed().as_secs_f64()), ..Outcome::default() };
    for run in &subject.runs {
        if let Err(message) = check_run(engine, &mut *compiled, subject.program.main(), run, &mut outcome) {
            outcome.status = outcome.status.max(Status::RunFails);
            outcome.message = Some(message);
            break;
        }
    }
    outcome
}

/// Runs, compares the outputs with the reference's, and adds what comes of it.
fn check_run(
    engine: &dyn Engine,
    compiled: &mut dyn Compiled,
    function: &Function,
    run: &Run,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let inputs = run.inputs(function).map_err(|e| format!("line {}: {e}", run.line))?;
    let got = compiled.run(&inputs)?;
    if got.len() != function.outputs.len() {
        return Err(format!("{} outputs came, the function has {}", got.len(), function.outputs.len()));
    }
    // States begin as zeros.
    let (function, _) = &function.pure();
    let states = function.params[inputs.len()..].iter().map(|id| vec![0.0; function.ty(*id).dims.elements()]);
    let inputs: Vec<Vec<f64>> = inputs.into_iter().chain(states).collect();
    let values = reference::values(function, &inputs, Profile::Fp16);
    let plain = plain_inputs(function, &inputs).map(|plain| reference::values(function, &plain, Profile::Fp16));
    let allowed = engine.accuracy().of_outputs(function, &values, run.tolerance);
    for ((id, got), allowed) in function.outputs.iter().zip(&got).zip(&allowed) {
        let name = &function.value(*id).name;
        let wanted = values[id.index()].as_ref().ok_or_else(|| format!("`{name}` is no tensor of numbers"))?;
        if got.len() != wanted.data.len() {
            return Err(format!("`{name}` has {} elements, {} came", wanted.data.len(), got.len()));
        }
        let plain = plain.as_ref().and_then(|values| values[id.index()].as_ref());
        let found = Found::new(wanted, plain, got, allowed);
        found.add_to(outcome, |index, count| Departure {
            line: run.line,
            output: name.to_string(),
            index,
            wanted: format!("{:?}", wanted.data[index]),
            got: format!("{:?}", got[index]),
            count,
            of: got.len(),
        });
    }
    Ok(())
}

/// The inputs with 1 in the place of special numbers; `None` if there are none.
fn plain_inputs(function: &Function, inputs: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let dtypes = || function.params.iter().map(|id| function.ty(*id).dtype);
    let any = dtypes().zip(inputs).any(|(dtype, data)| data.iter().any(|x| is_special(dtype, *x)));
    let one =
        |(dtype, data): (DType, &Vec<f64>)| data.iter().map(|x| if is_special(dtype, *x) { 1.0 } else { *x }).collect();
    any.then(|| dtypes().zip(inputs).map(one).collect())
}

/// NaN, infinities and subnormal numbers, which the Neural Engine is said to treat in ways of its own.
fn is_special(dtype: DType, x: f64) -> bool {
    let smallest = match dtype {
        DType::Fp16 => 2f64.powi(-14),
        DType::Fp32 => 2f64.powi(-126),
        _ => return false,
    };
    !x.is_finite() || (x != 0.0 && x.abs() < smallest)
}

/// How an output differs.
#[derive(Default)]
struct Found {
    equal: bool,
    largest: Largest,
    /// The first element that departs, and how many do.
    plain: Option<(usize, usize)>,
    special: Option<(usize, usize)>,
    special_elements: usize,
}

impl Found {
    /// `plain` is what would be wanted if no input were special: an element that would be another then is special too.
    fn new(wanted: &Array, plain: Option<&Array>, got: &[f64], allowed: &Allowed) -> Found {
        let dtype = wanted.ty.dtype;
        let mut found = Found { equal: true, ..Found::default() };
        for (at, (want, got)) in wanted.data.iter().zip(got).enumerate() {
            found.equal &= want.to_bits() == got.to_bits() || (want.is_nan() && got.is_nan());
            let special = is_special(dtype, *want) || plain.is_some_and(|plain| plain.data[at] != *want);
            found.special_elements += usize::from(special);
            if !special && got.is_finite() {
                let Largest { ulp, abs } = found.largest;
                let abs = abs.max(difference(dtype, *want, *got));
                found.largest = Largest { ulp: ulp.max(steps(dtype, *want, *got)), abs };
            }
            if !allowed.lets(dtype, at, *want, *got) {
                let of_kind = if special { &mut found.special } else { &mut found.plain };
                of_kind.get_or_insert((at, 0)).1 += 1;
            }
        }
        found
    }

    fn add_to(self, outcome: &mut Outcome, departure: impl Fn(usize, usize) -> Departure) {
        let status = match (self.equal, self.plain, self.special) {
            (true, ..) => Status::Equal,
            (false, Some(_), _) => Status::Departs,
            (false, None, Some(_)) => Status::Special,
            (false, None, None) => Status::Near,
        };
        if let Some((index, count)) = self.plain.or(self.special)
            && status > outcome.status
        {
            outcome.departure = Some(departure(index, count));
        }
        outcome.status = outcome.status.max(status);
        outcome.special += self.special_elements;
        outcome.special_differ += self.special.map_or(0, |(_, count)| count);
        let most = outcome.error.get_or_insert_default();
        *most = Largest { ulp: most.ulp.max(self.largest.ulp), abs: most.abs.max(self.largest.abs) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::Accuracy;
    use crate::{filetest, suite};
    use anemone_ir::Program;
    use anemone_mil::NoWeights;
    use std::path::Path;

    /// An engine that evaluates the reference and then spoils the outputs, or fails where it is told to.
    struct Spoiled {
        compile: Option<Refusal>,
        run: Option<String>,
        spoil: fn(&mut Vec<Vec<f64>>),
    }

    struct Ready {
        program: Program,
        run: Option<String>,
        spoil: fn(&mut Vec<Vec<f64>>),
    }

    impl Engine for Spoiled {
        fn accuracy(&self) -> Accuracy {
            Accuracy::Single
        }

        fn compile(&mut self, program: &Program) -> Result<Box<dyn Compiled>, Refusal> {
            let (run, spoil) = (self.run.clone(), self.spoil);
            self.compile.clone().map_or(Ok(Box::new(Ready { program: program.clone(), run, spoil })), Err)
        }
    }

    impl Compiled for Ready {
        fn run(&mut self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
            let results = reference::run(self.program.main(), inputs, Profile::Fp16);
            let mut data = results.into_iter().map(|array| array.data).collect();
            (self.spoil)(&mut data);
            self.run.clone().map_or(Ok(data), Err)
        }
    }

    const TEXT: &str = "program(1.3) {\n// run: main(x = [1, 2, inf, nan]) -> ?\nfunc main<ios16>(tensor<fp16, [4]> x) {\n\
                        tensor<fp16, [4]> y = exp(x = x);\n} -> (y);\n}";

    fn outcome(compile: Option<Refusal>, run: Option<&str>, spoil: fn(&mut Vec<Vec<f64>>)) -> Outcome {
        let file = filetest::parse(Path::new("t.mil"), TEXT).unwrap();
        let subject = Subject {
            id: suite::Id { operation: "exp".to_owned(), line: 2 },
            program: anemone_mil::parse(TEXT, &NoWeights).unwrap(),
            runs: file.programs[0].runs.clone(),
        };
        let outcome = check(&mut Spoiled { compile, run: run.map(str::to_owned), spoil }, &subject);
        Outcome { compile_seconds: None, ..outcome }
    }

    fn ran(spoil: fn(&mut Vec<Vec<f64>>)) -> Outcome {
        outcome(None, None, spoil)
    }

    #[test]
    fn what_runs_is_measured() {
        let equal = ran(|_| {});
        let zero = Some(Largest::default());
        assert_eq!(equal, Outcome { error: zero, special: 2, ..Outcome::default() });

        let near = ran(|y| y[0][1] += 2f64.powi(-8));
        assert_eq!((near.status, near.error), (Status::Near, Some(Largest { ulp: 1, abs: 2f64.powi(-8) })));
        assert_eq!(near.departure, None);

        let departs = ran(|y| y[0][1] = f64::NAN);
        assert_eq!((departs.status, departs.error, departs.special_differ), (Status::Departs, zero, 0));
        let departure = departs.departure.unwrap();
        assert_eq!((departure.line, departure.index, &*departure.output, &*departure.got), (2, 1, "y", "NaN"));

        let special = ran(|y| y[0][3] = 7.0);
        assert_eq!((special.status, special.special_differ, special.error), (Status::Special, 1, zero));
        assert_eq!(special.departure.unwrap().index, 3);
        assert!(Status::Special.is_right() && !Status::Departs.is_right());

        let both = ran(|y| y[0] = vec![0.0; 4]);
        assert_eq!((both.status, both.special_differ), (Status::Departs, 2));
        assert_eq!(both.departure.map(|d| (d.index, d.count, d.of)), Some((0, 2, 4)));
    }

    #[test]
    fn what_does_not_run_says_why() {
        let refused = |refusal| outcome(Some(refusal), None, |_| {});
        let unsuitable = refused(Refusal::Unsuitable("too wide".into()));
        assert_eq!(unsuitable, Outcome::without_run(Status::Unsuitable, "too wide"));
        let failed = refused(Refusal::Failed("no".into()));
        assert_eq!(failed, Outcome::without_run(Status::CompileFails, "no"));
        let not_run = outcome(None, Some("status 0x1d"), |_| {});
        assert_eq!(not_run, Outcome::without_run(Status::RunFails, "status 0x1d"));
        let few = ran(|y| y[0].truncate(3));
        assert_eq!((few.status, few.message.unwrap()), (Status::RunFails, "`y` has 4 elements, 3 came".to_owned()));
        let none = ran(Vec::clear);
        assert_eq!(none.message.unwrap(), "0 outputs came, the function has 1");
    }
}
