use super::super::tests::{Random, assert_same, program, ty};
use crate::{Engine, Options};
use anemone_ir::{Builder, DType, Literal, Program, Var, args};

const TYPES: [DType; 8] =
    [DType::Fp16, DType::Fp32, DType::Int32, DType::Bool, DType::Int8, DType::UInt8, DType::Int16, DType::UInt16];

/// The elements' own positions, as far as the type can tell them apart.
fn positions(dtype: DType, count: usize) -> Vec<f64> {
    let most = match dtype {
        DType::Bool => 2,
        DType::Int8 | DType::UInt8 => 128,
        DType::Fp16 => 2048,
        _ => 1 << 15,
    };
    (0..count).map(|i| (i % most) as f64).collect()
}

/// Compares with the reference.
fn check(dtype: DType, dims: &[usize], body: impl FnOnce(&mut Builder, Var) -> Vec<Var>) -> Program {
    let program = program(ty(dtype, dims), body);
    assert_same(&program, &[positions(dtype, dims.iter().product())]);
    program
}

fn ints(v: impl IntoIterator<Item = usize>) -> Literal {
    let v: Vec<i32> = v.into_iter().map(|x| x as i32).collect();
    Literal::from(&v[..])
}

fn steps(program: &Program) -> Vec<String> {
    let report = Engine::new(program.main(), &Options::default()).unwrap().report();
    report.steps.iter().map(|s| s.operations.join(" ")).collect()
}

#[test]
fn transpositions_of_any_rank_and_type() {
    let mut r = Random::new(1);
    for round in 0..150 {
        let rank = r.below(6);
        let (dims, perm) = (r.dims(rank, 9), r.order(rank));
        check(TYPES[round % 8], &dims, |b, x| vec![b.transpose(args! { x: x, perm: ints(perm) })]);
    }
}

#[test]
fn large_transpositions() {
    let cases: [(&[usize], &[usize]); 7] = [
        (&[384, 128], &[1, 0]),
        (&[130, 259], &[1, 0]),
        (&[1, 60, 6, 64], &[0, 2, 1, 3]),
        (&[3, 70, 100], &[2, 1, 0]),
        (&[2, 33, 17, 40], &[0, 3, 1, 2]),
        (&[2, 33, 17, 40], &[0, 2, 3, 1]),
        (&[5, 9, 1000], &[1, 0, 2]),
    ];
    for (dims, perm) in cases {
        for dtype in [DType::Fp16, DType::Fp32, DType::UInt8] {
            check(dtype, dims, |b, x| vec![b.transpose(args! { x: x, perm: ints(perm.iter().copied()) })]);
        }
    }
}

#[test]
fn what_moves_nothing_is_a_view() {
    let none = program(ty(DType::Fp16, &[1, 6, 1, 5]), |b, x| {
        let a = b.transpose(args! { x: x, perm: [2, 1, 0, 3] });
        let c = b.slice_by_size(args! { x: a, begin: [0, 0, 0, 0], size: [1, -1, -1, 5] });
        let d = b.pad(args! { x: c, pad: [0, 0, 0, 0] });
        let e = b.tile(args! { x: d, reps: [1, 1, 1, 1] });
        let f = b.concat(args! { values: [e], axis: 1 });
        let g = b.pixel_shuffle(args! { x: f, upscale_factor: 1 });
        vec![b.relu(args! { x: g })]
    });
    assert_eq!(steps(&none), ["relu"]);
    assert_same(&none, &[positions(DType::Fp16, 30)]);
    // A part from the beginning is as straight, and no view.
    let part = check(DType::Fp16, &[6, 5], |b, x| vec![b.slice_by_size(args! { x: x, begin: [0, 0], size: [3, 5] })]);
    assert_eq!(steps(&part), ["slice_by_size"]);
}

#[test]
fn slices() {
    let mut r = Random::new(2);
    for round in 0..150 {
        let rank = 1 + r.below(5);
        let dims = r.dims(rank, 9);
        let begin: Vec<usize> = dims.iter().map(|d| r.below(*d)).collect();
        let size: Vec<usize> = dims.iter().zip(&begin).map(|(d, b)| 1 + r.below(d - b)).collect();
        let stride: Vec<i32> = dims.iter().map(|_| r.one_of(&[1, 1, 2, 3, -1, -2])).collect();
        let last = |a: usize| if stride[a] > 0 { dims[a] as i32 } else { -1 - dims[a] as i32 };
        let end: Vec<i32> = (0..rank).map(last).collect();
        let squeeze: Vec<bool> = (0..rank).map(|_| r.below(5) == 0).collect();
        check(TYPES[round % 8], &dims, |b, x| {
            let (from, size) = (ints(begin.clone()), ints(size));
            let cut = b.slice_by_size(args! { x: x, begin: from.clone(), size: size });
            let squeeze = Literal::bools(&[rank], &squeeze);
            let stepped = b
                .slice_by_index(args! { x: x, begin: from, end: &end[..], stride: &stride[..], squeeze_mask: squeeze });
            vec![cut, stepped]
        });
    }
}

#[test]
fn pads_tiles_and_enlargements() {
    let mut r = Random::new(3);
    for round in 0..120 {
        let rank = 3 + r.below(3);
        let dims = r.dims(rank, 7);
        let dtype = [DType::Fp16, DType::Fp32][round % 2];
        let mode = r.one_of(&["constant", "reflect", "replicate"]);
        let axes = r.below(rank + 1);
        let most = |d: usize| match mode {
            "constant" => 6,
            "reflect" => d,
            _ => d + 1,
        };
        let pad: Vec<usize> = dims[rank - axes..].iter().flat_map(|d| [r.below(most(*d)), r.below(most(*d))]).collect();
        let reps: Vec<usize> = (0..rank).map(|_| 1 + r.below(3)).collect();
        let whole = 1 + r.below(4) as i32;
        let fraction = r.one_of(&[1.5f32, 0.5, 2.3, 3.0]);
        let fits = *dims.last().unwrap() as f32 * fraction >= 1.0;
        check(dtype, &dims, |b, x| {
            let constant = Literal::scalar(dtype, 3.3).unwrap();
            let pad = b.pad(args! { x: x, pad: ints(pad), mode: mode, constant_val: constant });
            let tile = b.tile(args! { x: x, reps: ints(reps) });
            let wide = b.upsample_nearest_neighbor(args! { x: x, scale_factor_height: whole, scale_factor_width: 2 });
            let factor = Literal::scalar(DType::Fp32, f64::from(if fits { fraction } else { 1.0 })).unwrap();
            let other = b.upsample_nearest_neighbor(args! { x: x, scale_factor_width: factor });
            vec![pad, tile, wide, other]
        });
    }
}

#[test]
fn space_and_channels() {
    for (dims, block) in
        [([2, 8, 3, 5], 2), ([1, 27, 4, 4], 3), ([1, 16, 1, 7], 4), ([3, 4, 40, 50], 2), ([1, 5, 2, 3], 1)]
    {
        for dtype in [DType::Fp16, DType::Fp32] {
            check(dtype, &dims, |b, x| {
                let shuffled = b.pixel_shuffle(args! { x: x, upscale_factor: block });
                let spread = b.depth_to_space(args! { x: x, block_size: block });
                let back = b.space_to_depth(args! { x: shuffled, block_size: block });
                vec![shuffled, spread, back]
            });
        }
    }
}

#[test]
fn joined_and_cut() {
    let mut r = Random::new(4);
    for round in 0..120 {
        let rank = 1 + r.below(4);
        let (dims, axis) = (r.dims(rank, 9), r.below(rank));
        check(TYPES[round % 4], &dims, |b, x| {
            let mut sizes = Vec::new();
            let mut rest = dims[axis];
            while rest > 0 {
                sizes.push(1 + r.below(rest));
                rest -= sizes[sizes.len() - 1];
            }
            let axis = axis as i32;
            let cut = b.call_many("split", args! { x: x, axis: axis, split_sizes: ints(sizes) });
            let order = r.order(cut.len());
            let joined = b.concat(args! { values: order.iter().map(|i| cut[*i]).collect::<Vec<_>>(), axis: axis });
            let between = b.concat(args! { values: [x, joined, x], axis: axis, interleave: true });
            let stacked = b.stack(args! { values: [joined, x], axis: axis });
            cut.into_iter().chain([joined, between, stacked]).collect()
        });
    }
    for dims in [[2, 9000, 3], [9000, 3, 2], [1, 2, 30_000]] {
        check(DType::Fp16, &dims, |b, x| {
            let joined = b.concat(args! { values: [x, x, x], axis: 1 });
            let cut = b.call_many("split", args! { x: joined, axis: 1, num_splits: 3 });
            cut.into_iter().chain([joined]).collect()
        });
    }
}

#[test]
fn scalars_are_joined_and_many_results_are_cut() {
    check(DType::Int32, &[], |b, x| {
        vec![b.concat(args! { values: [x, x, x], axis: 0 }), b.stack(args! { values: [x], axis: 0 })]
    });
    check(DType::Fp16, &[3, 100], |b, x| b.call_many("split", args! { x: x, axis: 1, num_splits: 100 }));
}
