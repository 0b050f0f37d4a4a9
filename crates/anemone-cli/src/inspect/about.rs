//! What a model tells of itself, and how its weights are kept.

use crate::model::{Model, shapes_text};
use crate::style::Style;
use crate::table::{self, Align, Table};
use anemone_ir::{Function, ValueId};
use anemone_mil::description::{Feature, FeatureType, Flexibility, Metadata};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An input, output or state as the description has it.
#[derive(Serialize)]
pub(super) struct Described {
    name: String,
    /// `array`, `image`, `state`, or another kind of Core ML's.
    kind: String,
    /// Of an image.
    colours: Option<&'static str>,
    /// The shapes it may have, in words; absent if there is one only.
    shapes: Option<String>,
    optional: bool,
    description: String,
}

/// What a model tells of itself.
#[derive(Serialize)]
pub(super) struct About {
    form: String,
    specification: Option<i32>,
    default_function: Option<String>,
    description: String,
    author: String,
    license: String,
    version: String,
    user_defined: BTreeMap<String, String>,
    features: Vec<Described>,
}

impl About {
    pub(super) fn of(model: &Model) -> About {
        let (file, described) = (&model.file, model.description());
        let Metadata { description, version, author, license, user_defined } = file.description().metadata.clone();
        let all = described.inputs.iter().chain(&described.outputs).chain(&described.states);
        About {
            form: file.form().to_string(),
            specification: file.specification(),
            default_function: file.description().default_function.clone(),
            description,
            author,
            license,
            version,
            user_defined,
            features: all.map(Described::of).collect(),
        }
    }

    /// Facts for people: those that there are.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let specification = self.specification.map(|n| format!(", specification {n}")).unwrap_or_default();
        let mut facts = vec![("form", format!("{}{specification}", self.form))];
        let texts = [
            ("about", &self.description),
            ("author", &self.author),
            ("license", &self.license),
            ("version", &self.version),
        ];
        facts.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, line(text))));
        facts.extend(self.user_defined.iter().map(|(key, value)| ("metadata", line(&format!("{key}: {value}")))));
        facts
    }

    /// What there is to say of inputs, outputs and states besides their types; empty if that is nothing.
    pub(super) fn table(&self, style: Style) -> String {
        let mut table =
            Table::new(&[("described", Align::Left), ("as", Align::Left), ("shapes", Align::Left), ("", Align::Left)]);
        let said = self.features.iter().filter(|f| f.says_more());
        said.clone().for_each(|f| {
            let optional = if f.optional { ", optional" } else { "" };
            let colours = f.colours.map(|c| format!(" in {c}")).unwrap_or_default();
            let kind = format!("{}{colours}{optional}", f.kind);
            table.row(vec![f.name.clone(), kind, f.shapes.clone().unwrap_or_default(), line(&f.description)]);
        });
        if said.count() == 0 { String::new() } else { table.text("", style) }
    }
}

impl Described {
    fn of(feature: &Feature) -> Described {
        let (kind, colours, flexibility) = match &feature.ty {
            FeatureType::MultiArray { flexibility, .. } => ("array", None, Some(flexibility)),
            FeatureType::Image { color, flexibility, .. } => ("image", Some(color.name()), Some(flexibility)),
            FeatureType::State { .. } => ("state", None, None),
            FeatureType::Other(name) => (*name, None, None),
        };
        let flexible = flexibility.is_some_and(|f| *f != Flexibility::Fixed);
        Described {
            name: feature.name.clone(),
            kind: kind.to_owned(),
            colours,
            shapes: flexible.then(|| shapes_text(feature)),
            optional: feature.optional,
            description: feature.description.clone(),
        }
    }

    fn says_more(&self) -> bool {
        self.optional || self.shapes.is_some() || self.colours.is_some() || !self.description.is_empty()
    }
}

/// A text of a file as one short line: it may be anything.
fn line(text: &str) -> String {
    const LONGEST: usize = 100;
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

/// Weights that are kept in one way.
#[derive(Serialize)]
pub(super) struct Weights {
    /// The element type; or the operation that decodes them, with that of what it gives.
    kept: String,
    tensors: usize,
    elements: usize,
    /// As they are kept.
    bytes: usize,
}

impl Weights {
    /// Numbers that the model has.
    pub(super) fn elements(&self) -> usize {
        self.elements
    }

    /// As they are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The weights of a function by how they are kept: tensors of floats, and what decompressing operations read.
pub(super) fn weights(function: &Function) -> Vec<Weights> {
    let mut kinds: BTreeMap<String, Weights> = BTreeMap::new();
    let mut add = |kept: String, elements, bytes| {
        let new = || Weights { kept: kept.clone(), tensors: 0, elements: 0, bytes: 0 };
        let kind = kinds.entry(kept.clone()).or_insert_with(new);
        (kind.tensors, kind.elements, kind.bytes) = (kind.tensors + 1, kind.elements + elements, kind.bytes + bytes);
    };
    let mut decoded: BTreeSet<ValueId> = BTreeSet::new();
    for node in function.nodes.iter().filter(|n| n.mnemonic().starts_with("constexpr_")) {
        let stored = node.operands().filter_map(|id| function.value(id).literal.as_ref());
        let bytes = stored.map(|literal| literal.ty().bytes()).sum();
        let (ty, mnemonic) = (function.ty(node.results[0]), node.mnemonic());
        add(format!("{} by {mnemonic}", ty.dtype), ty.dims.elements(), bytes);
        decoded.extend(node.operands().chain(node.results.iter().copied()));
    }
    for id in function.ids().filter(|id| !decoded.contains(id)) {
        let Some(ty) = function.value(id).literal.as_ref().map(|l| *l.ty()) else { continue };
        if ty.dtype.is_float() && ty.dims.rank() > 0 {
            add(ty.dtype.to_string(), ty.dims.elements(), ty.bytes());
        }
    }
    kinds.into_values().collect()
}

/// The weights as a table; nothing if there are none.
pub(super) fn weights_table(weights: &[Weights], style: Style) -> String {
    let mut table = Table::new(&[
        ("weights", Align::Left),
        ("tensors", Align::Right),
        ("elements", Align::Right),
        ("size", Align::Right),
    ]);
    for w in weights {
        let (tensors, elements) = (table::grouped(w.tensors as u64), table::count(w.elements as u64));
        table.row(vec![w.kept.clone(), tensors, elements, table::bytes(w.bytes as u64)]);
    }
    if weights.is_empty() { String::new() } else { table.text("", style) }
}
