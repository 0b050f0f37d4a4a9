//! Outputs.

use super::{Graph, Kind, Tensor};
use anemone_ir::args;
use anemone_ir::builder::Var;

impl Graph {
    /// Marks an output. Outputs bind in the order of these calls.
    ///
    /// Without any such call, the outputs are the computed tensors that nothing reads, in the order they were made.
    #[track_caller]
    pub fn output(&mut self, tensor: Tensor) {
        let var = self.result("output", tensor);
        self.builder.output(var);
    }

    /// Marks an output and names it; see [`Graph::named_placeholder`] for what can be a name.
    #[track_caller]
    pub fn named_output(&mut self, tensor: Tensor, name: &str) {
        let var = self.result("named_output", tensor);
        if self.take_name(name) {
            self.builder.name(var, name);
        }
        self.builder.output(var);
    }

    /// The value of an output: computed, because no back end hands through inputs or constants.
    #[track_caller]
    fn result(&mut self, call: &str, tensor: Tensor) -> Var {
        let var = self.operand(call, "tensor", tensor);
        match self.own(tensor).map(|e| &e.kind) {
            Some(Kind::Input(_) | Kind::Constant(_)) => self.builder.identity(args! { x: var }),
            Some(Kind::Computed(_)) | None => var,
        }
    }
}
