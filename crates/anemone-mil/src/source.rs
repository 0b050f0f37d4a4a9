//! A text with its name: reading it, and showing what is wrong with it.

use crate::raise::raise;
use crate::syntax::{self, Dialect};
use crate::weights::Weights;
use anemone_ir::{Diagnostic, Draft, Location, Program, Severity};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A text and its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    /// Where each line begins; found when the first place is wanted.
    lines: OnceLock<Arc<[usize]>>,
}

/// What [`Source::parse`] makes of a text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The program. Its warnings can be shown with [`Source::render`].
    pub program: Program,
    /// The dialect that the text is written in.
    pub dialect: Dialect,
}

impl Source {
    /// A text. The name is for messages.
    pub fn new(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into(), lines: OnceLock::new() }
    }

    /// A file's text.
    ///
    /// # Errors
    /// It cannot be read, or is no UTF-8.
    pub fn open(path: &Path) -> Result<Source, LoadError> {
        let mut bytes = Vec::new();
        // No more than a parser can take, should it be a device without end.
        let read = File::open(path).and_then(|f| f.take(1 << 32).read_to_end(&mut bytes));
        read.map_err(|source| LoadError::Io { path: path.into(), source })?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(&path.display().to_string(), &text)),
            Err(e) => Err(LoadError::Utf8 { path: path.into(), at: e.utf8_error().valid_up_to() }),
        }
    }

    /// The same text under another name.
    pub(crate) fn named(self, name: &str) -> Source {
        Source { name: name.into(), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The draft that the text says, unchecked, and the text's dialect.
    ///
    /// # Errors
    /// What is wrong with its grammar.
    pub fn draft(&self, weights: &dyn Weights) -> Result<(Draft, Dialect), ParseError> {
        let tree = syntax::parse(&self.text).map_err(|diagnostics| self.error(diagnostics))?;
        Ok((raise(&tree, weights), tree.version.spelling()))
    }

    /// The program that the text says.
    ///
    /// # Errors
    /// As [`crate::parse`].
    pub fn parse(&self, weights: &dyn Weights) -> Result<Parsed, ParseError> {
        let (draft, dialect) = self.draft(weights)?;
        let program = anemone_ir::check(draft).map_err(|d| self.error(d.0))?;
        Ok(Parsed { program, dialect })
    }

    /// An error of these findings about the text, in its order.
    pub fn error(&self, mut diagnostics: Vec<Diagnostic>) -> ParseError {
        diagnostics.sort_by_key(|d| match d.location {
            Location::Text { start, .. } => start,
            Location::Unknown | Location::Rust(_) => 0,
        });
        ParseError(Box::new(Inner { source: self.clone(), diagnostics }))
    }
}

struct Inner {
    source: Source,
    diagnostics: Vec<Diagnostic>,
}

/// How many findings an error prints.
const SHOWN: usize = 100;

/// Everything that is wrong with a text. It prints as a report: each finding with its line, and carets under its place.
pub struct ParseError(Box<Inner>);

impl ParseError {
    /// The findings, in the order of the text: errors, and perhaps warnings.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The text that they are about.
    pub fn source(&self) -> &Source {
        &self.0.source
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let plural = if errors == 1 { "" } else { "s" };
        write!(f, "{} has {errors} error{plural}", self.0.source.name)?;
        let shown = self.0.diagnostics.iter().take(SHOWN);
        shown.into_iter().try_for_each(|d| write!(f, "\n\n{}", self.0.source.render(d, false)))?;
        match self.0.diagnostics.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl fmt::Debug for ParseError {
    /// The same as `Display`, so that `unwrap` prints a report people can read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ParseError {}

/// Why a file could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no text.
    #[error("{} is no UTF-8 text: what stands at byte {at} is not", path.display())]
    Utf8 {
        /// Which file.
        path: PathBuf,
        /// The first byte that is not UTF-8.
        at: usize,
    },
    /// It is no model that can be used.
    #[error("{}: {message}{}", path.display(), hint.as_ref().map(|h| format!("\n   = help: {h}")).unwrap_or_default())]
    Model {
        /// Which file, or folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The text is wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Where a byte of a text stands.
struct Place<'a> {
    /// From 1.
    line: usize,
    /// The line up to the place.
    before: &'a str,
    /// The line from the place, without its end.
    after: &'a str,
}

/// How wide a source line may be shown, in characters.
const WIDTH: usize = 110;

impl Source {
    fn place(&self, byte: usize) -> Place<'_> {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let begins = || std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let lines = self.lines.get_or_init(begins);
        let line = lines.partition_point(|begin| *begin <= byte);
        let begin = lines[line - 1];
        let end = lines.get(line).map_or(self.text.len(), |next| next - 1);
        Place { line, before: &self.text[begin..byte], after: &self.text[byte..end.max(byte)] }
    }

    /// `name:line:column`, or what a location of another kind says.
    pub fn position(&self, location: &Location) -> String {
        match location {
            Location::Text { start, .. } => {
                let place = self.place(*start);
                format!("{}:{}:{}", self.name, place.line, place.before.chars().count() + 1)
            }
            other => other.to_string(),
        }
    }

    /// A diagnostic over several lines: its place, the line with carets, operands with their places, the hint. It is coloured
    /// for a terminal if asked. It ends without a line break.
    pub fn render(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let d = diagnostic;
        let paint = |code: &str, s: &str| if colour { format!("\x1b[{code}m{s}\x1b[0m") } else { s.to_owned() };
        let (main, dim) = (if d.severity == Severity::Error { "1;31" } else { "1;33" }, "1;34");
        let mut out = paint(main, &format!("{}[{}]", d.severity, d.slug));
        if let Some((mnemonic, name)) = &d.operation {
            out += &format!(" in `{mnemonic}`");
            if name != mnemonic {
                out += &format!(" ({name})");
            }
        }
        out += &format!(": {}", d.message);
        if d.location != Location::Unknown {
            out += &format!("\n  {} {}", paint(dim, "-->"), self.position(&d.location));
        }
        if let Location::Text { start, end } = d.location {
            let place = self.place(start);
            let number = place.line.to_string();
            let bar = paint(dim, &format!(" {:1$} |", "", number.len()));
            let (shown, carets) = excerpt(&place, end - start);
            out += &format!("\n{bar}\n{} {shown}", paint(dim, &format!(" {number} |")));
            out += &format!("\n{bar} {}", paint(main, &carets));
        }
        // What stands in the operation itself says nothing new.
        for operand in d.operands.iter().filter(|o| o.location != d.location) {
            let at = self.position(&operand.location);
            out += &format!("\n   {} {} is {}, made at {at}", paint(dim, "="), operand.param, operand.ty);
        }
        if let Some(hint) = &d.hint {
            out += &format!("\n   {} help: {hint}", paint(dim, "="));
        }
        out
    }
}

/// The part of a line around a place, and carets under as much of `bytes` bytes from there as is shown. Lines of model files
/// may be megabytes long.
fn excerpt(place: &Place<'_>, bytes: usize) -> (String, String) {
    let before = place.before.chars().rev().take(WIDTH + 1).count();
    let after = place.after.chars().take(WIDTH + 1).count();
    // The whole line if it fits, or else a third of the width before the place, more if less follows.
    let lead = if before + after <= WIDTH { before } else { before.min((WIDTH / 3).max(WIDTH.saturating_sub(after))) };
    let tail = after.min(WIDTH - lead);
    // A control character could do anything to a terminal.
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let head: String = place.before.chars().skip(place.before.chars().count() - lead).map(plain).collect();
    let rest: String = place.after.chars().take(tail).map(plain).collect();
    let (cut, open) = (if lead < before { "…" } else { "" }, if tail < after { "…" } else { "" });
    let marked = place.after.char_indices().take(tail).take_while(|(at, _)| *at < bytes).count().max(1);
    let indent = lead + usize::from(lead < before);
    (format!("{cut}{head}{rest}{open}").trim_end().to_owned(), " ".repeat(indent) + &"^".repeat(marked))
}
