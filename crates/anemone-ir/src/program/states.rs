//! States as inputs and outputs.

use super::{Def, Function, Node, ValueId};
use crate::types::Kind;
use std::collections::HashMap;

impl Function {
    /// The same function without states: behind its inputs it has each state as it is before a run, and behind its outputs
    /// those that are written, as they are after it; their positions in [`Function::states`] are returned. Values keep their
    /// places; one that may be an output already is then one twice.
    pub fn pure(&self) -> (Function, Vec<usize>) {
        let mut function = self.clone();
        // What stands for a value: for a state what it holds, for what was read of it what it held.
        let mut stands: HashMap<ValueId, ValueId> = HashMap::new();
        for (at, id) in self.states.iter().enumerate() {
            let value = &mut function.values[id.index()];
            value.kind = Kind::Tensor;
            value.def = Def::Param(self.params.len() + at);
            function.params.push(*id);
            stands.insert(*id, *id);
        }
        function.states.clear();
        function.nodes.clear();
        for node in &self.nodes {
            let mut node = node.clone();
            if let Some(state) = node.writes_state() {
                if let Some(data) = node.arg("data").ids().first() {
                    stands.insert(state, stands.get(data).copied().unwrap_or(*data));
                }
                continue;
            }
            if let Some(held) = node.reads_state().and_then(|state| stands.get(&state).copied()) {
                stands.insert(node.results[0], held);
                continue;
            }
            replace(&mut node, &stands);
            for (index, id) in node.results.iter().enumerate() {
                function.values[id.index()].def = Def::Result { node: function.nodes.len(), index };
            }
            function.nodes.push(node);
        }
        let now = |id: &ValueId| stands.get(id).copied().unwrap_or(*id);
        function.outputs = self.outputs.iter().map(now).collect();
        let held = self.states.iter().enumerate().map(|(at, id)| (at, *id, now(id)));
        let written: Vec<(usize, ValueId)> =
            held.filter(|(_, id, now)| id != now).map(|(at, _, now)| (at, now)).collect();
        function.outputs.extend(written.iter().map(|(_, now)| *now));
        (function, written.into_iter().map(|(at, _)| at).collect())
    }
}

/// Has a node, and its blocks, read what stands for what it reads.
fn replace(node: &mut Node, stands: &HashMap<ValueId, ValueId>) {
    let now = |id: &mut ValueId| {
        if let Some(now) = stands.get(id) {
            *id = *now;
        }
    };
    node.args.iter_mut().flat_map(|arg| arg.ids_mut()).for_each(now);
    for block in &mut node.blocks {
        block.nodes.iter_mut().for_each(|node| replace(node, stands));
        block.outputs.iter_mut().for_each(now);
    }
}
