use crate::kernels::tests::{Random, assert_is_fused, assert_near, every_way, program, ty, with_followers};
use anemone_ir::builder::Arguments;
use anemone_ir::{DType, Dims, Literal, Profile, Program, args};

fn up_to(random: &mut Random, most: usize) -> usize {
    1 + random.below(most)
}

fn ints(v: &[usize]) -> Literal {
    let v: Vec<i32> = v.iter().map(|x| *x as i32).collect();
    v.as_slice().into()
}

fn pool(kind: usize, dims: &[usize], args: Arguments, exclude: bool) -> Program {
    program(ty(DType::Fp16, dims), |b, x| {
        let args = args.into_iter().chain(args! { x: x });
        let y = match kind {
            0 => b.max_pool(args.collect::<Arguments>()),
            1 => b.avg_pool(args.chain(args! { exclude_padding_from_average: exclude }).collect::<Arguments>()),
            _ => b.l2_pool(args.collect::<Arguments>()),
        };
        with_followers(b, y)
    })
}

const KINDS: [&str; 3] = ["max_pool", "avg_pool", "l2_pool"];

#[test]
fn random_pools_are_right() {
    let mut random = Random::new(4);
    for round in 0..200 {
        let kind = round % 3;
        let rank = up_to(&mut random, if kind == 2 { 2 } else { 3 });
        let kernel: Vec<usize> = (0..rank).map(|_| up_to(&mut random, 4)).collect();
        let strides: Vec<usize> = (0..rank).map(|_| up_to(&mut random, 3)).collect();
        let mut dims = vec![up_to(&mut random, 2), up_to(&mut random, 4)];
        dims.extend(kernel.iter().map(|k| k + random.below([40, 14, 6][rank - 1])));
        let ceil_mode = rank < 3 && random.below(3) == 0;
        let pad_type = if ceil_mode { "custom" } else { ["valid", "same", "custom"][random.below(3)] };
        let mut pad: Vec<usize> = (0..2 * rank).map(|_| random.below(3)).collect();
        if ceil_mode {
            pad.chunks_mut(2).for_each(|p| p[1] = p[0]);
        }
        let exclude = random.below(2) == 0;
        let args = args! {
            kernel_sizes: ints(&kernel), strides: ints(&strides), pad_type: pad_type, pad: ints(&pad),
            ceil_mode: ceil_mode
        };
        let mut x = random.numbers(dims.iter().product());
        if round % 5 == 0 {
            for special in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let at = random.below(x.len());
                x[at] = special;
            }
        }
        let program = pool(kind, &dims, args, exclude);
        assert_near(&program, &[x], 1e-6);
        assert_is_fused(&program, KINDS[kind]);
    }
}

#[test]
fn long_rows_and_many_planes_are_right() {
    let mut random = Random::new(5);
    for (kind, operation) in KINDS.into_iter().enumerate() {
        for (dims, kernel, stride) in
            [(vec![1, 2, 5000], 3, 1), (vec![1, 2, 9001], 2, 2), (vec![1, 1, 13_000], 5, 3), (vec![3, 700, 8], 2, 1)]
        {
            let args = args! { kernel_sizes: ints(&[kernel]), strides: ints(&[stride]), pad_type: "same" };
            let x = random.numbers(dims.iter().product());
            let program = pool(kind, &dims, args, true);
            assert_near(&program, &[x], 1e-6);
            assert_is_fused(&program, operation);
        }
    }
}

#[test]
fn zero_is_above_minus_zero() {
    let args = args! { kernel_sizes: ints(&[2]), pad_type: "valid" };
    let (found, _) = every_way(&pool(0, &[1, 1, 4], args, false), Profile::Fp16, &[vec![-0.0, 0.0, -0.0, -0.0]]);
    let signs: Vec<bool> = found[0].iter().map(|x| x.is_sign_negative()).collect();
    assert_eq!(signs, [false, false, true]);
}

#[test]
fn endless_windows_are_left_to_the_reference() {
    let size = Literal::scalar(DType::Int32, f64::from(i32::MAX)).unwrap().reshaped(Dims::new(&[1]).unwrap()).unwrap();
    let program = program(ty(DType::Fp16, &[1, 1, 10]), |b, x| {
        vec![b.avg_pool(args! {
            x: x, kernel_sizes: size.clone(), strides: size, pad_type: "custom", pad: ints(&[1 << 30, 1 << 30]),
            exclude_padding_from_average: true
        })]
    });
    assert_near(&program, &[vec![1.5; 10]], 0.0);
}
