//! A folder that nothing leads out of.

use crate::Mapped;
use std::ffi::OsStr;
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

/// A folder whose files may be opened by paths that are not to be trusted.
///
/// A path is relative, with slashes on every system. `..` may lead back to where the path has been, not out of the folder.
/// Symbolic links are followed as long as they end within the folder.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    /// Where paths begin, below the folder.
    start: PathBuf,
}

impl Root {
    /// The folder at a path, which may be empty for the current one. It need not be there yet: then nothing is in it.
    pub fn new(path: impl Into<PathBuf>) -> Root {
        let path = path.into();
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        Root { path, start: PathBuf::new() }
    }

    /// The same folder, with paths that begin in a folder directly below it, out of which they may lead.
    pub fn starting_in(self, below: &OsStr) -> Root {
        Root { start: PathBuf::from(below), ..self }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Maps a file below the folder.
    ///
    /// # Errors
    /// The path leaves the folder, by itself or by a link; it names no regular file; or that may not be read.
    pub fn open(&self, relative: &str) -> Result<Mapped> {
        Mapped::open(&self.resolve(relative)?)
    }

    /// Where a path below the folder leads, all links followed.
    ///
    /// # Errors
    /// It leaves the folder, or leads nowhere.
    pub fn resolve(&self, relative: &str) -> Result<PathBuf> {
        let path = self.path.join(plain(&self.start, relative)?);
        let real = path.canonicalize()?;
        if real.starts_with(self.path.canonicalize()?) {
            return Ok(real);
        }
        refuse(
            "a symbolic link leads out of the folder of the model; copy the model with `cp -rL`, which replaces links by what they name",
        )
    }
}

/// A path without `.` and `..`, if it stays where it is put.
fn plain(start: &Path, relative: &str) -> Result<PathBuf> {
    let mut out = start.to_path_buf();
    for component in Path::new(relative).components() {
        match component {
            // A backslash separates on one system and is a letter on another.
            Component::Normal(name) if !relative.contains(['\\', '\0']) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir if out.pop() => {}
            Component::ParentDir => return refuse("the path leaves the folder of the model"),
            _ => return refuse("the path is no plain path inside the folder of the model"),
        }
    }
    Ok(out)
}

fn refuse<T>(why: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput, why))
}
