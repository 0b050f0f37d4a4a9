//! The values of a run line, for the function that it calls.

use super::Run;
use super::values::Values;
use crate::compare::Wanted;
use anemone_ir::Function;
use anemone_ir::reference::round_to;

impl Run {
    /// The inputs, in the function's order, rounded to their types.
    ///
    /// # Errors
    /// One is missing, there is none of its name, or it does not fit its type.
    pub fn inputs(&self, function: &Function) -> Result<Vec<Vec<f64>>, String> {
        if let Some((name, _)) = self.inputs.iter().find(|(name, _)| function.param(name).is_none()) {
            return Err(format!("`{}` has no input `{name}`", self.function));
        }
        let one = |id: &_| {
            let value = function.value(*id);
            let given = self.inputs.iter().find(|(name, _)| **name == *value.name);
            let (name, values) = given.ok_or_else(|| format!("input `{}` is missing", value.name))?;
            let elements = values.elements(&value.ty).map_err(|e| format!("input `{name}`: {e}"))?;
            let elements = elements.ok_or_else(|| format!("input `{name}`: `?` is for outputs"))?;
            Ok(elements.iter().map(|w| round_to(value.ty.dtype, w.value)).collect())
        };
        function.params.iter().map(one).collect()
    }

    /// The expected outputs, in the function's order; `None` where nothing is said of one.
    ///
    /// # Errors
    /// Their number is not the function's, or one does not fit its type.
    pub fn expected(&self, function: &Function) -> Result<Vec<Option<Vec<Wanted>>>, String> {
        let (given, has) = (self.outputs.len(), function.outputs.len());
        if given != has {
            return Err(format!("{given} outputs are expected, `{}` has {has}", self.function));
        }
        let one = |(values, id): (&Values, &_)| {
            let value = function.value(*id);
            values.elements(&value.ty).map_err(|e| format!("output `{}`: {e}", value.name))
        };
        self.outputs.iter().zip(&function.outputs).map(one).collect()
    }
}
