//! A model for fixed dimensions, perhaps in half precision.

use crate::context::Context;
use crate::failure::{Failure, Problem};
use crate::model::{Chosen, Model, PartArgs};
use anemone_ir::{Function, Program, half};
use anemone_mil::ModelFile;
use anemone_mil::description::{Description, Feature, FeatureType, Flexibility};

/// The model with dimensions that are given or its own; `halves`: in half precision.
///
/// # Errors
/// The model is not right, or its dimensions are not known.
pub(super) fn made(
    file: ModelFile,
    part: &PartArgs,
    halves: bool,
    cx: &Context,
) -> Result<(ModelFile, Vec<Chosen>), Failure> {
    let model = Model::of_file(file, part, false, cx)?;
    let lower = |program: &Program| {
        half::lower(program).map_err(|e| {
            let problem = Problem::new("lower", format!("{} cannot be lowered: {e}", model.path.display()));
            Failure::from(problem.hint("this is a bug of anemone: please report it, with the model"))
        })
    };
    let lowered = if halves { Some(lower(&model.program)?) } else { None };
    let program = lowered.as_ref().unwrap_or(&model.program);
    let description = fixed(model.file.description(), program);
    Ok((ModelFile::of_program(program, model.dialect(), Some(description)), model.chosen))
}

/// The description of a program without open dimensions.
fn fixed(description: &Description, program: &Program) -> Description {
    let mut out = description.clone();
    let default = out.default_function.as_deref().and_then(|name| program.function(name)).unwrap_or(program.main());
    fix(&mut out.inputs, &default.params, default);
    fix(&mut out.outputs, &default.outputs, default);
    for described in &mut out.functions {
        if let Some(function) = program.function(&described.name) {
            fix(&mut described.inputs, &function.params, function);
            fix(&mut described.outputs, &function.outputs, function);
        }
    }
    out
}

fn fix(features: &mut [Feature], ids: &[anemone_ir::ValueId], function: &Function) {
    for feature in features {
        let Some(id) = ids.iter().find(|id| *function.value(**id).name == *feature.name) else { continue };
        let dims: Vec<u64> = function.ty(*id).dims.iter().map(|d| *d as u64).collect();
        match &mut feature.ty {
            FeatureType::MultiArray { shape, flexibility, .. } => (*shape, *flexibility) = (dims, Flexibility::Fixed),
            FeatureType::Image { width, height, flexibility, .. } => {
                if let [.., high, wide] = dims[..] {
                    (*width, *height, *flexibility) = (wide, high, Flexibility::Fixed);
                }
            }
            FeatureType::State { .. } | FeatureType::Other(_) => {}
        }
    }
}
