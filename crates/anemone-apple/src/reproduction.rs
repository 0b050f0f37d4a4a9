//! What a failing compile leaves on request, to be sent to who can mend it.

use crate::model_folder::{self, at, make_folders, write_file};
use std::fmt::Write as _;
use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const README: &str = "\
A program that could not be compiled for the Neural Engine, as anemone gave it to Apple's framework.

  model.mil    the program
  weights/     its constants, if it has any
  report.txt   versions, and what the framework said

To report it, pack this folder and attach it to an issue at anemone's repository. The weights are your network's own: if they
are not to be published, leave them out and say so, and keep model.mil and report.txt.
";

/// Folders that one may fill before it is to be cleared.
const MOST: usize = 10_000;

/// Writes a new folder below `parent`, `failure-1` or the next that is free, and returns its path. It appears with all its
/// files or not at all.
///
/// The report is made of pairs of a name and what it is; values may have several lines.
///
/// # Errors
/// Something cannot be written; nothing is left then.
pub fn write<K, B>(parent: &Path, text: &[u8], weights: &[(K, B)], report: &[(&str, String)]) -> Result<PathBuf>
where
    K: AsRef<str>,
    B: AsRef<[u8]>,
{
    static NEXT: AtomicU64 = AtomicU64::new(0);
    make_folders(parent)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = parent.join(format!(".failure-{}-{number}.new", std::process::id()));
    let written = fill(&unfinished, text, weights, report).and_then(|()| place(&unfinished, parent));
    if written.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    written
}

fn fill<K, B>(folder: &Path, text: &[u8], weights: &[(K, B)], report: &[(&str, String)]) -> Result<()>
where
    K: AsRef<str>,
    B: AsRef<[u8]>,
{
    make_folders(folder)?;
    model_folder::write(folder, text, weights)?;
    write_file(&folder.join("report.txt"), render(report).as_bytes())?;
    write_file(&folder.join("README.txt"), README.as_bytes())
}

/// One `name: value` on a line; further lines of a value are indented.
fn render(report: &[(&str, String)]) -> String {
    let mut out = format!("anemone: {}\n", env!("CARGO_PKG_VERSION"));
    for (name, value) in report {
        let mut lines = value.lines();
        let _ = writeln!(out, "{name}: {}", lines.next().unwrap_or("-"));
        lines.for_each(|line| out.extend(["  ", line, "\n"]));
    }
    out
}

/// Renames a finished folder to the first free name.
fn place(finished: &Path, parent: &Path) -> Result<PathBuf> {
    let names = (1..=MOST).map(|n| parent.join(format!("failure-{n}")));
    for path in names.filter(|path| fs::symlink_metadata(path).is_err()) {
        match fs::rename(finished, &path) {
            Ok(()) => return Ok(path),
            // Another process was faster.
            Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) => {}
            Err(e) => return Err(at("make the folder", &path, &e)),
        }
    }
    let message = format!("{} holds {MOST} failures already; remove some", parent.display());
    Err(Error::new(ErrorKind::StorageFull, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_is_kept_whole() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("new");
        let report = [("os", "25D2128".to_owned()), ("error", "one\ntwo".to_owned()), ("architecture", String::new())];
        let weights = [("@model_path/weights/weight.bin", [7_u8; 3])];
        let first = write(&parent, b"program", &weights, &report).unwrap();
        let second = write(&parent, b"program", &weights, &[]).unwrap();
        assert_eq!((&first, &second), (&parent.join("failure-1"), &parent.join("failure-2")));
        assert_eq!(entries(&parent), ["failure-1", "failure-2"]);
        assert_eq!(entries(&first), ["README.txt", "model.mil", "report.txt", "weights"]);
        assert_eq!(fs::read(first.join("weights/weight.bin")).unwrap(), [7; 3]);
        let text = fs::read_to_string(first.join("report.txt")).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(text, format!("anemone: {version}\nos: 25D2128\nerror: one\n  two\narchitecture: -\n"));
        // A gap is filled, what is there is left alone.
        fs::remove_dir_all(&first).unwrap();
        fs::write(&first, b"a file").unwrap();
        assert_eq!(write(&parent, b"", &weights, &[]).unwrap(), parent.join("failure-3"));
        assert_eq!(fs::read(&first).unwrap(), b"a file");
    }

    #[test]
    fn what_cannot_be_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let e = write(folder.path(), b"", &[("/etc/weights", b"")], &[]).unwrap_err();
        assert!(e.to_string().contains("/etc/weights"), "{e}");
        assert!(entries(folder.path()).is_empty());
    }
}
