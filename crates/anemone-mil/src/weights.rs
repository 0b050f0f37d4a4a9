//! Where the data of `BLOBFILE` comes from.

use crate::Printed;
use anemone_file::{Mapped, Root};
use anemone_ir::literal::Bytes;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What a path in a text begins with: the folder of the text.
const MODEL_PATH: &str = "@model_path/";

/// Bytes that can be read in parts.
pub trait Store {
    /// How many there are.
    ///
    /// # Errors
    /// They cannot be reached.
    fn size(&self) -> Result<u64>;

    /// The bytes `offset..offset + len`.
    ///
    /// # Errors
    /// There are not as many, or they cannot be read.
    fn read(&self, offset: u64, len: u64) -> Result<Bytes>;
}

/// Finds the file that a `BLOBFILE` names.
pub trait Weights {
    /// Opens the file. `path` is as the text writes it, such as `@model_path/weights/weight.bin`.
    ///
    /// # Errors
    /// There is none, or it may not be read.
    fn open(&self, path: &str) -> Result<Rc<dyn Store>>;
}

/// For texts that need no file: each `BLOBFILE` is an error.
#[derive(Clone, Copy, Debug)]
pub struct NoWeights;

impl Weights for NoWeights {
    fn open(&self, _: &str) -> Result<Rc<dyn Store>> {
        Err(Error::new(ErrorKind::NotFound, "no weights were given with this text"))
    }
}

/// A weight file in memory. It answers to every path.
#[derive(Clone)]
pub struct InMemory(Bytes);

impl InMemory {
    /// The bytes of a weight file.
    pub fn new(bytes: Vec<u8>) -> InMemory {
        InMemory(bytes.into())
    }
}

impl Weights for InMemory {
    fn open(&self, _: &str) -> Result<Rc<dyn Store>> {
        Ok(Rc::new(self.clone()))
    }
}

/// The files that a text was printed with.
impl Weights for Printed {
    fn open(&self, path: &str) -> Result<Rc<dyn Store>> {
        let below = path.strip_prefix(MODEL_PATH);
        let file = self.files.iter().find(|file| Some(&*file.path) == below);
        let file = file.ok_or_else(|| Error::new(ErrorKind::NotFound, "the text was printed with no such file"))?;
        Ok(Rc::new(InMemory::new(file.bytes.clone())))
    }
}

impl Store for InMemory {
    fn size(&self) -> Result<u64> {
        Ok(self.0.as_slice().len() as u64)
    }

    fn read(&self, offset: u64, len: u64) -> Result<Bytes> {
        let range = usize::try_from(offset).ok().zip(usize::try_from(len).ok());
        range.and_then(|(offset, len)| self.0.part(offset, len)).ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }
}

/// The folder of a text, and nothing outside of it.
///
/// A path in a text is `@model_path/…`, and may not leave the folder, neither with `..` nor by a symbolic link. There is one
/// exception: the models of a pipeline lie side by side in a bundle (`name.mlmodelc/model0/model.mil`) and may share weights,
/// so a text whose folder lies in a `.mlmodelc` may name files of that bundle.
///
/// Files are mapped into memory, not read. See [`anemone_file`] for what that asks of who writes to them.
#[derive(Clone, Debug)]
pub struct Folder {
    root: Root,
}

impl Folder {
    /// The folder that a text lies in.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        let path = path.into();
        let bundle = path.parent().filter(|p| p.extension().is_some_and(|e| e == "mlmodelc"));
        let root = match bundle.zip(path.file_name()) {
            Some((bundle, below)) => Root::new(bundle).starting_in(below),
            None => Root::new(path),
        };
        Folder { root }
    }

    /// The folder of a text's file.
    pub fn of(file: &Path) -> Folder {
        Folder::new(file.parent().unwrap_or(Path::new("")))
    }
}

impl Weights for Folder {
    fn open(&self, path: &str) -> Result<Rc<dyn Store>> {
        let Some(relative) = path.strip_prefix(MODEL_PATH) else {
            let message = format!("a path of weights begins with `{MODEL_PATH}`");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        Ok(Rc::new(InMemory(mapped(self.root.open(relative)?))))
    }
}

/// The bytes of a map, which lives as long as they do.
pub(crate) fn mapped(map: Mapped) -> Bytes {
    let len = map.as_slice().len();
    Bytes::new(Arc::new(map), 0, len).expect("the whole is a part")
}
