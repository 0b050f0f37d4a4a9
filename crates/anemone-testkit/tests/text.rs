//! `texts`: what is printed of each text is what lies beside it. `ANEMONE_BLESS=1` writes it anew.

use anemone_conformance::filetest::render;
use anemone_testkit::texts::{folder, run_file};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn files(extension: &str) -> BTreeSet<PathBuf> {
    let all = std::fs::read_dir(folder()).expect("the folder is there").flatten().map(|e| e.path());
    all.filter(|p| p.extension().is_some_and(|e| e == extension)).collect()
}

#[test]
fn texts_print_as_expected() {
    let texts = files("mil");
    assert!(!texts.is_empty());
    let failures: Vec<_> = texts.iter().flat_map(|path| run_file(path)).collect();
    assert!(failures.is_empty(), "{}", render(&failures));
    let stems = |set: BTreeSet<PathBuf>| set.iter().map(|p| p.with_extension("")).collect::<BTreeSet<_>>();
    assert_eq!(stems(texts), stems(files("expected")), "a text or its expectation is missing");
}
