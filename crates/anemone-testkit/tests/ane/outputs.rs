//! Outputs that are no results: the operations that stand in for them keep every bit pattern that a number has.

use anemone_conformance::compare;
use anemone_ir::ane::{Generation, legalise};
use anemone_ir::{Builder, DType, Dims, Literal, Profile, TensorType, args, check, reference};
use anemone_testkit::executor::{Executor, Setup};
use half::f16;

/// Every half: zeros, subnormals, infinities, and NaNs with all their bits.
fn halves() -> Vec<f16> {
    (0..=u16::MAX).map(f16::from_bits).collect()
}

#[test]
fn every_half_comes_out_as_it_was() {
    let halves = halves();
    let numbers: Vec<f64> = halves.iter().map(|x| x.to_f64()).collect();
    let ty = TensorType::new(DType::Fp16, Dims::new(&[256, 256]).unwrap());
    let mut b = Builder::new();
    let (unread, x) = (b.input("unread", ty), b.input("x", ty));
    b.relu(args! { x: unread });
    let constant = b.constant(Literal::fp16(&[256, 256], halves).unwrap());
    let same = b.identity(args! { x: x });
    let y = b.identity(args! { x: same });
    let relu = b.relu(args! { x: x });
    let relu_too = b.identity(args! { x: relu });
    for output in [x, constant, y, relu, relu_too] {
        b.output(output);
    }
    let program = check(b.finish()).unwrap();
    let wanted = reference::run(program.main(), &[numbers.clone(), numbers.clone()], Profile::Fp16);
    for generation in Generation::ALL {
        let legal = legalise(&program, generation).unwrap();
        assert_eq!(legal.ports[0].inputs, [None, Some("i000".into())]);
        assert_eq!(legal.ports[0].outputs, ["o000", "o001", "o002", "o003", "o004"].map(std::sync::Arc::from));
        let function = legal.program.main();
        let made: Vec<_> = function.outputs.iter().map(|id| function.value(*id).literal.is_none()).collect();
        assert_eq!(made, [true; 5]);
        let given = [numbers.clone()];
        let by_engine = Executor::new(function, Setup::plain(Profile::Fp16)).unwrap().run(&given).unwrap();
        for results in [reference::run(function, &given, Profile::Fp16), by_engine] {
            for (want, got) in wanted.iter().zip(&results) {
                compare::bits(&want.data, &got.data).unwrap();
            }
        }
    }
}

/// A constant comes out whatever the input is that it is made to depend on.
#[test]
fn constants_come_out_whatever_the_input_is() {
    let mut b = Builder::new();
    let x = b.input("x", TensorType::scalar(DType::Fp16));
    let y = b.input("y", TensorType::new(DType::Fp16, Dims::new(&[2]).unwrap()));
    let constant = b.constant(Literal::from(f16::NEG_ZERO));
    let sum = b.add(args! { x: x, y: y });
    b.output(constant);
    b.output(sum);
    let program = check(b.finish()).unwrap();
    let legal = legalise(&program, Generation::H13).unwrap();
    for x in [0.0, f64::NAN, f64::INFINITY] {
        let results = reference::run(legal.program.main(), &[vec![x], vec![f64::NAN, 1.0]], Profile::Fp16);
        compare::bits(&[-0.0], &results[0].data).unwrap();
    }
}
