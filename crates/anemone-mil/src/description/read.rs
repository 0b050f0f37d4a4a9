//! Descriptions from their messages.

use super::{COLORS, ColorSpace, Description, Feature, FeatureType, Flexibility, FunctionDescription, Metadata};
use crate::Element;
use crate::proto::{self, FeatureKind, ShapeFlexibility, SizeFlexibility};

impl Description {
    pub(crate) fn read(message: proto::ModelDescription) -> Description {
        let functions: Vec<_> = message.functions.into_iter().map(function).collect();
        let default_function = Some(message.default_function_name).filter(|name| !name.is_empty());
        let mut out = Description {
            inputs: features(message.input),
            outputs: features(message.output),
            states: features(message.state),
            functions,
            default_function,
            metadata: message.metadata.map(metadata).unwrap_or_default(),
        };
        let default = out.default_function.as_deref();
        if let Some(f) = out.functions.iter().find(|f| default.is_none_or(|name| f.name == name)) {
            let f = f.clone();
            (out.inputs, out.outputs, out.states) = (f.inputs, f.outputs, f.states);
        }
        out
    }
}

fn function(f: proto::FunctionDescription) -> FunctionDescription {
    let (inputs, outputs, states) = (features(f.input), features(f.output), features(f.state));
    FunctionDescription { name: f.name, inputs, outputs, states }
}

fn metadata(m: proto::Metadata) -> Metadata {
    Metadata {
        description: m.short_description,
        version: m.version,
        author: m.author,
        license: m.license,
        user_defined: m.user_defined,
    }
}

fn features(messages: Vec<proto::FeatureDescription>) -> Vec<Feature> {
    messages.into_iter().map(feature).collect()
}

fn feature(message: proto::FeatureDescription) -> Feature {
    let optional = message.ty.as_ref().is_some_and(|ty| ty.is_optional);
    let ty = match message.ty.and_then(|ty| ty.kind) {
        Some(FeatureKind::MultiArray(array)) => multi_array(array),
        Some(FeatureKind::Image(image)) => self::image(&image),
        Some(FeatureKind::State(state)) => {
            let array = state.array.unwrap_or_default();
            FeatureType::State { element: Element::from_feature(array.data_type), shape: sizes(&array.shape) }
        }
        Some(FeatureKind::Int64(_)) => FeatureType::Other("Int64"),
        Some(FeatureKind::Double(_)) => FeatureType::Other("Double"),
        Some(FeatureKind::String(_)) => FeatureType::Other("String"),
        Some(FeatureKind::Dictionary(_)) => FeatureType::Other("Dictionary"),
        Some(FeatureKind::Sequence(_)) => FeatureType::Other("Sequence"),
        None => FeatureType::Other("nothing"),
    };
    Feature { name: message.name, description: message.short_description, optional, ty }
}

/// Sizes as the messages have them. There are no negative ones; should there be, they are 0, which nothing matches.
fn sizes(shape: &[i64]) -> Vec<u64> {
    shape.iter().map(|n| u64::try_from(*n).unwrap_or(0)).collect()
}

fn range(r: &proto::SizeRange) -> (u64, Option<u64>) {
    (r.lower_bound, u64::try_from(r.upper_bound).ok())
}

fn multi_array(array: proto::ArrayFeatureType) -> FeatureType {
    let flexibility = match array.flexibility {
        None => Flexibility::Fixed,
        Some(ShapeFlexibility::Enumerated(shapes)) => {
            Flexibility::Enumerated(shapes.shapes.iter().map(|s| sizes(&s.shape)).collect())
        }
        Some(ShapeFlexibility::Range(ranges)) => Flexibility::Range(ranges.size_ranges.iter().map(range).collect()),
    };
    FeatureType::MultiArray { element: Element::from_feature(array.data_type), shape: sizes(&array.shape), flexibility }
}

fn image(image: &proto::ImageFeatureType) -> FeatureType {
    let size = |n: i64| u64::try_from(n).unwrap_or(0);
    let flexibility = match &image.flexibility {
        None => Flexibility::Fixed,
        Some(SizeFlexibility::Enumerated(e)) => {
            Flexibility::Enumerated(e.sizes.iter().map(|s| vec![s.height, s.width]).collect())
        }
        Some(SizeFlexibility::Range(r)) => {
            let dims = [r.height, r.width];
            Flexibility::Range(dims.iter().map(|d| range(&d.unwrap_or_default())).collect())
        }
    };
    let color = COLORS.iter().find(|(_, n)| *n == image.color_space).map_or(ColorSpace::Unknown, |(c, _)| *c);
    FeatureType::Image { width: size(image.width), height: size(image.height), color, flexibility }
}
