//! What is known of the operations on the Neural Engine, as data: each row says what is claimed, by whom, for which
//! generations, how sure it is, and what is done about it.
//!
//! An error needs two sources that agree; what one source refuses is a warning. A form that some refuse and others run is
//! replaced by one that all run, where there is one.

mod program;
mod rows;

use super::emitter::Emitter;
use super::generation::Generation;
use crate::builder::Var;
use crate::limits::Confidence;
use crate::literal::Literal;
use crate::program::{Arg, Function, Node, ValueId};
use crate::types::TensorType;

/// What is done about a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The operation stays as it is.
    Keep,
    /// It is done in every program, and cannot be switched off.
    Always,
    /// The operation is replaced by others.
    Rewrite,
    /// It may not work: a warning.
    Warn,
    /// It does not work: an error.
    Refuse,
}

impl Verdict {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Keep => "keep",
            Verdict::Always => "always",
            Verdict::Rewrite => "rewrite",
            Verdict::Warn => "warn",
            Verdict::Refuse => "refuse",
        }
    }
}

/// One claim about operations on the Neural Engine.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// A stable name.
    pub id: &'static str,
    /// The mnemonics it is about; none if it is about every operation.
    pub operations: &'static [&'static str],
    /// The first generation it is about.
    pub since: Generation,
    /// The last one.
    pub until: Generation,
    /// Whether what replaces the operation may round differently.
    pub rounding: bool,
    /// Whether it is acted upon unless told otherwise.
    pub on: bool,
    /// The claim in words.
    pub claim: &'static str,
    /// How to mend it, for a warning or an error.
    pub mend: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The slug of its findings.
    pub slug: &'static str,
    /// Of the operations, those that it is about.
    pub(super) when: fn(&Site<'_>) -> bool,
    pub(super) action: Action,
}

/// What is done about a row, and by what.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Keep,
    Always,
    Rewrite {
        /// What the operation becomes, in words.
        becomes: &'static str,
        make: Make,
    },
    Warn,
    Refuse,
}

/// Writes what an operation becomes; its results.
pub(super) type Make = fn(&mut Emitter<'_>, &Node) -> Vec<Var>;

/// An operation in its place.
pub(super) struct Site<'a> {
    pub(super) source: &'a Function,
    pub(super) literals: &'a [Option<Literal>],
    pub(super) node: &'a Node,
}

impl Site<'_> {
    pub(super) fn ty(&self, id: ValueId) -> &TensorType {
        self.source.ty(id)
    }

    /// The value of an argument that is one.
    pub(super) fn argument(&self, name: &str) -> Option<ValueId> {
        match self.node.arg(name) {
            Arg::One(id) => Some(*id),
            Arg::Absent | Arg::Many(_) => None,
        }
    }

    /// Whether an argument is there, and known only at run time.
    pub(super) fn is_run_time(&self, name: &str) -> bool {
        self.argument(name).is_some_and(|id| self.literals[id.index()].is_none())
    }

    /// The values of a tuple.
    pub(super) fn tuple(&self, name: &str) -> &[ValueId] {
        self.node.arg(name).ids()
    }

    /// The numbers of a constant argument.
    pub(super) fn numbers(&self, name: &str) -> Vec<i64> {
        let literal = self.argument(name).and_then(|id| self.literals[id.index()].as_ref());
        literal.and_then(Literal::to_i64).unwrap_or_default()
    }

    /// Whether a constant argument is given, and true.
    pub(super) fn truth(&self, name: &str) -> bool {
        let literal = self.argument(name).and_then(|id| self.literals[id.index()].as_ref());
        literal.and_then(Literal::to_bools).is_some_and(|values| values == [true])
    }

    /// The text of a constant argument.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.literals[self.argument(name)?.index()].as_ref()?.as_str()
    }
}

impl Row {
    const fn new(
        id: &'static str,
        operations: &'static [&'static str],
        claim: &'static str,
        source: &'static str,
        action: Action,
    ) -> Row {
        Row {
            id,
            operations,
            since: Generation::H13,
            until: Generation::H17,
            rounding: false,
            on: true,
            claim,
            mend: "",
            source,
            confidence: Confidence::Medium,
            slug: "ane-unsupported",
            when: |_| true,
            action,
        }
    }

    const fn when(mut self, when: fn(&Site<'_>) -> bool) -> Row {
        self.when = when;
        self
    }

    const fn rounding(mut self) -> Row {
        self.rounding = true;
        self
    }

    const fn until(mut self, until: Generation) -> Row {
        self.until = until;
        self
    }

    const fn since(mut self, since: Generation) -> Row {
        self.since = since;
        self
    }

    const fn sure(mut self, confidence: Confidence) -> Row {
        self.confidence = confidence;
        self
    }

    const fn mend(mut self, mend: &'static str) -> Row {
        self.mend = mend;
        self
    }

    const fn slug(mut self, slug: &'static str) -> Row {
        self.slug = slug;
        self
    }

    /// What is done about it.
    pub fn verdict(&self) -> Verdict {
        match self.action {
            Action::Keep => Verdict::Keep,
            Action::Always => Verdict::Always,
            Action::Rewrite { .. } => Verdict::Rewrite,
            Action::Warn => Verdict::Warn,
            Action::Refuse => Verdict::Refuse,
        }
    }

    /// What the operation becomes, in words; empty if it is not replaced.
    pub fn becomes(&self) -> &'static str {
        match self.action {
            Action::Rewrite { becomes, .. } => becomes,
            _ => "",
        }
    }

    /// Whether it is about operations with this mnemonic, on this generation.
    pub fn is_about(&self, mnemonic: &str, generation: Generation) -> bool {
        (self.since..=self.until).contains(&generation)
            && (self.operations.is_empty() || self.operations.contains(&mnemonic))
    }

    /// How to mend it, and where the claim is from.
    pub(super) fn hint(&self) -> String {
        format!("{} (row {}; source: {}; confidence: {})", self.mend, self.id, self.source, self.confidence)
    }
}

pub use program::PROGRAM_ROWS;
pub(super) use program::{
    ARGUMENTS, CONSTANT, CONSTANT_OUTPUT, COPY, DTYPES, INPUT, MOVEMENT, NO_INPUT, OPSET, OUTPUT, PORTS, RANK, UNREAD,
};
pub use rows::ROWS;

const fn keep(id: &'static str, operations: &'static [&'static str], claim: &'static str, source: &'static str) -> Row {
    Row::new(id, operations, claim, source, Action::Keep)
}

/// Which rows are acted upon. By default each as its [`Row::on`] says.
///
/// ```
/// use anemone_ir::ane::Rules;
/// let rules = Rules::default().set("gelu", false).unwrap();
/// assert!(Rules::default().set("glue", true).is_none());
/// assert_ne!(rules, Rules::default());
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Rules {
    changed: Vec<(&'static str, bool)>,
}

impl Rules {
    /// The same with a row acted upon, or not. `None` if no row is called so, or if it is not one to be switched.
    #[must_use]
    pub fn set(mut self, id: &str, on: bool) -> Option<Rules> {
        let row = ROWS.iter().find(|row| row.id == id && row.is_switch())?;
        self.changed.retain(|(other, _)| *other != row.id);
        self.changed.push((row.id, on));
        Some(self)
    }

    pub(super) fn is_on(&self, row: &Row) -> bool {
        self.changed.iter().find(|(id, _)| *id == row.id).map_or(row.on, |(_, on)| *on)
    }
}

impl Row {
    /// Whether it can be switched on and off.
    pub fn is_switch(&self) -> bool {
        !matches!(self.action, Action::Keep | Action::Always)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::SCHEMAS;

    #[test]
    fn every_operation_has_a_row_for_every_generation() {
        for schema in SCHEMAS {
            for generation in Generation::ALL {
                let about = |row: &&Row| !row.operations.is_empty() && row.is_about(schema.mnemonic, generation);
                assert!(ROWS.iter().any(|row| about(&row)), "{} on {generation}", schema.mnemonic);
            }
        }
        let unknown = |m: &&&str| !SCHEMAS.iter().any(|s| s.mnemonic == **m);
        assert_eq!(ROWS.iter().flat_map(|row| row.operations).find(unknown), None);
    }

    #[test]
    fn rows_say_what_their_verdict_needs() {
        let all: Vec<&Row> = ROWS.iter().chain(PROGRAM_ROWS.iter().copied()).collect();
        for (at, row) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.id != row.id), "{} is there twice", row.id);
            assert!(!row.claim.is_empty() && !row.source.is_empty(), "{}", row.id);
            assert!(row.is_switch() || row.on, "{}", row.id);
            assert!(!row.rounding || row.verdict() == Verdict::Rewrite, "{}", row.id);
            match row.verdict() {
                Verdict::Warn | Verdict::Refuse => assert!(!row.mend.is_empty(), "{}", row.id),
                Verdict::Rewrite => assert!(!row.becomes().is_empty(), "{}", row.id),
                Verdict::Keep | Verdict::Always => {}
            }
            // Two sources, of which the first are those that agree.
            if row.verdict() == Verdict::Refuse {
                assert!(
                    row.source.split(';').collect::<Vec<_>>().join(",").contains(','),
                    "{}: {}",
                    row.id,
                    row.source
                );
            }
        }
    }

    #[test]
    fn switches_are_looked_up_by_name() {
        let rules = Rules::default().set("gelu", false).unwrap().set("gelu", true).unwrap();
        assert_eq!(rules.changed.len(), 1);
        assert!(Rules::default().set("arithmetic", false).is_none(), "what stays is no switch");
        assert!(Rules::default().set("arguments", false).is_none());
    }
}
