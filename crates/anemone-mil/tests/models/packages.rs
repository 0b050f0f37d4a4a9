//! Packages and compiled models whose parts are missing, foreign, or lead elsewhere.

use super::messages::{bytes, model, named, number, operation, program, tensor};
use super::{PLAIN, written};
use anemone_mil::{Form, ModelFile};
use std::fs;
use std::path::Path;

fn said(path: &Path) -> String {
    match ModelFile::open(path) {
        Ok(m) => m.program().map_or_else(|e| e.to_string(), |_| "fine".to_owned()),
        Err(e) => e.to_string(),
    }
}

/// A good package, and a secret beside it.
fn package(folder: &Path) -> std::path::PathBuf {
    let model = ModelFile::open(&written(&folder.join("in"), PLAIN)).unwrap();
    let path = folder.join("p.mlpackage");
    model.save(&path, Form::Package).unwrap();
    fs::copy(path.join("Data/com.apple.CoreML/model.mlmodel"), folder.join("secret.mlmodel")).unwrap();
    path
}

#[test]
fn manifests_that_lie_are_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    assert_eq!(said(&path), "fine");
    let manifest = path.join("Manifest.json");
    let good = fs::read_to_string(&manifest).unwrap();
    let with = |text: &str| {
        fs::write(&manifest, text).unwrap();
        said(&path).replace(&format!("{}: ", manifest.display()), "")
    };
    let item = "com.apple.CoreML/model.mlmodel";
    let cases = [
        ("\"1.0.0\"", "\"2.0.0\"", "its `fileFormatVersion` is \"2.0.0\", only \"1.0.0\" is known"),
        ("fileFormatVersion", "version", "it has no `fileFormatVersion`, which is a string"),
        ("rootModelIdentifier", "root", "it has no `rootModelIdentifier`, which is a string"),
        ("itemInfoEntries", "items", "it has no `itemInfoEntries`, which is an object"),
        ("\"path\"", "\"place\"", "has no `path`, which is a string"),
        (item, "../../secret.mlmodel", "the path leaves the folder"),
        (item, "com.apple.CoreML/../../../secret.mlmodel", "the path leaves the folder"),
        (item, "../Manifest.json", "the path leaves the folder"),
        (item, "/etc/passwd", "no plain path"),
        (item, "com.apple.CoreML/none.mlmodel", "cannot be opened: No such file"),
        (item, "com.apple.CoreML", "is a folder, where a protobuf model was expected"),
        (item, "com.apple.CoreML/weights/weight.bin", "it is no protobuf model"),
    ];
    for (old, new, message) in cases {
        let found = with(&good.replace(old, new));
        assert!(found.contains(message), "{old} {new}: {found}");
    }
    let root = good.lines().find(|l| l.contains("rootModelIdentifier")).unwrap();
    let found = with(&good.replace(root, "\"rootModelIdentifier\": \"nobody\""));
    assert_eq!(found, "its `rootModelIdentifier` is \"nobody\", and no entry has that name");
    for text in ["", "[]", "null", "{", &"[".repeat(1 << 20), "\u{0}"] {
        assert!(with(text).starts_with("it "), "{}", with(text));
    }
    // What else is in it does no harm.
    assert_eq!(with(&good.replacen('{', "{ \"more\": [1, 2],", 1)), "fine");
}

#[cfg(unix)]
#[test]
fn nothing_outside_a_package_is_opened() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let data = path.join("Data/com.apple.CoreML");
    let (model, weights) = (data.join("model.mlmodel"), data.join("weights/weight.bin"));
    let outside = folder.path().join("weight.bin");
    // Weights behind a link, as in caches of downloaded models, but in the folder.
    fs::rename(&weights, data.join("blob")).unwrap();
    symlink("../blob", &weights).unwrap();
    assert_eq!(said(&path), "fine");
    fs::rename(data.join("blob"), &outside).unwrap();
    fs::remove_file(&weights).unwrap();
    symlink(&outside, &weights).unwrap();
    let message = said(&path);
    assert!(message.contains("a symbolic link leads out of the folder"), "{message}");
    assert!(message.contains("cp -rL") && message.contains("as MIL text:5:"), "{message}");
    // A compiled model's parts.
    let compiled = folder.path().join("c.mlmodelc");
    ModelFile::open(&folder.path().join("in/model.mil")).unwrap().save(&compiled, Form::Compiled).unwrap();
    for part in ["model.mil", "coremldata.bin"] {
        let (part, outside) = (compiled.join(part), folder.path().join(part));
        fs::rename(&part, &outside).unwrap();
        symlink(&outside, &part).unwrap();
        let message = said(&compiled);
        assert!(message.contains("a symbolic link leads out of the folder"), "{message}");
        fs::remove_file(&part).unwrap();
        fs::rename(&outside, &part).unwrap();
    }
    assert_eq!(said(&compiled), "fine");
    fs::remove_file(&model).unwrap();
    symlink(folder.path().join("secret.mlmodel"), &model).unwrap();
    assert!(said(&path).contains("a symbolic link leads out of the folder"));
    fs::remove_file(path.join("Manifest.json")).unwrap();
    symlink("/etc/hostname", path.join("Manifest.json")).unwrap();
    assert!(said(&path).contains("a symbolic link leads out of the folder"));
}

#[test]
fn weights_are_what_the_model_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let weights = path.join("Data/com.apple.CoreML/weights");
    let good = fs::read(weights.join("weight.bin")).unwrap();
    // One more file is nobody's business.
    fs::write(weights.join("more.bin"), "more").unwrap();
    assert_eq!(said(&path), "fine");
    fs::write(weights.join("weight.bin"), &good[..good.len() - 1]).unwrap();
    let message = said(&path);
    assert!(message.contains("its 24 bytes at 128 end beyond the file, which has 151"), "{message}");
    assert!(message.contains("(\"w\"), val = tensor<fp16, [12]>(BLOBFILE("), "{message}");
    fs::remove_file(weights.join("weight.bin")).unwrap();
    assert!(said(&path).contains("\"@model_path/weights/weight.bin\" cannot be read: No such file"));
    fs::create_dir(weights.join("weight.bin")).unwrap();
    assert!(said(&path).contains("it is a folder"));
}

#[test]
fn compiled_models_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(&folder.path().join("in"), PLAIN)).unwrap();
    let path = folder.path().join("m.mlmodelc");
    model.save(&path, Form::Compiled).unwrap();
    let data = path.join("coremldata.bin");
    let good = fs::read(&data).unwrap();
    let with = |bytes: &[u8]| {
        fs::write(&data, bytes).unwrap();
        said(&path)
    };
    assert_eq!(with(&good), "fine");
    assert!(with(&good[..2]).contains("coremldata.bin: 4 bytes are wanted at 0, and the file has 2"));
    assert!(with(&good[..100]).contains("are wanted at 83, and the file has 100"));
    let mut long = good.clone();
    long[75..83].fill(0xff);
    assert!(with(&long).contains("are wanted at 83"));
    let mut other = good.clone();
    other[..4].copy_from_slice(&500u32.to_le_bytes());
    assert!(with(&other).contains("it is a model of type `neuralNetwork`"));
    other[..4].copy_from_slice(&202u32.to_le_bytes());
    fs::create_dir(path.join("model0")).unwrap();
    assert!(with(&other).contains("use its stages one by one, which are model0, each"));
    other[..4].copy_from_slice(&9999u32.to_le_bytes());
    assert!(with(&other).contains("9999 is the number of no type of models"));
    fs::write(&data, &good).unwrap();
    fs::remove_file(path.join("model.mil")).unwrap();
    assert!(said(&path).contains("the compiled model has no `model.mil`"));
    // Without the description there is still the text's.
    model.replace(&path, Form::Compiled).unwrap();
    fs::remove_file(&data).unwrap();
    assert_eq!(said(&path), "fine");
    assert!(said(folder.path()).contains("it is a folder, but not of a model"));
}

#[test]
fn descriptions_are_of_their_program() {
    let x = named("x", tensor(10, &[2]));
    let body = program(&[x], &[operation("relu", ("x", bytes(1, "x")), named("y", tensor(10, &[2])))], "y");
    // FeatureDescription: a multi-array of halves.
    let array = |name: &str, shape: &[u64], ty: u64| {
        let shape: Vec<u8> = shape.iter().flat_map(|n| number(1, *n)).collect();
        [bytes(1, name), bytes(3, bytes(5, [shape, number(2, ty)].concat()))].concat()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.mlmodel");
    let with = |inputs: &[Vec<u8>], output: &str| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|i| bytes(1, i)).collect();
        let description = [inputs, bytes(10, array(output, &[2], 65552))].concat();
        fs::write(&path, [bytes(2, description), model(&body)].concat()).unwrap();
        said(&path).replace(&format!("{}: ", path.display()), "")
    };
    let good = array("x", &[2], 65552);
    assert_eq!(with(std::slice::from_ref(&good), "y"), "fine");
    let cases = [
        (vec![], "y", "function `main` takes `x`, which its description has not"),
        (vec![good.clone(), array("z", &[2], 65552)], "y", "its description has an input `z`, function `main` has not"),
        (
            vec![array("x", &[3], 65552)],
            "y",
            "its description says of input `x` of function `main`: its shape is [3]; the function takes [2]",
        ),
        (
            vec![array("x", &[2], 65568)],
            "y",
            "its description says of input `x` of function `main`: its elements are fp32; the function takes fp16",
        ),
        (vec![good], "z", "its description has an output `z`, function `main` does not give it"),
    ];
    for (inputs, output, message) in cases {
        assert_eq!(with(&inputs, output), message);
    }
}
