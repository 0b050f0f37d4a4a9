//! Whether a description is one of its program.

use super::{Description, Feature, FeatureType, FunctionDescription};
use crate::Element;
use crate::syntax::lexer::shortened;
use crate::syntax::{Dim, Function, Text, Type};

/// Where a description says something else than the program: each a sentence.
pub(crate) fn disagreements(tree: &Text, description: &Description) -> Vec<String> {
    let mut out = Vec::new();
    for described in &description.functions {
        if !tree.functions.iter().any(|f| *f.name.name == *described.name) {
            out.push(format!("its description has a function `{}`, its program has not", shortened(&described.name)));
        }
    }
    if let Some(name) = &description.default_function
        && !tree.functions.iter().any(|f| *f.name.name == **name)
    {
        out.push(format!("its default function is `{}`, which its program has not", shortened(name)));
    }
    for function in &tree.functions {
        let name = shortened(&function.name.name);
        match description.function(&function.name.name) {
            Some(described) => in_function(function, &described, &mut out),
            None => out.push(format!("its program has a function `{name}`, its description has not")),
        }
    }
    out
}

fn in_function(function: &Function, described: &FunctionDescription, out: &mut Vec<String>) {
    let name = shortened(&function.name.name);
    let state = |ty: &Type| matches!(ty, Type::State(_));
    for (kind, features, states) in [("input", &described.inputs, false), ("state", &described.states, true)] {
        for feature in features {
            let param = function.params.iter().find(|p| *p.name.name == *feature.name && state(&p.ty) == states);
            let shown = shortened(&feature.name);
            match param {
                None => out.push(format!("its description has an {kind} `{shown}`, function `{name}` has not")),
                Some(param) => out.extend(
                    type_differs(&param.ty, feature)
                        .map(|why| format!("its description says of {kind} `{shown}` of function `{name}`: {why}")),
                ),
            }
        }
    }
    for param in &function.params {
        let features = if state(&param.ty) { &described.states } else { &described.inputs };
        if !features.iter().any(|f| f.name == *param.name.name) {
            let shown = shortened(&param.name.name);
            out.push(format!("function `{name}` takes `{shown}`, which its description has not"));
        }
    }
    for feature in &described.outputs {
        if !function.body.outputs.iter().any(|o| *o.name == *feature.name) {
            let shown = shortened(&feature.name);
            out.push(format!("its description has an output `{shown}`, function `{name}` does not give it"));
        }
    }
}

/// How the description of a parameter differs from its type.
fn type_differs(ty: &Type, feature: &Feature) -> Option<String> {
    match (ty, &feature.ty) {
        (Type::Tensor(element, dims), FeatureType::MultiArray { element: described, shape, .. }) => {
            tensor_differs(*element, dims, *described, shape)
        }
        (Type::State(of), FeatureType::State { element: described, shape }) => match &**of {
            Type::Tensor(element, dims) => tensor_differs(*element, dims, *described, shape),
            _ => None,
        },
        (Type::Tensor(_, dims), FeatureType::Image { .. }) if dims.len() != 4 => {
            Some(format!("it is an image, which has 4 dimensions; the function takes {}", dims.len()))
        }
        _ => None,
    }
}

fn tensor_differs(element: Element, dims: &[Dim], described: Option<Element>, shape: &[u64]) -> Option<String> {
    if let Some(described) = described.filter(|d| *d != element) {
        return Some(format!("its elements are {described}; the function takes {element}"));
    }
    // A scalar is described as a vector of one.
    if dims.is_empty() || shape.is_empty() {
        return None;
    }
    let fits = |(dim, n): (&Dim, &u64)| !matches!(dim, Dim::Known(size) if size != n);
    if dims.len() == shape.len() && dims.iter().zip(shape).all(fits) {
        return None;
    }
    let size = |d: &Dim| if let Dim::Known(n) = d { n.to_string() } else { "?".to_owned() };
    let taken: Vec<_> = dims.iter().map(size).collect();
    Some(format!("its shape is {shape:?}; the function takes [{}]", taken.join(", ")))
}
