//! What has changed from one examination to the next.

use super::report::{Examination, Method, PathRow, ProgramRow};
use crate::table::plural;
use anemone_conformance::{Outcome, Status};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Latencies are told when they differ by more than this factor; they depend on what else the machine does, and so are never
/// a reason for the exit code.
const NOTABLE: f64 = 1.25;

/// What kind of change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// It was right and is not, or it was not tried and is wrong.
    NewlyFailing,
    /// The other way round.
    NewlyPassing,
    /// The largest error grew, or more special values differ.
    ErrorGrew,
    /// The other way round.
    ErrorShrank,
}

impl Kind {
    pub(crate) fn is_worse(self) -> bool {
        matches!(self, Kind::NewlyFailing | Kind::ErrorGrew)
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::NewlyFailing => "newly failing",
            Kind::NewlyPassing => "newly passing",
            Kind::ErrorGrew => "error grew",
            Kind::ErrorShrank => "error shrank",
        }
    }
}

/// A change of something that has a name.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    /// A program, a way to the engine, or a method of the framework.
    pub(crate) what: String,
    pub(crate) before: String,
    pub(crate) now: String,
}

/// A time that has changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) path: String,
    pub(crate) before_seconds: f64,
    pub(crate) now_seconds: f64,
}

/// What is another now, and explains the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Circumstance {
    pub(crate) what: &'static str,
    pub(crate) before: String,
    pub(crate) now: String,
}

/// All changes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Changes {
    /// The file of the earlier report.
    pub(crate) since: PathBuf,
    pub(crate) date: String,
    /// Whether something got worse.
    pub(crate) worse: bool,
    pub(crate) circumstances: Vec<Circumstance>,
    /// By kind, then as in the report.
    pub(crate) changes: Vec<Change>,
    pub(crate) latencies: Vec<Latency>,
    /// Programs in both.
    pub(crate) compared: usize,
    pub(crate) only_before: usize,
    pub(crate) only_now: usize,
}

impl Changes {
    /// From `before`, which was read from `since`, to `now`.
    pub(crate) fn new(since: &Path, before: &Examination, now: &Examination) -> Changes {
        let earlier: BTreeMap<_, _> = before.programs.iter().map(|row| (key(row), row)).collect();
        let pairs: Vec<_> = now.programs.iter().filter_map(|row| Some((*earlier.get(&key(row))?, row))).collect();
        let mut changes: Vec<Change> = methods(before, now);
        changes.extend(paths(before, now));
        changes.extend(pairs.iter().filter_map(|(before, now)| program(before, now)));
        changes.sort_by_key(|change| change.kind);
        Changes {
            since: since.to_owned(),
            date: before.date.clone(),
            worse: changes.iter().any(|change| change.kind.is_worse()),
            circumstances: circumstances(before, now),
            changes,
            latencies: latencies(before, now),
            compared: pairs.len(),
            only_before: without(&before.programs, &now.programs),
            only_now: without(&now.programs, &before.programs),
        }
    }
}

/// What names a program in reports of all versions.
fn key(row: &ProgramRow) -> (&str, &str) {
    (&row.operation, &row.digest)
}

/// How many programs of a list are not in another.
fn without(list: &[ProgramRow], other: &[ProgramRow]) -> usize {
    let there: BTreeSet<_> = other.iter().map(key).collect();
    list.iter().filter(|row| !there.contains(&key(row))).count()
}

/// 2 for right, 1 for not tried, 0 for wrong.
fn rank(status: Status) -> u8 {
    match status {
        Status::Unsuitable => 1,
        status => 2 * u8::from(status.is_right()),
    }
}

fn program(before: &ProgramRow, now: &ProgramRow) -> Option<Change> {
    let (was, is) = (&before.outcome, &now.outcome);
    let kind = match rank(is.status).cmp(&rank(was.status)) {
        Ordering::Less => Kind::NewlyFailing,
        Ordering::Greater => Kind::NewlyPassing,
        Ordering::Equal => {
            // What did not run has no error, and is no better for it.
            let ulp = was.error?.ulp.cmp(&is.error?.ulp);
            match (ulp, was.special_differ.cmp(&is.special_differ)) {
                (Ordering::Less, _) | (_, Ordering::Less) => Kind::ErrorGrew,
                (Ordering::Greater, _) | (_, Ordering::Greater) => Kind::ErrorShrank,
                _ => return None,
            }
        }
    };
    Some(Change { kind, what: now.id(), before: in_short(was), now: in_short(is) })
}

/// `near, 3 ulp`, `does not compile`.
fn in_short(outcome: &Outcome) -> String {
    let mut text = outcome.status.words().to_owned();
    if let Some(error) = outcome.error {
        text += &format!(", {} ulp", error.ulp);
    }
    if outcome.special_differ > 0 && outcome.status != Status::Special {
        text += &format!(", {}", plural(outcome.special_differ, "special value"));
    }
    text
}

fn methods(before: &Examination, now: &Examination) -> Vec<Change> {
    let earlier: BTreeMap<_, _> = before.neural_engine.methods.iter().map(|m| (&m.name, m)).collect();
    let one = |now: &Method| {
        let before = earlier.get(&now.name)?;
        let kind = match (before.usable, now.usable) {
            (true, false) => Kind::NewlyFailing,
            (false, true) => Kind::NewlyPassing,
            _ => return None,
        };
        let found = |m: &Method| m.found.clone().unwrap_or_else(|| "not there".to_owned());
        Some(Change { kind, what: now.name.clone(), before: found(before), now: found(now) })
    };
    now.neural_engine.methods.iter().filter_map(one).collect()
}

fn paths(before: &Examination, now: &Examination) -> Vec<Change> {
    let one = |now: &PathRow| {
        let before = before.paths.iter().find(|row| row.path == now.path)?;
        let kind = match (&before.error, &now.error) {
            (None, Some(_)) => Kind::NewlyFailing,
            (Some(_), None) => Kind::NewlyPassing,
            _ => return None,
        };
        let state = |row: &PathRow| row.error.clone().unwrap_or_else(|| "right".to_owned());
        Some(Change { kind, what: format!("path {}", now.path), before: state(before), now: state(now) })
    };
    now.paths.iter().filter_map(one).collect()
}

fn latencies(before: &Examination, now: &Examination) -> Vec<Latency> {
    let one = |now: &PathRow| {
        let before = before.paths.iter().find(|row| row.path == now.path)?;
        let (before_seconds, now_seconds) = (before.run_seconds?, now.run_seconds?);
        let ratio = now_seconds / before_seconds;
        let notable = !(1.0 / NOTABLE..=NOTABLE).contains(&ratio);
        notable.then(|| Latency { path: now.path.clone(), before_seconds, now_seconds })
    };
    now.paths.iter().filter_map(one).collect()
}

fn circumstances(before: &Examination, now: &Examination) -> Vec<Circumstance> {
    let text = |option: &Option<String>| option.clone().unwrap_or_else(|| "unknown".to_owned());
    let of = |e: &Examination| {
        [
            ("anemone", e.version.clone()),
            ("ran on", e.backend.words().to_owned()),
            ("test double", if e.neural_engine.double { "yes" } else { "no" }.to_owned()),
            ("machine", text(&e.machine.model)),
            ("processor", text(&e.machine.cpu)),
            ("system", e.machine.system()),
            ("Neural Engine", text(&e.neural_engine.architecture)),
        ]
    };
    let pairs = of(before).into_iter().zip(of(now)).filter(|(before, now)| before != now);
    pairs.map(|((what, before), (_, now))| Circumstance { what, before, now }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anemone_conformance::outcome::Largest;

    fn row(status: Status, ulp: Option<u64>, special_differ: usize) -> ProgramRow {
        let error = ulp.map(|ulp| Largest { ulp, abs: 0.0 });
        let outcome = Outcome { status, error, special_differ, ..Outcome::default() };
        ProgramRow { operation: "relu".to_owned(), line: 7, digest: "1".to_owned(), outcome }
    }

    fn kind(before: &ProgramRow, now: &ProgramRow) -> Option<Kind> {
        program(before, now).map(|change| change.kind)
    }

    #[test]
    fn changes_of_a_program_have_a_kind() {
        let equal = row(Status::Equal, Some(0), 0);
        let near = row(Status::Near, Some(2), 0);
        let special = row(Status::Special, Some(0), 3);
        let departs = row(Status::Departs, Some(900), 0);
        let refused = row(Status::CompileFails, None, 0);
        let untried = row(Status::Unsuitable, None, 0);
        for (before, now, expected) in [
            (&equal, &equal, None),
            (&equal, &near, Some(Kind::ErrorGrew)),
            (&near, &equal, Some(Kind::ErrorShrank)),
            (&equal, &special, Some(Kind::ErrorGrew)),
            (&near, &departs, Some(Kind::NewlyFailing)),
            (&departs, &special, Some(Kind::NewlyPassing)),
            (&departs, &refused, None),
            (&refused, &departs, None),
            (&refused, &untried, Some(Kind::NewlyPassing)),
            (&untried, &equal, Some(Kind::NewlyPassing)),
            (&equal, &untried, Some(Kind::NewlyFailing)),
            (&untried, &untried, None),
        ] {
            assert_eq!(kind(before, now), expected, "{before:?} {now:?}");
        }
        let change = program(&equal, &departs).unwrap();
        assert_eq!((&*change.what, &*change.before, &*change.now), ("relu:7", "equal, 0 ulp", "departs, 900 ulp"));
    }
}
