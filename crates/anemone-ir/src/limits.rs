//! What is known of the limits of the Neural Engine, as data: each row says what is claimed, by whom, and how sure it is.
//!
//! A limit is checked on every platform, so that a program that passes on one machine is not refused on another for a
//! reason that could have been known.

use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::draft::DraftFunction;
use crate::op::schema;
use crate::program::Function;
use crate::types::TensorType;
use std::sync::Arc;

/// A property that is limited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Limit {
    /// The last dimension of an input.
    PlaceholderWidth,
    /// Operations that compute, in one program.
    Operations,
}

/// What is done about a limit that is not kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Nothing.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

/// How sure a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// One source, or contradicted by others.
    Low,
    /// One source with a test.
    Medium,
    /// Two or more independent sources, or measured.
    High,
}

impl std::fmt::Display for Confidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        })
    }
}

/// One claim about a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// What is limited.
    pub limit: Limit,
    /// A stable name; also the slug of the finding.
    pub id: &'static str,
    /// The claim in words.
    pub claim: &'static str,
    /// The number in the claim.
    pub value: usize,
    /// Who says so.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is done about it unless told otherwise.
    pub level: Level,
}

/// Every row.
pub static ROWS: &[Row] = &[
    Row {
        limit: Limit::PlaceholderWidth,
        id: "placeholder-width",
        claim: "the width of an input is at least 64",
        value: 64,
        source: "contract",
        confidence: Confidence::Low,
        level: Level::Deny,
    },
    Row {
        limit: Limit::Operations,
        id: "operations",
        claim: "a program of about 60 operations compiles; larger ones may compile and then fail to run",
        value: 60,
        source: "contract",
        confidence: Confidence::Medium,
        level: Level::Warn,
    },
];

/// Which limits are checked, and how sternly. By default each row is at its own level.
///
/// ```
/// use anemone_ir::limits::{Level, Limit, Limits};
/// let limits = Limits::default().set(Limit::PlaceholderWidth, Level::Allow);
/// assert_eq!(limits.level(Limit::PlaceholderWidth), Level::Allow);
/// assert_eq!(limits.level(Limit::Operations), Level::Warn);
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Limits {
    changed: Vec<(Limit, Level)>,
}

impl Limits {
    /// No limit is checked.
    pub fn none() -> Limits {
        ROWS.iter().fold(Limits::default(), |limits, row| limits.set(row.limit, Level::Allow))
    }

    /// The same with one limit at another level.
    #[must_use]
    pub fn set(mut self, limit: Limit, level: Level) -> Limits {
        self.changed.retain(|(l, _)| *l != limit);
        self.changed.push((limit, level));
        self
    }

    /// The level of a limit: the sternest of its rows, unless set.
    pub fn level(&self, limit: Limit) -> Level {
        let rows = ROWS.iter().filter(|r| r.limit == limit).map(|r| self.level_of(r));
        rows.max().unwrap_or(Level::Allow)
    }

    fn level_of(&self, row: &Row) -> Level {
        self.changed.iter().find(|(l, _)| *l == row.limit).map_or(row.level, |(_, level)| *level)
    }
}

/// What the rows ask about.
struct Facts {
    inputs: Vec<(Arc<str>, TensorType, Location)>,
    operations: usize,
    /// Where the last operation was written.
    last: Location,
}

impl Row {
    /// What does not keep to the row: a message, a place and a hint for each.
    fn check(&self, facts: &Facts) -> Vec<(String, Location, &'static str)> {
        match self.limit {
            Limit::PlaceholderWidth => {
                let narrow = |ty: &TensorType| ty.dims.last().is_some_and(|w| *w < self.value);
                let finding = |(name, ty, location): &(Arc<str>, TensorType, Location)| {
                    let width = ty.dims.last().copied().unwrap_or_default();
                    let message =
                        format!("input `{name}` is {ty}: its width is {width}, at least {} is wanted", self.value);
                    (message, *location, "pad the last axis of the input, or allow it in the limits of the options")
                };
                facts.inputs.iter().filter(|(_, ty, _)| narrow(ty)).map(finding).collect()
            }
            Limit::Operations if facts.operations > self.value => {
                let message = format!(
                    "the program has {} operations that compute; about {} are known to work on the Neural Engine",
                    facts.operations, self.value
                );
                vec![(message, facts.last, "split the program into several")]
            }
            Limit::Operations => Vec::new(),
        }
    }
}

fn findings(facts: &Facts, limits: &Limits) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for row in ROWS {
        let severity = match limits.level_of(row) {
            Level::Allow => continue,
            Level::Warn => Severity::Warning,
            Level::Deny => Severity::Error,
        };
        for (message, location, hint) in row.check(facts) {
            let hint = format!("{hint} (source: {}; confidence: {})", row.source, row.confidence);
            out.push(Diagnostic { severity, ..Diagnostic::error(row.id, message, location).with_hint(hint) });
        }
    }
    out
}

/// Where a function does not keep to the limits.
pub fn lint(function: &Function, limits: &Limits) -> Vec<Diagnostic> {
    let input = |id| {
        let value = function.value(id);
        (value.name.clone(), value.ty, value.location)
    };
    let facts = Facts {
        inputs: function.params.iter().copied().map(input).collect(),
        operations: function.computing_nodes(),
        last: function.nodes.last().map_or(Location::Unknown, |n| n.location),
    };
    findings(&facts, limits)
}

/// The same for a function that did not pass the check, so that these findings can stand beside its errors.
pub fn lint_draft(function: &DraftFunction, limits: &Limits) -> Vec<Diagnostic> {
    let inputs = function.params.iter().filter_map(|id| {
        let value = &function.values[id.index()];
        Some((value.name.clone(), value.declared?.known()?, value.location))
    });
    let computes = |mnemonic: &str| schema(mnemonic).is_some_and(|s| s.computes);
    let facts = Facts {
        inputs: inputs.collect(),
        operations: function.nodes.iter().filter(|n| computes(&n.mnemonic)).count(),
        last: function.nodes.last().map_or(Location::Unknown, |n| n.location),
    };
    findings(&facts, limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, DType, Dims, args, check};

    fn chain(width: usize, operations: usize) -> Builder {
        let mut b = Builder::new();
        let mut x = b.input("x", TensorType::new(DType::Fp16, Dims::new(&[1, 4, 1, width]).unwrap()));
        for _ in 0..operations {
            x = b.relu(args! { x: x });
        }
        b.output(x);
        b
    }

    #[test]
    fn the_boundary_is_where_the_rows_say() {
        for (width, operations, expected) in
            [(64, 60, vec![]), (63, 1, vec!["placeholder-width"]), (64, 61, vec!["operations"])]
        {
            let b = chain(width, operations);
            let draft = lint_draft(&b.draft().functions[0], &Limits::default());
            let program = check(b.finish()).unwrap();
            let checked = lint(program.main(), &Limits::default());
            assert_eq!(checked, draft);
            assert_eq!(checked.iter().map(|d| d.slug).collect::<Vec<_>>(), expected);
            assert_eq!(lint(program.main(), &Limits::none()), []);
        }
    }

    #[test]
    fn levels_can_be_changed() {
        let program = check(chain(1, 61).finish()).unwrap();
        let limits = Limits::default().set(Limit::PlaceholderWidth, Level::Warn).set(Limit::Operations, Level::Deny);
        let found = lint(program.main(), &limits);
        assert_eq!(found.iter().map(|d| d.severity).collect::<Vec<_>>(), [Severity::Warning, Severity::Error]);
    }
}
