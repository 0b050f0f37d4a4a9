//! Models that Apple's compiler made: its texts, and the protobufs that it made them of.
//!
//! They are test data of two crates, and not in the repository. If they are not there, the test gets them from crates.io, with
//! golden/fetch.py, because a test that passes without having tested would be worse than one that waits for a download. If that
//! fails the test fails, and says how to go on.

#![allow(clippy::unwrap_used)]

use anemone_mil::syntax::{self, Attribute, Text, Value, ValueKind};
use anemone_mil::{Form, ModelFile};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static GOLDEN: LazyLock<PathBuf> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    // It does nothing if the files are there.
    let fetched = Command::new("python3").arg(here.join("tests/golden/fetch.py")).arg(&folder).output();
    let problem = match fetched {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(e) => Some(format!("python3: {e}")),
    };
    if let Some(problem) = problem {
        panic!(
            "{problem}\nThis test needs models that Apple's compiler wrote, and could not get them. Run \
             `python3 crates/anemone-mil/tests/golden/fetch.py {}` where there is a network, or leave the test out: \
             cargo test --workspace -- --skip golden_",
            folder.display()
        );
    }
    folder
});

/// Every path below the folder with this name, in order.
fn named(name: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![GOLDEN.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|n| n == name) {
                found.push(path.clone());
            }
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn golden_texts_are_printed_byte_for_byte() {
    let texts = named("model.mil");
    for path in &texts {
        let text = fs::read_to_string(path).unwrap();
        let tree = syntax::parse(&text).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
        assert_eq!(syntax::print(&tree), text, "{}", path.display());
    }
    assert_eq!(texts.len(), 25);
}

#[test]
fn golden_texts_go_through_protobuf_and_back() {
    let scratch = tempfile::tempdir().unwrap();
    let mut same = 0;
    for (at, path) in named("model.mil").iter().enumerate() {
        let compiled = ModelFile::open(path.parent().unwrap()).unwrap();
        let package = scratch.path().join(format!("{at}.mlpackage"));
        compiled.save(&package, Form::Package).unwrap();
        let again = ModelFile::open(&package).unwrap();
        // Those with weights name another file, and keys of enumerated shapes are not known how to make.
        let text = compiled.source().text();
        if !text.contains("BLOBFILE") && !text.contains("EnumeratedShapes") {
            assert_eq!(again.source().text(), text, "{}", path.display());
            same += 1;
        }
        assert_eq!(again.description(), compiled.description());
    }
    assert_eq!(same, 20);
}

/// A tree without what the two sides cannot share: the versions of the compiler, and Apple's keys of enumerated shapes, which
/// nobody knows how to make.
fn common(tree: &Text) -> Text {
    let mut tree = tree.clone();
    tree.attributes.retain(|a| &*a.name.name != "buildInfo");
    let flexible = |a: &&mut Attribute| &*a.name.name == "FlexibleShapeInformation";
    for attribute in tree.functions.iter_mut().flat_map(|f| &mut f.attributes).filter(flexible) {
        let ValueKind::Tuple(parts) = &mut attribute.value.value.kind else { continue };
        for part in parts {
            let ValueKind::Tuple(pair) = &mut part.kind else { continue };
            if let [Value { kind: ValueKind::Str(name), .. }, Value { kind: ValueKind::Dict(all), .. }] = &mut pair[..]
                && &**name == "EnumeratedShapes"
            {
                all.iter_mut().for_each(|(key, _)| key.kind = ValueKind::Str("".into()));
                all.sort_by_key(|(_, shapes)| format!("{:?}", shapes.kind));
            }
        }
    }
    tree
}

/// A protobuf model and the folder that Apple's compiler made of it.
struct Pair {
    protobuf: PathBuf,
    compiled: PathBuf,
}

/// The models, and the stages of the pipelines, which are put into files of their own beside their weights.
fn pairs(scratch: &Path) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for protobuf in named("input.mlmodel") {
        let folder = protobuf.parent().unwrap();
        let compiled = folder.join("expected-macos.mlmodelc");
        if compiled.is_dir() {
            pairs.push(Pair { protobuf, compiled });
            continue;
        }
        let compiled = folder.join("expected.mlmodelc");
        let model = fs::read(&protobuf).unwrap();
        // Model.pipeline, Pipeline.models.
        let stages = field(&model, 202).first().map(|pipeline| field(pipeline, 1)).unwrap_or_default();
        for (at, stage) in stages.into_iter().enumerate() {
            let compiled = compiled.join(format!("model{at}"));
            let beside = scratch.join(folder.file_name().unwrap()).join(compiled.file_name().unwrap());
            copy(&compiled, &beside);
            let protobuf = beside.join("stage.mlmodel");
            fs::write(&protobuf, stage).unwrap();
            pairs.push(Pair { protobuf, compiled });
        }
    }
    pairs
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Fields of a message that have bytes: those with this number.
fn field(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    fn varint(message: &mut &[u8]) -> u64 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let byte = message[0];
            *message = &message[1..];
            n |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return n;
            }
        }
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        match key & 7 {
            0 => drop(varint(&mut message)),
            2 => {
                let len = varint(&mut message) as usize;
                let (content, rest) = message.split_at(len);
                message = rest;
                if key >> 3 == wanted {
                    found.push(content);
                }
            }
            other => panic!("a field of kind {other}"),
        }
    }
    found
}

#[test]
fn golden_text_and_protobuf_are_the_same_program() {
    let scratch = tempfile::tempdir().unwrap();
    let pairs = pairs(scratch.path());
    let mut checked = 0;
    for Pair { protobuf, compiled } in &pairs {
        let (a, b) = (ModelFile::open(protobuf).unwrap(), ModelFile::open(compiled).unwrap());
        let name = protobuf.display();
        assert_eq!(syntax::print(&common(a.tree())), syntax::print(&common(b.tree())), "{name}");
        assert_eq!(common(a.tree()), common(b.tree()), "{name}");
        assert_eq!(a.specification(), b.specification(), "{name}");
        assert_eq!(a.description(), b.description(), "{name}");
        match (a.program(), b.program()) {
            (Ok(a), Ok(b)) => {
                let bare = |p| ModelFile::of_program(p, Default::default(), None);
                let print = |p| syntax::print(&common(bare(p).tree()));
                assert_eq!(print(&a), print(&b), "{name}");
                checked += 1;
            }
            (Err(a), Err(b)) => {
                let slugs = |e: &anemone_mil::ParseError| e.diagnostics().iter().map(|d| d.slug).collect::<Vec<_>>();
                assert_eq!(slugs(&a), slugs(&b), "{name}");
            }
            (a, b) => panic!("{name}: {:?} {:?}", a.err(), b.err()),
        }
    }
    println!("{} pairs, {checked} of them checked as programs", pairs.len());
    assert_eq!(pairs.len(), 23);
}

/// The keys of `metadata.json` that are not ours to know: Apple's class names, and from which operation set each operation is.
const FREE: [&str; 2] = ["generatedClassName", "mlProgramOperationTypeHistogram"];

/// Compares what Apple's compiler says with what is written here, without the keys above.
fn compare(path: &str, apple: &serde_json::Value, ours: &serde_json::Value, name: &str) {
    use serde_json::Value::{Array, Object};
    match (apple, ours) {
        (Object(a), Object(b)) => {
            let keys = |m: &serde_json::Map<String, serde_json::Value>| m.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(a), keys(b), "{name}: {path}");
            let compared = a.iter().filter(|(key, _)| !FREE.contains(&key.as_str()));
            compared.for_each(|(key, value)| compare(&format!("{path}.{key}"), value, &b[key], name));
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| compare(&format!("{path}[{i}]"), a, b, name));
        }
        _ => assert_eq!(apple, ours, "{name}: {path}"),
    }
}

#[test]
fn golden_bundles_are_written_as_apples_compiler_writes_them() {
    let scratch = tempfile::tempdir().unwrap();
    let pairs = pairs(scratch.path());
    let mut summaries = 0;
    for (at, Pair { protobuf, compiled }) in pairs.iter().enumerate() {
        let name = protobuf.display().to_string();
        let out = scratch.path().join(format!("out{at}.mlmodelc"));
        ModelFile::open(protobuf).unwrap().save(&out, Form::Compiled).unwrap();
        let read = |folder: &Path, file: &str| fs::read(folder.join(file)).unwrap();
        // The stages of a pipeline have no summary of their own, and less in their data.
        if compiled.join("metadata.json").exists() {
            assert_eq!(read(&out, "coremldata.bin"), read(compiled, "coremldata.bin"), "{name}");
            let json = |folder: &Path| serde_json::from_slice(&read(folder, "metadata.json")).unwrap();
            compare("", &json(compiled), &json(&out), &name);
            summaries += 1;
        }
    }
    assert_eq!(summaries, 8);
}
