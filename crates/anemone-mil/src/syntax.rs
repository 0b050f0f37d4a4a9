//! MIL text as a tree: the whole grammar, whether or not a program can be made of it.
//!
//! [`parse`] reads it, [`print()`] writes it. The tree keeps what a text says and not how it was laid out: comments and spaces
//! are gone, decimal numbers are printed in hexadecimal, and a scalar's type is spelled as the version of the text wants it.
//! So a text in canonical form is printed byte for byte as it was read, and any other text is brought to that form.
//! Order is kept everywhere. Nothing here names an operation.

mod build;
pub(crate) mod lexer;
pub(crate) mod number;
mod parser;
mod printer;

use crate::element::Element;
use anemone_ir::Location;
use std::sync::Arc;

pub use parser::{parse, parse_typed};
pub use printer::{print, print_typed};

/// How deep types, values and blocks may nest in each other.
pub const MAX_NESTING: usize = 64;

/// After as many errors in a text nothing more of it is read.
pub const MAX_ERRORS: usize = 50;

/// Where something stands in a text: bytes `start..end`. All spans are equal, so that trees compare by what they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl PartialEq for Span {
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

impl From<Span> for Location {
    fn from(span: Span) -> Location {
        Location::Text { start: span.start as usize, end: span.end as usize }
    }
}

/// The spelling of MIL text. It follows the specification version of a model, not the operation set of its functions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Dialect {
    /// `program(1.0)`: specifications 6 to 8, iOS 15 to 17. A scalar is `tensor<fp16, []>`.
    V1_0,
    /// `program(1.3)`: specification 9, iOS 18. A scalar is `fp16`.
    #[default]
    V1_3,
}

impl Dialect {
    /// Both.
    pub const ALL: [Dialect; 2] = [Dialect::V1_0, Dialect::V1_3];

    /// `1.0` or `1.3`.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::V1_0 => "1.0",
            Dialect::V1_3 => "1.3",
        }
    }

    /// The dialect with this name.
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The version in the head of a text.
    pub const fn version(self) -> Version {
        match self {
            Dialect::V1_0 => Version { major: 1, minor: 0 },
            Dialect::V1_3 => Version { major: 1, minor: 3 },
        }
    }
}

/// The version in the head of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// Before the point.
    pub major: u32,
    /// After the point; 0 if there is none.
    pub minor: u32,
}

impl Version {
    /// The dialect of exactly this version.
    pub fn dialect(self) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|d| d.version() == self)
    }

    /// How a text of this version spells scalars: as the newest known dialect that is not newer.
    pub fn spelling(self) -> Dialect {
        let at_least = (self.major, self.minor) >= (1, 3);
        if at_least { Dialect::V1_3 } else { Dialect::V1_0 }
    }
}

/// A whole text.
#[derive(Clone, PartialEq, Debug)]
pub struct Text {
    /// The version.
    pub version: Version,
    /// Where the version stands.
    pub span: Span,
    /// Attributes of the program, such as `buildInfo`.
    pub attributes: Vec<Attribute>,
    /// The functions.
    pub functions: Vec<Function>,
}

/// A name, where it is written.
#[derive(Clone, PartialEq, Debug)]
pub struct Ident {
    /// The name.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// `name = type(value)` in brackets.
#[derive(Clone, PartialEq, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Ident,
    /// The value.
    pub value: Typed,
}

/// A function.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// The name.
    pub name: Ident,
    /// The operation set.
    pub opset: Ident,
    /// The parameters.
    pub params: Vec<Param>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// What it does.
    pub body: Body,
}

/// A type and the name that has it: a parameter, or a result.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// The type.
    pub ty: Type,
    /// Where the type stands.
    pub ty_span: Span,
    /// The name.
    pub name: Ident,
}

/// Operations and what they give back.
#[derive(Clone, PartialEq, Debug)]
pub struct Body {
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// The outputs, in order.
    pub outputs: Vec<Ident>,
}

/// One operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// The results.
    pub results: Vec<Param>,
    /// The operation's mnemonic.
    pub mnemonic: Ident,
    /// The arguments.
    pub args: Vec<Argument>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// Blocks of operations, for control flow.
    pub blocks: Vec<Block>,
}

/// A block of operations inside an operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    /// The parameters.
    pub params: Vec<Param>,
    /// What it does.
    pub body: Body,
}

/// `name = value` in parentheses.
#[derive(Clone, PartialEq, Debug)]
pub struct Argument {
    /// The name.
    pub name: Ident,
    /// The value.
    pub value: ArgValue,
}

/// What is given for an argument.
#[derive(Clone, PartialEq, Debug)]
pub enum ArgValue {
    /// A value of the function.
    Name(Ident),
    /// A constant written in place.
    Typed(Typed),
    /// Several of them.
    Tuple(Vec<ArgValue>, Span),
}

/// `type(value)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Typed {
    /// The type.
    pub ty: Type,
    /// The value.
    pub value: Value,
    /// Where both stand.
    pub span: Span,
}

/// A type.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    /// A tensor; a scalar has no dimensions.
    Tensor(Element, Vec<Dim>),
    /// A list and its length.
    List(Box<Type>, Dim),
    /// A tuple.
    Tuple(Vec<Type>),
    /// A dictionary: types of keys and values.
    Dict(Box<Type>, Box<Type>),
    /// A state that holds a value between runs.
    State(Box<Type>),
}

impl Type {
    /// A scalar.
    pub fn scalar(element: Element) -> Type {
        Type::Tensor(element, Vec::new())
    }
}

/// A dimension of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dim {
    /// Known.
    Known(u64),
    /// `?`: known at run time.
    Unknown,
    /// `*?`: any number of dimensions.
    Variadic,
}

/// A value without its type, where it is written.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Value`] is.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueKind {
    /// A whole number.
    Int(Int),
    /// A number with a fraction, an infinity or not a number; what the text says, rounded to the nearest double.
    Float(Float),
    /// A truth value.
    Bool(bool),
    /// A string.
    Str(Box<str>),
    /// `[…]`: a row of a tensor, or a list.
    List(Box<[Value]>),
    /// `(…)`.
    Tuple(Box<[Value]>),
    /// `{{key, value}, …}`.
    Dict(Box<[(Value, Value)]>),
    /// Data in a file.
    Blob(Box<Blob>),
}

/// A whole number from `-2^64` to `2^64`, both excluded. There is a negative zero, as in `fp16(-0)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Int {
    /// Whether a `-` stands before it.
    pub negative: bool,
    /// Without the sign.
    pub magnitude: u64,
}

impl From<i64> for Int {
    fn from(n: i64) -> Int {
        Int { negative: n < 0, magnitude: n.unsigned_abs() }
    }
}

/// A number that compares by its bits, except that one NaN is as good as another, since text has only one.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.0.to_bits() == other.0.to_bits() || (self.0.is_nan() && other.0.is_nan())
    }
}

/// `BLOBFILE(path = …, offset = …)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Blob {
    /// The fields in their order; a reader wants `path` and `offset`.
    pub fields: Vec<Attribute>,
}
