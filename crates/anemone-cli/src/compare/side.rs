//! One of the two that are compared: a model that runs, or arrays that were kept.

use super::About;
use super::measure::Measure;
use crate::context::Context;
use crate::elements::Elements;
use crate::engine::{ProfileArg, execute, outputs, plan};
use crate::failure::Failure;
use crate::inputs::{self, Binding, Bound, Given, Source, tensor};
use crate::model::{Model, ModelArgs};
use crate::progress::Progress;
use crate::run::dump::with_outputs;
use anemone_cpu::Options;
use anemone_ir::{DType, Function, Profile, TensorType, ValueId};
use std::path::{Path, PathBuf};

/// A tensor that came out.
pub(super) struct Array {
    pub(super) ty: TensorType,
    pub(super) elements: Elements,
}

impl Array {
    /// How far it is from another one of the same shape. Their numbers are given, for whoever needs them besides.
    pub(super) fn measure(&self, other: &Array, a: &[f64], b: &[f64]) -> Measure {
        let dtype = match (self.ty.dtype, other.ty.dtype) {
            (DType::Fp16, _) | (_, DType::Fp16) => DType::Fp16,
            (dtype, _) => dtype,
        };
        Measure::of(dtype, a, b, self.ty.dims.last().copied().unwrap_or(1))
    }
}

/// Tensors by name.
pub(super) type Arrays = Vec<(String, Array)>;

/// A model with its inputs.
pub(super) struct Side {
    path: PathBuf,
    pub(super) function: Function,
    bound: Vec<Bound>,
    profile: Profile,
    threads: Option<usize>,
}

impl Side {
    pub(super) fn new(
        args: &ModelArgs,
        given: &[Given],
        resize: bool,
        profile: ProfileArg,
        threads: Option<u16>,
        cx: &Context,
    ) -> Result<Side, Failure> {
        let model = Model::open(args, cx)?;
        let features = model.description().inputs;
        let otherwise = Some(&Source::Random(0));
        let binding = Binding { features: &features, otherwise, resize, steps: None };
        let bound = inputs::bind(model.function(), given, binding, cx)?;
        inputs::warn_of_overflow(&bound, cx);
        let function = model.function().clone();
        Ok(Side { path: model.path, function, bound, profile: profile.into(), threads: threads.map(usize::from) })
    }

    pub(super) fn about(&self) -> About {
        let function = Some(self.function.name.to_string());
        About { path: self.path.clone(), function, profile: Some(self.profile.name()) }
    }

    /// The outputs.
    pub(super) fn outputs(&self) -> Result<Arrays, Failure> {
        self.values(&self.function.outputs)
    }

    /// Values of the function, by their names.
    pub(super) fn values(&self, ids: &[ValueId]) -> Result<Arrays, Failure> {
        let mut function = self.function.clone();
        function.outputs.clear();
        let function = with_outputs(&function, ids.iter().copied());
        let options = Options { profile: self.profile, threads: self.threads, ..Options::default() };
        let engine = plan(&function, options)?;
        let _progress = Progress::stage(&format!("running {}", self.path.display()));
        let mut elements = outputs(&engine, &function, 1)?;
        execute(&engine, &function, &self.bound, &mut elements)?;
        let array = |(id, elements): (&ValueId, Elements)| {
            let value = function.value(*id);
            (value.name.to_string(), Array { ty: value.ty, elements })
        };
        Ok(function.outputs.iter().zip(elements).map(array).collect())
    }
}

/// Whether a path is a folder in which there is no model.
pub(super) fn is_folder_of_arrays(path: &Path) -> bool {
    let model = ["model.mil", "Manifest.json", "coremldata.bin"];
    path.is_dir() && !model.iter().any(|name| path.join(name).exists())
}

/// The arrays that were kept of a model's outputs: `NAME.npy` each.
///
/// # Errors
/// Everything that is wrong with the files.
pub(super) fn read_arrays(side: &Side, folder: &Path) -> Result<Arrays, Failure> {
    let (mut arrays, mut problems) = (Vec::new(), Vec::new());
    for id in &side.function.outputs {
        let value = side.function.value(*id);
        let path = folder.join(format!("{}.npy", value.name));
        match tensor(&format!("output `{}`", value.name), &value.ty, &path, None) {
            Ok(elements) => arrays.push((value.name.to_string(), Array { ty: value.ty, elements })),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(arrays) } else { Err(problems.into()) }
}
