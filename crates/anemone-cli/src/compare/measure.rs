//! How far apart two tensors are.

use crate::table;
use anemone_conformance::compare::steps;
use anemone_ir::DType;
use serde::Serialize;

/// The differences of two tensors of one shape. Elements that are NaN in both, or the same infinity, are equal.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Measure {
    pub(crate) elements: usize,
    /// How many are not the same number.
    pub(crate) different: usize,
    /// How many are no finite number in one of the two, and something else in the other.
    pub(crate) not_finite: usize,
    /// The largest difference of the finite ones; and in parts of the larger of the two.
    pub(crate) max_abs: f64,
    pub(crate) max_rel: f64,
    /// The most numbers of the type from one to the other: of fp16 if one of the two is that, else of fp32.
    pub(crate) max_ulp: u64,
    /// Of the angle between the two; absent if one of them is zero.
    pub(crate) cosine: Option<f64>,
    /// 10 log10 of the squares of B over those of the difference; absent if there is no difference.
    pub(crate) snr: Option<f64>,
    /// In how many rows, along the last axis, the largest element is at the same place; of how many rows. Absent for rows of one.
    pub(crate) top1: Option<(usize, usize)>,
}

impl Measure {
    /// Of `a` against `b`, whose rows have `row` elements.
    pub(crate) fn of(dtype: DType, a: &[f64], b: &[f64], row: usize) -> Measure {
        let mut m = Measure {
            elements: b.len(),
            different: 0,
            not_finite: 0,
            max_abs: 0.0,
            max_rel: 0.0,
            max_ulp: 0,
            cosine: None,
            snr: None,
            top1: None,
        };
        let (mut aa, mut bb, mut ab, mut noise) = (0.0, 0.0, 0.0, 0.0);
        for (&x, &y) in a.iter().zip(b) {
            let same = x == y || (x.is_nan() && y.is_nan());
            m.different += usize::from(!same);
            if !x.is_finite() || !y.is_finite() {
                m.not_finite += usize::from(!same);
                continue;
            }
            let difference = (x - y).abs();
            m.max_abs = m.max_abs.max(difference);
            if difference > 0.0 {
                m.max_rel = m.max_rel.max(difference / x.abs().max(y.abs()));
                m.max_ulp = m.max_ulp.max(steps(dtype, x, y));
            }
            (aa, bb, ab, noise) = (aa + x * x, bb + y * y, ab + x * y, noise + difference * difference);
        }
        m.cosine = (aa > 0.0 && bb > 0.0).then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0));
        if m.different == 0 {
            m.cosine = m.cosine.map(|_| 1.0);
        }
        m.snr = (noise > 0.0).then(|| if bb > 0.0 { 10.0 * (bb / noise).log10() } else { f64::NEG_INFINITY });
        m.snr = m.snr.map(|snr| snr.max(-999.0));
        if row > 1 && !b.is_empty() {
            let rows = a.chunks_exact(row).zip(b.chunks_exact(row));
            let equal = rows.clone().filter(|(a, b)| largest(a) == largest(b)).count();
            m.top1 = Some((equal, rows.count()));
        }
        m
    }

    pub(crate) fn is_equal(&self) -> bool {
        self.different == 0
    }

    /// Cells for people: max abs, max ulp, cosine, SNR, top-1.
    pub(crate) fn cells(&self) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let snr = match (self.is_equal(), self.snr) {
            (true, _) => "equal".to_owned(),
            (false, Some(snr)) => format!("{snr:.1} dB"),
            (false, None) => "-".to_owned(),
        };
        let infinite =
            |text: String| if self.not_finite > 0 { format!("{text}, {} inf/nan", self.not_finite) } else { text };
        vec![
            infinite(table::value(self.max_abs)),
            table::grouped(self.max_ulp),
            or_none(self.cosine.map(cosine)),
            snr,
            or_none(self.top1.map(|(equal, rows)| match rows {
                1 => if equal == 1 { "equal" } else { "differs" }.to_owned(),
                rows => format!("{} of {}", table::grouped(equal as u64), table::grouped(rows as u64)),
            })),
        ]
    }
}

/// The headings of [`Measure::cells`].
pub(crate) const HEADINGS: [&str; 5] = ["max abs", "max ulp", "cosine", "SNR", "top-1"];

/// As many nines as there are: a cosine is 1 only if it is.
fn cosine(x: f64) -> String {
    let text = format!("{x:.6}");
    if x < 1.0 && text == "1.000000" { format!("1 - {:.0e}", 1.0 - x) } else { text }
}

/// The position of the largest element; the first of them, and NaN is the largest.
fn largest(row: &[f64]) -> Option<usize> {
    let key = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
    (0..row.len()).reduce(|best, at| if key(row[at]) > key(row[best]) { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(a: &[f64], b: &[f64], row: usize) -> Measure {
        Measure::of(DType::Fp16, a, b, row)
    }

    #[test]
    fn equal_tensors_are_equal() {
        let nan = f64::NAN;
        let m = of(&[1.0, nan, f64::INFINITY, -0.0], &[1.0, nan, f64::INFINITY, 0.0], 4);
        assert!(m.is_equal());
        assert_eq!((m.max_abs, m.max_ulp, m.cosine, m.snr, m.top1), (0.0, 0, Some(1.0), None, Some((1, 1))));
        assert_eq!(m.cells(), ["0", "0", "1.000000", "equal", "equal"]);
    }

    #[test]
    fn differences_are_measured() {
        // 3, 4 against 3, 4 + 1/256, which is the next half but none.
        let m = of(&[3.0, 4.0 + 1.0 / 256.0], &[3.0, 4.0], 2);
        assert_eq!((m.different, m.max_abs, m.max_ulp), (1, 1.0 / 256.0, 1));
        assert!((m.snr.unwrap() - 10.0 * (25.0f64 * 65536.0).log10()).abs() < 1e-9);
        assert!(m.cosine.unwrap() < 1.0 && m.cosine.unwrap() > 0.999_99);
        let m = of(&[1.0, 2.0, 5.0, 0.0], &[2.0, 1.0, 5.0, 1.0], 2);
        assert_eq!((m.top1, m.max_rel), (Some((1, 2)), 1.0));
        assert_eq!(of(&[1.0, 0.0], &[0.0, 1.0], 2).cosine, Some(0.0));
        assert_eq!(of(&[1.0], &[-1.0], 1).cosine, Some(-1.0));
        let m = of(&[1.0], &[0.0], 1);
        assert_eq!((m.cosine, m.snr, m.top1), (None, Some(-999.0), None));
    }

    #[test]
    fn what_is_not_finite_is_counted_and_left_out() {
        let m = of(&[f64::INFINITY, f64::NAN, 1.0], &[1.0, f64::NAN, 1.0], 3);
        assert_eq!((m.different, m.not_finite, m.max_abs, m.snr), (1, 1, 0.0, None));
        assert!(!m.is_equal());
        assert_eq!(m.cells()[0], "0, 1 inf/nan");
    }
}
