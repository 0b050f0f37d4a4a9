//! A description of a program that brings none.

use super::{Description, Feature, FeatureType, Flexibility, FunctionDescription, flexible};
use crate::syntax::{Dialect, Dim, Function, Param, Text, Type};
use std::collections::HashMap;

/// Describes the functions of a text. Functions are described one by one in the newer dialect, or if there are several.
pub(crate) fn derived(text: &Text) -> Description {
    let functions: Vec<_> = text.functions.iter().map(function).collect();
    // The function that Core ML's converters name so is the one to run.
    let default = functions.iter().find(|f| f.name == "main").or(functions.first()).cloned();
    let mut out = Description::default();
    if let Some(f) = default {
        (out.inputs, out.outputs, out.states) = (f.inputs, f.outputs, f.states);
        if text.version.spelling() >= Dialect::V1_3 || functions.len() > 1 {
            out.default_function = Some(f.name);
            out.functions = functions;
        }
    }
    out
}

fn function(f: &Function) -> FunctionDescription {
    let mut types: HashMap<&str, &Type> = f.params.iter().map(|p| (&*p.name.name, &p.ty)).collect();
    for operation in &f.body.operations {
        types.extend(operation.results.iter().map(|p| (&*p.name.name, &p.ty)));
    }
    let is_state = |p: &&Param| matches!(p.ty, Type::State(_));
    let feature = |name: &str, ty: FeatureType| Feature {
        name: name.to_owned(),
        description: String::new(),
        optional: false,
        ty,
    };
    let input = |p: &Param| feature(&p.name.name, input(f, p));
    FunctionDescription {
        name: f.name.name.to_string(),
        inputs: f.params.iter().filter(|p| !is_state(p)).map(input).collect(),
        outputs: f
            .body
            .outputs
            .iter()
            .map(|name| {
                feature(&name.name, types.get(&*name.name).map_or(FeatureType::Other("nothing"), |t| output(t)))
            })
            .collect(),
        states: f.params.iter().filter(is_state).map(input).collect(),
    }
}

/// The sizes, if all of them are known.
fn known(dims: &[Dim]) -> Option<Vec<u64>> {
    dims.iter().map(|d| if let Dim::Known(n) = d { Some(*n) } else { None }).collect()
}

fn input(f: &Function, param: &Param) -> FeatureType {
    match &param.ty {
        Type::Tensor(element, dims) => {
            let (shape, flexibility) = match (known(dims), flexible::said(f, &param.name.name)) {
                (Some(shape), _) => (shape, Flexibility::Fixed),
                (None, Some(said)) => said,
                // Nothing is said: a size that is not known may be any.
                (None, None) => {
                    let size = |d: &Dim| if let Dim::Known(n) = d { (*n, Some(*n)) } else { (1, None) };
                    let range: Vec<_> = dims.iter().map(size).collect();
                    (range.iter().map(|(low, _)| *low).collect(), Flexibility::Range(range))
                }
            };
            FeatureType::MultiArray { element: Some(*element), shape, flexibility }
        }
        Type::State(of) => match &**of {
            Type::Tensor(element, dims) => {
                FeatureType::State { element: Some(*element), shape: known(dims).unwrap_or_default() }
            }
            _ => FeatureType::Other("State"),
        },
        Type::Dict(..) => FeatureType::Other("Dictionary"),
        Type::List(..) => FeatureType::Other("Sequence"),
        Type::Tuple(_) => FeatureType::Other("nothing"),
    }
}

fn output(ty: &Type) -> FeatureType {
    match ty {
        Type::Tensor(element, dims) => FeatureType::MultiArray {
            element: Some(*element),
            shape: known(dims).unwrap_or_default(),
            flexibility: Flexibility::Fixed,
        },
        Type::Dict(..) => FeatureType::Other("Dictionary"),
        Type::List(..) => FeatureType::Other("Sequence"),
        Type::State(_) | Type::Tuple(_) => FeatureType::Other("nothing"),
    }
}
