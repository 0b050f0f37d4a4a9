//! A place on the disk that gets something whole or not at all.

use super::{Result, SaveError, at};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file or folder to be: first beside its place, under another name, then moved there.
pub(super) struct Place {
    target: PathBuf,
    scratch: PathBuf,
    folder: bool,
    done: bool,
}

impl Place {
    /// Prepares a place.
    ///
    /// # Errors
    /// There is something, and it is not to be replaced, or is not what a model replaces.
    pub(super) fn claim(target: &Path, folder: bool, replace: bool) -> Result<Place> {
        if fs::symlink_metadata(target).is_ok() {
            if !replace {
                return Err(SaveError::Exists { path: target.into() });
            }
            if !replaceable(target, folder) {
                return Err(SaveError::NoModel { path: target.into() });
            }
        }
        let scratch = beside(target, "new");
        if folder {
            fs::create_dir_all(&scratch).map_err(at(&scratch))?;
        } else if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        Ok(Place { target: target.into(), scratch, folder, done: false })
    }

    /// Where to write.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The folder around it.
    pub(super) fn folder(&self) -> &Path {
        self.target.parent().unwrap_or(Path::new(""))
    }

    /// Moves what was written to its place.
    pub(super) fn commit(mut self) -> Result<()> {
        let old = beside(&self.target, "old");
        // A file replaces a file in one step. A folder cannot: the old one is moved away first, and back should the rest fail.
        let moved = self.folder && fs::symlink_metadata(&self.target).is_ok();
        if moved {
            fs::rename(&self.target, &old).map_err(at(&self.target))?;
        }
        if let Err(e) = fs::rename(&self.scratch, &self.target) {
            if moved {
                fs::rename(&old, &self.target).map_err(at(&self.target))?;
            }
            return Err(at(&self.target)(e));
        }
        self.done = true;
        if moved {
            remove(&old);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.done {
            remove(&self.scratch);
        }
    }
}

/// Removes a file or folder. What cannot be removed stays: there is nothing better to do.
fn remove(path: &Path) {
    let folder = fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
    let _ = if folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// Whether something may be thrown away for a model: a file for a file; for a folder a model, or an empty folder.
fn replaceable(target: &Path, folder: bool) -> bool {
    let is_folder = fs::metadata(target).is_ok_and(|m| m.is_dir());
    if !folder || !is_folder {
        return folder == is_folder;
    }
    let model = ["Manifest.json", "coremldata.bin", "model.mil"].iter().any(|name| target.join(name).is_file());
    model || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none())
}

/// A name in the same folder that nothing else has.
fn beside(target: &Path, what: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!(".{name}.{what}-{}-{number}", std::process::id()))
}
