//! The header of a `.npy` file: a dictionary, written as Python writes it.

use super::Error;
use crate::elements::numpy;
use anemone_ir::DType;
use std::fmt;

/// What a type may begin with: the order of bytes, or that there is none.
const ORDERS: [char; 4] = ['<', '>', '=', '|'];

/// What kind of number an element is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    Complex,
    /// Python objects, strings, dates, records and whatever else there is.
    Other,
}

/// The order of an element's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Little,
    Big,
}

/// What a file says of its array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// The type as it is written, such as `<f2`.
    pub(crate) descr: String,
    pub(crate) kind: Kind,
    /// Bytes an element takes.
    pub(crate) size: u64,
    pub(crate) order: Order,
    /// Whether the first index varies fastest.
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<u64>,
}

impl Header {
    /// Reads the dictionary.
    pub(crate) fn parse(text: &str) -> Result<Header, Error> {
        let mut p = Parser { rest: text };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        p.expect('{')?;
        while !p.eat('}') {
            let key = p.string()?;
            p.expect(':')?;
            match key.as_str() {
                "descr" if p.peek() == Some('[') => {
                    return Err(
                        Error::new("holds records of several fields").hint("save the fields as arrays of their own")
                    );
                }
                "descr" => descr = Some(p.string()?),
                "fortran_order" => fortran = Some(p.truth()?),
                "shape" => shape = Some(p.shape()?),
                other => return Err(p.error(format!("has the unknown key `{other}`"))),
            }
            if !p.eat(',') {
                p.expect('}')?;
                break;
            }
        }
        if p.peek().is_some() {
            return Err(p.error("goes on after its dictionary"));
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) => Ok(Header::new(descr, fortran, shape)),
            _ => Err(p.error("wants the keys `descr`, `fortran_order` and `shape`")),
        }
    }

    fn new(descr: String, fortran: bool, shape: Vec<u64>) -> Header {
        let order = match descr.chars().next() {
            Some('>') => Order::Big,
            Some('=') if cfg!(target_endian = "big") => Order::Big,
            _ => Order::Little,
        };
        let code = descr.trim_start_matches(ORDERS);
        let kind = match code.chars().next() {
            Some('b') => Kind::Bool,
            Some('i') => Kind::Int,
            Some('u') => Kind::UInt,
            Some('f') => Kind::Float,
            Some('c') => Kind::Complex,
            _ => Kind::Other,
        };
        let size = code.get(1..).and_then(|n| n.parse().ok());
        let (kind, size) = size.map_or((Kind::Other, 0), |size| (kind, size));
        Header { descr, kind, size, order, fortran, shape }
    }

    /// The type of the elements, if it is one that runs take; byte order aside.
    pub(crate) fn dtype(&self) -> Option<DType> {
        let code = self.descr.trim_start_matches(ORDERS);
        DType::ALL.into_iter().find(|d| numpy(*d).is_some_and(|(own, _)| own.trim_start_matches(ORDERS) == code))
    }

    /// How many elements there are.
    pub(crate) fn elements(&self) -> Result<u64, Error> {
        let product = self.shape.iter().try_fold(1u64, |product, d| product.checked_mul(*d));
        product.ok_or_else(|| Error::new(format!("says that its shape is {:?}, which fits no memory", self.shape)))
    }

    /// NumPy's name of the type, such as `float64`; the code where there is no short one.
    pub(crate) fn type_name(&self) -> String {
        let name = match self.kind {
            Kind::Bool if self.size == 1 => return "bool".to_owned(),
            Kind::Int => "int",
            Kind::UInt => "uint",
            Kind::Float => "float",
            Kind::Complex => "complex",
            Kind::Bool | Kind::Other => return format!("`{}`", self.descr),
        };
        format!("{name}{}", self.size.saturating_mul(8))
    }

    /// The error for a type that no input has.
    pub(crate) fn refused(&self) -> Error {
        match self.descr.trim_start_matches(ORDERS).chars().next() {
            Some('O') => {
                let hint = "NumPy made them of lists of different lengths, perhaps; give the array a dtype";
                Error::new("holds Python objects, which are not read").hint(hint)
            }
            _ => Error::new(format!("holds elements of type {}, which no input takes", self.type_name())),
        }
    }

    /// The dictionary of an array that this program writes.
    pub(super) fn text(dtype: DType, dims: &[usize]) -> String {
        let (descr, _) = numpy(dtype).expect("Elements has types that NumPy has");
        let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
        let comma = if dims.len() == 1 { "," } else { "" };
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", dims.join(", "))
    }
}

/// Type and shape, as `float32[1, 3]`.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.type_name(), self.shape)
    }
}

/// Reads the few Python literals that a header is made of. Blanks between words do not matter.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn error(&self, what: impl fmt::Display) -> Error {
        Error::new(format!("has a header that cannot be read: it {what}"))
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', '\0']);
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        there
    }

    fn expect(&mut self, wanted: char) -> Result<(), Error> {
        if self.eat(wanted) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(found) => self.error(format!("has {found:?} where {wanted:?} belongs")),
            None => self.error(format!("ends where {wanted:?} belongs")),
        })
    }

    fn string(&mut self) -> Result<String, Error> {
        let quote = if self.peek() == Some('"') { '"' } else { '\'' };
        self.expect(quote)?;
        let Some((string, rest)) = self.rest.split_once(quote) else {
            return Err(self.error("ends within a string"));
        };
        self.rest = rest;
        Ok(string.to_owned())
    }

    fn truth(&mut self) -> Result<bool, Error> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.error("has something else than True or False for `fortran_order`"))
    }

    fn shape(&mut self) -> Result<Vec<u64>, Error> {
        self.expect('(')?;
        let mut shape = Vec::new();
        while !self.eat(')') {
            self.peek();
            let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = self.rest.split_at(digits);
            let dim = number.parse().map_err(|_| self.error("has something else than numbers in its shape"))?;
            shape.push(dim);
            // Python 2 wrote long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}
