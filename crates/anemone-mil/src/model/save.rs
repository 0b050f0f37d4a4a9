//! Writing a model in any form, whole or not at all.

mod boundary;
mod metadata;
mod place;
mod weights;

use super::{Form, ModelFile, compiled, manifest};
use crate::ParseError;
use crate::description::Description;
use crate::proto::{self, write};
use crate::syntax::{self, Dialect, Text, Type};
use place::Place;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use weights::Weighed;

/// What is said where a model's weights lie, from its own folder.
const WEIGHTS: &str = "weights/weight.bin";

/// Why a model was not written. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// A file or folder could not be made.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something already.
    #[error("{} is there already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// There is something that is no model, and it was not replaced.
    #[error("{} is no model, so it is not replaced", path.display())]
    NoModel {
        /// Where.
        path: PathBuf,
    },
    /// The model has parts that cannot be written, or its weights cannot be read.
    #[error(transparent)]
    Model(#[from] ParseError),
}

type Result<T> = std::result::Result<T, SaveError>;

fn at(path: &Path) -> impl Fn(io::Error) -> SaveError {
    move |source| SaveError::Io { path: path.into(), source }
}

impl ModelFile {
    /// Writes the model in a form. All its weights go into one file, `weights/weight.bin` beside its text or protobuf, equal ones
    /// once, straight from where they are.
    ///
    /// A folder appears whole or not at all. A text or a `.mlmodel` comes last, when its weights are there.
    ///
    /// # Errors
    /// There is something at the path, or where its weights go; the model has a part that no message can hold, or weights that
    /// cannot be read; or the disk is full.
    pub fn save(&self, path: &Path, form: Form) -> Result<()> {
        self.write(path, form, false)
    }

    /// The same, but what is there is replaced, if it is a file, a model, or an empty folder. This model may be the one that is
    /// replaced.
    ///
    /// # Errors
    /// As [`ModelFile::save`].
    pub fn replace(&self, path: &Path, form: Form) -> Result<()> {
        self.write(path, form, true)
    }

    fn write(&self, path: &Path, form: Form, replace: bool) -> Result<()> {
        // Text may say anything; a description that was read says nothing else than Core ML has.
        if form != Form::Text && self.raw_description.is_none() {
            match boundary::refused(&self.tree, &self.description) {
                refused if refused.is_empty() => {}
                refused => return Err(self.source.error(refused).into()),
            }
        }
        let weighed = Weighed::of(&self.tree, self.weights()).map_err(|d| self.source.error(vec![*d]))?;
        let (mut tree, weights) = weighed.laid_out();
        let specification = self.specification_to_write();
        if form != Form::Text {
            tree.version = dialect(specification).version();
        }
        let place = Place::claim(path, matches!(form, Form::Package | Form::Compiled), replace)?;
        match form {
            Form::Text => {
                self.beside(&place, &weights, replace)?;
                create(place.scratch(), |out| out.write_all(syntax::print(&tree).as_bytes()))?;
            }
            Form::Model => {
                self.beside(&place, &weights, replace)?;
                let bytes = self.protobuf(&tree, specification)?;
                create(place.scratch(), |out| out.write_all(&bytes))?;
            }
            Form::Package => {
                let folder = place.scratch().join("Data/com.apple.CoreML");
                write_weights(&folder, &weights)?;
                fs::create_dir_all(&folder).map_err(at(&folder))?;
                let bytes = self.protobuf(&tree, specification)?;
                create(&folder.join("model.mlmodel"), |out| out.write_all(&bytes))?;
                let manifest = manifest::written(!weights.is_empty());
                create(&place.scratch().join("Manifest.json"), |out| out.write_all(manifest.as_bytes()))?;
            }
            Form::Compiled => {
                self.compiled(place.scratch(), &tree, specification, &weights)?;
                let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or("model");
                let metadata = metadata::written(self, &tree, specification, name, &weighed.elements());
                create(&place.scratch().join("metadata.json"), |out| out.write_all(metadata.as_bytes()))?;
            }
        }
        place.commit()
    }

    /// The folder of a compiled model, without its summary.
    fn compiled(
        &self,
        folder: &Path,
        tree: &Text,
        specification: i32,
        weights: &crate::blob::Writer<'_>,
    ) -> Result<()> {
        write_weights(folder, weights)?;
        create(&folder.join("model.mil"), |out| out.write_all(syntax::print(tree).as_bytes()))?;
        let data = compiled::written(specification, &self.description_to_write(), self.description.functions.len());
        create(&folder.join("coremldata.bin"), |out| out.write_all(&data))?;
        let analytics = folder.join("analytics");
        fs::create_dir(&analytics).map_err(at(&analytics))?;
        create(&analytics.join("coremldata.bin"), |out| out.write_all(&compiled::analytics()))
    }

    /// The weights of a form that is one file, in a folder beside it.
    fn beside(&self, place: &Place, weights: &crate::blob::Writer<'_>, replace: bool) -> Result<()> {
        if weights.is_empty() {
            return Ok(());
        }
        let path = place.folder().join(WEIGHTS);
        let folder = place.folder().join("weights");
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let file = Place::claim(&path, false, replace)?;
        create(file.scratch(), |out| weights.write(out))?;
        file.commit()
    }

    /// The version of the format that the model is written in: its own, or for a text the first that has all it uses.
    fn specification_to_write(&self) -> i32 {
        let opset = |f: &syntax::Function| match &*f.opset.name {
            "ios15" => 6,
            "ios16" => 7,
            "ios17" => 8,
            "ios26" => 10,
            _ => 9,
        };
        let needed = self.tree.functions.iter().map(opset).max().unwrap_or(6);
        let state = |f: &syntax::Function| f.params.iter().any(|p| matches!(p.ty, Type::State(_)));
        let newer = self.tree.functions.iter().any(state)
            || !self.description.functions.is_empty()
            || self.tree.version.spelling() == Dialect::V1_3;
        let needed = if newer { needed.max(9) } else { needed };
        let needed = needed.max(boundary::specification(&self.description));
        self.specification.map_or(needed, |own| own.max(needed))
    }

    fn description_to_write(&self) -> Vec<u8> {
        match &self.raw_description {
            Some(raw) => raw.to_vec(),
            None => Description::write(&self.description).encode_to_vec(),
        }
    }

    /// The model as one message.
    fn protobuf(&self, tree: &Text, specification: i32) -> Result<Vec<u8>> {
        let program: proto::Program = write::program(tree).map_err(|d| self.source.error(vec![*d]))?;
        let mut out = Vec::new();
        encode_key(1, WireType::Varint, &mut out);
        encode_varint(specification as u64, &mut out);
        prost::encoding::bytes::encode(2, &self.description_to_write(), &mut out);
        if self.updatable {
            prost::encoding::bool::encode(10, &true, &mut out);
        }
        prost::encoding::message::encode(502, &program, &mut out);
        Ok(out)
    }
}

/// How a model of a specification spells its text.
fn dialect(specification: i32) -> Dialect {
    if specification >= proto::read::V1_3_SINCE { Dialect::V1_3 } else { Dialect::V1_0 }
}

fn create(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let write = || {
        let mut out = BufWriter::new(File::create_new(path)?);
        content(&mut out)?;
        out.flush()
    };
    write().map_err(at(path))
}

/// The weight file below a folder, if there are weights.
fn write_weights(folder: &Path, weights: &crate::blob::Writer<'_>) -> Result<()> {
    if weights.is_empty() {
        return Ok(());
    }
    let path = folder.join(WEIGHTS);
    let parent = folder.join("weights");
    fs::create_dir_all(&parent).map_err(at(&parent))?;
    create(&path, |out| weights.write(out))
}
