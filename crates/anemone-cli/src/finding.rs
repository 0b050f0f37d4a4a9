//! A diagnostic of a model's text, as `--json` gives it.

use anemone_ir::{Diagnostic, Location};
use serde::Serialize;

/// A diagnostic with places in lines and columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// `error` or `warning`.
    pub(crate) severity: String,
    /// A stable name for this kind of finding, such as `broadcast`.
    pub(crate) slug: String,
    pub(crate) message: String,
    /// The mnemonic, if it is about an operation.
    pub(crate) operation: Option<String>,
    /// The operation's name.
    pub(crate) name: Option<String>,
    /// From 1; absent if it is about no place in the text.
    pub(crate) line: Option<usize>,
    /// From 1, in characters.
    pub(crate) column: Option<usize>,
    pub(crate) operands: Vec<Operand>,
    pub(crate) hint: Option<String>,
}

/// An operand of the operation at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Operand {
    pub(crate) parameter: String,
    pub(crate) dtype: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
}

impl Finding {
    /// Diagnostics of a text.
    pub(crate) fn all<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, text: &str) -> Vec<Finding> {
        let places = Places::new(text);
        diagnostics.into_iter().map(|d| Finding::new(d, &places)).collect()
    }

    fn new(d: &Diagnostic, places: &Places<'_>) -> Finding {
        let (line, column) = places.of(d.location).unzip();
        let operand = |o: &anemone_ir::Operand| {
            let (line, column) = places.of(o.location).unzip();
            let (dtype, shape) = (o.ty.dtype.name(), o.ty.dims.to_vec());
            Operand { parameter: o.param.to_string(), dtype, shape, line, column }
        };
        let (operation, name) = d.operation.as_ref().map(|(o, n)| (o.to_string(), n.to_string())).unzip();
        Finding {
            severity: d.severity.to_string(),
            slug: d.slug.to_owned(),
            message: d.message.clone(),
            operation,
            name,
            line,
            column,
            operands: d.operands.iter().map(operand).collect(),
            hint: d.hint.clone(),
        }
    }
}

/// Bytes of a text between counts of its characters.
const BLOCK: usize = 256;

/// Lines and columns of a text. Looking one up does not walk through the text, which may have an error in each line.
struct Places<'a> {
    text: &'a str,
    /// The first byte of each line.
    lines: Vec<usize>,
    /// How many characters begin before each multiple of [`BLOCK`] bytes.
    characters: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Places<'a> {
        let after_breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        let mut characters = vec![0];
        let mut sum = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            sum += beginnings(block);
            characters.push(sum);
        }
        Places { text, lines: std::iter::once(0).chain(after_breaks).collect(), characters }
    }

    /// Line and column, from 1; the column in characters.
    fn of(&self, location: Location) -> Option<(usize, usize)> {
        let Location::Text { start, .. } = location else { return None };
        if !self.text.is_char_boundary(start) {
            return None;
        }
        let line = self.lines.partition_point(|first| *first <= start);
        let column = self.characters_before(start) - self.characters_before(self.lines[line - 1]) + 1;
        Some((line, column))
    }

    fn characters_before(&self, byte: usize) -> usize {
        let block = byte / BLOCK;
        self.characters[block] + beginnings(&self.text.as_bytes()[block * BLOCK..byte])
    }
}

/// How many characters begin in a part of UTF-8 text.
fn beginnings(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let text = "ab\ncéd\n".to_owned() + &"ü".repeat(1000) + "\nx";
        let places = Places::new(&text);
        // Once more, by walking through the text.
        for (start, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..start];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            assert_eq!(places.of(Location::Text { start, end: start }), Some((line, column)));
        }
        let at = |start| places.of(Location::Text { start, end: start });
        assert_eq!([at(0), at(3), at(6)], [Some((1, 1)), Some((2, 1)), Some((2, 3))]);
        assert_eq!((at(5), at(99_999), places.of(Location::Unknown)), (None, None, None));
        assert_eq!(Places::new("").of(Location::Text { start: 0, end: 0 }), Some((1, 1)));
    }
}
