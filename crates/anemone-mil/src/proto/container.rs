//! `Model.proto`'s outermost message, walked by hand: what is in it is looked at where it lies.

use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The parts of a model.
#[derive(Default)]
pub(crate) struct Container<'a> {
    pub(crate) specification: i32,
    /// The `ModelDescription`, with all its fields.
    pub(crate) description: &'a [u8],
    pub(crate) updatable: bool,
    /// The `MILSpec.Program`.
    pub(crate) program: Option<&'a [u8]>,
    /// What it is if it is no program.
    pub(crate) other: Option<NotAProgram<'a>>,
}

/// A model of another type than ML program.
#[derive(Clone, Copy)]
pub(crate) struct NotAProgram<'a> {
    /// Core ML's name of the type.
    pub(crate) name: &'static str,
    /// Its field in the model.
    pub(crate) field: u32,
    pub(crate) bytes: &'a [u8],
}

/// The types of models, by their field.
const TYPES: &str = "
200 pipelineClassifier
201 pipelineRegressor
202 pipeline
300 glmRegressor
301 supportVectorRegressor
302 treeEnsembleRegressor
303 neuralNetworkRegressor
304 bayesianProbitRegressor
400 glmClassifier
401 supportVectorClassifier
402 treeEnsembleClassifier
403 neuralNetworkClassifier
404 kNearestNeighborsClassifier
500 neuralNetwork
501 itemSimilarityRecommender
555 customModel
556 linkedModel
560 classConfidenceThresholding
600 oneHotEncoder
601 imputer
602 featureVectorizer
603 dictVectorizer
604 scaler
606 categoricalMapping
607 normalizer
609 arrayFeatureExtractor
610 nonMaximumSuppression
900 identity
2000 textClassifier
2001 wordTagger
2002 visionFeaturePrint
2003 soundAnalysisPreprocessing
2004 gazetteer
2005 wordEmbedding
2006 audioFeaturePrint
3000 serializedModel
";

/// Core ML's name of a type of models, by its field.
pub(crate) fn type_name(field: u32) -> Option<&'static str> {
    let rows = TYPES.lines().filter_map(|row| row.split_once(' '));
    rows.into_iter().find(|(number, _)| number.parse() == Ok(field)).map(|(_, name)| name)
}

impl<'a> Container<'a> {
    /// Finds the parts. Of a field that is there twice the last counts, as for all readers of protobuf; that the parts of one
    /// message given twice would have to be merged is left out, since no writer does that.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Container<'a>, DecodeError> {
        let mut found = Container::default();
        let mut rest = bytes;
        while let Some((tag, field)) = next(&mut rest)? {
            match (tag, field) {
                (1, Field::Number(n)) => found.specification = n as i32,
                (2, Field::Bytes(b)) => found.description = b,
                (10, Field::Number(n)) => found.updatable = n != 0,
                (502, Field::Bytes(b)) => (found.program, found.other) = (Some(b), None),
                (tag, Field::Bytes(bytes)) => {
                    if let Some(name) = type_name(tag) {
                        found.program = None;
                        found.other = Some(NotAProgram { name, field: tag, bytes });
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// The names of the models in a pipeline.
pub(crate) fn pipeline_names(model: &NotAProgram<'_>) -> Vec<String> {
    let pipelines = match model.field {
        200 | 201 => every(model.bytes, 1),
        202 => vec![model.bytes],
        _ => Vec::new(),
    };
    let names = pipelines.into_iter().flat_map(|p| every(p, 2));
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// What stands in every field of a message that has this number, up to the first byte that is no protobuf.
fn every(mut rest: &[u8], wanted: u32) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Ok(Some((tag, field))) = next(&mut rest) {
        match field {
            Field::Bytes(b) if tag == wanted => found.push(b),
            _ => {}
        }
    }
    found
}

/// Whether a message has a field.
pub(crate) fn has_field(message: &[u8], field: u32) -> bool {
    !every(message, field).is_empty()
}

pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The next field of a message; `None` at its end.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<(u32, Field<'a>)>, DecodeError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (tag, wire) = decode_key(rest)?;
    let field = match wire {
        WireType::Varint => Field::Number(decode_varint(rest)?),
        WireType::LengthDelimited => {
            let whole = *rest;
            skip_field(wire, tag, rest, DecodeContext::default())?;
            let mut field = &whole[..whole.len() - rest.len()];
            decode_varint(&mut field)?;
            Field::Bytes(field)
        }
        _ => {
            skip_field(wire, tag, rest, DecodeContext::default())?;
            Field::Other
        }
    };
    Ok(Some((tag, field)))
}
