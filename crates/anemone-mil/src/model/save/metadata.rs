//! `metadata.json`: a summary of a compiled model, for people and for Apple's tools.
//!
//! Core ML does not need it to load a model. Fields and spelling are those of files that Apple's compiler wrote.

use super::super::ModelFile;
use crate::Element;
use crate::description::{Feature, FeatureType, Flexibility, FunctionDescription};
use crate::syntax::{Body, Function, Text, Type};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The file.
///
/// `stored` are the element types of its weights.
pub(super) fn written(model: &ModelFile, tree: &Text, specification: i32, name: &str, stored: &[Element]) -> String {
    let d = model.description();
    let main = d.default_function.as_deref();
    let function = tree.functions.iter().find(|f| main.is_none_or(|name| *f.name.name == *name));
    let mut all = Map::new();
    all.insert("metadataOutputVersion".into(), "3.0".into());
    all.insert("specificationVersion".into(), specification.into());
    all.insert("modelType".into(), json!({ "name": "MLModelType_mlProgram" }));
    all.insert("modelParameters".into(), json!([]));
    all.insert("method".into(), "predict".into());
    all.insert("generatedClassName".into(), identifier(name).into());
    all.insert("isUpdatable".into(), if model.updatable { "1" } else { "0" }.into());
    all.insert("availability".into(), availability(specification));
    all.insert("userDefinedMetadata".into(), json!(d.metadata.user_defined));
    let texts = [
        ("author", &d.metadata.author),
        ("license", &d.metadata.license),
        ("shortDescription", &d.metadata.description),
        ("version", &d.metadata.version),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        all.insert(key.into(), text.as_str().into());
    }
    if !stored.is_empty() {
        let types = stored.iter().filter_map(|element| type_name(*element)).collect();
        all.insert("storagePrecision".into(), precision(types).into());
    }
    all.extend(schemas(&d.inputs, &d.outputs, &d.states));
    all.extend(function.map(statistics).unwrap_or_default());
    if !d.functions.is_empty() {
        let one = |f: &FunctionDescription| {
            let mut entry = schemas(&f.inputs, &f.outputs, &f.states);
            entry.insert("name".into(), f.name.as_str().into());
            let function = tree.functions.iter().find(|t| *t.name.name == *f.name);
            entry.extend(function.map(statistics).unwrap_or_default());
            Value::Object(entry)
        };
        all.insert("functions".into(), d.functions.iter().map(one).collect());
        all.insert("defaultFunctionName".into(), main.unwrap_or_default().into());
    }
    format!("{:#}", json!([all]))
}

/// A name of a class, made of a name of a file.
fn identifier(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The systems that run a model of a specification.
fn availability(specification: i32) -> Value {
    let (mac, ios, watch, vision) = match specification {
        ..=6 => ("12.0", "15.0", "8.0", "1.0"),
        7 => ("13.0", "16.0", "9.0", "1.0"),
        8 => ("14.0", "17.0", "10.0", "1.0"),
        9 => ("15.0", "18.0", "11.0", "2.0"),
        10.. => ("26.0", "26.0", "26.0", "26.0"),
    };
    json!({ "macOS": mac, "iOS": ios, "macCatalyst": ios, "tvOS": ios, "watchOS": watch, "visionOS": vision })
}

fn schemas(inputs: &[Feature], outputs: &[Feature], states: &[Feature]) -> Map<String, Value> {
    let list = |features: &[Feature]| features.iter().map(schema).collect::<Value>();
    let pairs = [("inputSchema", inputs), ("outputSchema", outputs), ("stateSchema", states)];
    pairs.into_iter().map(|(key, features)| (key.to_owned(), list(features))).collect()
}

/// How many operations of each kind a function has, and in what it computes.
fn statistics(f: &Function) -> Map<String, Value> {
    let mut counts = BTreeMap::new();
    let mut types = BTreeSet::new();
    count(&f.body, &mut counts, &mut types);
    let opset = f.opset.name.replacen("ios", "Ios", 1);
    let histogram: Map<_, _> = counts.iter().map(|(name, n)| (format!("{opset}.{name}"), json!(n))).collect();
    Map::from_iter([
        ("mlProgramOperationTypeHistogram".to_owned(), Value::Object(histogram)),
        ("computePrecision".to_owned(), precision(types).into()),
    ])
}

/// A type, or several as a mixture.
fn precision(types: BTreeSet<&str>) -> String {
    let types: Vec<_> = types.into_iter().collect();
    match &types[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        several => format!("Mixed ({})", several.join(", ")),
    }
}

fn count(body: &Body, counts: &mut BTreeMap<String, u64>, types: &mut BTreeSet<&'static str>) {
    for o in &body.operations {
        // One whose value is an attribute is not counted, but is part of what is computed with.
        if o.attributes.iter().all(|a| &*a.name.name != "val") {
            *counts.entry(camel(&o.mnemonic.name)).or_default() += 1;
        }
        types.extend(o.results.iter().filter_map(|r| match &r.ty {
            Type::Tensor(element, _) => type_name(*element),
            _ => None,
        }));
        o.blocks.iter().for_each(|b| count(&b.body, counts, types));
    }
}

/// `reduce_argmax` as `reduceArgmax`.
fn camel(mnemonic: &str) -> String {
    let mut parts = mnemonic.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut out, part| {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out + chars.as_str()
    })
}

/// What Apple calls an element type; `None` for what is no number.
fn type_name(element: Element) -> Option<&'static str> {
    Some(match element {
        Element::Bool | Element::String => return None,
        Element::Fp16 => "Float16",
        Element::Fp32 => "Float32",
        Element::Fp64 => "Double",
        Element::Bf16 => "BFloat16",
        Element::Fp8E4M3Fn => "Float8E4M3FN",
        Element::Fp8E5M2 => "Float8E5M2",
        Element::Int4 => "Int4",
        Element::Int8 => "Int8",
        Element::Int16 => "Int16",
        Element::Int32 => "Int32",
        Element::Int64 => "Int64",
        Element::UInt1 => "UInt1",
        Element::UInt2 => "UInt2",
        Element::UInt3 => "UInt3",
        Element::UInt4 => "UInt4",
        Element::UInt6 => "UInt6",
        Element::UInt8 => "UInt8",
        Element::UInt16 => "UInt16",
        Element::UInt32 => "UInt32",
        Element::UInt64 => "UInt64",
    })
}

fn times(shape: &[u64]) -> String {
    shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ")
}

fn schema(f: &Feature) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), f.name.as_str().into());
    out.insert("shortDescription".into(), f.description.as_str().into());
    out.insert("isOptional".into(), if f.optional { "1" } else { "0" }.into());
    match &f.ty {
        FeatureType::MultiArray { element, shape, flexibility } => {
            array(&mut out, "MultiArray", *element, shape);
            flexible(&mut out, flexibility);
        }
        FeatureType::State { element, shape } => array(&mut out, "State", *element, shape),
        FeatureType::Image { width, height, color, flexibility } => {
            let colored = color.channels() == 3;
            let kind = if colored { "Color" } else { "Grayscale" };
            out.insert("type".into(), "Image".into());
            out.insert("width".into(), width.to_string().into());
            out.insert("height".into(), height.to_string().into());
            out.insert("colorspace".into(), color.name().into());
            out.insert("isColor".into(), if colored { "1" } else { "0" }.into());
            out.insert("formattedType".into(), format!("Image ({kind} {width} × {height})").into());
            let fixed = *flexibility == Flexibility::Fixed;
            out.insert("hasSizeFlexibility".into(), if fixed { "0" } else { "1" }.into());
        }
        FeatureType::Other(name) => {
            out.insert("type".into(), (*name).into());
        }
    }
    Value::Object(out)
}

fn array(out: &mut Map<String, Value>, kind: &str, element: Option<Element>, shape: &[u64]) {
    let name = element.and_then(type_name).unwrap_or("Unknown");
    let formatted = format!("{kind} ({name} {})", times(shape)).replace(" )", ")");
    out.insert("type".into(), kind.into());
    out.insert("dataType".into(), name.into());
    out.insert("shape".into(), format!("{shape:?}").into());
    out.insert("formattedType".into(), formatted.into());
}

fn flexible(out: &mut Map<String, Value>, flexibility: &Flexibility) {
    let has = if *flexibility == Flexibility::Fixed { "0" } else { "1" };
    out.insert("hasShapeFlexibility".into(), has.into());
    match flexibility {
        Flexibility::Fixed => {}
        Flexibility::Enumerated(shapes) => {
            let each: Vec<_> = shapes.iter().map(|s| times(s)).collect();
            out.insert("shapeFlexibility".into(), each.join(" | ").into());
            out.insert("enumeratedShapes".into(), format!("{shapes:?}").into());
        }
        Flexibility::Range(dims) => {
            let high = |h: &Option<u64>| h.map_or_else(|| "-1".to_owned(), |h| h.to_string());
            let each: Vec<_> = dims
                .iter()
                .map(|(low, h)| match h {
                    Some(h) if h == low => low.to_string(),
                    Some(h) => format!("{low}...{h}"),
                    None => format!("{low}..."),
                })
                .collect();
            let ranges: Vec<_> = dims.iter().map(|(low, h)| format!("[{low}, {}]", high(h))).collect();
            out.insert("shapeFlexibility".into(), each.join(" × ").into());
            out.insert("shapeRange".into(), format!("[{}]", ranges.join(", ")).into());
        }
    }
}
