use crate::kernels::tests::{Random, assert_is_fused, assert_near, program, ty, with_followers};
use anemone_ir::{Builder, DType, Literal, Opset, Program, args, check, reference};

/// How far a sum of some hundred products may be off.
const TOLERANCE: f64 = 2e-5;

fn up_to(random: &mut Random, most: usize) -> usize {
    1 + random.below(most)
}

fn ints(v: &[usize]) -> Literal {
    let v: Vec<i32> = v.iter().map(|x| *x as i32).collect();
    v.as_slice().into()
}

/// A convolution, or a transposed one.
#[derive(Clone, Debug)]
struct Case {
    transposed: bool,
    images: usize,
    groups: usize,
    /// Channels and outputs of a group.
    channels: [usize; 2],
    input: Vec<usize>,
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    pad: Vec<usize>,
    pad_type: &'static str,
    bias: bool,
    /// Whether weights and bias are inputs rather than constants.
    computed: bool,
    single: bool,
}

impl Case {
    fn weight_dims(&self) -> Vec<usize> {
        let [inputs, outputs] = self.channels;
        let first = if self.transposed { [inputs * self.groups, outputs] } else { [outputs * self.groups, inputs] };
        first.into_iter().chain(self.kernel.iter().copied()).collect()
    }

    fn program(&self, weights: &[f64], bias: &[f64]) -> Program {
        let mut b = Builder::function("main", Opset::Ios17);
        let dims: Vec<usize> =
            [self.images, self.channels[0] * self.groups].into_iter().chain(self.input.iter().copied()).collect();
        let x = b.input("x", ty(DType::Fp16, &dims));
        let operand = |b: &mut Builder, name: &str, dims: &[usize], data: &[f64]| match (self.computed, self.single) {
            (true, _) => b.input(name, ty(DType::Fp16, dims)),
            (false, true) => b.constant(Literal::fp32(dims, data.iter().map(|x| *x as f32).collect()).unwrap()),
            (false, false) => {
                b.constant(Literal::fp16(dims, data.iter().map(|x| reference::to_f16(*x)).collect()).unwrap())
            }
        };
        let weight = operand(&mut b, "w", &self.weight_dims(), weights);
        let mut args = args! {
            x: x, weight: weight, strides: ints(&self.strides), dilations: ints(&self.dilations),
            pad_type: self.pad_type, pad: ints(&self.pad), groups: self.groups as i32
        };
        if self.bias {
            let bias = operand(&mut b, "bias", &[bias.len()], bias);
            args.extend(args! { bias: bias });
        }
        let y = if self.transposed { b.conv_transpose(args) } else { b.conv(args) };
        with_followers(&mut b, y).into_iter().for_each(|y| b.output(y));
        check(b.finish()).unwrap()
    }

    fn inputs(&self, x: Vec<f64>, weights: Vec<f64>, bias: Vec<f64>) -> Vec<Vec<f64>> {
        let mut inputs = vec![x];
        if self.computed {
            inputs.push(weights);
            inputs.extend(self.bias.then_some(bias));
        }
        inputs
    }

    fn elements(&self) -> [usize; 3] {
        let x = self.images * self.channels[0] * self.groups * self.input.iter().product::<usize>();
        [x, self.weight_dims().iter().product(), self.channels[1] * self.groups]
    }

    fn check(&self, random: &mut Random) {
        let [x, weights, bias] = self.elements().map(|n| random.numbers(n));
        let program = self.program(&weights, &bias);
        assert_near(&program, &self.inputs(x, weights, bias), TOLERANCE);
    }
}

/// A window of which at least one position fits.
fn random_case(random: &mut Random, transposed: bool) -> Case {
    let rank = up_to(random, 3);
    let most = [40, 14, 6][rank - 1];
    let some = |random: &mut Random, most: usize| (0..rank).map(|_| up_to(random, most)).collect::<Vec<_>>();
    let (kernel, strides, dilations) = (some(random, 4), some(random, 3), some(random, 2));
    let pad: Vec<usize> = (0..2 * rank).map(|_| random.below(3)).collect();
    let mut input = some(random, most);
    for (axis, n) in input.iter_mut().enumerate() {
        // A transposed convolution must not be all padding.
        *n = (*n).max(if transposed { 5 } else { (kernel[axis] - 1) * dilations[axis] + 1 });
    }
    let groups = [1, 1, 2, 3][random.below(4)];
    let (each, depthwise) = ([up_to(random, 7), up_to(random, 20)], random.below(4) == 0);
    let computed = random.below(4) == 0;
    Case {
        transposed,
        images: up_to(random, 2),
        groups: if depthwise { 5 } else { groups },
        channels: if depthwise { [1, up_to(random, 2)] } else { each },
        dilations: if computed { vec![1; rank] } else { dilations },
        pad_type: if transposed {
            random.one_of(&["valid", "same", "custom"])
        } else {
            random.one_of(&["valid", "same", "same_lower", "custom", "custom"])
        },
        bias: random.below(2) == 0,
        single: random.below(3) == 0,
        computed,
        input,
        kernel,
        strides,
        pad,
    }
}

#[test]
fn random_convolutions_are_right() {
    let mut random = Random::new(1);
    for _ in 0..100 {
        random_case(&mut random, false).check(&mut random);
    }
}

#[test]
fn random_transposed_convolutions_are_right() {
    let mut random = Random::new(11);
    for _ in 0..80 {
        random_case(&mut random, true).check(&mut random);
    }
}

#[test]
fn large_transposed_convolutions_are_right() {
    let mut random = Random::new(12);
    let transposed = |case: Case| Case { transposed: true, ..case };
    let cases = [
        Case { strides: vec![2, 2], pad: vec![1; 4], ..plain([40, 20], &[9, 60], &[4, 4]) },
        Case { strides: vec![3, 2], dilations: vec![2, 3], ..plain([5, 140], &[9, 11], &[3, 3]) },
        Case { groups: 2, images: 2, ..plain([3, 18], &[12, 30], &[3, 3]) },
        // Steps beyond the kernel leave outputs that nothing hits.
        Case { strides: vec![4, 5], ..plain([3, 4], &[6, 7], &[2, 3]) },
        Case { strides: vec![40], ..plain([3, 4], &[9], &[3]) },
    ];
    for case in cases.map(transposed) {
        case.check(&mut random);
        let [_, weights, bias] = case.elements().map(|n| random.numbers(n));
        assert_is_fused(&case.program(&weights, &bias), "conv_transpose");
    }
    // So many phases that it is left to the reference.
    transposed(Case { strides: vec![9, 9], ..plain([2, 2], &[3, 4], &[2, 2]) }).check(&mut random);
}

#[test]
fn an_output_shape_decides_what_is_cut_and_added() {
    let mut random = Random::new(13);
    for pad_type in ["valid", "same", "custom"] {
        for size in 1..=12 {
            let (x, weights) = (random.numbers(2 * 3 * 4), random.numbers(3 * 2 * 3));
            let program = program(ty(DType::Fp16, &[2, 3, 4]), |b, x| {
                let w = b.constant(
                    Literal::fp16(&[3, 2, 3], weights.iter().map(|x| reference::to_f16(*x)).collect()).unwrap(),
                );
                let y = b.conv_transpose(args! {
                    x: x, weight: w, strides: ints(&[3]), pad_type: pad_type, output_shape: ints(&[2, 2, size])
                });
                with_followers(b, y)
            });
            assert_near(&program, &[x], TOLERANCE);
        }
    }
}

fn plain(channels: [usize; 2], input: &[usize], kernel: &[usize]) -> Case {
    let rank = input.len();
    Case {
        transposed: false,
        images: 1,
        groups: 1,
        channels,
        input: input.to_vec(),
        kernel: kernel.to_vec(),
        strides: vec![1; rank],
        dilations: vec![1; rank],
        pad: vec![0; 2 * rank],
        pad_type: "custom",
        bias: true,
        computed: false,
        single: false,
    }
}

#[test]
fn convolutions_larger_than_a_block_are_right() {
    let mut random = Random::new(2);
    let cases = [
        // Pointwise: many columns, several row blocks, several blocks of k.
        plain([300, 150], &[10, 20], &[1, 1]),
        // Few positions, one or several images.
        plain([70, 40], &[1, 1], &[1, 1]),
        Case { images: 3, ..plain([9, 40], &[4, 5], &[3, 4]) },
        Case { images: 2, ..plain([9, 40], &[4, 5], &[4, 5]) },
        // k is longer than a block.
        Case { pad: vec![1; 4], ..plain([40, 20], &[9, 11], &[3, 3]) },
        Case { pad: vec![3; 4], strides: vec![2, 2], ..plain([3, 17], &[30, 101], &[7, 7]) },
        Case { strides: vec![3, 5], ..plain([3, 9], &[30, 101], &[4, 4]) },
        // One row longer than a block of a sweep, moved by one and by more.
        Case { groups: 2, pad: vec![2, 1], ..plain([1, 1], &[5000], &[4]) },
        Case { groups: 2, strides: vec![2], ..plain([1, 1], &[9001], &[3]) },
        Case { groups: 2, strides: vec![3], dilations: vec![2], ..plain([1, 2], &[9001], &[3]) },
        // Few outputs.
        Case { pad: vec![1; 4], ..plain([20, 3], &[12, 70], &[3, 3]) },
    ];
    for case in cases {
        case.check(&mut random);
        assert_is_fused(
            &case.program(&random.numbers(case.elements()[1]), &random.numbers(case.elements()[2])),
            "conv",
        );
    }
}

#[test]
fn what_is_not_finite_passes_through() {
    let special = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 65504.0];
    let mut random = Random::new(3);
    for (round, computed) in [false, true].into_iter().cycle().take(48).enumerate() {
        let mut case = Case { computed, ..random_case(&mut random, round % 3 == 0) };
        if computed {
            case.dilations.fill(1);
        }
        let [mut x, mut weights, bias] = case.elements().map(|n| random.numbers(n));
        let of = if round % 4 < 2 { &mut x } else { &mut weights };
        for _ in 0..3 {
            let at = random.below(of.len());
            of[at] = special[random.below(special.len())];
        }
        let program = case.program(&weights, &bias);
        assert_near(&program, &case.inputs(x, weights, bias), TOLERANCE);
    }
}
