//! The bytes of a protobuf model: what it holds, as a tree of text with places.

use crate::Source;
use crate::description::{Description, attribute, derived, disagreements};
use crate::proto::{self, Container, pipeline_names, read};
use crate::syntax::{self, Text, print as print_tree};
use anemone_ir::Diagnostic;
use prost::{DecodeError, Message};
use std::sync::Arc;

/// The versions of the model format in which there are ML programs, and which are known.
const SPECIFICATIONS: std::ops::RangeInclusive<i32> = 6..=10;

/// No reader of protobuf takes more.
const MAX_BYTES: usize = i32::MAX as usize;

/// What is wrong with a model, and what to do.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong { message, hint: None }
    }
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Wrong {
        message.to_owned().into()
    }
}

/// A model out of its bytes.
pub(crate) struct Decoded {
    pub(crate) specification: i32,
    pub(crate) updatable: bool,
    pub(crate) description: Description,
    pub(crate) raw_description: Option<Arc<[u8]>>,
    pub(crate) source: Source,
    pub(crate) tree: Text,
}

/// Reads a model. `name` is for messages.
///
/// # Errors
/// It is none, is of another type, or says what cannot be.
pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<Decoded, Wrong> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, a protobuf model has less than 2 GiB", bytes.len()).into());
    }
    let broken = |e| Wrong::from(undecoded(&e));
    let container = Container::read(bytes).map_err(broken)?;
    if let Some(other) = &container.other {
        return Err(not_a_program(other.name, &pipeline_names(other)));
    }
    let Some(program) = container.program else {
        return Err("there is no model in it: it has no field of any type of model".into());
    };
    if !SPECIFICATIONS.contains(&container.specification) {
        let (low, high) = (SPECIFICATIONS.start(), SPECIFICATIONS.end());
        return Err(
            format!("specification version {} is not known, {low} to {high} are", container.specification).into()
        );
    }
    let description = described(container.description)?;
    proto::weigh(program)?;
    let program = proto::Program::decode(program).map_err(broken)?;
    let mut tree = read::text(&program, container.specification).map_err(|d| listed(&d))?;
    drop(program);
    // One that describes nothing says nothing wrong either.
    let told = !container.description.is_empty();
    let description = if told { description } else { derived(&tree) };
    if let Some(first) = disagreements(&tree, &description).into_iter().next() {
        return Err(first.into());
    }
    add_flexible_shapes(&mut tree, &description);
    // The tree's text is written and read again, for the places in it.
    let source = Source::new(&format!("{name}, as MIL text"), &print_tree(&tree));
    let tree = syntax::parse(source.text()).map_err(|d| Wrong::from(source.error(d).to_string()))?;
    Ok(Decoded {
        specification: container.specification,
        updatable: container.updatable,
        description,
        raw_description: told.then(|| Arc::from(container.description)),
        source,
        tree,
    })
}

/// Reads a `ModelDescription`.
///
/// # Errors
/// It is none.
pub(crate) fn described(bytes: &[u8]) -> Result<Description, Wrong> {
    let message = proto::ModelDescription::decode(bytes);
    Ok(Description::read(message.map_err(|e| format!("in its description: {}", undecoded(&e)))?))
}

/// Why bytes are no message. The decoder's own message names every message on the way.
fn undecoded(e: &DecodeError) -> String {
    const SHOWN: usize = 150;
    let message = e.to_string();
    if message.ends_with("recursion limit reached") {
        return "blocks, types or values are nested deeper than a reader of protobuf goes, which is 100 messages"
            .to_owned();
    }
    let cut = message.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    format!("it is no protobuf model: {}{}", if cut > 0 { "…" } else { "" }, &message[cut..])
}

/// Compiled models keep in an attribute of the function which shapes its inputs may have.
fn add_flexible_shapes(tree: &mut Text, description: &Description) {
    for function in &mut tree.functions {
        let described = description.function(&function.name.name);
        function.attributes.extend(described.and_then(|d| attribute(&d.inputs)));
        function.attributes.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    }
}

/// Findings that have no text to point at.
fn listed(findings: &[Diagnostic]) -> Wrong {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n").into()
}

/// A model of another type, which may be a pipeline of stages.
pub(super) fn not_a_program(name: &str, stages: &[String]) -> Wrong {
    let hint = if name.starts_with("pipeline") {
        let stages = if stages.is_empty() { String::new() } else { format!(", which are {}", stages.join(", ")) };
        format!(
            "a pipeline is several models in a row; use its stages one by one{stages}, each as an ML program of its own"
        )
    } else if name.starts_with("neuralNetwork") {
        "convert the original network again with coremltools, with `convert_to=\"mlprogram\"`".to_owned()
    } else {
        "models that are no neural networks have no program; only Core ML itself runs them".to_owned()
    };
    Wrong { message: format!("it is a model of type `{name}`, and only ML programs are read"), hint: Some(hint) }
}
