//! Writing programs, in both dialects, and as the Neural Engine takes them.

use super::manifest::{Manifest, Written};
use crate::Error;
use anemone_ir::ane::{self, Generation, legalise};
use anemone_ir::{Opset, Program};
use anemone_mil::{Dialect, Form, ModelFile, SaveError, print, print_form};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes programs below a folder of its own, and notes what it has written.
pub(super) struct Emitter {
    folder: PathBuf,
    pub(super) manifest: Manifest,
}

impl Emitter {
    /// Begins with an empty folder.
    pub(super) fn new(folder: PathBuf) -> Result<Emitter, Error> {
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {e}", folder.display()).into());
            }
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Emitter { folder, manifest: Manifest::new() })
    }

    /// Writes a program in every dialect that it can be written in; returns the directories.
    pub(super) fn program(&mut self, source: &str, program: &Program) -> Result<Vec<PathBuf>, Error> {
        let mut written = Vec::new();
        for (dialect, version) in dialects(program) {
            let directory = Path::new(&source.replace(':', "/")).join(version);
            let printed = print(program, dialect);
            printed.save(&self.folder.join(&directory))?;
            let package = self.package(program, dialect, &directory)?;
            written.push(Written { dialect: version, directory, package });
        }
        let directories = written.iter().map(|w| w.directory.clone()).collect();
        self.manifest.program(source, program, written);
        Ok(directories)
    }

    /// Writes a program as a package below a directory; returns its path, if Core ML takes its inputs and outputs.
    fn package(&mut self, program: &Program, dialect: Dialect, directory: &Path) -> Result<Option<PathBuf>, Error> {
        let path = directory.join("model.mlpackage");
        match ModelFile::of_program(program, dialect, None).save(&self.folder.join(&path), Form::Package) {
            Ok(()) => Ok(Some(path)),
            Err(SaveError::Model(e)) if e.diagnostics().iter().all(|d| d.slug == "boundary") => Ok(None),
            Err(e) => Err(format!("{}: {e}", path.display()).into()),
        }
    }

    /// Writes a program as the Neural Engine of a generation takes it; whether it does. All constants are in one file, which is
    /// what the checks read: the text is the same but for their paths.
    pub(super) fn for_ane(&mut self, source: &str, program: &Program, generation: Generation) -> Result<bool, Error> {
        let Ok(legal) = legalise(program, generation) else { return Ok(false) };
        let form = ane::Form { file_per_constant: false, ..legal.form };
        let directory = Path::new(&source.replace(':', "/")).join(generation.architecture());
        print_form(&legal.program, form).save(&self.folder.join(&directory))?;
        let version = if form.verbose { Dialect::V1_0 } else { Dialect::V1_3 }.name();
        let source = format!("{source} for {generation}");
        let written = Written { dialect: version, directory, package: None };
        self.manifest.program(&source, &legal.program, vec![written]);
        Ok(true)
    }

    /// Writes the manifest and returns its path.
    pub(super) fn finish(self) -> Result<PathBuf, Error> {
        if self.manifest.is_empty() {
            return Err("there is nothing to check".into());
        }
        self.manifest.write(&self.folder)
    }

    /// The path of something below the folder.
    pub(super) fn path(&self, below: &Path) -> PathBuf {
        self.folder.join(below)
    }
}

/// The dialects that a program can be written in: the older one ends with iOS 17.
fn dialects(program: &Program) -> Vec<(Dialect, &'static str)> {
    let newest = program.functions().iter().map(|f| f.opset).max();
    let fits = |dialect: &Dialect| *dialect != Dialect::V1_0 || newest <= Some(Opset::Ios17);
    Dialect::ALL.into_iter().filter(fits).map(|d| (d, d.name())).collect()
}
