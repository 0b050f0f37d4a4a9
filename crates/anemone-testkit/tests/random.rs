//! Random programs. A failure prints a seed; `ARBTEST_SEED=0x… cargo test -p anemone-testkit --test random NAME` runs it
//! again, with `ANEMONE_MINIMIZE=1` looks for a smaller one, and `ARBTEST_BUDGET_MS` sets how long a test looks.

use anemone_ir::Profile;
use anemone_ir::op::SCHEMAS;
use anemone_ir::reference;
use anemone_mil::{Dialect, print};
use anemone_testkit::compare;
use anemone_testkit::numbers::{Random, show};
use anemone_testkit::random::{Sample, sample, sample_of};
use anemone_testkit::round_trip::{DIALECTS, round_trip};
use arbitrary::Unstructured;

const BUDGET_MS: u64 = 6000;
const MOST_BYTES: u32 = 4096;

fn explore(property: impl Fn(&Sample) -> Result<(), String>) {
    let variable = |name| std::env::var(name).ok();
    let test = arbtest::arbtest(|u: &mut Unstructured<'_>| {
        let sample = sample(u)?;
        holds(&sample, &property);
        Ok(())
    });
    let mut test = test.size_max(MOST_BYTES);
    if variable("ARBTEST_BUDGET_MS").is_none() {
        test = test.budget_ms(BUDGET_MS);
    }
    if variable("ANEMONE_MINIMIZE").is_some() {
        let seed = variable("ARBTEST_SEED").expect("ARBTEST_SEED says what is to be made smaller");
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
fn text_and_back_is_the_same_program() {
    explore(text_agrees);
}

/// The same, for calls of each operation that are always the same ones.
#[test]
fn each_operation_agrees() {
    for schema in SCHEMAS {
        for seed in 0..24 {
            let mut random = Random::new(seed);
            let bytes: Vec<u8> = (0..512).map(|_| random.bits() as u8).collect();
            let Ok(sample) = sample_of(&mut Unstructured::new(&bytes), schema) else { continue };
            holds(&sample, |sample| {
                let at = |e| format!("{}, seed {seed}: {e}", schema.mnemonic);
                text_agrees(sample).map_err(at)
            });
        }
    }
}

#[test]
fn equal_graphs_give_equal_bytes() {
    let test = arbtest::arbtest(|u: &mut Unstructured<'_>| {
        let bytes = u.peek_bytes(u.len()).unwrap_or_default().to_vec();
        let [a, b] = [sample(&mut Unstructured::new(&bytes))?, sample(&mut Unstructured::new(&bytes))?];
        for dialect in DIALECTS {
            let [x, y] = [&a, &b].map(|s: &Sample| print(&s.program, dialect));
            assert_eq!(x.text, y.text);
            assert_eq!(x.weights, y.weights);
        }
        Ok(())
    });
    test.size_max(MOST_BYTES).budget_ms(BUDGET_MS / 3).run();
}
