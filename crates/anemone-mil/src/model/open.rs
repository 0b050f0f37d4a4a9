//! Opening a model, in the form that it has.

use super::{Form, ModelFile, compiled, manifest};
use crate::description::{Description, attribute, derived};
use crate::proto::{self, Container, pipeline_names, read};
use crate::syntax::{self, Text, print as print_tree};
use crate::weights::Folder;
use crate::{LoadError, Source};
use anemone_file::Mapped;
use anemone_ir::Diagnostic;
use prost::{DecodeError, Message};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The versions of the model format in which there are ML programs, and which are known.
const SPECIFICATIONS: std::ops::RangeInclusive<i32> = 6..=10;

/// No reader of protobuf takes more.
const MAX_PROTOBUF: usize = i32::MAX as usize;

type Result<T> = std::result::Result<T, LoadError>;

/// An error about a file or folder.
pub(super) fn wrong(path: &Path, message: impl Into<String>, hint: Option<&str>) -> LoadError {
    LoadError::Model { path: path.into(), message: message.into(), hint: hint.map(str::to_owned) }
}

pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> LoadError {
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
        if protobuf { model(path, path.into(), Form::Model) } else { text(path, path, Form::Text, None) }
    }
}

fn folder(path: &Path) -> Result<ModelFile> {
    let there = |name: &str| path.join(name).exists();
    if there("Manifest.json") {
        return model(path, manifest::root_model(path)?, Form::Package);
    }
    if there("coremldata.bin") || there("model.mil") {
        return compiled_model(path);
    }
    let hint = match Form::of_path(path) {
        Some(Form::Package) => "a package has `Manifest.json`",
        Some(Form::Compiled) => "a compiled model has `model.mil` and `coremldata.bin`",
        _ => "a folder is a package, with `Manifest.json`, or a compiled model, with `model.mil`",
    };
    Err(wrong(path, "it is a folder, but not of a model", Some(hint)))
}

fn compiled_model(path: &Path) -> Result<ModelFile> {
    let data_path = path.join("coremldata.bin");
    let mut told = None;
    if data_path.exists() {
        let data = Mapped::open(&data_path).map_err(io(&data_path))?;
        let data = compiled::read(data.as_slice()).map_err(|message| wrong(&data_path, message, None))?;
        if let Some(name) = data.not_a_program {
            let stages: Vec<_> = (0..).map(|i| format!("model{i}")).take_while(|s| path.join(s).is_dir()).collect();
            return Err(not_a_program(path, name, &stages));
        }
        let description = described(&data_path, data.description)?;
        told = Some((data.specification, description, Arc::from(data.description)));
    }
    let text_path = path.join("model.mil");
    if !text_path.exists() {
        return Err(wrong(
            path,
            "the compiled model has no `model.mil`",
            Some("it is no ML program, or not all of it is there"),
        ));
    }
    text(path, &text_path, Form::Compiled, told)
}

/// What a compiled model says beside its text: specification, description, and that as it is in the file.
type Told = (i32, Description, Arc<[u8]>);

fn text(path: &Path, text: &Path, form: Form, told: Option<Told>) -> Result<ModelFile> {
    let source = Source::open(text)?;
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
        weights: Arc::new(Folder::of(text)),
    })
}

/// A model as protobuf. `file` is it, `path` is what the user named.
fn model(path: &Path, file: PathBuf, form: Form) -> Result<ModelFile> {
    let map = Mapped::open(&file).map_err(io(&file))?;
    let bytes = map.as_slice();
    if bytes.len() > MAX_PROTOBUF {
        return Err(wrong(&file, format!("it has {} bytes, a protobuf model has less than 2 GiB", bytes.len()), None));
    }
    let broken = |e| wrong(&file, undecoded(&e), None);
    let container = Container::read(bytes).map_err(broken)?;
    if let Some(other) = &container.other {
        return Err(not_a_program(&file, other.name, &pipeline_names(other)));
    }
    let Some(program) = container.program else {
        return Err(wrong(&file, "there is no model in it: it has no field of any type of model", None));
    };
    if !SPECIFICATIONS.contains(&container.specification) {
        let (low, high) = (SPECIFICATIONS.start(), SPECIFICATIONS.end());
        let message = format!("specification version {} is not known, {low} to {high} are", container.specification);
        return Err(wrong(&file, message, None));
    }
    let description = described(&file, container.description)?;
    let program = proto::Program::decode(program).map_err(broken)?;
    let mut tree = read::text(&program, container.specification).map_err(|d| listed(&file, &d))?;
    add_flexible_shapes(&mut tree, &description);
    drop(program);
    // The tree's text is written and read again, for the places in it.
    let source = Source::new(&format!("{}, as MIL text", file.display()), &print_tree(&tree));
    let tree = syntax::parse(source.text()).map_err(|d| source.error(d))?;
    Ok(ModelFile {
        path: path.into(),
        form,
        specification: Some(container.specification),
        updatable: container.updatable,
        description,
        raw_description: Some(Arc::from(container.description)),
        source,
        tree,
        weights: Arc::new(Folder::of(&file)),
    })
}

fn described(path: &Path, bytes: &[u8]) -> Result<Description> {
    let message = proto::ModelDescription::decode(bytes);
    let message = message.map_err(|e| wrong(path, format!("in its description: {}", undecoded(&e)), None))?;
    Ok(Description::read(message))
}

/// Why bytes are no message. The decoder's own message names every message on the way.
fn undecoded(e: &DecodeError) -> String {
    const SHOWN: usize = 150;
    let message = e.to_string();
    if message.ends_with("recursion limit reached") {
        return "blocks, types or values are nested deeper than a reader of protobuf goes, which is 100 messages"
            .to_owned();
    }
    let cut = message.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    format!("it is no protobuf model: {}{}", if cut > 0 { "…" } else { "" }, &message[cut..])
}

/// Compiled models keep in an attribute of the function which shapes its inputs may have.
fn add_flexible_shapes(tree: &mut Text, description: &Description) {
    for function in &mut tree.functions {
        let described = description.function(&function.name.name);
        function.attributes.extend(described.and_then(|d| attribute(&d.inputs)));
        function.attributes.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    }
}

/// Findings that have no text to point at.
fn listed(path: &Path, findings: &[Diagnostic]) -> LoadError {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    wrong(path, lines.join("\n"), None)
}

fn not_a_program(path: &Path, name: &str, stages: &[String]) -> LoadError {
    let message = format!("it is a model of type `{name}`, and only ML programs are read");
    let hint = if name.starts_with("pipeline") {
        let stages = if stages.is_empty() { String::new() } else { format!(", which are {}", stages.join(", ")) };
        format!(
            "a pipeline is several models in a row; use its stages one by one{stages}, each as an ML program of its own"
        )
    } else if name.starts_with("neuralNetwork") {
        "convert the original network again with coremltools, with `convert_to=\"mlprogram\"`".to_owned()
    } else {
        "models that are no neural networks have no program; only Core ML itself runs them".to_owned()
    };
    wrong(path, message, Some(&hint))
}
