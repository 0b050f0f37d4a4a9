//! Comparing the engine's results with the reference's.

use crate::elements::Elements;
use crate::failure::Problem;
use crate::inputs::Bound;
use crate::table;
use anemone_ir::{Function, Profile, reference};
use serde::Serialize;

/// How much work the reference is given, in multiply-accumulates and elements: seconds at the most.
const LARGEST: u64 = 100_000_000;

/// What an element costs the reference beside a multiply-accumulate.
const ELEMENT: u64 = 10;

/// What came of the comparison.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Comparison {
    /// Whether the program was small enough.
    compared: bool,
    /// The root of the mean square of the differences, as a part of that of the reference's results; of the output where it is
    /// largest. Absent if nothing was compared.
    error: Option<f64>,
    /// What is still taken for rounding.
    tolerance: f64,
    /// The output that is furthest off.
    output: Option<String>,
}

/// Compares results with the reference, if the program is small enough for it.
pub(crate) fn compare(function: &Function, profile: Profile, bound: &[Bound], results: &[Elements]) -> Comparison {
    // Operations round alike; what is left are sums in another order and precision, and what follows from their rounding.
    let tolerance = if profile == Profile::Fp16 { 0.02 } else { 1e-3 };
    if cost(function) > LARGEST {
        return Comparison { compared: false, error: None, tolerance, output: None };
    }
    let inputs: Vec<_> = bound.iter().map(|b| b.elements.to_f64()).collect();
    let expected = reference::run(function, &inputs, profile);
    let names = function.outputs.iter().map(|id| function.value(*id).name.to_string());
    let errors = results.iter().zip(&expected).map(|(found, expected)| error(&found.to_f64(), &expected.data));
    let worst = errors.zip(names).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let (error, output) = worst.unzip();
    Comparison { compared: true, error, tolerance, output }
}

/// An estimate of the reference's work.
fn cost(function: &Function) -> u64 {
    let elements = function.nodes.iter().flat_map(|n| &n.results).map(|id| function.ty(*id).dims.elements() as u64);
    elements.fold(function.macs(), |sum, n| sum.saturating_add(n.saturating_mul(ELEMENT)))
}

/// The relative error; infinite if infinities or NaNs are not in the same places.
fn error(found: &[f64], expected: &[f64]) -> f64 {
    let mut difference = 0.0;
    let mut size = 0.0;
    for (found, expected) in found.iter().zip(expected) {
        if !expected.is_finite() || !found.is_finite() {
            if found != expected && !(found.is_nan() && expected.is_nan()) {
                return f64::INFINITY;
            }
            continue;
        }
        difference += (found - expected).powi(2);
        size += expected.powi(2);
    }
    if difference == 0.0 { 0.0 } else { (difference / size).sqrt() }
}

impl Comparison {
    /// What is wrong, if the results are.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let error = self.error.filter(|e| *e > self.tolerance)?;
        let output = self.output.as_deref().unwrap_or_default();
        let message = format!(
            "the result is wrong: output `{output}` differs from the reference by {}, and {} is taken for rounding",
            percent(error),
            percent(self.tolerance)
        );
        let hint = "comparisons and rounding to integers may turn small differences into large ones; \
                    if the model has none, this is a bug of anemone: please report it, with the model";
        Some(Problem::new("wrong-result", message).hint(hint))
    }

    pub(crate) fn text(&self) -> String {
        match self.error {
            Some(0.0) => "equal to the reference".to_owned(),
            Some(error) => format!("differs from the reference by {} (RMS)", percent(error)),
            None if self.compared => "nothing to compare".to_owned(),
            None => "not compared with the reference, which would take too long".to_owned(),
        }
    }
}

fn percent(x: f64) -> String {
    if x.is_finite() { format!("{} %", table::value(x * 100.0)) } else { "an infinite or undefined number".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_whole() {
        assert_eq!(error(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert_eq!(error(&[0.0, 0.0], &[3.0, 4.0]), 1.0);
        assert_eq!(error(&[0.0], &[0.0]), 0.0);
        assert_eq!(error(&[1.0], &[0.0]), f64::INFINITY);
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(error(&[nan, inf, 1.0], &[nan, inf, 1.0]), 0.0);
        for (found, expected) in [(nan, 1.0), (1.0, nan), (inf, -inf), (inf, nan), (1.0, inf)] {
            assert_eq!(error(&[found], &[expected]), inf, "{found} {expected}");
        }
    }

    #[test]
    fn what_is_beyond_rounding_is_a_problem() {
        let comparison = |error| Comparison { compared: true, error, tolerance: 0.02, output: Some("y".to_owned()) };
        assert_eq!(comparison(Some(0.01)).problem(), None);
        assert_eq!(comparison(None).problem(), None);
        let message = comparison(Some(0.5)).problem().unwrap().message;
        assert!(message.contains("output `y` differs from the reference by 50 %, and 2 % is"), "{message}");
    }
}
