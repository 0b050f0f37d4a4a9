use super::*;

/// Numbers over the whole range of `f32`: every exponent, many fractions, both signs, the special ones.
fn sample() -> Vec<f32> {
    let mut x: Vec<f32> =
        (0..=u32::MAX >> 15).map(|i| f32::from_bits((i << 15) ^ (i.wrapping_mul(40_503) & 0x7fff))).collect();
    x.extend((-20_000..20_000).map(|i| i as f32 * 1e-3));
    x.extend([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, -1e-45]);
    x
}

fn ulp(x: f64) -> f64 {
    let x = (x.abs() as f32).clamp(f32::MIN_POSITIVE, f32::MAX / 2.0);
    f64::from(f32::from_bits(x.to_bits() + 1)) - f64::from(x)
}

/// The largest error in units of the last place of the true result, and where.
fn worst(unary_: Unary, truth: impl Fn(f64) -> f64) -> (f64, f32) {
    let x = sample();
    let mut y = x.clone();
    unary(Level::best(), unary_, &mut y, Keep::F32);
    let mut worst = (0.0, 0.0);
    for (x, y) in x.iter().zip(&y) {
        let t = truth(f64::from(*x));
        if t.is_nan() || (t as f32).is_infinite() {
            assert!(y.is_nan() == t.is_nan() && (t.is_nan() || *y == t as f32), "{unary_:?}({x:e}) = {y:e}, not {t:e}");
            continue;
        }
        let error = (f64::from(*y) - t).abs() / ulp(t);
        assert!(!error.is_nan(), "{unary_:?}({x:e}) = {y:e}, not {t:e}");
        if error > worst.0 {
            worst = (error, *x);
        }
    }
    worst
}

type Case<'a> = (Unary, &'a dyn Fn(f64) -> f64, f64);

#[test]
fn errors_are_bounded() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let cases: [Case<'_>; 8] = [
        (Unary::Exp, &f64::exp, 1.1),
        (Unary::Exp2, &f64::exp2, 1.6),
        (Unary::Log(0.0), &f64::ln, 1.1),
        (Unary::Tanh, &f64::tanh, 2.1),
        (Unary::Erf, &libm::erf, 2.1),
        (Unary::Sigmoid, &sigmoid, 2.6),
        (Unary::Elu(1.0), &|x| if x > 0.0 { x } else { libm::expm1(x) }, 2.1),
        (Unary::Softplus, &|x| x.max(0.0) + libm::log1p((-x.abs()).exp()), 3.1),
    ];
    for (unary, truth, bound) in cases {
        let (error, at) = worst(unary, truth);
        println!("{unary:?}: {error:.2} ulp at {at:e}");
        assert!(error <= bound, "{unary:?}: {error} ulp at {at:e}");
    }
}

const UNARY: [Unary; 40] = [
    Unary::Abs,
    Unary::Square,
    Unary::Sqrt,
    Unary::Exp,
    Unary::Exp2,
    Unary::Sign,
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Erf,
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Acos,
    Unary::Asin,
    Unary::Atan,
    Unary::Atanh,
    Unary::Cosh,
    Unary::Sinh,
    Unary::ThresholdedRelu(0.5),
    Unary::ClampedRelu(0.5, 2.0),
    Unary::ScaledTanh(1.5, 0.5),
    Unary::Rsqrt(1e-5),
    Unary::Log(0.0),
    Unary::Inverse(1e-4),
    Unary::Relu,
    Unary::Sigmoid,
    Unary::Tanh,
    Unary::Softplus,
    Unary::Softsign,
    Unary::Silu,
    Unary::LeakyRelu(0.1),
    Unary::Elu(1.5),
    Unary::SigmoidHard(0.2, 0.5),
    Unary::LinearActivation(1.5, -2.0),
    Unary::Clip(-1.0, 2.0),
    Unary::GeluExact,
    Unary::GeluTanh,
    Unary::GeluSigmoid,
    Unary::Not,
];

const BINARY: [Binary; 18] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::RealDiv,
    Binary::FloorDiv,
    Binary::Mod,
    Binary::Pow,
    Binary::Maximum,
    Binary::Minimum,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::LogicalAnd,
    Binary::LogicalOr,
    Binary::LogicalXor,
];

/// Bits, with all NaNs alike: which NaN an invalid operation gives is the processor's choice.
fn bits(x: f32) -> u32 {
    if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
}

#[test]
fn levels_agree_bit_for_bit() {
    let x = sample();
    // Neither the position in a vector nor the length of the slice plays a part.
    let thin: Vec<f32> = x.iter().copied().step_by(23).collect();
    for unary_ in UNARY {
        let mut expected = thin.clone();
        unary(Level::Scalar, unary_, &mut expected, Keep::F32);
        for level in Level::available() {
            for start in [0, 1, 5] {
                let mut y = thin[start..].to_vec();
                unary(level, unary_, &mut y, Keep::F32);
                for ((x, y), e) in thin[start..].iter().zip(&y).zip(&expected[start..]) {
                    assert_eq!(bits(*y), bits(*e), "{level:?} {unary_:?}({x:e}): {y:e}, {e:e}");
                }
            }
        }
    }
    let other: Vec<f32> = thin.iter().rev().copied().collect();
    for binary_ in BINARY {
        let mut expected = thin.clone();
        binary(Level::Scalar, binary_, &mut expected, &other, Keep::F32);
        for level in Level::available() {
            let mut y = thin.clone();
            binary(level, binary_, &mut y, &other, Keep::F32);
            for (i, (y, e)) in y.iter().zip(&expected).enumerate() {
                assert_eq!(bits(*y), bits(*e), "{level:?} {binary_:?}({:e}, {:e}): {y:e}, {e:e}", thin[i], other[i]);
            }
        }
    }
}

#[test]
fn zeros_and_nans_have_their_place() {
    for level in Level::available() {
        let cases = [
            (Binary::Maximum, 0.0, -0.0, 0.0f32),
            (Binary::Maximum, -0.0, 0.0, 0.0),
            (Binary::Minimum, 0.0, -0.0, -0.0),
            (Binary::Maximum, f32::NAN, 1.0, f32::NAN),
            (Binary::Minimum, 1.0, f32::NAN, f32::NAN),
            (Binary::Maximum, f32::INFINITY, f32::INFINITY, f32::INFINITY),
            (Binary::Maximum, f32::NEG_INFINITY, f32::INFINITY, f32::INFINITY),
            (Binary::FloorDiv, 1.0, 0.1, 9.0),
            (Binary::FloorDiv, -1.0, 0.1, -10.0),
            (Binary::FloorDiv, 1.0, -0.1, -10.0),
            (Binary::FloorDiv, -1e-38, 1e38, -1.0),
            (Binary::FloorDiv, 3e38, 0.1, f32::INFINITY),
            (Binary::FloorDiv, -3.0, 0.0, f32::NEG_INFINITY),
            (Binary::FloorDiv, -0.0, 3.0, -0.0),
            (Binary::FloorDiv, 6.0, 3.0, 2.0),
            (Binary::Pow, 0.0, 0.0, 1.0),
            (Binary::Pow, -8.0, 3.0, -512.0),
            (Binary::Pow, -8.0, 0.5, f32::NAN),
        ];
        for (op, a, b, expected) in cases {
            let mut out = [a; 3];
            binary(level, op, &mut out, &[b; 3], Keep::F32);
            assert!(out.iter().all(|y| bits(*y) == bits(expected)), "{level:?} {op:?}({a}, {b}) = {out:?}");
        }
        for odd in
            [Unary::Tanh, Unary::Erf, Unary::Sin, Unary::Elu(1.0), Unary::Softsign, Unary::Round, Unary::GeluExact]
        {
            let mut x = [-0.0, 0.0];
            unary(level, odd, &mut x, Keep::F32);
            assert_eq!(x.map(f32::to_bits), [-0.0f32, 0.0].map(f32::to_bits), "{level:?} {odd:?}");
        }
        let mut x = [f32::NAN, -0.0, 0.0, -3.0, f32::INFINITY];
        unary(level, Unary::Sign, &mut x, Keep::F32);
        assert!(x[0].is_nan() && x[1].to_bits() == (-0.0f32).to_bits() && x[2..] == [0.0, -1.0, 1.0], "{x:?}");
    }
}

#[test]
fn keeping_halves_is_rounding_afterwards() {
    let (x, other) = (sample(), sample().into_iter().rev().collect::<Vec<_>>());
    for level in Level::available() {
        for op in [Unary::Identity, Unary::Exp, Unary::Sin] {
            let (mut kept, mut rounded) = (x.clone(), x.clone());
            unary(level, op, &mut kept, Keep::F16);
            unary(level, op, &mut rounded, Keep::F32);
            crate::half::round(level, &mut rounded);
            assert!(kept.iter().zip(&rounded).all(|(a, b)| a.to_bits() == b.to_bits()), "{level:?} {op:?}");
        }
        for op in [Binary::Mul, Binary::Pow] {
            let (mut kept, mut rounded) = (x.clone(), x.clone());
            binary(level, op, &mut kept, &other, Keep::F16);
            binary(level, op, &mut rounded, &other, Keep::F32);
            crate::half::round(level, &mut rounded);
            assert!(kept.iter().zip(&rounded).all(|(a, b)| a.to_bits() == b.to_bits()), "{level:?} {op:?}");
        }
    }
}
