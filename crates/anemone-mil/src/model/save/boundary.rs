//! What Core ML takes as inputs and outputs.

use crate::Element;
use crate::description::{Description, Feature, FeatureType};
use crate::syntax::{Span, Text};
use anemone_ir::Diagnostic;

/// The first version of the format whose inputs and outputs may be of this type; `None` if those of none may.
fn since(element: Element) -> Option<i32> {
    match element {
        Element::Fp32 | Element::Int32 => Some(6),
        Element::Fp16 => Some(7),
        Element::Int8 => Some(10),
        _ => None,
    }
}

fn features(description: &Description) -> impl Iterator<Item = (&Feature, Element)> {
    let functions = description.functions.iter().flat_map(|f| f.inputs.iter().chain(&f.outputs));
    let all = description.inputs.iter().chain(&description.outputs).chain(functions);
    all.filter_map(|feature| match feature.ty {
        FeatureType::MultiArray { element: Some(element), .. } => Some((feature, element)),
        _ => None,
    })
}

/// The version of the format that has all types of inputs and outputs.
pub(super) fn specification(description: &Description) -> i32 {
    features(description).filter_map(|(_, element)| since(element)).max().unwrap_or(6)
}

/// Inputs and outputs of types that Core ML does not take.
pub(super) fn refused(tree: &Text, description: &Description) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    for (feature, element) in features(description).filter(|(_, element)| since(*element).is_none()) {
        let message = format!("Core ML has no inputs and outputs of type {element}, and `{}` is one", feature.name);
        let error = Diagnostic::error("boundary", message, place(tree, &feature.name).into());
        let error = error.with_hint("cast it within the function: inputs and outputs are fp32, fp16 or int32");
        if !out.contains(&error) {
            out.push(error);
        }
    }
    out
}

/// Where a function takes or gives a value of this name.
fn place(tree: &Text, name: &str) -> Span {
    let params = tree.functions.iter().flat_map(|f| &f.params).map(|p| &p.name);
    let outputs = tree.functions.iter().flat_map(|f| &f.body.outputs);
    params.chain(outputs).find(|ident| *ident.name == *name).map(|ident| ident.span).unwrap_or_default()
}
