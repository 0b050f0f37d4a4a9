//! Opens files that come from outside: weights, packages, models.
//!
//! [`Mapped`] is a file in memory without having been read: its pages come from the disk when they are looked at, and
//! programs that run at the same time share them. [`Root`] is a folder, and opens what lies in it and nothing else, whatever
//! path it is given.
//!
//! # What mapping asks of its user
//!
//! A mapped file is memory that others can change. If somebody shortens it while it is mapped, looking at what is gone ends
//! the process (`SIGBUS`). If somebody overwrites it, the bytes change under whoever looks. Model files are written once, and
//! replaced by renaming a new one over the old, which does no harm: the old stays whole for who has it open. Whoever must load
//! a file that others may write to copies it first.

mod root;

use memmap2::Mmap;
use std::fmt;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

pub use root::Root;

/// A file in memory, for reading.
pub struct Mapped {
    /// `None` for an empty file, which cannot be mapped.
    map: Option<Mmap>,
}

impl Mapped {
    /// Maps a regular file. Symbolic links are followed.
    ///
    /// # Errors
    /// There is no such file, it may not be read, or it is a folder, a pipe or a device.
    pub fn open(path: &Path) -> Result<Mapped> {
        // Before it is opened: opening a pipe waits for who writes to it, and opening a device may do anything.
        regular(&std::fs::metadata(path)?)?;
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // Again, of what has been opened: the path may name something else by now.
        regular(&metadata)?;
        if metadata.len() == 0 {
            return Ok(Mapped { map: None });
        }
        if usize::try_from(metadata.len()).is_err() {
            return Err(Error::new(ErrorKind::FileTooLarge, "it is too large for this machine's addresses"));
        }
        // SAFETY: the map is private to this value, for reading only, and lives as long as it. What `memmap2` cannot promise is
        // that the file is left alone. If it is shortened, an access ends the process, which is no undefined behaviour. If it is
        // overwritten, bytes change; all code that reads a map takes bytes of any value, checks what it uses at the moment it
        // uses it, and rests no `unsafe` on having seen a value before. The head of this crate tells users.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Mapped { map: Some(map) })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

fn regular(metadata: &std::fs::Metadata) -> Result<()> {
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "it is a folder"));
    }
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(())
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapped({} bytes)", self.as_slice().len())
    }
}
