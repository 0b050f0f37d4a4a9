//! Filetests: MIL text with directives in comments.
//!
//! A file holds one program or several. Directives:
//!
//! ```text
//! // run: main(x = [-1, 0.5, inf], y = 2) -> [0, 0.5, inf], ?
//! // run[fp16, tolerance = 2 ulp]: main(x = iota) -> [0, 1, 2]
//! // error: broadcast: [2, 3] and [4] do not broadcast
//! ```
//!
//! A run line stands in the program whose function it calls. Inputs are given by name; see [`values`] for how. An output is
//! given for each of the function's, in their order; `?` says nothing of it but that all executors agree. In brackets may
//! stand a profile (`fp16`, `f32`; without one, both), and a tolerance (`tolerance = 2 ulp`, `abs = 1e-3`, `rel = 1e-3`)
//! that widens the one of the operation's row in [`crate::tolerance`]. A run line that is too long goes on in the next
//! comment, as long as a bracket is open.
//!
//! `error: slug: part of the message` stands on the line that the error is reported at, or in a comment of its own before
//! that line; `warning` likewise. A program gives exactly the errors and warnings that are stated.
//!
//! [`FILES`] has the files of this crate, which are part of the program that uses it.

mod binding;
mod directive;
pub mod values;

pub use directive::parse;

use crate::tolerance::Tolerance;
use anemone_ir::{Profile, Severity};
use std::fmt;
use std::path::PathBuf;
use values::Values;

/// A file, taken apart.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its programs.
    pub programs: Vec<Case>,
}

/// A program of a file, with its directives.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// The line of the word `program`, from 1.
    pub line: usize,
    /// The file with everything outside of the program made blank, so that places in it are places in the file.
    pub text: String,
    /// Its run lines.
    pub runs: Vec<Run>,
    /// The errors and warnings that it must give.
    pub findings: Vec<Finding>,
}

/// A run line.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// Its line, from 1.
    pub line: usize,
    /// What it says, as written.
    pub source: String,
    /// The function to run.
    pub function: String,
    /// Inputs by name.
    pub inputs: Vec<(String, Values)>,
    /// Expected outputs.
    pub outputs: Vec<Values>,
    /// Only in this profile.
    pub profile: Option<Profile>,
    /// Added to the table's.
    pub tolerance: Tolerance,
}

/// An error or warning that a program must give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The line that it must be reported at, from 1.
    pub line: usize,
    /// The last line of the statement that begins there: the place in it does not matter.
    pub last: usize,
    /// Error or warning.
    pub severity: Severity,
    /// Its slug.
    pub slug: String,
    /// A part of its message.
    pub message: String,
}

/// Something that is not as a file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

/// All failures, one after the other, for the message of a test.
pub fn render(failures: &[Failure]) -> String {
    let list: Vec<_> = failures.iter().map(Failure::to_string).collect();
    format!("{} failures\n\n{}\n", failures.len(), list.join("\n\n"))
}

macro_rules! files {
    ($($family:ident { $($mnemonic:ident $Type:ident,)* })*) => {
        /// The files of this crate, one for each operation of the table, in its order: mnemonic and text.
        pub const FILES: &[(&str, &str)] = &[
            $($((
                stringify!($mnemonic),
                include_str!(concat!("../filetests/", stringify!($mnemonic), ".mil")),
            ),)*)*
        ];
    };
}
anemone_ir::for_each_op!(files);

/// Where the file of an operation lies in the repository, for messages.
pub fn path(mnemonic: &str) -> PathBuf {
    PathBuf::from(format!("crates/anemone-conformance/filetests/{mnemonic}.mil"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A file that is missing does not compile; one too many is found here.
    #[test]
    fn every_file_is_of_an_operation() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/filetests");
        let names =
            std::fs::read_dir(folder).expect("the folder is there").map(|e| e.expect("it can be read").file_name());
        let names: BTreeSet<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
        assert_eq!(names, FILES.iter().map(|(mnemonic, _)| format!("{mnemonic}.mil")).collect());
    }
}
