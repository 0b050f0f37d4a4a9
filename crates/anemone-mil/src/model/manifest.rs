//! `Manifest.json`: which of a package's files is its model.

use super::decode::Wrong;
use crate::weights::Folder;
use anemone_file::Root;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The only version there is.
const VERSION: &str = "1.0.0";

/// A manifest has a few lines.
const MAX_BYTES: usize = 1 << 24;

/// The file of a package's model, from its manifest, and the folder that its weights are named from.
pub(super) fn root_model(package: &Path) -> Result<(PathBuf, Folder), Wrong> {
    let root = Root::new(package);
    let manifest = root.open("Manifest.json").map_err(|e| format!("it cannot be read: {e}"))?;
    let item = root_item(manifest.as_slice())?;
    // One folder further than the package: a path of an item stays in `Data`.
    let data = Root::new(package.join("Data"));
    let file = data.resolve(&item).map_err(|e| format!("its model is at {item:?}, which cannot be opened: {e}"))?;
    if file.is_dir() {
        let message = format!("its model at {item:?} is a folder, where a protobuf model was expected");
        return Err(Wrong { message, hint: Some("if that folder is a compiled model, open it itself".to_owned()) });
    }
    Ok((file, Folder::of(&data.path().join(item))))
}

/// The path of the model below `Data`.
///
/// # Errors
/// What is wrong with the manifest.
pub(crate) fn root_item(manifest: &[u8]) -> Result<String, String> {
    if manifest.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, a manifest has at most {MAX_BYTES}", manifest.len()));
    }
    let manifest: Value = serde_json::from_slice(manifest).map_err(|e| format!("it is not JSON: {e}"))?;
    let text = |value: &Value, key: &str, what: &str| match value.get(key).and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("{what} has no `{key}`, which is a string")),
    };
    let version = text(&manifest, "fileFormatVersion", "it")?;
    if version != VERSION {
        return Err(format!("its `fileFormatVersion` is {version:?}, only {VERSION:?} is known"));
    }
    let identifier = text(&manifest, "rootModelIdentifier", "it")?;
    let Some(entries) = manifest.get("itemInfoEntries").and_then(Value::as_object) else {
        return Err("it has no `itemInfoEntries`, which is an object".to_owned());
    };
    let Some(entry) = entries.get(&identifier) else {
        return Err(format!("its `rootModelIdentifier` is {identifier:?}, and no entry has that name"));
    };
    text(entry, "path", &format!("entry {identifier:?}"))
}

/// Names of the two items. Apple's tools make random ones; these are the same in every package, so that equal models give equal
/// packages.
const MODEL: &str = "A6E90000-0000-4000-8000-000000000001";
const WEIGHTS: &str = "A6E90000-0000-4000-8000-000000000002";

/// The manifest of a package with `com.apple.CoreML/model.mlmodel`, and perhaps a folder of weights beside it.
pub(super) fn written(weights: bool) -> String {
    let item = |name: &str, description: &str| {
        json!({
            "author": "com.apple.CoreML",
            "description": description,
            "name": name,
            "path": format!("com.apple.CoreML/{name}"),
        })
    };
    let mut entries = Map::new();
    entries.insert(MODEL.to_owned(), item("model.mlmodel", "CoreML Model Specification"));
    if weights {
        entries.insert(WEIGHTS.to_owned(), item("weights", "CoreML Model Weights"));
    }
    let manifest = json!({
        "fileFormatVersion": VERSION,
        "itemInfoEntries": entries,
        "rootModelIdentifier": MODEL,
    });
    format!("{manifest:#}\n")
}
