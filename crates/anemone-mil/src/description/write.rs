//! Descriptions to their messages.

use super::{COLORS, Description, Feature, FeatureType, Flexibility, FunctionDescription};
use crate::Element;
use crate::proto::{self, FeatureKind, ShapeFlexibility, SizeFlexibility};

impl Description {
    /// The messages of a description. Functions are described one by one in specifications that can do that.
    pub(crate) fn write(&self) -> proto::ModelDescription {
        let single = self.functions.is_empty();
        let top = |features: &[Feature]| if single { written(features) } else { Vec::new() };
        proto::ModelDescription {
            input: top(&self.inputs),
            output: top(&self.outputs),
            state: top(&self.states),
            functions: self.functions.iter().map(written_function).collect(),
            default_function_name: self.default_function.clone().filter(|_| !single).unwrap_or_default(),
            metadata: Some(proto::Metadata {
                short_description: self.metadata.description.clone(),
                version: self.metadata.version.clone(),
                author: self.metadata.author.clone(),
                license: self.metadata.license.clone(),
                user_defined: self.metadata.user_defined.clone(),
            }),
        }
    }
}

fn written_function(f: &FunctionDescription) -> proto::FunctionDescription {
    proto::FunctionDescription {
        name: f.name.clone(),
        input: written(&f.inputs),
        output: written(&f.outputs),
        state: written(&f.states),
    }
}

fn written(features: &[Feature]) -> Vec<proto::FeatureDescription> {
    let one = |f: &Feature| {
        let ty = proto::FeatureType { kind: kind(&f.ty), is_optional: f.optional };
        proto::FeatureDescription { name: f.name.clone(), short_description: f.description.clone(), ty: Some(ty) }
    };
    features.iter().map(one).collect()
}

fn lengths(shape: &[u64]) -> Vec<i64> {
    shape.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect()
}

fn written_range((low, high): &(u64, Option<u64>)) -> proto::SizeRange {
    let upper_bound = high.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
    proto::SizeRange { lower_bound: *low, upper_bound }
}

fn array(element: Option<Element>, shape: &[u64], flexibility: Option<ShapeFlexibility>) -> proto::ArrayFeatureType {
    let data_type = element.and_then(Element::feature).unwrap_or(0);
    proto::ArrayFeatureType { shape: lengths(shape), data_type, flexibility }
}

fn kind(ty: &FeatureType) -> Option<FeatureKind> {
    Some(match ty {
        FeatureType::MultiArray { element, shape, flexibility } => {
            let flexibility = match flexibility {
                Flexibility::Fixed => None,
                Flexibility::Enumerated(shapes) => {
                    let shapes = shapes.iter().map(|s| proto::Shape { shape: lengths(s) }).collect();
                    Some(ShapeFlexibility::Enumerated(proto::EnumeratedShapes { shapes }))
                }
                Flexibility::Range(dims) => {
                    let size_ranges = dims.iter().map(written_range).collect();
                    Some(ShapeFlexibility::Range(proto::ShapeRange { size_ranges }))
                }
            };
            FeatureKind::MultiArray(array(*element, shape, flexibility))
        }
        FeatureType::State { element, shape } => {
            FeatureKind::State(proto::StateFeatureType { array: Some(array(*element, shape, None)) })
        }
        FeatureType::Image { width, height, color, flexibility } => {
            let flexibility = match flexibility {
                Flexibility::Fixed => None,
                Flexibility::Enumerated(shapes) => {
                    let pair = |s: &Vec<u64>| match s[..] {
                        [height, width] => Some(proto::ImageSize { width, height }),
                        _ => None,
                    };
                    let sizes = shapes.iter().filter_map(pair).collect();
                    Some(SizeFlexibility::Enumerated(proto::EnumeratedImageSizes { sizes }))
                }
                Flexibility::Range(dims) => {
                    let (height, width) = (dims.first().map(written_range), dims.get(1).map(written_range));
                    Some(SizeFlexibility::Range(proto::ImageSizeRange { width, height }))
                }
            };
            let color_space = COLORS.iter().find(|(c, _)| c == color).map_or(0, |(_, n)| *n);
            let size = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            FeatureKind::Image(proto::ImageFeatureType {
                width: size(*width),
                height: size(*height),
                color_space,
                flexibility,
            })
        }
        FeatureType::Other("Int64") => FeatureKind::Int64(proto::Empty {}),
        FeatureType::Other("Double") => FeatureKind::Double(proto::Empty {}),
        FeatureType::Other("String") => FeatureKind::String(proto::Empty {}),
        FeatureType::Other("Dictionary") => FeatureKind::Dictionary(proto::Empty {}),
        FeatureType::Other("Sequence") => FeatureKind::Sequence(proto::Empty {}),
        FeatureType::Other(_) => return None,
    })
}
