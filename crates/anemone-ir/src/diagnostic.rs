//! What is wrong with a program, where, and how to mend it.

use crate::types::TensorType;
use std::fmt;
use std::panic;
use std::sync::Arc;

/// Where something was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Location {
    /// Made by the library itself.
    #[default]
    Unknown,
    /// A line of Rust that called a builder.
    Rust(&'static panic::Location<'static>),
    /// Bytes `start..end` of a text.
    Text {
        /// First byte.
        start: usize,
        /// One past the last byte.
        end: usize,
    },
}

impl Location {
    /// The caller's line.
    #[track_caller]
    pub fn caller() -> Location {
        Location::Rust(panic::Location::caller())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Unknown => f.write_str("(unknown)"),
            Location::Rust(at) => write!(f, "{at}"),
            Location::Text { start, .. } => write!(f, "byte {start}"),
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The program is right, but something about it is worth knowing.
    Warning,
    /// The program is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// An operand of the operation at fault.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    /// The parameter it was given for.
    pub param: Arc<str>,
    /// Its type.
    pub ty: TensorType,
    /// Where it was made.
    pub location: Location,
}

/// One finding.
///
/// `Display` gives one line; front ends that have the source render it with the line and a caret.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable name for this kind of finding, such as `broadcast`.
    pub slug: &'static str,
    /// What is wrong, with the numbers.
    pub message: String,
    /// The operation's mnemonic and name, if it is about one.
    pub operation: Option<(Arc<str>, Arc<str>)>,
    /// Where.
    pub location: Location,
    /// The operation's tensors, with the places where they were made.
    pub operands: Vec<Operand>,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(slug: &'static str, message: impl Into<String>, location: Location) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            slug,
            message: message.into(),
            operation: None,
            location,
            operands: Vec::new(),
            hint: None,
        }
    }

    /// A warning at a place.
    pub fn warning(slug: &'static str, message: impl Into<String>, location: Location) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(slug, message, location) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity, self.slug)?;
        if let Some((mnemonic, name)) = &self.operation {
            write!(f, " in `{mnemonic}`")?;
            if name != mnemonic {
                write!(f, " ({name})")?;
            }
        }
        write!(f, ": {}", self.message)?;
        if self.location != Location::Unknown {
            write!(f, " at {}", self.location)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Why one operation cannot be as it was written: the part of a [`Diagnostic`] that the operation's own rule knows.
#[derive(Clone, PartialEq, Debug)]
pub struct OpError {
    /// See [`Diagnostic::slug`].
    pub slug: &'static str,
    /// See [`Diagnostic::message`].
    pub message: String,
    /// See [`Diagnostic::hint`].
    pub hint: Option<String>,
}

impl OpError {
    /// An error without a hint.
    pub fn new(slug: &'static str, message: impl Into<String>) -> OpError {
        OpError { slug, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> OpError {
        self.hint = Some(hint.into());
        self
    }
}

impl From<crate::types::DimsError> for OpError {
    fn from(e: crate::types::DimsError) -> OpError {
        OpError::new("dims", e.to_string())
    }
}

/// Returns an [`OpError`] from the function: `fail!("slug", "format {}", args)`.
macro_rules! fail {
    ($slug:literal, $($format:tt)*) => {
        return Err($crate::diagnostic::OpError::new($slug, format!($($format)*)))
    };
}

/// [`fail!`] unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $slug:literal, $($format:tt)*) => {
        if !$condition {
            $crate::diagnostic::fail!($slug, $($format)*);
        }
    };
}

pub(crate) use {ensure, fail};
