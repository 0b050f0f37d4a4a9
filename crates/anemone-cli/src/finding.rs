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
    pub(crate) fn new(d: &Diagnostic, text: &str) -> Finding {
        let (line, column) = place(d.location, text).unzip();
        let operand = |o: &anemone_ir::Operand| {
            let (line, column) = place(o.location, text).unzip();
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

/// Line and column, from 1.
fn place(location: Location, text: &str) -> Option<(usize, usize)> {
    let Location::Text { start, .. } = location else { return None };
    let before = text.get(..start)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    Some((line, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let text = "ab\ncéd\n";
        let at = |start| place(Location::Text { start, end: start }, text);
        assert_eq!(
            [at(0), at(1), at(3), at(6), at(8)],
            [Some((1, 1)), Some((1, 2)), Some((2, 1)), Some((2, 3)), Some((3, 1))]
        );
        assert_eq!((at(99), place(Location::Unknown, text)), (None, None));
    }
}
