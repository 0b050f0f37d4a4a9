//! Opening a model, in the form that it has.

use super::decode::{Decoded, Wrong, decode, described, not_a_program};
use super::{Form, ModelFile, compiled, manifest};
use crate::description::{Description, derived};
use crate::syntax;
use crate::weights::Folder;
use crate::{LoadError, Source};
use anemone_file::{Mapped, Root};
use std::fs;
use std::path::Path;
use std::sync::Arc;

type Result<T> = std::result::Result<T, LoadError>;

/// An error about a file or folder.
fn at(path: &Path) -> impl Fn(Wrong) -> LoadError {
    move |Wrong { message, hint }| LoadError::Model { path: path.into(), message, hint }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> LoadError {
    move |source| LoadError::Io { path: path.into(), source }
}

impl ModelFile {
    /// Opens a model: a MIL text, a `.mlmodelc` or `.mlpackage` folder, or a `.mlmodel`. The form is told by what is there, not
    /// by the name; where content could be either, the name decides.
    ///
    /// # Errors
    /// It cannot be read, is no model, is none that has a program (old neural networks, trees, pipelines), or says of itself
    /// what cannot be. Whether its program is right is found out by [`ModelFile::program`].
    pub fn open(path: &Path) -> Result<ModelFile> {
        let metadata = fs::metadata(path).map_err(io(path))?;
        if metadata.is_dir() {
            return folder(path);
        }
        let protobuf = match Form::of_path(path) {
            Some(Form::Text) => false,
            Some(Form::Model) => true,
            // A model begins with its version, in field 1; no text begins with such a character.
            _ => metadata.is_file() && Mapped::open(path).map_err(io(path))?.as_slice().first() == Some(&8),
        };
        if protobuf {
            model(path, path, Folder::of(path), Form::Model)
        } else {
            text(path, Source::open(path)?, Folder::of(path), Form::Text, None)
        }
    }
}

fn folder(path: &Path) -> Result<ModelFile> {
    let there = |name: &str| path.join(name).exists();
    if there("Manifest.json") {
        let (file, folder) = manifest::root_model(path).map_err(at(&path.join("Manifest.json")))?;
        return model(path, &file, folder, Form::Package);
    }
    if there("coremldata.bin") || there("model.mil") {
        return compiled_model(path);
    }
    let hint = match Form::of_path(path) {
        Some(Form::Package) => "a package has `Manifest.json`",
        Some(Form::Compiled) => "a compiled model has `model.mil` and `coremldata.bin`",
        _ => "a folder is a package, with `Manifest.json`, or a compiled model, with `model.mil`",
    };
    let message = "it is a folder, but not of a model".to_owned();
    Err(at(path)(Wrong { message, hint: Some(hint.to_owned()) }))
}

fn compiled_model(path: &Path) -> Result<ModelFile> {
    // What a link leads to may be of anybody, so both files are looked for in the folder only.
    let (root, data_path) = (Root::new(path), path.join("coremldata.bin"));
    let mut told = None;
    if data_path.exists() {
        let data = root.open("coremldata.bin").map_err(io(&data_path))?;
        let data = compiled::read(data.as_slice()).map_err(|message| at(&data_path)(message.into()))?;
        if let Some(name) = data.not_a_program {
            let stages: Vec<_> = (0..).map(|i| format!("model{i}")).take_while(|s| path.join(s).is_dir()).collect();
            return Err(at(path)(not_a_program(name, &stages)));
        }
        let description = described(data.description).map_err(at(&data_path))?;
        told = Some((data.specification, description, Arc::from(data.description)));
    }
    let text_path = path.join("model.mil");
    if !text_path.exists() {
        let hint = Some("it is no ML program, or not all of it is there".to_owned());
        return Err(at(path)(Wrong { message: "the compiled model has no `model.mil`".to_owned(), hint }));
    }
    let real = root.resolve("model.mil").map_err(io(&text_path))?;
    let source = Source::open(&real)?.named(&text_path.display().to_string());
    text(path, source, Folder::of(&text_path), Form::Compiled, told)
}

/// What a compiled model says beside its text: specification, description, and that as it is in the file.
type Told = (i32, Description, Arc<[u8]>);

/// A model as text. `path` is what the user named, `folder` is where its weights are.
fn text(path: &Path, source: Source, folder: Folder, form: Form, told: Option<Told>) -> Result<ModelFile> {
    let tree = syntax::parse(source.text()).map_err(|d| source.error(d))?;
    let (specification, description, raw_description) = match told {
        Some((specification, description, raw)) => (Some(specification), description, Some(raw)),
        None => (None, derived(&tree), None),
    };
    Ok(ModelFile {
        path: path.into(),
        form,
        specification,
        updatable: false,
        description,
        raw_description,
        source,
        tree,
        weights: Arc::new(folder),
    })
}

/// A model as protobuf. `file` is it, `path` is what the user named, `folder` is where its weights are.
fn model(path: &Path, file: &Path, folder: Folder, form: Form) -> Result<ModelFile> {
    let map = Mapped::open(file).map_err(io(file))?;
    let name = file.display().to_string();
    let Decoded { specification, updatable, description, raw_description, source, tree } =
        decode(map.as_slice(), &name).map_err(at(file))?;
    Ok(ModelFile {
        path: path.into(),
        form,
        specification: Some(specification),
        updatable,
        description,
        raw_description,
        source,
        tree,
        weights: Arc::new(folder),
    })
}
