//! The rows of the table that round: how far what an operation becomes is from what it was.

use anemone_conformance::numbers::Random;
use anemone_ir::ane::{Generation, legalise};
use anemone_ir::reference::to_f16;
use anemone_ir::{Builder, DType, Dims, Literal, Profile, Program, TensorType, Var, args, check, reference};
use anemone_testkit::executor::{Executor, Setup};
use half::f16;

/// A program of one input, what it becomes, and what both give; by the reference, the second by the engine too.
struct Both {
    was: Vec<f64>,
    is: [Vec<f64>; 2],
}

fn both(row: &str, dims: &[usize], data: &[f64], make: impl Fn(&mut Builder, Var) -> Var) -> Both {
    let mut b = Builder::new();
    let x = b.input("x", TensorType::new(DType::Fp16, Dims::new(dims).expect("small dimensions")));
    let y = make(&mut b, x);
    b.output(y);
    let program = check(b.finish()).expect("it is a program");
    let legal = legalise(&program, Generation::H13).expect("nothing in it is refused");
    let changes: Vec<_> = legal.changes.iter().filter(|c| c.rounding).map(|c| c.row.id).collect();
    assert_eq!(changes, [row]);
    let given = [data.to_vec()];
    let run = |program: &Program| reference::run(program.main(), &given, Profile::Fp16).remove(0).data;
    let engine = Executor::new(legal.program.main(), Setup::plain(Profile::Fp16)).expect("the engine takes it");
    let by_engine = engine.run(&given).expect("the inputs fit");
    Both { was: run(&program), is: [run(&legal.program), by_engine[0].data.clone()] }
}

impl Both {
    /// No element is farther from what it was than `most` says.
    #[track_caller]
    fn within(&self, most: impl Fn(usize, f64) -> f64) {
        for is in &self.is {
            for (at, (was, is)) in self.was.iter().zip(is).enumerate() {
                assert!((was - is).abs() <= most(at, *was), "element {at} was {was}, is {is}");
            }
        }
    }
}

/// Half of the distance of the numbers between 1 and 2: the error of a rounding.
const ROUNDING: f64 = 1.0 / 2048.0;
/// The distance of the smallest numbers.
const SMALLEST: f64 = 1.0 / 16_777_216.0;

fn normal(seed: u64, count: usize, scale: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let one = |_| to_f16((random.unit() + random.unit() + random.unit()) * scale).to_f64();
    (0..count).map(one).collect()
}

/// Three roundings: of the sum, of `1 / n`, of the product. What is divided first loses at most half of the smallest number
/// each, and these add up.
#[test]
fn a_mean_is_within_three_roundings() {
    for n in [1, 2, 3, 7, 15, 16, 63, 64, 100, 768, 4096] {
        for scale in [1e-3, 1.0, 500.0] {
            let data = normal(n as u64, 8 * n, scale);
            let both = both("reduce-mean", &[8, n], &data, |b, x| b.reduce_mean(args! { x: x, axes: [1] }));
            let part = if n < 16 { 0.0 } else { f64::from(1u32 << (n.ilog2() / 2)) };
            both.within(|_, was| 3.5 * ROUNDING * was.abs() + SMALLEST * (1.0 + part / 2.0));
        }
    }
    // The sum of what is here is far above 65,504.
    let both = both("reduce-mean", &[2, 4096], &vec![1000.0; 8192], |b, x| b.reduce_mean(args! { x: x, axes: [1] }));
    both.within(|_, _| 0.0);
}

/// Two roundings: of the product, and of the sum.
#[test]
fn a_convolution_with_its_bias_apart_is_within_two_roundings() {
    let (inputs, outputs, width) = (24, 8, 16);
    let literal = |dims: &[usize], seed, scale| {
        let data = normal(seed, dims.iter().product(), scale);
        Literal::fp16(dims, data.into_iter().map(to_f16).collect()).unwrap()
    };
    let data = normal(1, inputs * width, 1.0);
    let bias = literal(&[outputs], 2, 4.0);
    let biases = bias.to_f64().unwrap();
    let most = |at: usize, was: f64| {
        let bias = biases[at / width];
        1.01 * ROUNDING * (was.abs() + (was - bias).abs() + 2.0 * ROUNDING) + 2.0 * SMALLEST
    };
    let conv = both("conv-bias", &[1, inputs, 1, width], &data, |b, x| {
        let weight = literal(&[outputs, inputs, 1, 1], 3, 0.5);
        b.conv(args! { x: x, weight: weight, bias: bias.clone() })
    });
    conv.within(|at, was| 2.0 * most(at, was));
    let transposed = both("conv-bias", &[1, inputs, 1, width], &data, |b, x| {
        let weight = literal(&[inputs, outputs, 1, 1], 4, 0.5);
        b.conv_transpose(args! { x: x, weight: weight, bias: bias.clone() })
    });
    transposed.within(|at, was| 2.0 * most(at, was));
}

/// Every finite half, by each formula. What is near 1 + f(x) is rounded to that: the error is a part of x, not of the result.
#[test]
fn gelu_is_within_a_thousandth_of_its_operand() {
    let halves: Vec<f64> = (0..=u16::MAX).map(f16::from_bits).filter(|x| x.is_finite()).map(f16::to_f64).collect();
    for mode in ["EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"] {
        let both = both("gelu", &[halves.len()], &halves, |b, x| b.gelu(args! { x: x, mode: mode }));
        both.within(|at, _| 2.0 * ROUNDING * halves[at].abs() + SMALLEST);
    }
}

/// Bounds that are equal, or in the wrong order: nothing is rounded, but a zero may have another sign.
#[test]
fn bounds_in_any_order_are_as_they_were() {
    let data = [-2.0, -0.0, 0.0, 0.5, 3.0, f64::NAN, f64::INFINITY];
    for (alpha, beta) in [(1.0, 1.0), (0.0, 0.0), (2.0, -1.0)] {
        let mut b = Builder::new();
        let x = b.input("x", TensorType::new(DType::Fp16, Dims::new(&[data.len()]).unwrap()));
        let y = b.clip(args! { x: x, alpha: alpha, beta: beta });
        b.output(y);
        let program = check(b.finish()).unwrap();
        let legal = legalise(&program, Generation::H16).unwrap();
        assert!(legal.changes.iter().any(|c| c.row.id == "clip-order"));
        let run = |program: &Program| reference::run(program.main(), &[data.to_vec()], Profile::Fp16).remove(0).data;
        let (was, is) = (run(&program), run(&legal.program));
        assert!(was.iter().zip(&is).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())), "{was:?} {is:?}");
    }
}
