//! How far apart outputs may be: a file of tolerances.

use super::measure::Measure;
use crate::failure::{Failure, Problem};
use crate::table;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What a file has for outputs that it does not name.
const ANY: &str = "*";
/// A file of tolerances has a few lines.
const MOST_BYTES: u64 = 1 << 20;

/// What is asked of an output. All that is given must hold.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tolerance {
    /// Of each element, `|a - b| <= abs + rel * |b|`.
    abs: Option<f64>,
    rel: Option<f64>,
    /// Of each element; at the most.
    ulp: Option<u64>,
    /// At least.
    cosine: Option<f64>,
    /// In dB, at least.
    snr: Option<f64>,
    /// The part of the rows whose largest element is at the same place, at least.
    top1: Option<f64>,
}

/// Tolerances by the names of outputs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tolerances(BTreeMap<String, Tolerance>);

impl Tolerances {
    /// Reads a file: JSON if it is called so, else TOML.
    ///
    /// # Errors
    /// It cannot be read, or is not as it should be.
    pub(crate) fn read(path: &Path) -> Result<Tolerances, Failure> {
        let io = |e| Problem::io("read", path, &e);
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > MOST_BYTES {
            return Err(Problem::new("tolerance", format!("{} is too large to be tolerances", path.display())).into());
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let read = if json {
            serde_json::from_str(&text).map_err(|e| e.to_string())
        } else {
            toml::from_str(&text).map_err(|e| e.to_string())
        };
        let tolerances = read.map(Tolerances).and_then(Tolerances::checked);
        tolerances.map_err(|e| {
            let problem = Problem::new("tolerance", format!("{}: {}", path.display(), e.trim_end()));
            problem
                .hint("a table for each output, and [\"*\"] for the others, of abs, rel, ulp, cosine, snr and top1")
                .into()
        })
    }

    fn checked(self) -> Result<Tolerances, String> {
        for (name, t) in &self.0 {
            let numbers = [("abs", t.abs), ("rel", t.rel), ("cosine", t.cosine), ("snr", t.snr), ("top1", t.top1)];
            if let Some((field, _)) = numbers.iter().find(|(_, x)| x.is_some_and(f64::is_nan)) {
                return Err(format!("`{field}` of `{name}` is no number"));
            }
            if *t == Tolerance::default() {
                return Err(format!("`{name}` asks for nothing"));
            }
        }
        Ok(self)
    }

    /// Names in the file that no output has.
    pub(crate) fn unknown<'a>(&'a self, outputs: &[&str]) -> Vec<&'a str> {
        self.0.keys().map(String::as_str).filter(|name| *name != ANY && !outputs.contains(name)).collect()
    }

    /// What is asked of an output.
    pub(crate) fn of(&self, output: &str) -> Option<&Tolerance> {
        self.0.get(output).or_else(|| self.0.get(ANY))
    }
}

impl Tolerance {
    /// What is not as it is asked for, in words.
    pub(crate) fn broken(&self, measure: &Measure, a: &[f64], b: &[f64]) -> Vec<String> {
        let mut out = Vec::new();
        if measure.is_equal() {
            return out;
        }
        if measure.not_finite > 0 {
            out.push(format!("{} not finite in one of the two only", table::plural(measure.not_finite, "element")));
        }
        if self.abs.is_some() || self.rel.is_some() {
            let (abs, rel) = (self.abs.unwrap_or(0.0), self.rel.unwrap_or(0.0));
            let pairs = a.iter().zip(b).filter(|(x, y)| x.is_finite() && y.is_finite());
            let over = pairs.filter(|(x, y)| (*x - *y).abs() > abs + rel * y.abs()).count();
            if over > 0 {
                let asked = match (self.abs, self.rel) {
                    (Some(abs), None) => format!("abs {abs}"),
                    (None, Some(rel)) => format!("rel {rel}"),
                    _ => format!("abs {abs} + rel {rel}"),
                };
                out.push(format!(
                    "{} of {} beyond {asked}",
                    table::grouped(over as u64),
                    table::plural(b.len(), "element")
                ));
            }
        }
        let least = |name: &str, found: Option<f64>, asked: Option<f64>| match (found, asked) {
            (Some(found), Some(asked)) if found < asked => {
                Some(format!("{name} {} below {asked}", table::value(found)))
            }
            _ => None,
        };
        if let Some(ulp) = self.ulp.filter(|ulp| measure.max_ulp > *ulp) {
            out.push(format!("{} ulp beyond {ulp}", table::grouped(measure.max_ulp)));
        }
        let top1 = measure.top1.map(|(equal, rows)| equal as f64 / rows as f64);
        // Of a vector of zeros there is no angle, and the other is not zero.
        let cosine = measure.cosine.or(Some(0.0));
        out.extend(least("cosine", cosine, self.cosine));
        out.extend(least("SNR", measure.snr, self.snr));
        out.extend(least("top-1", top1, self.top1));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anemone_ir::DType;

    fn broken(toml: &str, a: &[f64], b: &[f64]) -> Vec<String> {
        let tolerance: Tolerance = toml::from_str(toml).unwrap();
        tolerance.broken(&Measure::of(DType::Fp32, a, b, b.len()), a, b)
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let (a, b) = ([100.5, 2.0], [100.0, 2.0]);
        assert_eq!(broken("abs = 0.5", &a, &b), Vec::<String>::new());
        assert_eq!(broken("abs = 0.4", &a, &b), ["1 of 2 elements beyond abs 0.4"]);
        assert_eq!(broken("abs = 0.4\nrel = 0.001", &a, &b), Vec::<String>::new());
        assert_eq!(broken("rel = 0.001\nsnr = 60", &a, &b).len(), 2);
        assert_eq!(broken("top1 = 1.0\ncosine = 0.9", &a, &b), Vec::<String>::new());
        assert_eq!(broken("top1 = 1.0", &a, &[1.0, 2.0]), ["top-1 0 below 1"]);
        assert_eq!(broken("ulp = 1", &[1.0, 1.5], &[1.0, 1.0]), ["4,194,304 ulp beyond 1"]);
        assert_eq!(broken("cosine = 0.9", &[0.0], &[1.0]), ["cosine 0 below 0.9"]);
        assert_eq!(broken("abs = 9", &[f64::NAN], &[1.0]), ["1 element not finite in one of the two only"]);
        assert_eq!(broken("abs = 0", &[f64::NAN], &[f64::NAN]), Vec::<String>::new());
    }

    #[test]
    fn files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let read = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            Tolerances::read(&path).map_err(|f| f.problems[0].message.clone())
        };
        let toml = read("a.toml", "[\"*\"]\nsnr = 40\n[y]\nabs = 1e-3").unwrap();
        assert_eq!(toml, read("a.json", r#"{"*": {"snr": 40}, "y": {"abs": 1e-3}}"#).unwrap());
        assert_eq!((toml.of("y").unwrap().abs, toml.of("z").unwrap().snr), (Some(1e-3), Some(40.0)));
        assert_eq!(toml.unknown(&["z"]), ["y"]);
        for (name, text, expected) in [
            ("b.toml", "[y]\nsize = 1", "unknown field `size`"),
            ("b.toml", "[y]\nabs = nan", "`abs` of `y` is no number"),
            ("b.toml", "[y]", "`y` asks for nothing"),
            ("b.json", "[1]", "expected a map"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
