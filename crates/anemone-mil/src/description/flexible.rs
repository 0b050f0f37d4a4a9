//! `FlexibleShapeInformation`: the attribute in which compiled models keep the shapes that inputs may have.

use super::{Feature, FeatureType, Flexibility};
use crate::Element;
use crate::syntax::{self, Attribute, Dim, Int, Type, Typed, Value, ValueKind};

/// The attribute's name.
pub(crate) const FLEXIBLE: &str = "FlexibleShapeInformation";

const DEFAULTS: &str = "DefaultShapes";
const ENUMERATED: &str = "EnumeratedShapes";
const RANGES: &str = "RangeDims";

/// The attribute for a function with these inputs, as Apple's compiler writes it; `None` if all have one shape.
pub(crate) fn attribute(inputs: &[Feature]) -> Option<Attribute> {
    let flexible: Vec<_> = inputs.iter().filter_map(shapes).collect();
    if flexible.is_empty() {
        return None;
    }
    let mut parts = vec![(DEFAULTS, shapes_type(), dict(flexible.iter().map(|f| (f.name, row(&f.default)))))];
    let enumerated: Vec<_> = flexible.iter().filter_map(|f| Some((f.name, f.enumerated()?))).collect();
    if !enumerated.is_empty() {
        let value = configurations(&enumerated);
        parts.push((ENUMERATED, Type::Dict(Box::new(string()), Box::new(shapes_type())), value));
    }
    let ranges: Vec<_> = flexible.iter().filter_map(|f| Some((f.name, f.range()?))).collect();
    if !ranges.is_empty() {
        let pair = Type::Tensor(Element::Int32, vec![Dim::Known(2)]);
        let ty = Type::Dict(Box::new(string()), Box::new(Type::List(Box::new(pair), Dim::Unknown)));
        parts.push((RANGES, ty, dict(ranges.into_iter().map(|(name, dims)| (name, pairs(dims))))));
    }
    let types = parts.iter().map(|(_, ty, _)| Type::Tuple(vec![string(), ty.clone()])).collect();
    let values = parts
        .into_iter()
        .map(|(name, _, value)| Value::new(ValueKind::Tuple([Value::str(name), Value::new(value)].into())));
    Some(Attribute::new(FLEXIBLE, Typed::new(Type::Tuple(types), ValueKind::Tuple(values.collect()))))
}

/// The shapes of one input of the function; for an image, of the tensor that the function gets.
struct Shapes<'a> {
    name: &'a str,
    default: Vec<u64>,
    flexibility: Flexibility,
}

impl Shapes<'_> {
    fn enumerated(&self) -> Option<&[Vec<u64>]> {
        if let Flexibility::Enumerated(shapes) = &self.flexibility { Some(shapes) } else { None }
    }

    fn range(&self) -> Option<&[(u64, Option<u64>)]> {
        if let Flexibility::Range(dims) = &self.flexibility { Some(dims) } else { None }
    }
}

/// `None` if the input has one shape.
fn shapes(feature: &Feature) -> Option<Shapes<'_>> {
    let (default, flexibility) = match &feature.ty {
        FeatureType::MultiArray { shape, flexibility, .. } => (shape.clone(), flexibility.clone()),
        FeatureType::Image { width, height, color, flexibility } => {
            let channels = color.channels();
            let around = |shape: &[u64]| [&[1, channels], shape].concat();
            let flexibility = match flexibility {
                Flexibility::Fixed => Flexibility::Fixed,
                Flexibility::Enumerated(sizes) => Flexibility::Enumerated(sizes.iter().map(|s| around(s)).collect()),
                Flexibility::Range(dims) => {
                    Flexibility::Range([&[(1, Some(1)), (channels, Some(channels))], &dims[..]].concat())
                }
            };
            (around(&[*height, *width]), flexibility)
        }
        FeatureType::State { .. } | FeatureType::Other(_) => return None,
    };
    (flexibility != Flexibility::Fixed).then_some(Shapes { name: &feature.name, default, flexibility })
}

fn string() -> Type {
    Type::scalar(Element::String)
}

/// Names and shapes.
fn shapes_type() -> Type {
    Type::Dict(Box::new(string()), Box::new(Type::Tensor(Element::Int32, vec![Dim::Unknown])))
}

fn dict<'a>(pairs: impl Iterator<Item = (&'a str, ValueKind)>) -> ValueKind {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    ValueKind::Dict(pairs.into_iter().map(|(name, value)| (Value::str(name), Value::new(value))).collect())
}

fn number(n: u64) -> ValueKind {
    ValueKind::Int(Int { negative: false, magnitude: n })
}

fn row(shape: &[u64]) -> ValueKind {
    ValueKind::list(shape.iter().map(|n| number(*n)))
}

/// Pairs of bounds. No upper bound is -1, as in the messages of a description.
fn pairs(dims: &[(u64, Option<u64>)]) -> ValueKind {
    ValueKind::list(
        dims.iter().map(|(low, high)| ValueKind::list([number(*low), high.map_or(ValueKind::int(-1), number)])),
    )
}

/// Enumerated shapes are kept by configurations: the first shapes of all inputs, the second ones, and so on, each under a key of
/// eight digits. What Apple's keys are made of is not known; these are made of the shapes, by FNV-1a.
fn configurations(inputs: &[(&str, &[Vec<u64>])]) -> ValueKind {
    let count = inputs.iter().map(|(_, shapes)| shapes.len()).max().unwrap_or(0);
    let mut all = Vec::new();
    for at in 0..count {
        let shapes = inputs.iter().filter_map(|(name, shapes)| Some((*name, shapes.get(at)?)));
        let mut hash = 0x811c_9dc5u32;
        for (name, shape) in shapes.clone() {
            for byte in name.bytes().chain(format!("{shape:?}").into_bytes()) {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
        all.push((format!("{hash:08x}"), dict(shapes.map(|(name, shape)| (name, row(shape))))));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    ValueKind::Dict(all.into_iter().map(|(key, value)| (Value::str(&key), Value::new(value))).collect())
}

/// What the attribute of a function says of an input: its default shape and the others.
pub(super) fn said(function: &syntax::Function, input: &str) -> Option<(Vec<u64>, Flexibility)> {
    let attribute = function.attributes.iter().find(|a| &*a.name.name == FLEXIBLE)?;
    let default = numbers(entry(part(attribute, DEFAULTS)?, input)?)?;
    let flexibility = if let Some(dims) = part(attribute, RANGES).and_then(|all| entry(all, input)) {
        Flexibility::Range(items(dims)?.iter().map(bounds).collect::<Option<_>>()?)
    } else if let Some(all) = part(attribute, ENUMERATED) {
        let ValueKind::Dict(configurations) = &all.kind else { return None };
        let mut shapes: Vec<_> = configurations.iter().filter_map(|(_, c)| numbers(entry(c, input)?)).collect();
        // Keys tell nothing, so the order is that of the shapes.
        shapes.sort();
        shapes.dedup();
        if shapes.is_empty() { Flexibility::Fixed } else { Flexibility::Enumerated(shapes) }
    } else {
        Flexibility::Fixed
    };
    Some((default, flexibility))
}

/// What follows a name in the attribute's tuple of pairs.
fn part<'a>(attribute: &'a Attribute, name: &str) -> Option<&'a Value> {
    let ValueKind::Tuple(parts) = &attribute.value.value.kind else { return None };
    parts.iter().find_map(|part| match &part.kind {
        ValueKind::Tuple(pair) => match &pair[..] {
            [Value { kind: ValueKind::Str(key), .. }, value] if **key == *name => Some(value),
            _ => None,
        },
        _ => None,
    })
}

fn entry<'a>(dictionary: &'a Value, name: &str) -> Option<&'a Value> {
    let ValueKind::Dict(pairs) = &dictionary.kind else { return None };
    pairs.iter().find(|(key, _)| matches!(&key.kind, ValueKind::Str(s) if **s == *name)).map(|(_, value)| value)
}

fn items(value: &Value) -> Option<&[Value]> {
    if let ValueKind::List(items) = &value.kind { Some(items) } else { None }
}

fn numbers(value: &Value) -> Option<Vec<u64>> {
    items(value)?.iter().map(|v| if let ValueKind::Int(n) = v.kind { plain(n) } else { None }).collect()
}

fn plain(n: Int) -> Option<u64> {
    (!n.negative).then_some(n.magnitude)
}

fn bounds(pair: &Value) -> Option<(u64, Option<u64>)> {
    match items(pair)? {
        [Value { kind: ValueKind::Int(low), .. }, Value { kind: ValueKind::Int(high), .. }] => {
            Some((plain(*low)?, plain(*high)))
        }
        _ => None,
    }
}
