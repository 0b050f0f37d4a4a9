//! The functions that an engine is measured with.

use crate::filetest::{self, Case, FILES, Run};
use anemone_ir::draft::DraftFunction;
use anemone_ir::{Draft, Profile, Program, Severity, check};
use anemone_mil::{Dialect, NoWeights, Printed, Source, print};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A function of the filetests, by what it is in and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id {
    /// The operation whose file it is in.
    pub operation: String,
    /// The line of the first of its run lines, from 1.
    pub line: usize,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.operation, self.line)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Id, String> {
        let (operation, line) = text.split_once(':').ok_or_else(|| format!("`{text}` is not OPERATION:LINE"))?;
        let line = line.parse().map_err(|_| format!("`{line}` is no line"))?;
        Ok(Id { operation: operation.to_owned(), line })
    }
}

/// A function of the filetests, by itself, with what it is run on.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name among all.
    pub id: Id,
    /// The function alone, as `main`.
    pub program: Program,
    /// Its run lines, at least one.
    pub runs: Vec<Run>,
}

impl Subject {
    /// A number that is the same for the same function and run lines, wherever in a file they are, and hardly for others:
    /// FNV-1a of its canonical text and weights, and of its run lines.
    pub fn digest(&self) -> u64 {
        let Printed { text, files } = print(&self.program, Dialect::V1_3);
        let runs = self.runs.iter().flat_map(|run| run.source.bytes().chain([b'\n']));
        let weights = files.into_iter().flat_map(|file| file.bytes);
        let bytes = text.into_bytes().into_iter().chain(weights).chain(runs);
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

/// The functions of an operation's file that can be run as halves, in the order of the file. Those that must be refused, and
/// those whose values are never rounded to halves, say nothing about an engine.
///
/// # Errors
/// There is no such operation.
pub fn of_operation(operation: &str) -> Result<Vec<Subject>, String> {
    let (_, text) =
        FILES.iter().find(|(name, _)| *name == operation).ok_or_else(|| format!("`{operation}` is no operation"))?;
    let file = filetest::parse(&filetest::path(operation), text).map_err(|failures| filetest::render(&failures))?;
    let valid = file.programs.iter().filter(|case| case.findings.iter().all(|f| f.severity != Severity::Error));
    let lists: Vec<Vec<Subject>> = valid.map(|case| of_case(operation, case)).collect::<Result<_, _>>()?;
    // A function that is there in both dialects is the same one.
    let mut seen = BTreeSet::new();
    Ok(lists.into_iter().flatten().filter(|subject| seen.insert(subject.digest())).collect())
}

/// The functions of a program that has no errors.
fn of_case(operation: &str, case: &Case) -> Result<Vec<Subject>, String> {
    let source = Source::new(&filetest::path(operation).display().to_string(), &case.text);
    let (draft, _) = source.draft(&NoWeights).map_err(|e| e.to_string())?;
    let one = |mut function: DraftFunction| {
        let as_halves = |run: &&Run| *run.function == *function.name && run.profile != Some(Profile::F32);
        let runs: Vec<Run> = case.runs.iter().filter(as_halves).cloned().collect();
        let line = runs.first()?.line;
        function.name = "main".into();
        let program = check(Draft { functions: vec![function], ..Draft::default() });
        let id = Id { operation: operation.to_owned(), line };
        Some(program.map(|program| Subject { id, program, runs }).map_err(|e| e.to_string()))
    };
    draft.functions.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_functions_that_are_told_apart() {
        let mut digests = BTreeSet::new();
        let mut count = 0;
        for (operation, _) in FILES {
            let subjects = of_operation(operation).unwrap();
            assert!(subjects.iter().any(|s| s.program.main().nodes.iter().any(|n| n.mnemonic() == *operation)));
            for subject in subjects {
                assert_eq!(subject.id.to_string().parse(), Ok(subject.id.clone()));
                digests.insert((operation, subject.digest()));
                count += 1;
            }
        }
        assert!(count > 900, "{count}");
        assert_eq!(digests.len(), count);
        assert!(of_operation("fly").unwrap_err().contains("no operation"));
    }

    #[test]
    fn what_is_no_id() {
        for bad in ["", "relu", "relu:", "relu:x"] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
    }
}
