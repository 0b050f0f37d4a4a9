//! A text with its name: reading it, and showing what is wrong with it.

use crate::raise::raise;
use crate::syntax::{self, Dialect};
use crate::weights::Weights;
use anemone_ir::{Diagnostic, Draft, Location, Program, Severity};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text and its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
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
        Source { name: name.into(), text: text.into() }
    }

    /// A file's text.
    ///
    /// # Errors
    /// It cannot be read, or is no UTF-8.
    pub fn open(path: &Path) -> Result<Source, LoadError> {
        let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.into(), source })?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { name: path.display().to_string().into(), text: text.into() }),
            Err(e) => Err(LoadError::Utf8 { path: path.into(), at: e.utf8_error().valid_up_to() }),
        }
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

    fn error(&self, mut diagnostics: Vec<Diagnostic>) -> ParseError {
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
        let mut all = self.0.diagnostics.iter();
        all.try_for_each(|d| write!(f, "\n\n{}", self.0.source.render(d, false)))
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
    /// The text is wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Where a byte of a text stands.
struct Place<'a> {
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// The line, without its end.
    text: &'a str,
}

/// How wide a source line may be shown, in characters.
const WIDTH: usize = 110;

impl Source {
    fn place(&self, byte: usize) -> Place<'_> {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &self.text[..byte];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[start..];
        let text = rest.split('\n').next().unwrap_or(rest);
        Place { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1, text }
    }

    /// `name:line:column`, or what a location of another kind says.
    pub fn position(&self, location: &Location) -> String {
        match location {
            Location::Text { start, .. } => {
                let place = self.place(*start);
                format!("{}:{}:{}", self.name, place.line, place.column)
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

/// The part of a line around a place, and carets under `bytes` bytes from there.
fn excerpt(place: &Place<'_>, bytes: usize) -> (String, String) {
    let at = place.column - 1;
    let chars: Vec<char> = place.text.chars().collect();
    let len: usize = place
        .text
        .chars()
        .skip(at)
        .scan(0, |sum, c| {
            let before = *sum;
            *sum += c.len_utf8();
            Some(before)
        })
        .take_while(|before| *before < bytes)
        .count();
    let len = len.max(1);
    let from = if chars.len() <= WIDTH { 0 } else { at.saturating_sub(WIDTH / 3).min(chars.len() - WIDTH) };
    let to = chars.len().min(from + WIDTH);
    let mut line: String = if from > 0 { "…".into() } else { String::new() };
    let shift = line.chars().count();
    // A control character could do anything to a terminal.
    line.extend(chars[from..to].iter().map(|c| if c.is_control() { ' ' } else { *c }));
    if to < chars.len() {
        line.push('…');
    }
    let carets = " ".repeat(shift + at - from) + &"^".repeat(len.min(from + WIDTH - at).max(1));
    (line.trim_end().to_owned(), carets)
}
