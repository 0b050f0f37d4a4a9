//! A model that was read from a file: named inputs, named outputs, any shapes that it takes.

mod array;
mod load;
mod predict;

use crate::compile::CompileOptions;
use crate::error::{Error, ErrorKind};
use crate::executable::Executable;
use anemone_ir::{Draft, Opset, Program};
use anemone_mil::ModelFile;
use anemone_mil::description::{Description, Feature};
use std::fmt;
use std::sync::Mutex;

pub use array::{Array, ArrayView};
use predict::Plans;
pub use predict::{ModelState, Prediction};

/// The shapes of a function's inputs, in binding order.
type Shapes = Vec<Vec<usize>>;

/// A Core ML model with an ML Program, in any form: MIL text, `.mlmodelc`, `.mlpackage`, `.mlmodel`.
///
/// Inputs and outputs have names, and any element type and rank. Dimensions that the file leaves open are those of what is given:
/// for a combination of shapes the program is made and planned once, and the plans of the last eight are kept. Predictions of several threads run at once.
///
/// ```no_run
/// use anemone::{Array, Model};
/// let model = Model::load("classifier.mlpackage")?;
/// let image = Array::f32(&[1, 3, 224, 224], vec![0.0; 3 * 224 * 224])?;
/// let prediction = model.predict(&[("image", (&image).into())])?;
/// let scores = &prediction["scores"];
/// println!("{:?} {:?}", scores.shape(), scores.as_f16());
/// # Ok::<(), anemone::Error>(())
/// ```
pub struct Model {
    file: ModelFile,
    draft: Draft,
    options: CompileOptions,
    /// What was planned, by function and shapes.
    plans: Mutex<Plans>,
}

impl Model {
    /// Reads a model. What is wrong with its program is said when a function of it is first used, when its shapes are known;
    /// where they are known from the start, at once.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the file cannot be read, or is no model of this kind.
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Model, Error> {
        Model::load_with(path, &CompileOptions::new())
    }

    /// The same, to be compiled as the options say. Their limits are those of [`Model::executable`] only.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_with(path: impl AsRef<std::path::Path>, options: &CompileOptions) -> Result<Model, Error> {
        let file =
            ModelFile::open(path.as_ref()).map_err(|e| Error::new(ErrorKind::Model, e.to_string()).with_source(e))?;
        Model::of_file(file, options)
    }

    /// A model that was opened before.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if its program is not right.
    pub fn of_file(file: ModelFile, options: &CompileOptions) -> Result<Model, Error> {
        let model = Model { draft: file.draft(), file, options: options.clone(), plans: Mutex::default() };
        let open = model.draft.functions.iter().any(|f| f.inputs().any(|(_, ty)| ty.known().is_none()));
        if !open {
            model.checked(model.draft.clone())?;
        }
        Ok(model)
    }

    /// The file.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// What it tells of itself.
    pub fn description(&self) -> &Description {
        self.file.description()
    }

    /// The names of its functions, in the order of the file.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.draft.functions.iter().map(|f| &*f.name)
    }

    /// The function that runs if none is named: the one that the description says, or else `main`, or else the first.
    pub fn default_function(&self) -> &str {
        let described = self.description().default_function.as_deref();
        let wanted = described.unwrap_or("main");
        self.functions().find(|name| *name == wanted).or_else(|| self.functions().next()).unwrap_or(wanted)
    }

    /// The inputs of a function: names, declared types, and what the description says of them.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] if there is no such function.
    pub fn inputs(&self, function: &str) -> Result<Vec<ModelInput>, Error> {
        let described = self.description().function(function).map(|f| f.inputs).unwrap_or_default();
        let input = |(name, ty): (&str, anemone_ir::Declared)| {
            let feature = described.iter().find(|f| f.name == name).cloned();
            ModelInput { name: name.to_owned(), ty, feature }
        };
        Ok(self.function(function)?.inputs().map(input).collect())
    }

    fn function(&self, name: &str) -> Result<&anemone_ir::draft::DraftFunction, Error> {
        self.draft.functions.iter().find(|f| &*f.name == name).ok_or_else(|| {
            let known = self.functions().collect::<Vec<_>>().join(", ");
            Error::new(ErrorKind::Binding, format!("the model has no function `{name}`; it has {known}"))
        })
    }

    /// The program of one function, its inputs having these shapes. Inputs that are not named have the shape that the file says:
    /// if some dimensions are open, the default one, or else the least.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] if there is no such function or input, or a shape is not as declared; [`ErrorKind::Model`] if
    /// the program is not right with these shapes.
    pub fn program(&self, function: &str, shapes: &[(&str, &[usize])]) -> Result<Program, Error> {
        self.checked(self.bound(function, shapes)?)
    }

    /// One function, its inputs having these shapes, to be run on [`crate::TensorData`]: on the Neural Engine, where there is
    /// one. [`Model::predict`] takes any types and ranks.
    ///
    /// # Errors
    /// As [`Model::program`]; [`ErrorKind::Backend`] if an input or output is no tensor of floats in four dimensions; what else
    /// [`Executable::from_program`] says.
    pub fn executable(&self, function: &str, shapes: &[(&str, &[usize])]) -> Result<Executable, Error> {
        Executable::from_program(self.program(function, shapes)?, &self.options)
    }

    fn checked(&self, draft: Draft) -> Result<Program, Error> {
        anemone_ir::check(draft).map_err(|found| {
            let error = self.file.source().error(found.0);
            Error::new(ErrorKind::Model, error.to_string()).with_source(error)
        })
    }
}

/// An input of a [`Model`].
#[derive(Clone, PartialEq, Debug)]
pub struct ModelInput {
    /// The name.
    pub name: String,
    /// The type; open dimensions are those of what is given.
    pub ty: anemone_ir::Declared,
    /// What the model's description says of it.
    pub feature: Option<Feature>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<(&str, Opset)> = self.draft.functions.iter().map(|f| (&*f.name, f.opset)).collect();
        f.debug_struct("Model").field("file", &self.file).field("functions", &functions).finish_non_exhaustive()
    }
}
