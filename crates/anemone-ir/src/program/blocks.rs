//! Blocks as functions of their own.

use super::{Block, Def, Function, Node, Value, ValueId};
use std::collections::{HashMap, HashSet};

impl Block {
    /// Calls `visit` with every value that the block reads and does not make, perhaps more than once.
    fn captures(&self, made: &mut HashSet<ValueId>, visit: &mut impl FnMut(ValueId)) {
        made.extend(&self.params);
        for node in &self.nodes {
            node.operands().filter(|id| !made.contains(id)).for_each(&mut *visit);
            node.blocks.iter().for_each(|block| block.captures(made, visit));
            made.extend(&node.results);
        }
        self.outputs.iter().filter(|id| !made.contains(id)).for_each(|id| visit(*id));
    }
}

/// What a block reads from outside, once each, in the order of first use.
pub(super) fn captures(block: &Block) -> Vec<ValueId> {
    let (mut seen, mut reads) = (HashSet::new(), Vec::new());
    block.captures(&mut HashSet::new(), &mut |id| {
        if seen.insert(id) {
            reads.push(id);
        }
    });
    reads
}

/// A function being made of a block.
struct Outline<'a> {
    from: &'a Function,
    values: Vec<Value>,
    ids: HashMap<ValueId, ValueId>,
}

impl Outline<'_> {
    fn define(&mut self, id: ValueId, def: Def) -> ValueId {
        let new = ValueId::at(self.values.len());
        self.values.push(Value { def, ..self.from.value(id).clone() });
        self.ids.insert(id, new);
        new
    }

    fn nodes(&mut self, nodes: &[Node], outermost: bool) -> Vec<Node> {
        let node = |(at, node): (usize, &Node)| {
            let mut new = node.clone();
            new.args.iter_mut().flat_map(|arg| arg.ids_mut()).for_each(|id| *id = self.ids[id]);
            for (block, source) in new.blocks.iter_mut().zip(&node.blocks) {
                block.params = source.params.iter().map(|id| self.define(*id, Def::Block)).collect();
                block.nodes = self.nodes(&source.nodes, false);
                block.outputs = source.outputs.iter().map(|id| self.ids[id]).collect();
            }
            let def = |index| if outermost { Def::Result { node: at, index } } else { Def::Block };
            new.results = node.results.iter().enumerate().map(|(i, id)| self.define(*id, def(i))).collect();
            new
        };
        nodes.iter().enumerate().map(node).collect()
    }
}

impl Function {
    /// A block as a function of its own, and the values that are to be given to it as inputs behind those that the block
    /// itself has: what it reads from outside, constants aside.
    pub fn outline(&self, block: &Block) -> (Function, Vec<ValueId>) {
        let (constants, captured): (Vec<ValueId>, Vec<ValueId>) =
            captures(block).into_iter().partition(|id| self.value(*id).literal.is_some());
        let params: Vec<ValueId> = block.params.iter().chain(&captured).copied().collect();
        let mut outline = Outline { from: self, values: Vec::new(), ids: HashMap::new() };
        let params = params.iter().enumerate().map(|(at, id)| outline.define(*id, Def::Param(at))).collect();
        for id in constants {
            outline.define(id, Def::Immediate);
        }
        let nodes = outline.nodes(&block.nodes, true);
        let outputs = block.outputs.iter().map(|id| outline.ids[id]).collect();
        let function = Function {
            name: self.name.clone(),
            opset: self.opset,
            params,
            states: Vec::new(),
            nodes,
            outputs,
            values: outline.values,
            attributes: Vec::new(),
        };
        (function, captured)
    }
}
