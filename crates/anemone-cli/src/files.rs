//! Files that appear whole or not at all, several at a time.

use crate::failure::Problem;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// Files that are written under other names, until [`Files::commit`] puts all of them in their places. Dropped before that,
/// they leave nothing behind, and no folder that was made for them.
#[derive(Default)]
pub(crate) struct Files {
    ready: Vec<(TempPath, PathBuf)>,
    folders: Vec<PathBuf>,
    committed: bool,
}

impl Files {
    /// Writes a file to be. Folders on the way are made.
    ///
    /// # Errors
    /// `path` is there and is no regular file, or the system refuses.
    pub(crate) fn add(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let target = target_of(path)?;
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.make_folder(folder).map_err(|e| Problem::io("make the folder", folder, &e))?;
        let temporary = temporary_in(folder).map_err(|e| Problem::io("write to", folder, &e))?;
        let file = temporary.as_file();
        let written = (|| {
            let mut to = BufWriter::new(file);
            write(&mut to)?;
            to.flush()?;
            drop(to);
            file.sync_all()
        })();
        written.map_err(|e| Problem::io("write", path, &e))?;
        self.ready.push((temporary.into_temp_path(), target));
        Ok(())
    }

    /// Puts all files in their places. If one cannot be put there, those that were there before are put back.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn commit(mut self) -> Result<(), Problem> {
        let mut undo: Vec<(PathBuf, Option<TempPath>)> = Vec::new();
        for (temporary, target) in std::mem::take(&mut self.ready) {
            let placed = set_aside(&target).and_then(|before| {
                undo.push((target.clone(), before));
                temporary.persist(&target).map_err(|e| e.error)
            });
            if let Err(e) = placed {
                for (target, before) in undo.into_iter().rev() {
                    // As well as can be: the error that is reported is the first one.
                    let _ = match before {
                        Some(before) => before.persist(&target).map_err(|e| e.error),
                        None => fs::remove_file(&target).or(Ok(())),
                    };
                }
                return Err(Problem::io("write", &target, &e));
            }
        }
        self.committed = true;
        Ok(())
    }

    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<_> = folder.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.folders.push(folder.to_owned()),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        if folder.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.ready.clear();
        if !self.committed {
            // Only empty folders can be removed, so nothing of anybody else's is.
            self.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
    }
}

/// The file that a path names, symbolic links followed: it is the file that is replaced, not the link.
fn target_of(path: &Path) -> Result<PathBuf, Problem> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => fs::canonicalize(path).map_err(|e| Problem::io("write", path, &e)),
        Ok(_) => {
            let message = format!("cannot write {}: it is there, and is not a regular file", path.display());
            Err(Problem::new("io", message))
        }
        Err(_) => Ok(path.to_owned()),
    }
}

/// A new file under a name that nothing else has, readable by whom the user's mask says.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".anemone-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// A second name for a file that is about to be replaced; `None` if there is no file.
fn set_aside(target: &Path) -> io::Result<Option<TempPath>> {
    if !target.exists() {
        return Ok(None);
    }
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let link = tempfile::Builder::new().prefix(".anemone-").suffix(".old").make_in(folder, |name| {
        // Not every file system has hard links.
        fs::hard_link(target, name).or_else(|_| fs::copy(target, name).map(drop))
    })?;
    Ok(Some(link.into_temp_path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_appear_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        for name in ["a", "sub/b"] {
            files.add(&dir.path().join(name), |to| to.write_all(name.as_bytes())).unwrap();
            assert!(!dir.path().join(name).exists());
        }
        files.commit().unwrap();
        assert_eq!(entries(dir.path()), ["a", "sub"]);
        assert_eq!(fs::read(dir.path().join("sub/b")).unwrap(), b"sub/b");
    }

    #[test]
    fn nothing_is_left_of_what_was_not_committed() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.add(&dir.path().join("new/folder/a"), |to| to.write_all(b"1")).unwrap();
        let failed = files.add(&dir.path().join("b"), |_| Err(io::Error::other("planted")));
        assert!(failed.unwrap_err().message.contains("planted"));
        drop(files);
        assert_eq!(entries(dir.path()), [""; 0]);
    }

    #[test]
    fn a_commit_that_fails_puts_everything_back() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new, bad] = ["old", "new", "bad"].map(|name| dir.path().join(name));
        fs::write(&old, "before").unwrap();
        let mut files = Files::default();
        for path in [&old, &new, &bad] {
            files.add(path, |to| to.write_all(b"after")).unwrap();
        }
        // A folder with something in it comes in the way after the file was written.
        fs::create_dir_all(bad.join("x")).unwrap();
        assert!(files.commit().is_err());
        assert_eq!(entries(dir.path()), ["bad", "old"]);
        assert_eq!(fs::read_to_string(&old).unwrap(), "before");
    }

    #[test]
    fn what_is_no_regular_file_is_left_alone() {
        let mut files = Files::default();
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path(), Path::new("/dev/null")] {
            assert!(files.add(path, |_| Ok(())).unwrap_err().message.contains("not a regular file"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_goes_on_pointing() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut files = Files::default();
        files.add(&link, |to| to.write_all(b"after")).unwrap();
        files.commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
    }
}
