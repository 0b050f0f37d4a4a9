//! The fuzzers' targets, for a moment: arbitrary bytes, and good files with some bytes changed.

use super::{PLAIN, WIDE, weights, written};
use anemone_mil::{Form, ModelFile, fuzz};
use arbitrary::Unstructured;
use std::fs;

const MILLISECONDS: u64 = 1000;

/// Arbitrary bytes, or a good file with a few changes.
fn attempt(good: &[u8], target: fn(&[u8])) {
    let run = |u: &mut Unstructured<'_>| {
        if u.ratio(1, 4)? {
            target(u.arbitrary()?);
            return Ok(());
        }
        let mut bytes = good.to_vec();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(bytes.len().max(1))?.min(bytes.len().saturating_sub(1));
            match u.int_in_range(0..=4)? {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..(at + u.int_in_range(0..=20)?).min(bytes.len()))),
                2 => {
                    let part = bytes[at..(at + u.int_in_range(0..=40)?).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = u.arbitrary()?;
                    }
                }
            }
        }
        target(&bytes);
        Ok(())
    };
    arbtest::arbtest(run).budget_ms(MILLISECONDS).size_min(64).size_max(4096);
}

#[test]
fn texts() {
    attempt(PLAIN.as_bytes(), fuzz::text);
    attempt(WIDE.as_bytes(), fuzz::text);
}

#[test]
fn protobuf() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("plain", PLAIN), ("wide", WIDE)] {
        let folder = folder.path().join(name);
        let model = ModelFile::open(&written(&folder, text)).unwrap();
        let path = folder.join("out/m.mlmodel");
        model.save(&path, Form::Model).unwrap();
        attempt(&fs::read(path).unwrap(), fuzz::protobuf);
    }
}

#[test]
fn manifests_and_compiled_data() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(folder.path(), WIDE)).unwrap();
    model.save(&folder.path().join("p"), Form::Package).unwrap();
    model.save(&folder.path().join("c"), Form::Compiled).unwrap();
    attempt(&fs::read(folder.path().join("p/Manifest.json")).unwrap(), fuzz::manifest);
    attempt(&fs::read(folder.path().join("c/coremldata.bin")).unwrap(), fuzz::coremldata);
}

#[test]
fn weight_files() {
    attempt(&weights(), fuzz::blob);
}
