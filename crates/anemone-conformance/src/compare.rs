//! How far apart two results are.

use crate::tolerance::Tolerance;
use anemone_ir::DType;
use anemone_ir::reference::{round_to, to_f16};
use std::fmt;

/// A wanted number: some differ from what an `f64` can say of itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wanted {
    /// The number.
    pub value: f64,
    /// Whether a zero must have exactly this sign.
    pub signed_zero: bool,
}

/// Two results that are not alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Mismatch {
    /// The first element that differs, row-major.
    pub index: usize,
    /// What was wanted there.
    pub wanted: f64,
    /// What was there.
    pub got: f64,
    /// What would have been let through, in words.
    pub allowed: String,
    /// How many elements differ.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { index, wanted, got, allowed, count, of } = self;
        write!(f, "first at index {index}: expected {wanted:?}, got {got:?} ({allowed}; {count} of {of} differ)")
    }
}

/// The position of a float among all floats of its type, so that neighbours are 1 apart; 0 and -0 are the same.
fn position(dtype: DType, x: f64) -> i64 {
    let (bits, sign) = match dtype {
        DType::Fp16 => (i64::from(to_f16(x).to_bits()), 1 << 15),
        _ => (i64::from((x as f32).to_bits()), 1 << 31),
    };
    if bits >= sign { sign - bits } else { bits }
}

/// How many floats of the type lie from one number to the other; for other types, the difference. NaN is at itself.
pub fn steps(dtype: DType, a: f64, b: f64) -> u64 {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) if dtype.is_float() => position(dtype, a).abs_diff(position(dtype, b)),
        (false, false) => (a - b).abs().ceil() as u64,
        _ => u64::MAX,
    }
}

/// From a finite float to the next one of its type, further from 0; infinite for others.
pub(crate) fn unit(dtype: DType, x: f64) -> f64 {
    let (smallest, bits) = match dtype {
        DType::Fp16 => (-14, 10),
        _ => (-126, 23),
    };
    if !x.is_finite() {
        return f64::INFINITY;
    }
    // The exponent of an `f64`, which has every float of these types as a normal one, and 0 as a very small one.
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    2f64.powi(exponent.max(smallest) - bits)
}

/// The difference, with an infinity standing for the first number that the type cannot hold.
pub fn difference(dtype: DType, a: f64, b: f64) -> f64 {
    let edge = if dtype == DType::Fp16 { 65_536.0 } else { 2f64.powi(128) };
    let finite = |x: f64| if x.is_infinite() { edge.copysign(x) } else { x };
    if a == b { 0.0 } else { (finite(a) - finite(b)).abs() }
}

/// Whether `got` is `wanted` or near enough. `slack` is a further difference that is let through; if it is infinite,
/// anything is.
pub fn near(dtype: DType, wanted: f64, got: f64, tolerance: &Tolerance, slack: f64) -> bool {
    if slack == f64::INFINITY {
        return true;
    }
    if wanted.is_nan() || got.is_nan() {
        return wanted.is_nan() && got.is_nan();
    }
    if steps(dtype, wanted, got) <= tolerance.steps {
        return true;
    }
    dtype.is_float() && difference(dtype, wanted, got) <= tolerance.abs + tolerance.rel * wanted.abs() + slack
}

/// Compares with numbers that somebody wrote: both sides are rounded to `dtype`.
///
/// # Errors
/// Where they are not alike.
pub fn with_written(dtype: DType, wanted: &[Wanted], got: &[f64], allowed: &Allowed) -> Result<(), Mismatch> {
    first_mismatch(wanted.len(), got.len(), allowed, |i| {
        let (want, got) = (round_to(dtype, wanted[i].value), round_to(dtype, got[i]));
        let sign = !wanted[i].signed_zero || (got == 0.0 && want.is_sign_negative() == got.is_sign_negative());
        (sign && allowed.lets(dtype, i, want, got), want, got)
    })
}

/// Compares with the reference. Where nothing but the same number is allowed, a zero must also have the same sign.
///
/// # Errors
/// Where they are not alike.
pub fn with_reference(dtype: DType, wanted: &[f64], got: &[f64], allowed: &Allowed) -> Result<(), Mismatch> {
    first_mismatch(wanted.len(), got.len(), allowed, |i| {
        let (want, got) = (wanted[i], got[i]);
        let sign = !allowed.exact() || want != 0.0 || want.is_sign_negative() == got.is_sign_negative();
        (sign && allowed.lets(dtype, i, want, got), want, got)
    })
}

/// Compares bits. All NaNs are one.
///
/// # Errors
/// Where they are not the same.
pub fn bits(wanted: &[f64], got: &[f64]) -> Result<(), Mismatch> {
    first_mismatch(wanted.len(), got.len(), &Allowed::default(), |i| {
        let (want, got) = (wanted[i], got[i]);
        (want.to_bits() == got.to_bits() || (want.is_nan() && got.is_nan()), want, got)
    })
}

/// What a comparison lets through.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Allowed {
    /// For all elements.
    pub tolerance: Tolerance,
    /// A further difference for each element; empty for none.
    pub slack: Vec<f64>,
}

impl Allowed {
    /// Whether `got` is near enough to `wanted` as the element `at`.
    pub fn lets(&self, dtype: DType, at: usize, wanted: f64, got: f64) -> bool {
        near(dtype, wanted, got, &self.tolerance, self.slack(at))
    }

    /// The largest difference from the number `wanted` that is let through as the element `at`.
    pub fn most(&self, dtype: DType, at: usize, wanted: f64) -> f64 {
        let Tolerance { steps, abs, rel } = self.tolerance;
        let steps = steps as f64 * unit(dtype, wanted);
        steps.max(abs + rel * wanted.abs() + self.slack(at))
    }

    fn slack(&self, at: usize) -> f64 {
        self.slack.get(at).copied().unwrap_or(0.0)
    }

    fn exact(&self) -> bool {
        self.slack.is_empty() && self.tolerance == Tolerance::default()
    }
}

/// `check` says of a position whether it is well, what was wanted and what was got.
fn first_mismatch(
    wanted: usize,
    got: usize,
    allowed: &Allowed,
    check: impl Fn(usize) -> (bool, f64, f64),
) -> Result<(), Mismatch> {
    assert_eq!(wanted, got, "results of a type have its number of elements");
    let mut bad = (0..wanted).map(|i| (i, check(i))).filter(|(_, (well, ..))| !well);
    let Some((index, (_, want, got))) = bad.next() else { return Ok(()) };
    let slack = allowed.slack(index);
    let allowed = match slack {
        0.0 => format!("allowed: {}", allowed.tolerance),
        slack => format!("allowed: {}, and {slack:.3e} for its condition", allowed.tolerance),
    };
    Err(Mismatch { index, wanted: want, got, allowed, count: 1 + bad.count(), of: wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_count_floats() {
        assert_eq!(steps(DType::Fp16, 1.0, 1.0 + 2f64.powi(-10)), 1);
        assert_eq!(steps(DType::Fp16, -(2f64.powi(-24)), 2f64.powi(-24)), 2);
        assert_eq!(steps(DType::Fp16, 65_504.0, f64::INFINITY), 1);
        assert_eq!(steps(DType::Fp32, 1.0, 1.0 - f64::from(f32::EPSILON) / 2.0), 1);
        assert_eq!(steps(DType::Fp16, 0.0, -0.0), 0);
        assert_eq!(steps(DType::Fp16, f64::NAN, f64::NAN), 0);
        assert_eq!(steps(DType::Fp16, f64::NAN, f64::INFINITY), u64::MAX);
        assert_eq!(steps(DType::Int32, -3.0, 4.0), 7);
    }

    #[test]
    fn units_lead_to_the_next_float() {
        for x in [0.0, 2f64.powi(-24), 2f64.powi(-14), 0.3, 1.0, -1.75, 2.0, 65_472.0] {
            for dtype in [DType::Fp16, DType::Fp32] {
                let x = round_to(dtype, x);
                assert_eq!(steps(dtype, x, x + unit(dtype, x).copysign(x)), 1, "{x} {dtype}");
            }
        }
        assert_eq!(unit(DType::Fp16, f64::NAN), f64::INFINITY);
    }

    #[test]
    fn zeros_have_signs_where_that_is_asked_for() {
        let any = Wanted { value: 0.0, signed_zero: false };
        let minus = Wanted { value: -0.0, signed_zero: true };
        let allowed = Allowed { tolerance: Tolerance::steps(1), slack: Vec::new() };
        let check = |wanted, got: f64| with_written(DType::Fp16, &[wanted], &[got], &allowed).is_ok();
        assert!(check(any, -0.0) && check(any, 0.0) && check(minus, -0.0));
        assert!(!check(minus, 0.0) && !check(minus, -(2f64.powi(-24))));
        assert!(with_reference(DType::Fp16, &[-0.0], &[0.0], &Allowed::default()).is_err());
        assert!(with_reference(DType::Fp16, &[-0.0], &[0.0], &allowed).is_ok());
    }

    #[test]
    fn the_first_mismatch_is_told() {
        let one = |value| Wanted { value, signed_zero: false };
        let wanted = [one(1.0), one(2.0), one(3.0)];
        let allowed = Allowed { tolerance: Tolerance::steps(1), slack: Vec::new() };
        let e = with_written(DType::Fp16, &wanted, &[1.0, 2.5, f64::NAN], &allowed).unwrap_err();
        assert_eq!((e.index, e.count, e.got), (1, 2, 2.5));
        assert_eq!(e.to_string(), "first at index 1: expected 2.0, got 2.5 (allowed: 1 ulp; 2 of 3 differ)");
    }

    #[test]
    fn both_sides_are_rounded_to_the_type() {
        let wanted = [Wanted { value: f64::INFINITY, signed_zero: false }, Wanted { value: 0.1, signed_zero: false }];
        let got = [131_008.0, f64::from(0.1f32)];
        assert_eq!(with_written(DType::Fp16, &wanted, &got, &Allowed::default()), Ok(()));
        assert!(with_written(DType::Fp32, &wanted, &got, &Allowed::default()).is_err());
    }

    #[test]
    fn slack_does_not_turn_nan_or_the_wrong_infinity_into_numbers() {
        let allowed = Allowed { tolerance: Tolerance::default(), slack: vec![100.0] };
        assert!(with_reference(DType::Fp16, &[65_472.0], &[f64::INFINITY], &allowed).is_ok());
        assert!(with_reference(DType::Fp16, &[65_472.0], &[f64::NEG_INFINITY], &allowed).is_err());
        assert!(with_reference(DType::Fp16, &[1.0], &[f64::NAN], &allowed).is_err());
        assert!(with_reference(DType::Fp16, &[1.0], &[99.0], &allowed).is_ok());
    }
}
