//! Files of `texts`: a text, and beside it (`.expected`) what is printed of it: its canonical form in both
//! dialects, or the report of what is wrong with it.
//!
//! With `ANEMONE_BLESS=1` in the environment, what is printed is written there instead of compared. Look at the
//! difference before it is committed.

use crate::round_trip::DIALECTS;
use anemone_conformance::filetest::Failure;
use anemone_mil::{NoWeights, Source, print};
use std::path::{Path, PathBuf};

/// The folder of the texts.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("texts")
}

/// What is printed of a text.
pub fn printed(name: &str, text: &str) -> String {
    let source = Source::new(name, text);
    match source.parse(&NoWeights) {
        Err(e) => format!("{e}\n"),
        Ok(parsed) => {
            let one = |dialect| {
                let printed = print(&parsed.program, dialect);
                format!("{}\n// weight.bin: {} bytes\n", printed.text, printed.weight_bytes())
            };
            DIALECTS.map(one).concat()
        }
    }
}

/// Everything that is not as the file beside a text says.
pub fn run_file(path: &Path) -> Vec<Failure> {
    let failure = |line, message| vec![Failure { path: path.to_owned(), line, message }];
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => return failure(1, e.to_string()),
    };
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let printed = printed(&name, &text);
    let beside = path.with_extension("expected");
    if std::env::var_os("ANEMONE_BLESS").is_some_and(|v| v == "1") {
        return match std::fs::write(&beside, printed) {
            Ok(()) => Vec::new(),
            Err(e) => failure(1, format!("cannot write {}: {e}", beside.display())),
        };
    }
    let expected = std::fs::read_to_string(&beside).unwrap_or_default();
    let mut pairs = expected.lines().map(Some).chain([None]).zip(printed.lines().map(Some).chain([None]));
    match pairs.position(|(a, b)| a != b) {
        None if expected == printed => Vec::new(),
        at => {
            let at = at.unwrap_or(0);
            let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
            let (wanted, got) = (line(&expected), line(&printed));
            let bless = "is it right? ANEMONE_BLESS=1 writes it";
            let beside = beside.display();
            failure(1, format!("line {} of {beside} is\n    {wanted}\nbut printed is ({bless})\n    {got}", at + 1))
        }
    }
}
