//! Where the data of `BLOBFILE` comes from.

use crate::Printed;
use anemone_ir::literal::Bytes;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

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
    /// There are not as many, they cannot be read, or there is no memory for them.
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
/// A path in a text is `@model_path/…`, and may not leave the folder with `..`. There is one exception: the models of a
/// pipeline lie side by side in a bundle (`name.mlmodelc/model0/model.mil`) and may share weights, so a text whose folder
/// lies in a `.mlmodelc` may name files of that bundle. Symbolic links are followed: they are made by who owns the folder
/// (caches of downloaded models consist of them), not by the text.
///
/// Files are read, not mapped: a mapped file that somebody shortens ends the process, and what is read is what the text
/// declares, once for each blob.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder that a text lies in.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }

    /// The folder of a text's file.
    pub fn of(file: &Path) -> Folder {
        Folder::new(file.parent().unwrap_or(Path::new("")))
    }

    /// The file that a path in a text names.
    fn resolve(&self, path: &str) -> Result<PathBuf> {
        let refuse = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
        let Some(relative) = path.strip_prefix(MODEL_PATH) else {
            return refuse(format!("a path of weights begins with `{MODEL_PATH}`"));
        };
        let in_bundle = || self.path.parent().and_then(Path::extension).is_some_and(|e| e == "mlmodelc");
        let mut out = self.path.clone();
        // Steps below the model's folder; -1 is the bundle around it.
        let mut depth = 0;
        for component in Path::new(relative).components() {
            match component {
                Component::Normal(name) if !relative.contains(['\\', '\0']) => {
                    out.push(name);
                    depth += 1;
                }
                Component::CurDir => {}
                Component::ParentDir if depth > 0 || (depth == 0 && in_bundle()) => {
                    out.pop();
                    depth -= 1;
                }
                Component::ParentDir => return refuse("the path leaves the folder of the model".to_owned()),
                _ => return refuse("the path is no plain path inside the folder of the model".to_owned()),
            }
        }
        Ok(out)
    }
}

impl Weights for Folder {
    fn open(&self, path: &str) -> Result<Rc<dyn Store>> {
        let path = self.resolve(path)?;
        // Before it is opened: opening a pipe waits for who writes to it.
        if !std::fs::metadata(&path)?.is_file() {
            return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Rc::new(Stored(Mutex::new(File::open(path)?))))
    }
}

/// An open file.
struct Stored(Mutex<File>);

impl Store for Stored {
    fn size(&self) -> Result<u64> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).metadata()?.len())
    }

    fn read(&self, offset: u64, len: u64) -> Result<Bytes> {
        // Against memory out of proportion to the file.
        if offset.checked_add(len).is_none_or(|end| self.size().is_ok_and(|size| end > size)) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::new();
        let len = usize::try_from(len).map_err(|_| ErrorKind::OutOfMemory)?;
        bytes.try_reserve_exact(len).map_err(|_| ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
