//! The values of run lines: numbers, nested lists of them, and generators.
//!
//! | written | means |
//! |---|---|
//! | `[1, -0x1.8p-3, inf, nan, true]` | the elements, row-major; nested as the shape is (axes of 1 aside), or flat |
//! | `0.5` | every element |
//! | `iota`, `iota(start, step)` | 0, 1, 2, …, or start, start + step, … |
//! | `ramp(a, b)` | from a to b in equal steps |
//! | `random(seed)` | floats from -1 to 1, integers from -8 to 8, or truth values; the same for a seed, always |
//! | `?` | for an output: no numbers are expected |
//!
//! An expected `0` may be of either sign, `+0` and `-0` may not.

use crate::compare::Wanted;
use crate::numbers::Random;
use anemone_ir::{DType, TensorType};

/// What is written for one input or output.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// `?`.
    Unchecked,
    /// One number for all elements.
    Fill(Wanted),
    /// All elements, and the dimensions by the nesting of their brackets.
    List {
        /// Row-major.
        elements: Vec<Wanted>,
        /// One number if the list is flat.
        dims: Vec<usize>,
    },
    /// `iota(start, step)`.
    Iota {
        /// The first element.
        start: f64,
        /// From one to the next.
        step: f64,
    },
    /// `ramp(a, b)`.
    Ramp {
        /// The first element.
        from: f64,
        /// The last element.
        to: f64,
    },
    /// `random(seed)`.
    Random {
        /// The seed.
        seed: u64,
    },
}

/// Lists deeper than a tensor can be.
const DEEPEST: usize = 8;

impl Values {
    /// The elements of a tensor; `None` for [`Values::Unchecked`].
    ///
    /// # Errors
    /// Another number of elements or other dimensions than the tensor's, or a number that its type does not have.
    pub fn elements(&self, ty: &TensorType) -> Result<Option<Vec<Wanted>>, String> {
        let n = ty.dims.elements();
        let plain = |value: f64| Wanted { value, signed_zero: false };
        let elements = match self {
            Values::Unchecked => return Ok(None),
            Values::Fill(number) => vec![*number; n],
            Values::List { elements, dims } => {
                if elements.len() != n {
                    return Err(format!("{} numbers are given, {ty} has {n}", elements.len()));
                }
                let long = |dims: &[usize]| dims.iter().copied().filter(|d| *d != 1).collect::<Vec<_>>();
                if dims.len() > 1 && long(dims) != long(&ty.dims) {
                    return Err(format!("the brackets make {dims:?}, wanted is {ty} (or a flat list)"));
                }
                elements.clone()
            }
            Values::Iota { start, step } => (0..n).map(|i| plain(start + i as f64 * step)).collect(),
            Values::Ramp { from, to } => {
                let last = n.saturating_sub(1).max(1) as f64;
                (0..n).map(|i| plain(from + (to - from) * i as f64 / last)).collect()
            }
            Values::Random { seed } => Random::new(*seed).elements(ty).into_iter().map(plain).collect(),
        };
        match elements.iter().find(|w| !holds(ty.dtype, w.value)) {
            Some(bad) => Err(format!("{} is no {}", bad.value, ty.dtype)),
            None => Ok(Some(elements)),
        }
    }
}

fn holds(dtype: DType, x: f64) -> bool {
    match dtype.int_range() {
        Some((low, high)) => x.trunc() == x && (low as f64..=high as f64).contains(&x),
        None => dtype.is_float() || x == 0.0 || x == 1.0,
    }
}

/// A reader of the text of directives.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// A reader of `text` from its beginning.
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader { rest: text.trim_start() }
    }

    /// Whether everything has been read.
    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `token` if it comes next.
    pub fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest).trim_start();
        rest.is_some()
    }

    /// Takes `token`.
    ///
    /// # Errors
    /// It does not come next.
    pub fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("`{token}` is wanted before `{}`", self.ahead())) }
    }

    fn ahead(&self) -> String {
        self.rest.chars().take(20).collect()
    }

    /// Takes a run of characters of words and numbers; empty if there is none.
    fn run(&mut self) -> &'a str {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '.' | '+' | '-');
        let mut end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        // An arrow is no part of a number.
        end = self.rest[..end].find("->").unwrap_or(end);
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        run
    }

    /// Takes a name.
    ///
    /// # Errors
    /// There is none.
    pub fn name(&mut self) -> Result<&'a str, String> {
        let ahead = self.ahead();
        match self.run() {
            "" => Err(format!("a name is wanted before `{ahead}`")),
            name => Ok(name),
        }
    }

    /// Takes a number.
    ///
    /// # Errors
    /// There is none.
    pub fn number(&mut self) -> Result<Wanted, String> {
        let ahead = self.ahead();
        let run = self.run();
        let value = parse_number(run).ok_or_else(|| format!("a number is wanted at `{ahead}`"))?;
        Ok(Wanted { value, signed_zero: value == 0.0 && run.starts_with(['-', '+']) })
    }

    /// Takes the values of an input or output.
    ///
    /// # Errors
    /// They are not written as the module says.
    pub fn values(&mut self) -> Result<Values, String> {
        if self.take("?") {
            return Ok(Values::Unchecked);
        }
        if self.rest.starts_with('[') {
            let (mut elements, mut dims) = (Vec::new(), Vec::new());
            self.list(&mut elements, &mut dims, 0)?;
            return Ok(Values::List { elements, dims });
        }
        let before = self.clone();
        match self.run() {
            "iota" => match self.pair()? {
                Some((start, step)) => Ok(Values::Iota { start, step }),
                None => Ok(Values::Iota { start: 0.0, step: 1.0 }),
            },
            "ramp" => match self.pair()? {
                Some((from, to)) => Ok(Values::Ramp { from, to }),
                None => Err("ramp wants two numbers: ramp(a, b)".to_owned()),
            },
            "random" => {
                self.expect("(")?;
                let seed = self.number()?.value;
                self.expect(")")?;
                Ok(Values::Random { seed: seed as u64 })
            }
            _ => {
                *self = before;
                self.number().map(Values::Fill)
            }
        }
    }

    fn pair(&mut self) -> Result<Option<(f64, f64)>, String> {
        if !self.take("(") {
            return Ok(None);
        }
        let first = self.number()?.value;
        self.expect(",")?;
        let second = self.number()?.value;
        self.expect(")")?;
        Ok(Some((first, second)))
    }

    fn list(&mut self, elements: &mut Vec<Wanted>, dims: &mut Vec<usize>, depth: usize) -> Result<(), String> {
        if depth == DEEPEST {
            return Err(format!("lists are nested more than {DEEPEST} deep"));
        }
        self.expect("[")?;
        let mut count = 0;
        while !self.take("]") {
            if count > 0 {
                self.expect(",")?;
            }
            if self.rest.starts_with('[') {
                self.list(elements, dims, depth + 1)?;
            } else {
                elements.push(self.number()?);
                if dims.len() > depth + 1 {
                    return Err("numbers and lists do not stand side by side".to_owned());
                }
            }
            count += 1;
        }
        if dims.len() <= depth {
            dims.resize(depth + 1, usize::MAX);
        }
        match dims[depth] {
            usize::MAX => dims[depth] = count,
            n if n == count => {}
            n => return Err(format!("one list has {n} items, another beside it {count}")),
        }
        Ok(())
    }
}

/// A number as MIL text or Rust writes it.
fn parse_number(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let magnitude = match digits {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        "true" => 1.0,
        "false" => 0.0,
        _ => match digits.strip_prefix("0x") {
            Some(hex) => parse_hex(hex)?,
            None if digits.starts_with(|c: char| c.is_ascii_digit()) => digits.parse().ok()?,
            None => return None,
        },
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `1.8p-3`: what follows `0x`.
fn parse_hex(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    let mantissa = u64::from_str_radix(&digits, 16).ok()? as f64;
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 2000)?;
    Some(mantissa * 2f64.powi(exponent - 4 * fraction.len() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anemone_ir::Dims;

    fn elements(text: &str, dtype: DType, dims: &[usize]) -> Result<Vec<f64>, String> {
        let mut reader = Reader::new(text);
        let values = reader.values()?;
        assert!(reader.at_end(), "{reader:?}");
        let ty = TensorType::new(dtype, Dims::new(dims).unwrap());
        Ok(values.elements(&ty)?.unwrap().into_iter().map(|w| w.value).collect())
    }

    #[test]
    fn lists_are_flat_or_nested_as_the_shape() {
        let f = |text| elements(text, DType::Fp16, &[2, 2]);
        assert_eq!(f("[[1, 2], [3, 4]]"), Ok(vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(f("[1, 2, 3, 4]"), Ok(vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(f("2"), Ok(vec![2.0; 4]));
        assert!(f("[[1], [2], [3], [4]]").is_err());
        assert!(f("[[1, 2], [3]]").is_err());
        assert!(f("[[1, 2], 3, 4]").is_err());
        assert!(f("[1, [2, 3], 4]").is_err());
        assert!(f("[1, 2, 3]").is_err());
        assert!(f("[1, 2, 3, 4").is_err());
        assert!(f(&"[".repeat(1000)).is_err());
        assert_eq!(elements("[5]", DType::Fp16, &[]), Ok(vec![5.0]));
        assert_eq!(elements("[[1, 2], [3, 4]]", DType::Fp16, &[1, 2, 1, 2]), Ok(vec![1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn numbers_are_written_as_in_mil() {
        let f = |text| elements(text, DType::Fp32, &[1]).map(|v| v[0]);
        assert_eq!(f("0x1.8p-1"), Ok(0.75));
        assert_eq!(f("-0x1p+2"), Ok(-4.0));
        assert_eq!(f("0x1.5p-17"), Ok(1.3125 * 2f64.powi(-17)));
        assert_eq!(f("-inf"), Ok(f64::NEG_INFINITY));
        assert_eq!(f("1e-3"), Ok(1e-3));
        assert!(f("nan").unwrap().is_nan());
        for bad in ["", "0x", "1..2", "e", "--1", "infinity", "0xg", "0x1p", "0x1p99999"] {
            assert!(f(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_must_be_of_the_type() {
        assert!(elements("[300]", DType::Int8, &[1]).is_err());
        assert!(elements("[1.5]", DType::Int32, &[1]).is_err());
        assert!(elements("[2]", DType::Bool, &[1]).is_err());
        assert_eq!(elements("[true, false]", DType::Bool, &[2]), Ok(vec![1.0, 0.0]));
    }

    #[test]
    fn generators_fill_any_shape() {
        assert_eq!(elements("iota", DType::Int32, &[2, 2]), Ok(vec![0.0, 1.0, 2.0, 3.0]));
        assert_eq!(elements("iota(3, -1.5)", DType::Fp16, &[3]), Ok(vec![3.0, 1.5, 0.0]));
        assert_eq!(elements("ramp(-1, 1)", DType::Fp16, &[5]), Ok(vec![-1.0, -0.5, 0.0, 0.5, 1.0]));
        assert_eq!(elements("ramp(2, 3)", DType::Fp16, &[]), Ok(vec![2.0]));
        assert_eq!(elements("random(7)", DType::Fp16, &[9]), elements("random(7)", DType::Fp16, &[9]));
        assert_ne!(elements("random(7)", DType::Fp16, &[9]), elements("random(8)", DType::Fp16, &[9]));
    }

    #[test]
    fn the_sign_of_a_zero_counts_if_written() {
        let signed = |text| Reader::new(text).number().unwrap().signed_zero;
        assert!(signed("-0") && signed("+0") && signed("-0.0"));
        assert!(!signed("0") && !signed("-1"));
    }
}
