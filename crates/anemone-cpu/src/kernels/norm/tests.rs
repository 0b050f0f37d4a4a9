use super::super::tests::{Random, assert_near, numbers, program, ty};
use anemone_ir::{Builder, DType, Literal, Var, args};

const FLOATS: [DType; 2] = [DType::Fp16, DType::Fp32];

fn constant(dtype: DType, dims: &[usize], seed: usize, about: f64) -> Literal {
    let data: Vec<f64> = numbers(dims.iter().product(), seed).iter().map(|x| about + x / 2.0).collect();
    Literal::from_f64(ty(dtype, dims), &data).unwrap()
}

fn ints(v: &[usize]) -> Literal {
    Literal::from(&v.iter().map(|x| *x as i32).collect::<Vec<_>>()[..])
}

fn check(
    dtype: DType,
    dims: &[usize],
    data: Vec<f64>,
    tolerance: f64,
    body: impl FnOnce(&mut Builder, Var) -> Vec<Var>,
) {
    assert_near(&program(ty(dtype, dims), body), &[data], tolerance);
}

#[test]
fn softmax_over_any_axis() {
    let mut r = Random::new(1);
    for round in 0..50 {
        let rank = 1 + r.below(5);
        let dims = r.dims(rank, 9);
        let axis = r.below(rank) as i32;
        let data = numbers(dims.iter().product(), round).iter().map(|x| x * 6.0).collect();
        check(FLOATS[round % 2], &dims, data, 2e-6, |b, x| vec![b.softmax(args! { x: x, axis: axis })]);
    }
}

#[test]
fn softmax_of_long_and_wide_tensors() {
    let cases: [(&[usize], i32); 7] = [
        (&[6, 20, 130], -1),
        (&[3, 5000], -1),
        (&[1, 300, 1, 90], 1),
        (&[2, 3, 4000], 1),
        (&[2, 700, 3], 1),
        (&[2, 1, 9000], 1),
        (&[900, 10], 1),
    ];
    for (dims, axis) in cases {
        let data = numbers(dims.iter().product(), 3).iter().map(|x| x * 6.0).collect();
        check(DType::Fp16, dims, data, 2e-6, |b, x| vec![b.softmax(args! { x: x, axis: axis })]);
    }
}

fn special() -> Vec<f64> {
    let (inf, nan, low) = (f64::INFINITY, f64::NAN, -65_504.0);
    let rows = [
        [-inf, -inf, -inf, -inf, -inf],
        [-inf, 1.0, -inf, 2.0, -inf],
        [low, 0.5, low, low, 0.25],
        [low, low, low, low, low],
        [65_504.0, 65_504.0, 0.0, low, 1.0],
        [inf, 1.0, 2.0, 3.0, 4.0],
        [nan, 1.0, 2.0, 3.0, 4.0],
        [nan, inf, -inf, 0.0, 1.0],
        [0.0, 0.0, -0.0, 0.0, -0.0],
        [6e-8, 6e-8, -6e-8, 0.0, 6e-8],
    ];
    rows.concat()
}

#[test]
fn softmax_of_masked_infinite_and_undefined_groups() {
    let rows = special();
    let columns: Vec<f64> = (0..50).map(|i| rows[i % 10 * 5 + i / 10]).collect();
    check(DType::Fp16, &[10, 5], rows, 2e-6, |b, x| vec![b.softmax(args! { x: x, axis: 1 })]);
    check(DType::Fp16, &[5, 10], columns, 2e-6, |b, x| vec![b.softmax(args! { x: x, axis: 0 })]);
}

#[test]
fn layer_norm_over_any_axes() {
    let mut r = Random::new(2);
    for round in 0..40 {
        let rank = 1 + r.below(5);
        let dims = r.dims(rank, 9);
        let axes: Vec<usize> = (0..rank).filter(|_| r.below(2) == 0).collect();
        let shape: Vec<usize> = axes.iter().map(|a| dims[*a]).collect();
        let dtype = FLOATS[round % 2];
        let data = numbers(dims.iter().product(), round).iter().map(|x| x * 3.0 + 0.5).collect();
        check(dtype, &dims, data, 3e-5, |b, x| {
            let epsilon = Literal::scalar(dtype, 1e-3).unwrap();
            let mut given = args! { x: x, axes: ints(&axes), epsilon: epsilon };
            if !shape.is_empty() && r.below(3) > 0 {
                given.extend(args! { gamma: constant(dtype, &shape, 5, 1.0) });
            }
            if !shape.is_empty() && r.below(3) > 0 {
                given.extend(args! { beta: constant(dtype, &shape, 6, 0.0) });
            }
            vec![b.layer_norm(given)]
        });
    }
}

#[test]
fn layer_norm_of_long_and_wide_tensors() {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[60, 384], &[1]),
        (&[3, 5000], &[1]),
        (&[1, 384, 1, 90], &[1]),
        (&[2, 30, 3, 50], &[1, 3]),
        (&[30, 3, 50], &[0, 1]),
        (&[20, 3, 50], &[0, 2]),
    ];
    for (dims, axes) in cases {
        let shape: Vec<usize> = axes.iter().map(|a| dims[*a]).collect();
        let data = numbers(dims.iter().product(), 4).iter().map(|x| x * 3.0 + 0.5).collect();
        check(DType::Fp16, dims, data, 2e-5, |b, x| {
            let (gamma, beta) = (constant(DType::Fp16, &shape, 5, 1.0), constant(DType::Fp16, &shape, 6, 0.0));
            vec![b.layer_norm(args! { x: x, axes: ints(axes), gamma: gamma, beta: beta })]
        });
    }
}

#[test]
fn normalisation_of_infinite_and_undefined_groups() {
    let finite: Vec<f64> = special().chunks(5).skip(2).take(3).flatten().copied().collect();
    let undefined: Vec<f64> = special().chunks(5).skip(5).take(3).flatten().copied().collect();
    for data in [finite, undefined] {
        check(DType::Fp16, &[1, 3, 5], data.clone(), 2e-4, |b, x| {
            vec![b.layer_norm(args! { x: x, axes: [2] }), b.instance_norm(args! { x: x }), b.l2_norm(args! { x: x })]
        });
        let columns = (0..15).map(|i| data[i % 3 * 5 + i / 3]).collect();
        check(DType::Fp16, &[5, 3], columns, 2e-4, |b, x| vec![b.layer_norm(args! { x: x, axes: [0] })]);
    }
}

#[test]
fn instance_norm_and_l2_norm() {
    let mut r = Random::new(3);
    for round in 0..40 {
        let rank = 3 + r.below(2);
        let dims = r.dims(rank, 12);
        let dtype = FLOATS[round % 2];
        let data: Vec<f64> = numbers(dims.iter().product(), round).iter().map(|x| x * 3.0 + 0.5).collect();
        check(dtype, &dims, data, 3e-5, |b, x| {
            let epsilon = || Literal::scalar(dtype, 1e-3).unwrap();
            let (gamma, beta) = (constant(dtype, &dims[1..2], 5, 1.0), constant(dtype, &dims[1..2], 6, 0.0));
            vec![
                b.instance_norm(args! { x: x, epsilon: epsilon() }),
                b.instance_norm(args! { x: x, epsilon: epsilon(), gamma: gamma, beta: beta }),
                b.l2_norm(args! { x: x, epsilon: epsilon() }),
            ]
        });
    }
}

#[test]
fn batch_norm() {
    let mut r = Random::new(4);
    for round in 0..50 {
        let rank = 3 + r.below(3);
        let dims = if round % 10 == 9 { vec![2, 40, 300] } else { r.dims(rank, 12) };
        let dtype = FLOATS[round % 2];
        let data: Vec<f64> = numbers(dims.iter().product(), round).iter().map(|x| x * 3.0 + 0.5).collect();
        let c = &dims[1..2];
        check(dtype, &dims, data, 2e-5, |b, x| {
            let (mean, variance) = (constant(dtype, c, 1, 0.0), constant(dtype, c, 2, 1.0));
            let plain = b.batch_norm(args! { x: x, mean: mean.clone(), variance: variance.clone() });
            let (gamma, beta) = (constant(dtype, c, 5, 1.0), constant(dtype, c, 6, 0.0));
            vec![plain, b.batch_norm(args! { x: x, mean: mean, variance: variance, gamma: gamma, beta: beta })]
        });
    }
}

#[test]
fn what_follows_is_fused_and_rounds_as_before() {
    let data = numbers(3 * 70 * 40, 9);
    check(DType::Fp16, &[3, 70, 40], data, 2e-3, |b, x| {
        let p = b.softmax(args! { x: x, axis: 1 });
        let p = b.mul(args! { x: p, y: x });
        let n = b.layer_norm(args! { x: x, axes: [1] });
        let n = b.tanh(args! { x: n });
        let m = b.reduce_mean(args! { x: x, axes: [1], keep_dims: true });
        let d = b.sub(args! { x: x, y: m });
        let s = b.square(args! { x: d });
        let v = b.reduce_mean(args! { x: s, axes: [1], keep_dims: true });
        let r = b.rsqrt(args! { x: v, epsilon: 1e-3 });
        vec![p, n, b.mul(args! { x: d, y: r })]
    });
}
