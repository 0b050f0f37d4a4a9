//! What is written for the Python side, and what was meant to be written: the counterpart of `xtask/validate/manifest.py`.

use crate::Error;
use anemone_ir::{Arg, Def, Function, Literal, Program, TensorType, ValueId};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The manifest. Paths are relative to its directory, but for those of files that were there before.
#[derive(Serialize)]
pub(super) struct Manifest {
    programs: Vec<Emitted>,
    /// The constants of each program, once for all its dialects.
    constants: Vec<Vec<Constant>>,
    originals: Vec<Original>,
    weight_files: Vec<WeightFile>,
    /// The file with the bytes of all constants.
    data: &'static str,
    #[serde(skip)]
    bytes: Vec<u8>,
}

#[derive(Serialize)]
struct Emitted {
    source: String,
    dialect: &'static str,
    directory: PathBuf,
    package: Option<PathBuf>,
    constants: usize,
}

/// A program on the disk: as text in a directory, and as a package unless Core ML does not take its inputs and outputs.
pub(super) struct Written {
    pub(super) dialect: &'static str,
    pub(super) directory: PathBuf,
    pub(super) package: Option<PathBuf>,
}

/// A constant by its own name, or by the operation that is given it, the parameter, and the position in a tuple.
#[derive(Serialize)]
struct Constant {
    function: String,
    name: Option<String>,
    user: Option<String>,
    parameter: Option<&'static str>,
    position: Option<usize>,
    dtype: &'static str,
    dims: Vec<usize>,
    span: Option<Span>,
    strings: Option<Vec<String>>,
}

/// A part of the file with the bytes.
#[derive(Serialize)]
struct Span {
    offset: usize,
    bytes: usize,
}

/// A safetensors file whose tensors the programs of an example hold, rounded to `fp16`.
#[derive(Serialize)]
struct Original {
    source: String,
    path: PathBuf,
    without: Vec<&'static str>,
    directories: Vec<PathBuf>,
}

#[derive(Serialize)]
struct WeightFile {
    source: String,
    path: PathBuf,
    blobs: Vec<Blob>,
}

#[derive(Serialize)]
struct Blob {
    dtype: &'static str,
    elements: usize,
    span: Span,
}

impl Manifest {
    pub(super) fn new() -> Manifest {
        Manifest {
            programs: Vec::new(),
            constants: Vec::new(),
            originals: Vec::new(),
            weight_files: Vec::new(),
            data: "constants.bin",
            bytes: Vec::new(),
        }
    }

    /// Notes a program and its constants, and the dialects and directories that it has been written in.
    pub(super) fn program(&mut self, source: &str, program: &Program, written: Vec<Written>) {
        let constants = program.functions().iter().flat_map(|f| self.constants_of(f)).collect();
        for Written { dialect, directory, package } in written {
            let constants = self.constants.len();
            self.programs.push(Emitted { source: source.to_owned(), dialect, directory, package, constants });
        }
        self.constants.push(constants);
    }

    /// Notes a safetensors file and the programs in `directories` that hold all its tensors but for those of `without`.
    pub(super) fn original(
        &mut self,
        source: &str,
        path: PathBuf,
        without: Vec<&'static str>,
        directories: Vec<PathBuf>,
    ) {
        self.originals.push(Original { source: source.to_owned(), path, without, directories });
    }

    /// Notes a weight file without a program: element type, number of elements and packed bytes of each blob.
    pub(super) fn weight_file(&mut self, source: &str, path: PathBuf, blobs: &[(&'static str, usize, Vec<u8>)]) {
        let blobs = blobs.iter().map(|(dtype, elements, bytes)| {
            let span = self.keep(bytes);
            Blob { dtype, elements: *elements, span }
        });
        let blobs = blobs.collect();
        self.weight_files.push(WeightFile { source: source.to_owned(), path, blobs });
    }

    /// Whether nothing has been noted.
    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty() && self.weight_files.is_empty()
    }

    /// Writes the manifest into `directory`; returns its path.
    pub(super) fn write(&self, directory: &Path) -> Result<PathBuf, Error> {
        fs::write(directory.join(self.data), &self.bytes)?;
        let path = directory.join("manifest.json");
        fs::write(&path, serde_json::to_vec(self)?)?;
        Ok(path)
    }

    fn constants_of(&mut self, function: &Function) -> Vec<Constant> {
        let mut found = Vec::new();
        for node in &function.nodes {
            if node.mnemonic() == "const" {
                found.extend(node.results.iter().filter_map(|id| self.named(function, *id)));
            }
            for (param, arg) in node.op.schema().params.iter().zip(&node.args) {
                for (at, id) in arg.ids().iter().enumerate() {
                    let value = function.value(*id);
                    let (Def::Immediate, Some(literal)) = (value.def, &value.literal) else { continue };
                    let mut constant = self.constant(function, literal);
                    constant.user = node.results.first().map(|id| function.value(*id).name.to_string());
                    constant.parameter = Some(param.name);
                    constant.position = matches!(arg, Arg::Many(_)).then_some(at);
                    found.push(constant);
                }
            }
        }
        found
    }

    fn named(&mut self, function: &Function, id: ValueId) -> Option<Constant> {
        let value = function.value(id);
        let constant = self.constant(function, value.literal.as_ref()?);
        Some(Constant { name: Some(value.name.to_string()), ..constant })
    }

    fn constant(&mut self, function: &Function, literal: &Literal) -> Constant {
        let TensorType { dtype, dims } = literal.ty();
        Constant {
            function: function.name.to_string(),
            name: None,
            user: None,
            parameter: None,
            position: None,
            dtype: dtype.name(),
            dims: dims.to_vec(),
            span: literal.bytes().map(|bytes| self.keep(bytes)),
            strings: literal.as_strings().map(<[String]>::to_vec),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span { offset, bytes: bytes.len() }
    }
}
