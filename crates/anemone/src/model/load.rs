//! One function at bound shapes.

use super::Model;
use crate::error::{Error, ErrorKind};
use anemone_ir::Draft;
use anemone_mil::description::FeatureType;

impl Model {
    /// The draft of one function, all its inputs having shapes.
    pub(super) fn bound(&self, name: &str, shapes: &[(&str, &[usize])]) -> Result<Draft, Error> {
        let mut function = self.function(name)?.clone();
        let wrong = |e: anemone_ir::draft::ShapeError| Error::new(ErrorKind::Binding, e.to_string()).with_source(e);
        for (input, dims) in shapes {
            function.set_shape(input, dims).map_err(wrong)?;
        }
        let open = function.inputs().filter(|(_, ty)| ty.known().is_none());
        for input in open.map(|(name, _)| name.to_owned()).collect::<Vec<_>>() {
            let Some(dims) = self.default_shape(name, &input) else {
                let message =
                    format!("input `{input}` of `{name}` has open dimensions, and the model has no default for them");
                return Err(Error::new(ErrorKind::Binding, message));
            };
            function.set_shape(&input, &dims).map_err(wrong)?;
        }
        Ok(Draft { functions: vec![function], ..self.draft.clone() })
    }

    /// The shape that the description gives an input if none else is wished.
    fn default_shape(&self, function: &str, input: &str) -> Option<Vec<usize>> {
        let described = self.description().function(function)?;
        let feature = described.inputs.into_iter().find(|f| f.name == input)?;
        let dims = match feature.ty {
            FeatureType::MultiArray { shape, .. } => shape,
            FeatureType::Image { width, height, color, .. } => vec![1, color.channels(), height, width],
            FeatureType::State { .. } | FeatureType::Other(_) => return None,
        };
        dims.into_iter().map(|d| usize::try_from(d).ok()).collect::<Option<Vec<_>>>().filter(|dims| !dims.is_empty())
    }
}
