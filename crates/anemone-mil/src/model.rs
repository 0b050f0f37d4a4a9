//! A model in a file, in any of its forms.

pub(crate) mod compiled;
pub(crate) mod decode;
pub(crate) mod manifest;
mod open;
mod save;

use crate::description::{Description, derived};
use crate::syntax::{self, Dialect, Text};
use crate::weights::{InMemory, Store};
use crate::{ParseError, Printed, Source, Weights, print, raise};
use anemone_ir::{Draft, Program};
use std::fmt;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

pub use save::SaveError;

/// How a model lies on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// A MIL text, with weights beside it.
    Text,
    /// `.mlmodelc`, a compiled model: a folder with `model.mil`, `weights/`, `coremldata.bin` and `metadata.json`.
    Compiled,
    /// `.mlpackage`: a folder with `Manifest.json`, the model as protobuf, and its weights.
    Package,
    /// `.mlmodel`: the model as protobuf, with weights beside it if it needs any.
    Model,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 4] = [Form::Text, Form::Compiled, Form::Package, Form::Model];

    /// The usual ending of such a file's name, without the point.
    pub const fn extension(self) -> &'static str {
        match self {
            Form::Text => "mil",
            Form::Compiled => "mlmodelc",
            Form::Package => "mlpackage",
            Form::Model => "mlmodel",
        }
    }

    /// The form that a name's ending stands for.
    pub fn of_path(path: &Path) -> Option<Form> {
        let extension = path.extension()?.to_str()?;
        Form::ALL.into_iter().find(|f| f.extension() == extension)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Text => "MIL text",
            Form::Compiled => "compiled model",
            Form::Package => "package",
            Form::Model => "protobuf model",
        })
    }
}

/// A model that was opened, or that is to be written.
///
/// Whatever its form, it has a tree of MIL text. The tree of a protobuf model is that of the text it would be compiled to, and
/// diagnostics show the lines of that text.
///
/// ```no_run
/// # fn main() -> Result<(), anemone_mil::LoadError> {
/// let model = anemone_mil::ModelFile::open("model.mlpackage".as_ref())?;
/// let program = model.program()?;
/// println!("{} functions", program.functions().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ModelFile {
    path: PathBuf,
    form: Form,
    specification: Option<i32>,
    updatable: bool,
    description: Description,
    /// The description as the file had it, with fields that are not modelled.
    raw_description: Option<Arc<[u8]>>,
    source: Source,
    tree: Text,
    weights: Arc<dyn Weights + Send + Sync>,
}

impl ModelFile {
    /// A model made of a program. Without a description, one is made of its functions.
    pub fn of_program(program: &Program, dialect: Dialect, description: Option<Description>) -> ModelFile {
        let Printed { text, files } = print(program, dialect);
        let weights = files.into_iter().map(|f| (format!("@model_path/{}", f.path), InMemory::new(f.bytes)));
        let weights = Files(weights.collect());
        let tree = syntax::parse(&text).expect("what is printed can be read");
        ModelFile {
            path: PathBuf::from("model.mil"),
            form: Form::Text,
            specification: None,
            updatable: false,
            description: description.unwrap_or_else(|| derived(&tree)),
            raw_description: None,
            source: Source::new("model.mil", &text),
            tree,
            weights: Arc::new(weights),
        }
    }

    /// The same model with another description.
    pub fn with_description(self, description: Description) -> ModelFile {
        ModelFile { description, raw_description: None, ..self }
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The form that it was opened in.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The version of Core ML's model format, such as 7 for iOS 16; `None` if the file does not say, as MIL text.
    pub fn specification(&self) -> Option<i32> {
        self.specification
    }

    /// What it tells of itself. For MIL text, and where it tells nothing, that is made of its functions.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The text that diagnostics are about: that of the file, or for a protobuf model the one it would be compiled to.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The text as a tree.
    pub fn tree(&self) -> &Text {
        &self.tree
    }

    /// Where the data of its constants is.
    pub fn weights(&self) -> &dyn Weights {
        &*self.weights
    }

    /// The draft of a program. Its weights are parts of the mapped files.
    pub fn draft(&self) -> Draft {
        raise(&self.tree, self.weights())
    }

    /// The program.
    ///
    /// # Errors
    /// What is wrong with it, each with its line of the [source](ModelFile::source).
    pub fn program(&self) -> Result<Program, ParseError> {
        anemone_ir::check(self.draft()).map_err(|d| self.source.error(d.0))
    }
}

impl fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelFile")
            .field("path", &self.path)
            .field("form", &self.form)
            .field("specification", &self.specification)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

/// Weight files in memory, by the paths that the text gives them.
struct Files(Vec<(String, InMemory)>);

impl Weights for Files {
    fn open(&self, path: &str) -> std::io::Result<Rc<dyn Store>> {
        match self.0.iter().find(|(name, _)| name == path) {
            Some((_, file)) => Ok(Rc::new(file.clone())),
            None => Err(Error::new(ErrorKind::NotFound, "the text was printed with no such file")),
        }
    }
}
