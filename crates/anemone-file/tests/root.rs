//! What a folder opens, and what it refuses.

#![allow(clippy::unwrap_used)]

use anemone_file::{Mapped, Root};
use std::fs;
use std::path::Path;

/// What a folder answers to a path.
fn answer(folder: &Path, path: &str) -> String {
    match Root::new(folder).open(path) {
        Ok(file) => String::from_utf8_lossy(file.as_slice()).into_owned(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn files_are_mapped_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "content").unwrap();
    let mapped = Mapped::open(&path).unwrap();
    assert_eq!(mapped.as_ref(), b"content");
    // A new file in the place of an old one leaves the old one whole.
    fs::write(folder.path().join("b"), "another").unwrap();
    fs::rename(folder.path().join("b"), &path).unwrap();
    assert_eq!(mapped.as_slice(), b"content");
    fs::write(&path, "").unwrap();
    assert_eq!(Mapped::open(&path).unwrap().as_slice(), b"");
    assert!(Mapped::open(&folder.path().join("none")).is_err());
}

#[test]
fn paths_stay_in_the_folder() {
    let around = tempfile::tempdir().unwrap();
    fs::write(around.path().join("secret"), "secret").unwrap();
    let folder = around.path().join("folder");
    fs::create_dir_all(folder.join("below")).unwrap();
    fs::write(folder.join("below/file"), "inside").unwrap();
    for path in ["below/file", "./below/./file", "below/../below/file"] {
        assert_eq!(answer(&folder, path), "inside", "{path}");
    }
    for path in ["../secret", "below/../../secret", "..", "../folder/below/file"] {
        assert_eq!(answer(&folder, path), "the path leaves the folder of the model", "{path}");
    }
    for path in ["/etc/passwd", "below\\file", "below/fi\0le"] {
        assert_eq!(answer(&folder, path), "the path is no plain path inside the folder of the model", "{path}");
    }
    assert_eq!(answer(&folder, "below"), "it is a folder");
    assert_eq!(answer(&folder, ""), "it is a folder");
    assert!(answer(&folder, "below/none").starts_with("No such file"));
    assert!(answer(&around.path().join("nowhere"), "file").starts_with("No such file"));
}

#[cfg(unix)]
#[test]
fn links_may_lead_about_the_folder_but_not_out_of_it() {
    use std::os::unix::fs::symlink;
    let around = tempfile::tempdir().unwrap();
    fs::write(around.path().join("secret"), "secret").unwrap();
    let folder = around.path().join("folder");
    fs::create_dir_all(folder.join("below")).unwrap();
    fs::write(folder.join("below/file"), "inside").unwrap();
    symlink("below/file", folder.join("link")).unwrap();
    symlink("../secret", folder.join("out")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    symlink("self", folder.join("self")).unwrap();
    symlink(&folder, around.path().join("alias")).unwrap();
    assert_eq!(answer(&folder, "link"), "inside");
    assert_eq!(answer(&around.path().join("alias"), "link"), "inside", "the folder itself may be a link");
    for path in ["out", "up/secret"] {
        assert!(answer(&folder, path).starts_with("a symbolic link leads out of the folder"), "{path}");
    }
    // Through a link and back in: it ends inside, so it does no harm.
    assert_eq!(answer(&folder, "up/folder/below/file"), "inside");
    assert!(!answer(&folder, "self").contains("secret"));
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let name = std::ffi::CString::new(pipe.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a string that ends with a zero, and the function keeps nothing of it.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert_eq!(answer(folder.path(), "pipe"), "it is not a regular file");
    assert_eq!(Mapped::open(Path::new("/dev/zero")).unwrap_err().to_string(), "it is not a regular file");
}
