//! Programs written for the Neural Engine are the programs they were: what the reference and the engine give of them is the
//! same to the bit, but for the rows of the table that say that they round, which have bounds of their own.

#[path = "ane/outputs.rs"]
mod outputs;
#[path = "ane/rounding.rs"]
mod rounding;
#[path = "ane/truths.rs"]
mod truths;

use anemone_conformance::numbers::Random;
use anemone_conformance::{compare, filetest};
use anemone_ir::ane::table::ROWS;
use anemone_ir::ane::{Generation, Legal, Rules, legalise_by};
use anemone_ir::{Arg, Function, Profile, Program, Severity, reference};
use anemone_mil::{NoWeights, parse, print_form};
use anemone_testkit::executor::{Executor, Setup};
use anemone_testkit::random::{Sample, sample, sample_of, schemas};
use arbitrary::Unstructured;
use std::collections::BTreeSet;

/// The rules without those rows that may round.
fn exact() -> Rules {
    let rounding = ROWS.iter().filter(|row| row.rounding && row.is_switch());
    rounding.fold(Rules::default(), |rules, row| rules.set(row.id, false).expect("it is a switch"))
}

/// What the engine is given of a function's inputs.
fn bound(legal: &Legal, at: usize, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let ports = legal.ports[at].inputs.iter().zip(inputs);
    ports.filter(|(name, _)| name.is_some()).map(|(_, data)| data.clone()).collect()
}

/// What must hold of every program that was written for a generation, whatever it computes.
fn is_in_form(program: &Program, legal: &Legal, generation: Generation, rules: &Rules) -> Result<(), String> {
    let printed = print_form(&legal.program, legal.form);
    let again = parse(&printed.text, &printed).map_err(|e| format!("its text is refused: {e}"))?;
    if print_form(&again, legal.form) != printed {
        return Err("read from its own text, it prints otherwise".to_owned());
    }
    let twice = legalise_by(&legal.program, generation, rules).map_err(|e| format!("the second time: {e}"))?;
    if let Some(change) = twice.changes.first() {
        return Err(format!("the second time, something changes: {}, {}", change.row.id, change.what));
    }
    if print_form(&twice.program, legal.form) != printed {
        return Err("the second time, it prints otherwise".to_owned());
    }
    for ((function, original), ports) in legal.program.functions().iter().zip(program.functions()).zip(&legal.ports) {
        let names = |ids: &[_]| ids.iter().map(|id| function.value(*id).name.clone()).collect::<Vec<_>>();
        let (inputs, outputs) = (names(&function.params), names(&function.outputs));
        if inputs != ports.inputs.iter().flatten().cloned().collect::<Vec<_>>() || outputs != ports.outputs {
            return Err(format!("the ports are not those that are told: {inputs:?} {outputs:?}"));
        }
        if !inputs.is_sorted() || !outputs.is_sorted() || ports.inputs.len() != original.params.len() {
            return Err(format!("the ports are not in the order of their names: {inputs:?} {outputs:?}"));
        }
        every_argument_is_there(function)?;
    }
    Ok(())
}

/// But for those that MIL has no value for, and axes of scalars.
fn every_argument_is_there(function: &Function) -> Result<(), String> {
    for node in &function.nodes {
        let rank = node.operands().next().map_or(0, |id| function.ty(id).dims.rank());
        let there = node.op.schema().params.iter().zip(&node.args).filter(|(param, _)| param.exists(function.opset));
        let absent = there.filter(|(_, arg)| **arg == Arg::Absent);
        for (param, _) in absent {
            let without = match (node.mnemonic(), param.name) {
                ("conv" | "conv_transpose", "bias") => true,
                ("layer_norm" | "instance_norm" | "batch_norm", "gamma" | "beta") => true,
                ("split", "num_splits" | "split_sizes") => true,
                ("squeeze", "axes") | ("scaled_dot_product_attention", "attn_mask") => true,
                // Its value depends on that of another.
                ("topk", "output_indices_dtype") | ("upsample_bilinear", "half_pixel_centers") => true,
                (_, "axes") => rank == 0,
                _ => false,
            };
            if !without {
                return Err(format!("`{}` is written without `{}`", node.mnemonic(), param.name));
            }
        }
    }
    Ok(())
}

/// The bits of the original program, by the reference and by the engine.
fn gives_the_same(
    original: &Function,
    legal: &Function,
    inputs: &[Vec<f64>],
    bound: &[Vec<f64>],
) -> Result<(), String> {
    let run = |function, inputs| Executor::new(function, Setup::plain(Profile::Fp16))?.run(inputs);
    let by_reference =
        reference::run(original, inputs, Profile::Fp16).into_iter().zip(reference::run(legal, bound, Profile::Fp16));
    let by_engine = run(original, inputs)?.into_iter().zip(run(legal, bound)?);
    for (who, (want, got)) in by_reference.map(|p| ("reference", p)).chain(by_engine.map(|p| ("engine", p))) {
        compare::bits(&want.data, &got.data).map_err(|e| format!("{who}, {}: {e}", want.ty))?;
    }
    Ok(())
}

fn context(name: &str, generation: Generation, program: &Program, error: &str) -> String {
    format!("{name} for {generation}: {error}\n{}", print_form(program, generation.form()).text)
}

#[test]
fn filetests_give_what_they_gave() {
    let mut same = 0;
    let (default, switched) = (Rules::default(), exact());
    for (name, text) in filetest::FILES {
        let file = filetest::parse(&filetest::path(name), text).expect("filetests are as they should be");
        for case in file.programs.iter().filter(|c| c.findings.iter().all(|f| f.severity != Severity::Error)) {
            let program = parse(&case.text, &NoWeights).expect("it states no error");
            for (generation, rules) in Generation::ALL.into_iter().flat_map(|g| [(g, &default), (g, &switched)]) {
                let Ok(legal) = legalise_by(&program, generation, rules) else { continue };
                let name = format!("{name}:{}", case.line);
                let fail = |e: String| context(&name, generation, &program, &e);
                is_in_form(&program, &legal, generation, rules).map_err(fail).unwrap();
                if legal.changes.iter().any(|c| c.rounding) {
                    continue;
                }
                for run in &case.runs {
                    let at = program.functions().iter().position(|f| *f.name == run.function).expect("it is there");
                    let inputs = run.inputs(&program.functions()[at]).expect("they are as they should be");
                    let bound = bound(&legal, at, &inputs);
                    let (original, legal) = (&program.functions()[at], &legal.program.functions()[at]);
                    gives_the_same(original, legal, &inputs, &bound).map_err(fail).unwrap();
                    same += 1;
                }
            }
        }
    }
    assert!(same > 4000, "only {same} runs were compared");
}

/// Out of 4,096 bytes and fewer, and for each operation out of 512.
fn samples() -> impl Iterator<Item = Sample> {
    const PROGRAMS: u64 = 5000;
    let bytes = |seed: u64, count: u64| {
        let mut random = Random::new(seed);
        (0..count).map(|_| random.bits() as u8).collect::<Vec<u8>>()
    };
    let whole = (0..PROGRAMS).map(move |n| sample(&mut Unstructured::new(&bytes(n, (n + 1) * 4096 / PROGRAMS))));
    let calls = schemas()
        .flat_map(move |schema| (0..24).map(move |seed| sample_of(&mut Unstructured::new(&bytes(seed, 512)), schema)));
    whole.chain(calls).flatten()
}

#[test]
fn random_programs_give_what_they_gave() {
    let rules = exact();
    let (mut same, mut written) = (0, BTreeSet::from_iter(truths::COMPARISONS.into_iter().chain(["logical_not"])));
    for sample in samples() {
        for generation in [Generation::H13, Generation::H16] {
            let legal = match legalise_by(&sample.program, generation, &rules) {
                Ok(legal) => legal,
                Err(e) => {
                    let unexpected = e.0.iter().find(|d| !d.slug.starts_with("ane-") && !is_clip_order(d));
                    assert_eq!(unexpected, None, "{}", context("random", generation, &sample.program, "refused"));
                    continue;
                }
            };
            let fail = |e: String| context("random", generation, &sample.program, &e);
            is_in_form(&sample.program, &legal, generation, &rules).map_err(fail).unwrap();
            if !legal.changes.iter().any(|c| c.rounding) {
                let bound = bound(&legal, 0, &sample.inputs);
                gives_the_same(sample.program.main(), legal.program.main(), &sample.inputs, &bound)
                    .map_err(fail)
                    .unwrap();
                same += 1;
                let gone = legal.changes.iter().filter(|c| matches!(c.row.id, "unread" | "constant")).map(|c| &*c.name);
                let gone: BTreeSet<&str> = gone.collect();
                let function = sample.program.main();
                let there = function.nodes.iter().filter(|node| !gone.contains(&*function.value(node.results[0]).name));
                written.extend(there.map(|node| node.mnemonic()));
            }
        }
    }
    let never: BTreeSet<_> = schemas().map(|s| s.mnemonic).filter(|m| !written.contains(m)).collect();
    assert_eq!(
        never,
        BTreeSet::from(REFUSED),
        "every operation but those that are refused is in a program that was written"
    );
    assert!(same > 3000, "only {same} runs were compared");
}

/// What no generation takes in any form, or gives integers.
const REFUSED: [&str; 14] = [
    "argsort",
    "crop_resize",
    "gru",
    "lstm",
    "non_maximum_suppression",
    "reduce_argmax",
    "reduce_argmin",
    "reduce_prod",
    "rnn",
    "scatter",
    "scatter_along_axis",
    "scatter_nd",
    "shape",
    "sliding_windows",
];

/// What the row `clip-order`, switched off here, is there for.
fn is_clip_order(d: &anemone_ir::Diagnostic) -> bool {
    d.slug == "range" && d.operation.as_ref().is_some_and(|(mnemonic, _)| &**mnemonic == "clip")
}
