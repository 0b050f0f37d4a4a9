use super::super::tests::{Random, assert_near, numbers, program, ty};
use anemone_ir::{Builder, DType, Literal, Var, args};

const ALL: [&str; 10] = [
    "reduce_sum",
    "reduce_mean",
    "reduce_min",
    "reduce_max",
    "reduce_prod",
    "reduce_l1_norm",
    "reduce_sum_square",
    "reduce_l2_norm",
    "reduce_log_sum",
    "reduce_log_sum_exp",
];

/// All reductions over these axes.
fn all(b: &mut Builder, x: Var, axes: &[usize], keep_dims: bool) -> Vec<Var> {
    let axes: Vec<i32> = axes.iter().map(|a| *a as i32).collect();
    let axes = Literal::from(&axes[..]);
    ALL.iter().map(|name| b.call(name, args! { x: x, axes: axes.clone(), keep_dims: keep_dims })).collect()
}

/// Compares all reductions with the reference. Numbers near 1 keep products and logarithms of sums well conditioned.
fn check(dtype: DType, dims: &[usize], axes: &[usize], keep_dims: bool, data: &[f64]) {
    let program = program(ty(dtype, dims), |b, x| all(b, x, axes, keep_dims));
    assert_near(&program, &[data.to_vec()], 4e-5);
}

fn near_one(count: usize, seed: usize) -> Vec<f64> {
    numbers(count, seed).iter().map(|x| 1.0 + x / 4.0).collect()
}

#[test]
fn any_axes_of_any_rank() {
    let mut r = Random::new(1);
    for round in 0..60 {
        let rank = r.below(6);
        let dims = r.dims(rank, 7);
        let axes: Vec<usize> = (0..rank).filter(|_| r.below(2) == 0).collect();
        let count = dims.iter().product();
        check([DType::Fp16, DType::Fp32][round % 2], &dims, &axes, r.below(2) == 0, &near_one(count, round));
    }
}

#[test]
fn long_rows_many_columns_and_axes_apart() {
    let cases: [(&[usize], &[usize]); 9] = [
        (&[3, 5000], &[1]),
        (&[300, 40], &[1]),
        (&[1, 70, 1, 300], &[1]),
        (&[2, 300, 3], &[1]),
        (&[7, 600, 5], &[0, 2]),
        (&[3, 20, 30, 9], &[0, 2]),
        (&[3, 20, 2, 1100], &[1, 3]),
        (&[20_000], &[0]),
        (&[2, 1, 9000], &[1]),
    ];
    for (dims, axes) in cases {
        let count: usize = dims.iter().product();
        let data: Vec<f64> = near_one(count, 3).iter().map(|x| if count > 10_000 { x / 8.0 } else { *x }).collect();
        check(DType::Fp16, dims, axes, true, &data);
    }
}

/// A group's result is a function of its elements in their order: the same for rows, columns, and axes apart.
#[test]
fn the_order_of_a_group_is_all_that_matters() {
    let (a, b, c) = (5, 11, 7);
    let data = near_one(a * b * c, 4);
    let at = |i: usize, j: usize, k: usize| data[(i * b + j) * c + k];
    // The group of j: its elements by i, then k.
    let moved: Vec<f64> = (0..b).flat_map(|j| (0..a).flat_map(move |i| (0..c).map(move |k| at(i, j, k)))).collect();
    let side: Vec<f64> = (0..a * c).flat_map(|i| (0..b).map(move |j| at(i / c, j, i % c))).collect();
    let run = |dims: &[usize], axes: &[usize], data: &[f64]| {
        let program = program(ty(DType::Fp32, dims), |b, x| all(b, x, axes, false));
        super::super::tests::every_way(&program, anemone_ir::Profile::F32, &[data.to_vec()]).0
    };
    let apart = run(&[a, b, c], &[0, 2], &data);
    assert_eq!(apart, run(&[b, a * c], &[1], &moved));
    assert_eq!(apart, run(&[a * c, b], &[0], &side));
}

#[test]
fn infinities_nans_and_overflow() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let rows: [[f64; 4]; 9] = [
        [-inf, -inf, -inf, -inf],
        [inf, 1.0, 2.0, 3.0],
        [-inf, 1.0, -inf, 2.0],
        [nan, 1.0, 2.0, 3.0],
        [nan, inf, -inf, 0.0],
        [inf, -inf, 1.0, 1.0],
        [60_000.0, 60_000.0, 60_000.0, 60_000.0],
        [-60_000.0, -60_000.0, 6e-8, -0.0],
        [-0.0, -0.0, 0.0, -0.0],
    ];
    let mut long = vec![0.5; 9 * 40];
    for (i, row) in rows.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            long[i * 40 + j * 11] = *x;
        }
    }
    check(DType::Fp16, &[9, 4], &[1], false, rows.as_flattened());
    check(DType::Fp16, &[9, 40], &[1], false, &long);
    let columns = |data: &[f64], n: usize| (0..n * 9).map(|i| data[i % 9 * n + i / 9]).collect::<Vec<_>>();
    check(DType::Fp16, &[4, 9], &[0], false, &columns(rows.as_flattened(), 4));
    check(DType::Fp16, &[40, 9], &[0], false, &columns(&long, 40));
}

#[test]
fn integers_are_the_references() {
    let program = program(ty(DType::Int32, &[3, 4]), |b, x| all(b, x, &[1], false));
    super::super::tests::assert_same(&program, &[(1..13).map(f64::from).collect()]);
}
