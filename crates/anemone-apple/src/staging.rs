//! The files that the compiler's service reads.
//!
//! The framework does not hand a program over: its service reads `model.mil` and the weights from the folder
//! `NSTemporaryDirectory()/<hex>`, where `<hex>` is derived from the program's contents. So all who compile the same program
//! use the same folder, in this process and in others, and whoever unloads it removes the folder. A [`Staging`] is the right
//! to that folder: there is one at a time.
//!
//! * **Threads** wait for a mutex, which holds for all programs: compiling is done one at a time.
//! * **Processes** wait for a lock on the file `<root>/anemone-ane/<hex>.lock`. The system gives it back when a process dies.
//! * Files appear all at once: they are written to `<root>/anemone-ane/<hex>.new`, which is then renamed.
//! * Dropping a [`Staging`] removes the files and the lock. [`sweep`] removes those of processes that were killed.

use crate::model_folder::{self, at, make_folders};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The folder within the root that is ours alone.
const OURS: &str = "anemone-ane";

/// One program is compiled, loaded or unloaded at a time: the framework removes a program's folder when it unloads it.
static LIFECYCLE: Mutex<()> = Mutex::new(());

/// The right to the folder of a program, which is removed when this is dropped.
#[derive(Debug)]
pub struct Staging {
    // Dropped in this order: the files go before the lock, the lock before the mutex.
    claim: Claim,
    _lifecycle: MutexGuard<'static, ()>,
}

impl Staging {
    /// Waits until no other thread or process has the program `hex` in hand. Nothing is written yet; what lies in
    /// the folder is removed by [`Staging::write`], or when this is dropped.
    ///
    /// A thread that has a `Staging` must not ask for another: it would wait for itself.
    ///
    /// # Errors
    /// The lock cannot be made, or `hex` is no identifier of a program.
    pub fn claim(root: &Path, hex: &str) -> Result<Staging> {
        // A panic of another thread leaves files at most, and those are ours to replace.
        let lifecycle = LIFECYCLE.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Staging { claim: Claim::wait(root, hex)?, _lifecycle: lifecycle })
    }

    /// Writes the program's files, all at once.
    ///
    /// Each weight file has its path as the text writes it, such as `@model_path/weights/weight.bin`, and its bytes.
    ///
    /// # Errors
    /// The files cannot be written, or a path leads out of the folder. Nothing is left then.
    pub fn write<K, B>(&self, text: &[u8], weights: &[(K, B)]) -> Result<()>
    where
        K: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let Claim { folder, unfinished, .. } = &self.claim;
        self.claim.remove_files()?;
        make_folders(unfinished)?;
        model_folder::write(unfinished, text, weights)?;
        fs::rename(unfinished, folder).map_err(|e| at("make the folder", folder, &e))
    }

    /// The folder: `<root>/<hex>`.
    pub fn folder(&self) -> &Path {
        &self.claim.folder
    }
}

/// Removes what killed processes have left below `root`: files whose lock nobody holds. What a living process has in hand
/// stays, and so does all that is not ours.
///
/// Returns how many programs' files were removed.
///
/// # Errors
/// Something of ours cannot be read or removed; the rest has been.
pub fn sweep(root: &Path) -> Result<usize> {
    let ours = root.join(OURS);
    let entries = match fs::read_dir(&ours) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(|e| at("read the folder", &ours, &e))?,
    };
    check_ours(&ours)?;
    let mut left = std::collections::BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(|e| at("read the folder", &ours, &e))?.file_name();
        let hex = name.to_str().and_then(|n| n.strip_suffix(".lock").or(n.strip_suffix(".new")));
        left.extend(hex.filter(|hex| is_identifier(hex)).map(str::to_owned));
    }
    let (mut removed, mut failed) = (0, None);
    for hex in left {
        match Claim::try_now(root, &hex).and_then(|claim| claim.map(Claim::release).transpose()) {
            Ok(None) => {}
            Ok(Some(())) => removed += 1,
            Err(e) => failed = Some(e),
        }
    }
    failed.map_or(Ok(removed), Err)
}

/// A lock on a program's name among processes.
#[derive(Debug)]
struct Claim {
    folder: PathBuf,
    unfinished: PathBuf,
    lock_path: PathBuf,
    /// Held until it is closed.
    _lock: File,
    released: bool,
}

impl Claim {
    /// Waits for the lock.
    fn wait(root: &Path, hex: &str) -> Result<Claim> {
        loop {
            let (path, file) = open_lock(root, hex)?;
            file.lock().map_err(|e| at("lock", &path, &e))?;
            if still_there(&path, &file)? {
                return Ok(Claim::new(root, hex, path, file));
            }
        }
    }

    /// The lock if nobody has it.
    fn try_now(root: &Path, hex: &str) -> Result<Option<Claim>> {
        let (path, file) = open_lock(root, hex)?;
        match file.try_lock() {
            Ok(()) => Ok(still_there(&path, &file)?.then(|| Claim::new(root, hex, path, file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(at("lock", &path, &e)),
        }
    }

    fn new(root: &Path, hex: &str, lock_path: PathBuf, lock: File) -> Claim {
        let unfinished = root.join(OURS).join(format!("{hex}.new"));
        Claim { folder: root.join(hex), unfinished, lock_path, _lock: lock, released: false }
    }

    fn remove_files(&self) -> Result<()> {
        remove(&self.folder)?;
        remove(&self.unfinished)
    }

    /// Removes the files, then the lock; while they cannot be removed, the lock's file stays for [`sweep`] to find them by.
    fn release(mut self) -> Result<()> {
        self.remove_all()
    }

    fn remove_all(&mut self) -> Result<()> {
        self.released = true;
        self.remove_files()?;
        remove(&self.lock_path)?;
        // Not if another program's lock is in it. Who was about to put one there makes the folder again.
        let _ = self.lock_path.parent().map(fs::remove_dir);
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.released
            && let Err(e) = self.remove_all()
        {
            tracing::warn!("files of the Neural Engine's compiler stay until the next start: {e}");
        }
    }
}

/// Opens the file to lock, and makes it where it is not there.
fn open_lock(root: &Path, hex: &str) -> Result<(PathBuf, File)> {
    if !is_identifier(hex) {
        let message = format!("`{hex}` is no identifier of a program: letters and digits are expected");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let ours = root.join(OURS);
    let path = ours.join(format!("{hex}.lock"));
    loop {
        make_folders(&ours)?;
        check_ours(&ours)?;
        match OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path) {
            // Another process has just removed the folder, because it was empty.
            Err(e) if e.kind() == ErrorKind::NotFound && root.is_dir() => {}
            Err(e) => return Err(at("open", &path, &e)),
            Ok(file) => return Ok((path, file)),
        }
    }
}

/// Whether a file that has just been locked is still the one that others would lock: its last owner may have removed it
/// between our opening and our locking it.
fn still_there(path: &Path, file: &File) -> Result<bool> {
    let ours = file.metadata().map_err(|e| at("look at", path, &e))?;
    match fs::symlink_metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) == (ours.dev(), ours.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(at("look at", path, &e)),
    }
}

/// Refuses a folder that another user could have put in the way: a link, one of theirs, or one that others may write to. What
/// is named in such a folder would be removed.
fn check_ours(folder: &Path) -> Result<()> {
    let metadata = match fs::symlink_metadata(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(|e| at("look at", folder, &e))?,
    };
    // SAFETY: it takes nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    if metadata.is_dir() && metadata.uid() == user && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let message =
        format!("{} must be a folder of this user's that nobody else may write to; remove it", folder.display());
    Err(Error::new(ErrorKind::PermissionDenied, message))
}

/// The framework's identifiers are hashes in hexadecimal, joined by `_`. Other letters are let through, what could lead out
/// of a folder is not.
fn is_identifier(hex: &str) -> bool {
    (1..=240).contains(&hex.len())
        && hex != OURS
        && hex.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// Removes a file, a folder with what is in it, or a link and not what it leads to.
fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(at("remove", path, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
