//! Truth values, which are no ports but may be inside a program.

use super::{exact, gives_the_same, is_in_form};
use anemone_conformance::compare;
use anemone_ir::ane::{Generation, legalise_by};
use anemone_ir::{Builder, DType, Dims, Profile, TensorType, args, check, reference};

/// The operations on two numbers that give one.
pub(crate) const COMPARISONS: [&str; 6] = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"];
const LOGIC: [&str; 3] = ["logical_and", "logical_or", "logical_xor"];

#[test]
fn truth_values_are_what_they_were() {
    let numbers = [f64::NAN, f64::INFINITY, -1.0, -0.0, 0.0, 6e-8, 2.0];
    for (mnemonic, logic) in COMPARISONS.map(|m| (m, false)).into_iter().chain(LOGIC.map(|m| (m, true))) {
        let mut b = Builder::new();
        let [x, y] = [("x", [7, 1]), ("y", [1, 7])]
            .map(|(name, dims)| b.input(name, TensorType::new(DType::Fp16, Dims::new(&dims).unwrap())));
        let [left, right] = if logic { [x, y].map(|v| b.cast(args! { x: v, dtype: "bool" })) } else { [x, y] };
        let truth = b.call(mnemonic, args! { x: left, y: right });
        let not = b.logical_not(args! { x: truth });
        let (as_number, chosen) =
            (b.cast(args! { x: truth, dtype: "fp16" }), b.select(args! { cond: not, a: x, b: y }));
        b.output(as_number);
        b.output(chosen);
        let program = check(b.finish()).unwrap();
        let inputs = [numbers.to_vec(), numbers.to_vec()];
        for generation in Generation::ALL {
            let legal = legalise_by(&program, generation, &exact()).unwrap();
            is_in_form(&program, &legal, generation, &exact()).unwrap();
            gives_the_same(program.main(), legal.program.main(), &inputs, &inputs).unwrap();
            let gone =
                legal.program.main().nodes.iter().any(|n| n.mnemonic() == "cast" || LOGIC.contains(&n.mnemonic()));
            assert!(!gone, "{mnemonic} for {generation}");
        }
        // The comparison above compares something: not all of it is one truth value.
        let truths = &reference::run(program.main(), &inputs, Profile::Fp16)[0].data;
        assert!(compare::bits(&vec![truths[0]; 49], truths).is_err(), "{mnemonic}");
    }
}
