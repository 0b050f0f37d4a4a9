//! A model on disk: `model.mil`, and beside it the weight files at the paths that the text refers to.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// What a text writes for the folder that it lies in.
const MODEL_PATH: &str = "@model_path/";

/// Writes a model into `folder`, which is there. Only this user may read the files; none of them may exist.
///
/// Each weight file has its path as the text writes it, such as `@model_path/weights/weight.bin`, and its bytes.
pub(crate) fn write<K, B>(folder: &Path, text: &[u8], weights: &[(K, B)]) -> Result<()>
where
    K: AsRef<str>,
    B: AsRef<[u8]>,
{
    write_file(&folder.join("model.mil"), text)?;
    for (key, bytes) in weights {
        let path = folder.join(relative(key.as_ref())?);
        if let Some(parent) = path.parent() {
            make_folders(parent)?;
        }
        write_file(&path, bytes.as_ref())?;
    }
    Ok(())
}

/// Makes a folder that only this user may enter, and those above it that are not there.
pub(crate) fn make_folders(path: &Path) -> Result<()> {
    loop {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        let Err(e) = made else { return Ok(()) };
        // It was there, and another process removed it before it was seen to be a folder.
        let gone = || fs::symlink_metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound);
        match e.kind() {
            ErrorKind::AlreadyExists if path.is_dir() => return Ok(()),
            ErrorKind::AlreadyExists if gone() => {}
            _ => return Err(at("make the folder", path, &e)),
        }
    }
}

/// Makes a file that only this user may read.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(bytes)).map_err(|e| at("write", path, &e))
}

/// The same error, with what was tried and where.
pub(crate) fn at(verb: &str, path: &Path, e: &Error) -> Error {
    Error::new(e.kind(), format!("cannot {verb} {}: {e}", path.display()))
}

/// The path of a weight file within the folder of its model.
fn relative(key: &str) -> Result<PathBuf> {
    let refused = |why: &str| {
        let message = format!("the weight file `{key}` {why}; it is to be `{MODEL_PATH}` and a path below the model");
        Error::new(ErrorKind::InvalidInput, message)
    };
    let path = key.strip_prefix(MODEL_PATH).ok_or_else(|| refused("is not in the model's folder"))?;
    let path = PathBuf::from(path);
    if !path.components().all(|c| matches!(c, Component::Normal(_))) {
        return Err(refused("leads out of the model's folder"));
    }
    if path.file_name().is_none() {
        return Err(refused("has no name"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_lie_where_the_text_says_and_nowhere_else() {
        assert_eq!(relative("@model_path/weights/w0.bin").unwrap(), Path::new("weights/w0.bin"));
        for key in
            ["weights/w.bin", "@model_path/../w.bin", "@model_path//etc/w", "@model_path/a/../../w", "@model_path/"]
        {
            let e = relative(key).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::InvalidInput);
            assert!(e.to_string().contains(key), "{e}");
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let twice = [("@model_path/w", b"1"), ("@model_path/w", b"2")];
        let e = write(folder.path(), b"program", &twice).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::AlreadyExists);
        assert!(e.to_string().contains(&folder.path().join("w").display().to_string()), "{e}");
        assert_eq!(fs::read(folder.path().join("w")).unwrap(), b"1");
        let text = [("@model_path/model.mil", b"x")];
        let e = write(tempfile::tempdir().unwrap().path(), b"program", &text).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::AlreadyExists);
    }
}
