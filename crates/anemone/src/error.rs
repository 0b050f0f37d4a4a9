//! The error of this crate.

use anemone_ir::diagnostic::{Diagnostic, Location, Severity};
use std::fmt;

/// What went wrong, in a word a program can match on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The graph is not right; [`Error::diagnostics`] has every independent mistake.
    Graph,
    /// The graph is right, but breaks a limit that [`crate::CompileOptions::limits`] denies.
    Limit,
    /// A file cannot be read, or holds no model that can be used.
    Model,
    /// The back end that was asked for is not there.
    Unavailable,
    /// The compiler of the Neural Engine refused the program. (`Error::Compile` of the crate `ane`.)
    Compile,
    /// The compiled program could not be loaded. (`Error::Load`)
    Load,
    /// The Neural Engine failed to run the program. (`Error::Evaluate`)
    Evaluate,
    /// The back end refused or failed otherwise.
    Backend,
    /// The tensors given to a run are not those the program wants.
    Binding,
    /// A [`crate::TensorData`] is in use: a guard is alive, or one tensor is both read and written by a run.
    Locked,
    /// Data of another length than the shape says, or an index outside of it.
    Length,
    /// A shape that cannot be stored.
    Shape,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    diagnostics: Vec<Diagnostic>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Everything that can go wrong.
///
/// It is one word wide. `Display` and `Debug` both print the whole report: each mistake with its place, the shapes of the
/// operands and where those were made.
///
/// ```
/// use anemone::{ErrorKind, Graph, NSQualityOfService, Shape};
/// let mut g = Graph::new();
/// let a = g.placeholder(Shape::spatial(4, 1, 64));
/// let b = g.placeholder(Shape::spatial(3, 1, 64));
/// g.addition(a, b);
/// let error = g.compile(NSQualityOfService::Default).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Graph);
/// assert_eq!(error.diagnostics()[0].slug, "broadcast");
/// ```
pub struct Error(Box<Inner>);

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), diagnostics: Vec::new(), source: None }))
    }

    pub(crate) fn graph(mut diagnostics: Vec<Diagnostic>, limits: usize) -> Error {
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let kind = if limits == errors { ErrorKind::Limit } else { ErrorKind::Graph };
        diagnostics.sort_by_key(|d| place(&d.location));
        let plural = if errors == 1 { "" } else { "s" };
        let message = format!("the graph has {errors} error{plural}");
        Error(Box::new(Inner { kind, message, diagnostics, source: None }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    #[cfg(any(target_vendor = "apple", feature = "double"))]
    pub(crate) fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Error {
        self.0.diagnostics = diagnostics;
        self
    }

    /// The same, with something said before and after the message.
    pub(crate) fn in_context(mut self, before: &str, after: &str) -> Error {
        self.0.message = format!("{before}{}{after}", self.0.message);
        self
    }

    /// The message, and the first of the mistakes.
    pub(crate) fn in_a_line(&self) -> String {
        let Inner { message, diagnostics, .. } = &*self.0;
        match diagnostics.as_slice() {
            [] => message.clone(),
            [first] => format!("{message}: {first}"),
            [first, rest @ ..] => format!("{message}: {first}; and {} more", rest.len()),
        }
    }

    /// What went wrong, in a word.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Every mistake in the graph, and its warnings, in the order of the lines they are on. Empty for errors that are not
    /// about a graph.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }
}

/// File, line and column, for sorting.
fn place(location: &Location) -> (&'static str, u32, u32) {
    match location {
        Location::Rust(at) => (at.file(), at.line(), at.column()),
        Location::Unknown | Location::Text { .. } => ("", 0, 0),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        self.0.diagnostics.iter().try_for_each(|d| write!(f, "\n\n{}", Rendered(d)))
    }
}

impl fmt::Debug for Error {
    /// The same as `Display`, so that `unwrap` and a `main` that returns the error print a report people can read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

/// A diagnostic over several lines: position, operands with theirs, hint.
pub(crate) struct Rendered<'a>(pub(crate) &'a Diagnostic);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = self.0;
        write!(f, "{}[{}]", d.severity, d.slug)?;
        if let Some((mnemonic, name)) = &d.operation {
            write!(f, " in `{mnemonic}`")?;
            if name != mnemonic {
                write!(f, " ({name})")?;
            }
        }
        write!(f, ": {}", d.message)?;
        if d.location != Location::Unknown {
            write!(f, "\n  --> {}", d.location)?;
        }
        // What the call itself made, such as strides, is on the same line and says nothing new.
        for operand in d.operands.iter().filter(|o| o.location != d.location) {
            write!(f, "\n   = {} is {}, made at {}", operand.param, operand.ty, operand.location)?;
        }
        match &d.hint {
            Some(hint) => write!(f, "\n   = help: {hint}"),
            None => Ok(()),
        }
    }
}
