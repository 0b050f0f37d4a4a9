//! `--state-in` and `--state-out`: what the states hold before and after the runs.

use crate::elements::Elements;
use crate::engine::problem;
use crate::failure::{Failure, Problem};
use crate::files::Files;
use crate::inputs::tensor;
use crate::npy;
use anemone_cpu::State;
use anemone_ir::TensorType;
use std::path::{Path, PathBuf};

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.npy"))
}

fn types(state: &State) -> Vec<(String, TensorType)> {
    state.types().map(|(name, ty)| (name.to_owned(), ty)).collect()
}

/// Fills every state from its file in a folder.
///
/// # Errors
/// Everything that is wrong with the files.
pub(super) fn read(state: &mut State, folder: &Path) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (at, (name, ty)) in types(state).into_iter().enumerate() {
        match tensor(&format!("state `{name}`"), &ty, &file(folder, &name), None) {
            Ok(elements) => state.set(at, elements.slice()).map_err(|e| Failure::from(problem(&e)))?,
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Adds a file for every state; gives their paths.
pub(super) fn write(state: &State, folder: &Path, files: &mut Files) -> Result<Vec<PathBuf>, Problem> {
    let mut paths = Vec::new();
    for (at, (name, ty)) in types(state).into_iter().enumerate() {
        let path = file(folder, &name);
        let held = Elements::of(state.get(at).expect("there are as many as there are types"));
        files.add(&path, |to| npy::write(to, &ty.dims, &held))?;
        paths.push(path);
    }
    Ok(paths)
}
