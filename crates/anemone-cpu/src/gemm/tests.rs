use super::*;
use crate::memory::Values;
use half::f16;
use std::sync::Mutex;

fn number(i: usize) -> f32 {
    f16::from_f32(((i * 7919 % 2003) as f32 - 1000.0) / 400.0).to_f32()
}

/// What the module's documentation says, word for word.
fn naive(m: usize, n: usize, k: usize, a: &[f32], b: &[f32]) -> Vec<f32> {
    let dot = |i: usize, j: usize| (0..k).fold(0.0f32, |acc, l| a[i * k + l].mul_add(b[l * n + j], acc));
    (0..m * n).map(|at| dot(at / n, at % n)).collect()
}

struct Collect<'a> {
    out: Mutex<&'a mut [f32]>,
    n: usize,
    plane: usize,
}

impl Sink for Collect<'_> {
    fn scratch(&self) -> usize {
        3
    }

    fn tile(&self, tile: Tile, values: &mut [f32], stride: usize, scratch: &mut [f32]) {
        assert_eq!(scratch.len(), 3);
        let mut out = self.out.lock().unwrap();
        for i in 0..tile.rows {
            let to = tile.batch * self.plane + (tile.row + i) * self.n + tile.column;
            out[to..][..tile.columns].copy_from_slice(&values[i * stride..][..tile.columns]);
        }
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()
}

fn product(level: Level, threads: usize, (m, n, k): (usize, usize, usize), a: &impl PackA, b: &impl PackB) -> Vec<f32> {
    products(level, threads, Size { batch: 1, m, n, k }, a, b)
}

fn products(level: Level, threads: usize, size: Size, a: &impl PackA, b: &impl PackB) -> Vec<f32> {
    let pool = crate::pool::Pool::new(threads);
    let mut out = vec![0.0; size.batch * size.m * size.n];
    let sink = Collect { out: Mutex::new(&mut out), n: size.n, plane: size.m * size.n };
    let mut memory = vec![f32::NAN; (scratch(level, size) + 3 + 16) * threads];
    run(&Team::new((threads > 1).then_some(&pool), &mut memory, level), size, a, b, &sink);
    out
}

/// One matrix, or several one after the other.
fn stack<'a>(stack: &'a [(usize, usize)], form: Strided<'a>) -> Matrices<'a> {
    Matrices { stack, form }
}

const SHAPES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (3, 5, 0),
    (16, 24, 7),
    (17, 25, 33),
    (1, 100, 64),
    (100, 1, 64),
    (5, 97, 256),
    (33, 49, 257),
    (130, 3, 20),
    (129, 193, 40),
    (4, 200, 600),
    (64, 64, 64),
    (250, 130, 17),
    (2, 2, 1000),
];

#[test]
fn every_way_gives_the_bits_of_the_definition() {
    for shape @ (m, n, k) in SHAPES {
        let a: Vec<f32> = (0..m * k).map(number).collect();
        let b: Vec<f32> = (0..k * n).map(|i| number(i + 77)).collect();
        let expected = bits(&naive(m, n, k, &a, &b));
        let halves: Vec<f16> = a.iter().map(|x| f16::from_f32(*x)).collect();
        let transposed_b: Vec<f16> = (0..k * n).map(|i| f16::from_f32(b[i % k.max(1) * n + i / k.max(1)])).collect();
        let transposed_a: Vec<f32> = (0..m * k).map(|i| a[i % m * k + i / m]).collect();
        let f32_rows =
            |data, rows, columns| Strided { data: Values::F32(data), start: 0, row: columns, column: 1, rows };
        let one = |form| stack(&[], form);
        let b_rows = f32_rows(&b, k, n);
        let b_columns = Strided { data: Values::F16(&transposed_b), start: 0, row: 1, column: k, rows: k };
        let a_columns = Strided { data: Values::F32(&transposed_a), start: 0, row: 1, column: m, rows: m };
        let packed = Packed::f16([1, m, k], |_, i, l| halves[i * k + l]);
        let packed_32 = Packed::f32([1, m, k], |_, i, l| a[i * k + l]);
        let right = Packed::f16([1, n, k], |_, j, l| transposed_b[j * k + l]);
        let right_32 = Packed::f32([1, n, k], |_, j, l| b[l * n + j]);
        let (b_rows, b_columns, a_columns) = (one(b_rows), one(b_columns), one(a_columns));
        let a_rows = one(f32_rows(&a, m, k));
        for level in Level::available() {
            for threads in [1, 3] {
                let what = format!("{level:?} {threads} {shape:?}");
                assert_eq!(bits(&product(level, threads, shape, &packed, &b_rows)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &packed_32, &b_columns)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &a_rows, &b_columns)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &a_columns, &b_rows)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &a_rows, &right)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &a_columns, &right_32)), expected, "{what}");
            }
        }
    }
}

#[test]
fn stacks_are_products_one_by_one() {
    let (m, n, k) = (19, 50, 30);
    let a: Vec<f32> = (0..2 * m * k).map(number).collect();
    let b: Vec<f32> = (0..3 * k * n).map(|i| number(i + 77)).collect();
    // Four products: the weights alternate, and the right operands are used in an order of their own.
    let (starts, lefts) = ([0, k * n, k * n, 2 * k * n], [0, m * k, 0, m * k]);
    let form = |data, columns, rows| Strided { data: Values::F32(data), start: 0, row: columns, column: 1, rows };
    let (of_right, of_left) = ([(2, k * n), (2, k * n)], [(2, 0), (2, m * k)]);
    let right = stack(&of_right, form(&b, n, k));
    let packed = Packed::f32([2, m, k], |group, i, l| a[group * m * k + i * k + l]);
    let left = stack(&of_left, form(&a, k, m));
    let expected: Vec<u32> =
        (0..4).flat_map(|i| bits(&naive(m, n, k, &a[lefts[i]..][..m * k], &b[starts[i]..][..k * n]))).collect();
    for level in Level::available() {
        for threads in [1, 2] {
            let size = Size { batch: 4, m, n, k };
            assert_eq!(bits(&products(level, threads, size, &packed, &right)), expected, "{level:?}");
            assert_eq!(bits(&products(level, threads, size, &left, &right)), expected, "{level:?}");
        }
    }
}

#[test]
fn few_columns_give_the_same_bits() {
    for (m, k) in [(1, 1), (16, 10), (100, 300), (33, 7), (5, 0)] {
        for n in 1..=SMALL {
            let a: Vec<f32> = (0..m * k).map(number).collect();
            let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
            let expected = bits(&naive(m, n, k, &a, &b));
            for level in Level::available() {
                // The weights are the second of two sets.
                let at = |group: usize, i: usize, l: usize| if group == 1 { a[i * k + l] } else { 0.0 };
                let size = [2, m, k];
                for packed in [Packed::f16(size, |g, i, l| f16::from_f32(at(g, i, l))), Packed::f32(size, at)] {
                    let mut memory = vec![0.0; small_scratch(n, k) + 2 + 16];
                    let out = Mutex::new(vec![0.0; m * n]);
                    let load = |_, j: usize, to: &mut [f32]| (0..k).for_each(|l| to[l] = b[l * n + j]);
                    let sink = |row: usize, column: usize, results: &mut [f32], scratch: &mut [f32]| {
                        assert_eq!(scratch.len(), 2);
                        let mut out = out.lock().unwrap();
                        results.iter().enumerate().for_each(|(i, x)| out[(row + i) * n + column] = *x);
                    };
                    run_small(&Team::new(None, &mut memory, level), (&packed, 1), n, &load, 2, &sink);
                    assert_eq!(bits(&out.into_inner().unwrap()), expected, "{level:?} {m} {n} {k}");
                }
            }
        }
    }
}

#[test]
fn infinities_and_nans_pass_through() {
    let a = [f32::INFINITY, 0.0, 1.0, f32::NAN];
    let b = [0.0, 1.0, 2.0, 1.0];
    let strided = |data| Strided { data: Values::F32(data), start: 0, row: 2, column: 1, rows: 2 };
    let out = product(Level::best(), 1, (2, 2, 2), &stack(&[], strided(&a)), &stack(&[], strided(&b)));
    assert_eq!(bits(&out), bits(&naive(2, 2, 2, &a, &b)));
}
