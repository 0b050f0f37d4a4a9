use super::*;
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
}

impl Sink for Collect<'_> {
    fn tile(&self, _: Level, row: usize, rows: usize, column: usize, columns: usize, tile: &mut [f32], stride: usize) {
        let mut out = self.out.lock().unwrap();
        for i in 0..rows {
            out[(row + i) * self.n + column..][..columns].copy_from_slice(&tile[i * stride..][..columns]);
        }
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()
}

fn product(level: Level, threads: usize, (m, n, k): (usize, usize, usize), a: &impl PackA, b: &impl PackB) -> Vec<f32> {
    let pool = crate::pool::Pool::new(threads);
    let mut memory = vec![f32::NAN; (scratch(level, m, n, k) + 16) * threads];
    let mut out = vec![0.0; m * n];
    let sink = Collect { out: Mutex::new(&mut out), n };
    run(&Team::new((threads > 1).then_some(&pool), &mut memory, level), m, n, k, a, b, &sink);
    out
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
            |data, rows, columns| Strided { data: Matrix::F32(data), start: 0, row: columns, column: 1, rows };
        let b_rows = f32_rows(&b, k, n);
        let b_columns = Strided { data: Matrix::F16(&transposed_b), start: 0, row: 1, column: k, rows: k };
        let a_columns = Strided { data: Matrix::F32(&transposed_a), start: 0, row: 1, column: m, rows: m };
        let packed = Packed::f16(m, k, |i, l| halves[i * k + l]);
        let packed_32 = Packed::f32(m, k, |i, l| a[i * k + l]);
        for level in Level::available() {
            for threads in [1, 3] {
                let what = format!("{level:?} {threads} {shape:?}");
                assert_eq!(bits(&product(level, threads, shape, &packed, &b_rows)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &packed_32, &b_columns)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &f32_rows(&a, m, k), &b_columns)), expected, "{what}");
                assert_eq!(bits(&product(level, threads, shape, &a_columns, &b_rows)), expected, "{what}");
            }
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
            let columns: Vec<f32> = (0..n * k).map(|i| b[i % k * n + i / k]).collect();
            for level in Level::available() {
                let both =
                    [Packed::f16(m, k, |i, l| f16::from_f32(a[i * k + l])), Packed::f32(m, k, |i, l| a[i * k + l])];
                for packed in both {
                    let mut memory = vec![0.0; small_scratch() + 16];
                    let out = Mutex::new(vec![0.0; m * n]);
                    run_small(&Team::new(None, &mut memory, level), &packed, &columns, n, &|row, column, results| {
                        let mut out = out.lock().unwrap();
                        results.iter().enumerate().for_each(|(i, x)| out[(row + i) * n + column] = *x);
                    });
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
    let strided = |data| Strided { data: Matrix::F32(data), start: 0, row: 2, column: 1, rows: 2 };
    let out = product(Level::best(), 1, (2, 2, 2), &strided(&a), &strided(&b));
    assert_eq!(bits(&out), bits(&naive(2, 2, 2, &a, &b)));
}
