use super::*;
use anemone_ir::{DType, Dims};
use anemone_simd::half as halves;

/// A chain on `x` and `y` (one number for each row): `(x + y) * x`, stored, and where `x` is not 0 its tanh, else `y`.
fn chain(dims: &Dims, row: &Dims, given: bool) -> Chain {
    let mut b = Builder::new(dims.elements());
    let x = if given { b.given() } else { b.load(0, Walk::new(dims, dims)) };
    let y = b.load(1, Walk::new(row, dims));
    let sum = b.map(MapOp::Binary(Binary::Add), &[x, y], Keep::F16);
    let product = b.map(MapOp::Binary(Binary::Mul), &[sum, x], Keep::F16);
    b.store(product, 0);
    let tanh = b.map(MapOp::Unary(Unary::Tanh), &[x], Keep::F16);
    let other = b.map(MapOp::Select, &[x, tanh, y], Keep::F32);
    let square = b.map(MapOp::Binary(Binary::Mul), &[other, other], Keep::F32);
    b.store(square, 1);
    b.finish()
}

fn expected(x: f32, y: f32) -> (f32, f32) {
    let half = |mut v: f32| {
        halves::round(Level::Scalar, std::slice::from_mut(&mut v));
        v
    };
    let mut tanh = x;
    map::unary(Level::Scalar, Unary::Tanh, std::slice::from_mut(&mut tanh), Keep::F32);
    let other = if x == 0.0 { y } else { half(tanh) };
    (half(half(x + y) * x), other * other)
}

fn place(data: &mut [f32]) -> Place {
    Place { base: data.as_mut_ptr().cast(), elements: data.len(), dtype: DType::Fp32 }
}

fn check(rows: usize, width: usize, pieces: &[Piece], given: bool) {
    let (dims, row) = (Dims::new(&[rows, width]).unwrap(), Dims::new(&[rows, 1]).unwrap());
    let chain = chain(&dims, &row, given);
    let mut x: Vec<f32> = (0..rows * width).map(|i| (i % 13) as f32 / 4.0 - 1.0).collect();
    let mut y: Vec<f32> = (0..rows).map(|i| i as f32 * 0.25).collect();
    for level in Level::available() {
        let (mut a, mut b) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        let places = [place(&mut x), place(&mut y), place(&mut a), place(&mut b)];
        // SAFETY: the places are four vectors that live on; nobody else uses them before `io` is gone.
        let io = unsafe { Io::new(&places, &[0, 1], &[2, 3]) };
        let mut scratch = vec![f32::NAN; chain.scratch()];
        for piece in pieces {
            let values = &io.read::<f32>(0)[piece.start..];
            let given = given.then_some(Given { values, stride: piece.step });
            // SAFETY: one piece at a time.
            unsafe { chain.run(level, &io, *piece, given, &mut scratch) };
        }
        for (i, x) in x.iter().enumerate() {
            let (p, q) = expected(*x, y[i / width]);
            assert_eq!((a[i].to_bits(), b[i].to_bits()), (p.to_bits(), q.to_bits()), "{level:?} {rows} {width} {i}");
        }
    }
}

#[test]
fn pieces_of_any_form_give_the_same() {
    for (rows, width) in [(1, 1), (3, 7), (2, 512), (5, 100), (3, 1300), (700, 2)] {
        let all = rows * width;
        for given in [false, true] {
            check(rows, width, &[Piece { start: 0, rows: 1, width: all, step: all }], given);
            check(rows, width, &[Piece { start: 0, rows, width, step: width }], given);
            let left = width.div_ceil(2);
            let halves = [
                Piece { start: 0, rows, width: left, step: width },
                Piece { start: left, rows, width: width - left, step: width },
            ];
            check(rows, width, &halves[..if left == width { 1 } else { 2 }], given);
        }
    }
}

#[test]
fn registers_are_used_again() {
    let dims = Dims::new(&[8]).unwrap();
    let mut b = Builder::new(8);
    let mut x = b.load(0, Walk::Straight);
    for _ in 0..20 {
        let y = b.map(MapOp::Unary(Unary::Exp), &[x], Keep::F16);
        x = b.map(MapOp::Binary(Binary::Add), &[y, x], Keep::F16);
    }
    b.store(x, 0);
    assert_eq!(b.finish().registers, 2);
    assert!(chain(&dims, &Dims::new(&[1]).unwrap(), false).registers <= 5);
}
