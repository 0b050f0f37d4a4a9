//! Random programs: the same ones in every run, so that a failure has to do with the change that was made.
//!
//! `ARBTEST_BUDGET_MS=60000 cargo test -p anemone-testkit --test random NAME` looks at new ones for a minute. A failure then
//! prints a seed; `ARBTEST_SEED=0x…` runs it again, and `ANEMONE_MINIMIZE=1` with it looks for a smaller one.

use anemone_conformance::compare;
use anemone_conformance::numbers::{Random, show};
use anemone_conformance::tolerance::Tolerance;
use anemone_ir::op::SCHEMAS;
use anemone_ir::reference;
use anemone_ir::{Profile, Program};
use anemone_mil::{Dialect, print};
use anemone_testkit::executor::{Executor, Setup};
use anemone_testkit::random::{Sample, sample, sample_of};
use anemone_testkit::round_trip::{DIALECTS, round_trip};
use anemone_testkit::stepwise::trace;
use arbitrary::Unstructured;

const PROFILES: [Profile; 2] = [Profile::Fp16, Profile::F32];
/// Programs of a run that looks at no new ones.
const PROGRAMS: u64 = 3000;
const MOST_BYTES: u32 = 4096;

/// The program of a number.
fn numbered(number: u64) -> Option<Sample> {
    let mut random = Random::new(number);
    // Programs grow with the bytes they are made of.
    let bytes: Vec<u8> = (0..(number + 1) * u64::from(MOST_BYTES) / PROGRAMS).map(|_| random.bits() as u8).collect();
    sample(&mut Unstructured::new(&bytes)).ok()
}

fn explore(property: impl Fn(&Sample) -> Result<(), String>) {
    let variable = |name| std::env::var(name).ok();
    let seed = variable("ARBTEST_SEED");
    if seed.is_none() && variable("ARBTEST_BUDGET_MS").is_none() {
        let samples = (0..PROGRAMS).filter_map(|number| Some((number, numbered(number)?)));
        let seen = samples.map(|(number, sample)| {
            holds(&sample, |sample| property(sample).map_err(|e| format!("program {number}: {e}")));
        });
        assert!(seen.count() as u64 > PROGRAMS / 2, "most numbers give a program");
        return;
    }
    let test = arbtest::arbtest(|u: &mut Unstructured<'_>| {
        holds(&sample(u)?, &property);
        Ok(())
    });
    let mut test = test.size_max(MOST_BYTES);
    if variable("ANEMONE_MINIMIZE").is_some() {
        let seed = seed.expect("ARBTEST_SEED says what is to be made smaller");
        test =
            test.seed(u64::from_str_radix(seed.trim_start_matches("0x"), 16).expect("a hexadecimal number")).minimize();
    }
    test.run();
}

fn holds(sample: &Sample, property: impl Fn(&Sample) -> Result<(), String>) {
    if let Err(e) = property(sample) {
        panic!("{e}\n{}", describe(sample));
    }
}

fn describe(sample: &Sample) -> String {
    let function = sample.program.main();
    let input = |(id, data): (&_, &Vec<f64>)| format!("{} = {}", function.value(*id).name, show(data));
    let inputs: Vec<String> = function.params.iter().zip(&sample.inputs).map(input).collect();
    format!("{}\n{}", inputs.join("\n"), print(&sample.program, Dialect::V1_3).text)
}

/// Node by node, what the reference gives; and as a whole, fused and unfused, what the nodes gave.
fn engine_agrees(sample: &Sample) -> Result<(), String> {
    let function = sample.program.main();
    for profile in PROFILES {
        let plain = Setup::plain(profile);
        let trace = trace(function, plain, &sample.inputs, Tolerance::default())?;
        for fuse in [true, false] {
            let setup = Setup { fuse, ..plain };
            let results = Executor::new(function, setup)?.run(&sample.inputs)?;
            same(&setup.to_string(), &trace.outputs, &results)?;
        }
    }
    Ok(())
}

/// The same bytes on every level, number of threads, fused and unfused.
fn setups_agree(sample: &Sample) -> Result<(), String> {
    let function = sample.program.main();
    for profile in PROFILES {
        let plain = Executor::new(function, Setup::plain(profile))?.run(&sample.inputs)?;
        for setup in Setup::all(profile) {
            same(&setup.to_string(), &plain, &Executor::new(function, setup)?.run(&sample.inputs)?)?;
        }
    }
    Ok(())
}

fn same(what: &str, wanted: &[reference::Array], got: &[reference::Array]) -> Result<(), String> {
    for (at, (want, got)) in wanted.iter().zip(got).enumerate() {
        compare::bits(&want.data, &got.data).map_err(|e| format!("{what}: output {at}, {}: {e}", want.ty))?;
    }
    Ok(())
}

/// Text and back gives the same program, and that the same results.
fn text_agrees(sample: &Sample) -> Result<(), String> {
    let function = sample.program.main();
    let wanted = reference::run(function, &sample.inputs, Profile::Fp16);
    for dialect in DIALECTS {
        let again = round_trip(&sample.program, dialect)?;
        let other = again.main();
        let by_name = |id: &_| {
            let name = &other.value(*id).name;
            let at = function.params.iter().position(|p| function.value(*p).name == *name);
            sample.inputs[at.expect("names are compared by round_trip")].clone()
        };
        let inputs: Vec<Vec<f64>> = other.params.iter().map(by_name).collect();
        same("read from its own text", &wanted, &reference::run(other, &inputs, Profile::Fp16))?;
    }
    Ok(())
}

#[test]
fn the_engine_gives_what_the_reference_gives() {
    explore(engine_agrees);
}

#[test]
fn levels_threads_and_fusion_do_not_matter() {
    explore(setups_agree);
}

#[test]
fn text_and_back_is_the_same_program() {
    explore(text_agrees);
}

/// The three above, for calls of each operation that are always the same ones.
#[test]
fn each_operation_agrees() {
    for schema in SCHEMAS {
        for seed in 0..24 {
            let mut random = Random::new(seed);
            let bytes: Vec<u8> = (0..512).map(|_| random.bits() as u8).collect();
            let Ok(sample) = sample_of(&mut Unstructured::new(&bytes), schema) else { continue };
            holds(&sample, |sample| {
                let at = |e| format!("{}, seed {seed}: {e}", schema.mnemonic);
                engine_agrees(sample).and_then(|()| text_agrees(sample)).map_err(at)
            });
        }
    }
}

#[test]
fn equal_graphs_give_equal_bytes() {
    for number in 0..PROGRAMS {
        let (Some(a), Some(b)) = (numbered(number), numbered(number)) else { continue };
        for dialect in DIALECTS {
            let [x, y] = [&a, &b].map(|s: &Sample| print(&s.program, dialect));
            assert_eq!(x.text, y.text);
            assert_eq!(x.files, y.files);
        }
        let run = |program: &Program, inputs| Executor::new(program.main(), Setup::plain(Profile::Fp16))?.run(inputs);
        let [x, y] = [&a, &b].map(|s| run(&s.program, &s.inputs).unwrap());
        holds(&a, |_| same("the same graph again", &x, &y));
    }
}
