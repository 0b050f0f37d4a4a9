//! The programs that an engine is measured with.

use crate::filetest::{self, Case, FILES};
use anemone_ir::{Profile, Severity};
use std::fmt;
use std::str::FromStr;

/// A program of the filetests, by what it is in and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id {
    /// The operation whose file it is in.
    pub operation: String,
    /// The line of the word `program`, from 1.
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

/// The programs of an operation that can be run as halves, in the order of its file. Those that must be refused, and
/// those whose values are never rounded to halves, say nothing about an engine.
///
/// # Errors
/// There is no such operation.
pub fn of_operation(operation: &str) -> Result<Vec<(Id, Case)>, String> {
    let (_, text) =
        FILES.iter().find(|(name, _)| *name == operation).ok_or_else(|| format!("`{operation}` is no operation"))?;
    let file = filetest::parse(&filetest::path(operation), text).map_err(|failures| filetest::render(&failures))?;
    let mut cases = file.programs;
    cases.retain_mut(|case| {
        case.runs.retain(|run| run.profile.is_none_or(|only| only == Profile::Fp16));
        !case.runs.is_empty() && case.findings.iter().all(|f| f.severity != Severity::Error)
    });
    Ok(cases.into_iter().map(|case| (Id { operation: operation.to_owned(), line: case.line }, case)).collect())
}

/// A number that is the same for the same program and run lines, wherever in a file they are, and hardly for others:
/// FNV-1a of its code without comments, and of its run lines.
pub fn digest(case: &Case) -> u64 {
    let code = case.text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    let runs = case.runs.iter().map(|run| &*run.source);
    let bytes = code.filter(|line| !line.is_empty()).chain(runs).flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_has_programs_that_are_told_apart() {
        let mut digests = BTreeSet::new();
        let mut count = 0;
        for (operation, _) in FILES {
            let programs = of_operation(operation).unwrap();
            assert!(!programs.is_empty(), "{operation}");
            for (id, case) in programs {
                assert_eq!(id.to_string().parse(), Ok(id));
                digests.insert((operation, digest(&case)));
                count += 1;
            }
        }
        assert!(count > 500, "{count}");
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
