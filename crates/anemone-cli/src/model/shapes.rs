//! Dimensions that a model leaves open: given on the command line, or those that the model names.

use crate::context::Context;
use crate::failure::Problem;
use anemone_ir::{Declared, Draft};
use anemone_mil::ModelFile;
use anemone_mil::description::{Feature, FeatureType, Flexibility};
use serde::Serialize;
use std::str::FromStr;

/// What a text's function has the default shapes of its inputs in, if it has them.
const FLEXIBLE: &str = "FlexibleShapeInformation";

/// `INPUT=DIMS` of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    input: String,
    dims: Vec<usize>,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(s: &str) -> Result<Shape, String> {
        let wanted = || "INPUT=DIMS is wanted, such as image=1,3,224,224".to_owned();
        let (input, dims) = s.split_once('=').filter(|(input, _)| !input.is_empty()).ok_or_else(wanted)?;
        let dims = dims.split(',').map(|d| d.trim().parse::<usize>().ok().filter(|d| *d > 0));
        let dims = dims.collect::<Option<_>>().ok_or_else(wanted)?;
        Ok(Shape { input: input.to_owned(), dims })
    }
}

/// Dimensions that an input has been given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Chosen {
    pub(crate) function: String,
    pub(crate) input: String,
    pub(crate) shape: Vec<usize>,
    /// `--shape`, or `default`: the model's own.
    pub(crate) from: &'static str,
}

/// Gives the inputs of all functions their dimensions. What is outside of what the model says that it takes is warned of.
pub(super) fn bind(file: &ModelFile, draft: &mut Draft, given: &[Shape], cx: &Context) -> (Vec<Chosen>, Vec<Problem>) {
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    problems.extend(mistakes(draft, given));
    for function in &mut draft.functions {
        let features = file.description().function(&function.name).unwrap_or_default().inputs;
        // Of a text that says nothing, the description is made up of what is open.
        let says = file.specification().is_some() || function.attributes.iter().any(|a| &*a.name == FLEXIBLE);
        let inputs: Vec<(String, Declared)> = function.inputs().map(|(name, ty)| (name.to_owned(), ty)).collect();
        for (input, declared) in inputs {
            let feature = features.iter().find(|f| f.name == input);
            let asked = given.iter().find(|shape| shape.input == input);
            let is_open = declared.dims().contains(&None);
            let (dims, from) = match (asked, feature.filter(|_| says).and_then(default)) {
                (Some(asked), _) => (asked.dims.clone(), "--shape"),
                (None, Some(default)) if is_open => (default, "default"),
                (None, None) if is_open => {
                    problems.push(open(&input, &declared));
                    continue;
                }
                (None, _) => continue,
            };
            if let Err(e) = function.set_shape(&input, &dims) {
                problems.push(Problem::new("shape", format!("{from} of the function `{}`: {e}", function.name)));
                continue;
            }
            if let Some(range) = feature.filter(|_| says && asked.is_some()).and_then(|f| outside(f, &dims)) {
                cx.warn(&format!(
                    "input `{input}`: {} is outside of what the model says that it takes, which is {range}",
                    dims_text(&dims)
                ));
            }
            if is_open {
                // It is not true any more.
                function.attributes.retain(|a| &*a.name != FLEXIBLE);
                chosen.push(Chosen { function: function.name.to_string(), input, shape: dims, from });
            }
        }
    }
    (chosen, problems)
}

/// Shapes that are given twice, or for nothing.
fn mistakes(draft: &Draft, given: &[Shape]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, shape) in given.iter().enumerate() {
        let known = || draft.functions.iter().flat_map(|f| f.inputs().map(|(name, _)| name));
        if given[..at].iter().any(|before| before.input == shape.input) {
            problems.push(Problem::new("shape", format!("--shape gives `{}` more than once", shape.input)));
        } else if !known().any(|name| name == shape.input) {
            let names: Vec<_> = known().map(|name| format!("`{name}`")).collect();
            let problem = Problem::new("shape", format!("--shape: there is no input `{}`", shape.input));
            problems.push(problem.hint(format!("the inputs are {}", names.join(", "))));
        }
    }
    problems
}

fn open(input: &str, declared: &Declared) -> Problem {
    let message =
        format!("input `{input}` is {declared}, and the model does not say which dimensions it has by default");
    let dims: Vec<_> = declared.dims().iter().map(|d| d.map_or_else(|| "N".to_owned(), |d| d.to_string())).collect();
    let hint = format!("add --shape {input}={}, with a number for each N", dims.join(","));
    Problem::new("open-shape", message).hint(hint)
}

/// The dimensions of the tensor that the function gets by default.
fn default(feature: &Feature) -> Option<Vec<usize>> {
    let shape = match &feature.ty {
        FeatureType::MultiArray { shape, .. } => shape.clone(),
        FeatureType::Image { width, height, color, .. } => vec![1, color.channels(), *height, *width],
        FeatureType::State { .. } | FeatureType::Other(_) => return None,
    };
    let shape = shape.into_iter().map(|n| usize::try_from(n).ok().filter(|n| *n > 0)).collect::<Option<Vec<_>>>()?;
    (!shape.is_empty()).then_some(shape)
}

/// What an input may be, if these dimensions are outside of that.
fn outside(feature: &Feature, dims: &[usize]) -> Option<String> {
    if default(feature).is_some_and(|default| default == dims) {
        return None;
    }
    let dims: Vec<u64> = dims.iter().map(|d| *d as u64).collect();
    let (flexibility, dims) = match &feature.ty {
        FeatureType::MultiArray { flexibility, .. } => (flexibility, &dims[..]),
        FeatureType::Image { flexibility, .. } => (flexibility, dims.get(2..)?),
        FeatureType::State { .. } | FeatureType::Other(_) => return None,
    };
    let taken = flexibility.takes(dims);
    (!taken).then(|| shapes_text(feature)).filter(|text| !text.is_empty())
}

/// The shapes that an input may have, in words; empty for something without a shape.
pub(crate) fn shapes_text(feature: &Feature) -> String {
    let default = default(feature).unwrap_or_default();
    let (flexibility, head) = match &feature.ty {
        FeatureType::MultiArray { flexibility, .. } => (flexibility, Vec::new()),
        FeatureType::Image { flexibility, color, .. } => (flexibility, vec![1, color.channels()]),
        FeatureType::State { .. } | FeatureType::Other(_) => return String::new(),
    };
    match flexibility {
        Flexibility::Fixed => dims_text(&default),
        Flexibility::Enumerated(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(|shape| format!("{:?}", [&head[..], shape].concat())).collect();
            shapes.join(" or ")
        }
        Flexibility::Range(dims) => {
            let one = |(low, high): &(u64, Option<u64>)| match high {
                Some(high) if high == low => low.to_string(),
                Some(high) => format!("{low} to {high}"),
                None => format!("{low} or more"),
            };
            let dims: Vec<_> = head.iter().map(u64::to_string).chain(dims.iter().map(one)).collect();
            format!("[{}]", dims.join(", "))
        }
    }
}

/// `[1, 3, 224, 224]`
pub(crate) fn dims_text(dims: &[usize]) -> String {
    format!("{dims:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read() {
        let shape = |s: &str| s.parse::<Shape>().map(|s| (s.input, s.dims));
        assert_eq!(shape("x=1,3,224,224"), Ok(("x".to_owned(), vec![1, 3, 224, 224])));
        assert_eq!(shape("a=b=2"), Err("INPUT=DIMS is wanted, such as image=1,3,224,224".to_owned()));
        for bad in ["x", "x=", "=1", "x=1,", "x=0", "x=-1", "x=1x2", "x=99999999999999999999999"] {
            assert!(shape(bad).is_err(), "{bad}");
        }
    }
}
