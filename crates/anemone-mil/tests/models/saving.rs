//! What is there is not lost, and nothing is left half written.

use super::{PLAIN, written};
use anemone_mil::{Form, ModelFile, SaveError};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every file below a folder.
fn everything(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn equal_models_give_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(&folder.path().join("in"), PLAIN)).unwrap();
    for form in Form::ALL {
        for copy in ["a", "b"] {
            model.save(&folder.path().join(form.extension()).join(copy).join("model"), form).unwrap();
        }
        let all = |copy: &str| everything(&folder.path().join(form.extension()).join(copy));
        assert_eq!(all("a"), all("b"));
        let names: Vec<_> = all("a").into_keys().collect();
        let expected: &[&str] = match form {
            Form::Text | Form::Model => &["model", "weights/weight.bin"],
            Form::Package => &[
                "model/Data/com.apple.CoreML/model.mlmodel",
                "model/Data/com.apple.CoreML/weights/weight.bin",
                "model/Manifest.json",
            ],
            Form::Compiled => &[
                "model/analytics/coremldata.bin",
                "model/coremldata.bin",
                "model/metadata.json",
                "model/model.mil",
                "model/weights/weight.bin",
            ],
        };
        assert_eq!(names, expected);
    }
}

#[test]
fn what_is_there_is_replaced_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(&folder.path().join("in"), PLAIN)).unwrap();
    for form in Form::ALL {
        let path = folder.path().join(form.extension()).join("model");
        model.save(&path, form).unwrap();
        let before = everything(path.parent().unwrap());
        assert!(matches!(model.save(&path, form), Err(SaveError::Exists { .. })), "{form}");
        assert_eq!(everything(path.parent().unwrap()), before);
        // A model may be written over the files that it was read from, which stay mapped.
        let itself = ModelFile::open(&path).unwrap();
        itself.replace(&path, form).unwrap();
        itself.replace(&path, form).unwrap();
        assert_eq!(everything(path.parent().unwrap()), before);
    }
}

#[test]
fn only_models_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(&folder.path().join("in"), PLAIN)).unwrap();
    let home = folder.path().join("home");
    fs::create_dir_all(home.join("letters")).unwrap();
    fs::write(home.join("letters/letter"), "dear").unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "a file").unwrap();
    for (path, forms) in [(&home, &Form::ALL[..]), (&file, &[Form::Package, Form::Compiled])] {
        for form in forms {
            let error = model.replace(path, *form).unwrap_err();
            assert!(matches!(error, SaveError::NoModel { .. }), "{form}: {error}");
        }
    }
    assert_eq!(fs::read_to_string(home.join("letters/letter")).unwrap(), "dear");
    assert_eq!(fs::read_to_string(&file).unwrap(), "a file");
    // Weights beside a text may be those of another text.
    let taken = folder.path().join("in/other.mil");
    let error = model.save(&taken, Form::Text).unwrap_err().to_string();
    assert!(error.ends_with("weights/weight.bin is there already"), "{error}");
    assert!(!taken.exists());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    model.replace(&empty, Form::Package).unwrap();
}

#[test]
fn inputs_and_outputs_are_what_core_ml_takes() {
    let folder = tempfile::tempdir().unwrap();
    let text = |ty: &str| format!("program(1.0) {{ func main<ios15>(tensor<{ty}, [2]> x) {{ }} -> (x); }}");
    for (ty, specification) in [("fp32", 6), ("int32", 6), ("fp16", 7), ("int8", 10)] {
        let model = ModelFile::open(&written(&folder.path().join(ty), &text(ty))).unwrap();
        let path = folder.path().join(ty).join("p");
        model.save(&path, Form::Package).unwrap();
        assert_eq!(ModelFile::open(&path).unwrap().specification(), Some(specification), "{ty}");
    }
    let model = ModelFile::open(&written(&folder.path().join("bool"), &text("bool"))).unwrap();
    let error = model.save(&folder.path().join("p"), Form::Package).unwrap_err().to_string();
    let line = "error[boundary]: Core ML has no inputs and outputs of type bool, and `x` is one";
    assert!(error.contains(line) && error.contains("model.mil:1:51") && error.contains("help: cast it"), "{error}");
    model.save(&folder.path().join("text/m.mil"), Form::Text).unwrap();
}

#[test]
fn nothing_is_left_of_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let text = written(&folder.path().join("in"), PLAIN);
    let model = ModelFile::open(&text).unwrap();
    fs::remove_file(folder.path().join("in/weights/weight.bin")).unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    for form in Form::ALL {
        let error = model.save(&out.join("model"), form).unwrap_err().to_string();
        assert!(error.contains("model.mil:5:") && error.contains("No such file"), "{error}");
        assert!(everything(&out).is_empty(), "{form}");
    }
    // A value that is not of its type is found when the message is made, after the folder was begun.
    let text = PLAIN.replace("tensor<int32, [2]>([1, 0])", "tensor<int32, [2]>([1, 0, 2])");
    let model = ModelFile::open(&written(&folder.path().join("bad"), &text)).unwrap();
    for form in [Form::Package, Form::Model] {
        let error = model.save(&out.join("model"), form).unwrap_err().to_string();
        assert!(error.contains("2 are declared, 3 are given"), "{error}");
        assert!(everything(&out).keys().all(|name| name == "weights/weight.bin"), "{form}");
    }
}
