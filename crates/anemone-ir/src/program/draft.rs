//! A checked program as a draft again, to be changed and checked anew.

use super::{Block, Def, Function, Node, Program};
use crate::draft::{Draft, DraftBlock, DraftFunction, DraftNode, DraftValue};
use crate::types::Declared;

impl Program {
    /// The program as a draft. Values keep their places.
    pub fn draft(&self) -> Draft {
        Draft {
            functions: self.functions.iter().map(Function::draft).collect(),
            build_info: self.build_info.clone(),
            attributes: self.attributes.clone(),
            errors: Vec::new(),
        }
    }
}

impl Function {
    /// The function as a draft. Values keep their places.
    pub fn draft(&self) -> DraftFunction {
        let value = |v: &super::Value| DraftValue {
            name: v.name.clone(),
            declared: Some(Declared::from(v.ty).of(v.kind)),
            literal: v.literal.clone().filter(|_| v.def == Def::Immediate),
            location: v.location,
        };
        let mut draft = DraftFunction::new(&self.name, self.opset, crate::Location::Unknown);
        draft.values = self.values.iter().map(value).collect();
        draft.params = self.params.iter().chain(&self.states).copied().collect();
        draft.nodes = self.nodes.iter().map(Node::draft).collect();
        draft.outputs = self.outputs.iter().map(|id| (*id, self.value(*id).location)).collect();
        draft.attributes = self.attributes.clone();
        draft
    }
}

impl Node {
    fn draft(&self) -> DraftNode {
        let given = self.op.schema().params.iter().zip(&self.args).filter(|(_, arg)| !arg.ids().is_empty());
        let block = |block: &Block| DraftBlock {
            params: block.params.clone(),
            nodes: block.nodes.iter().map(Node::draft).collect(),
            outputs: block.outputs.clone(),
        };
        DraftNode {
            mnemonic: self.mnemonic().into(),
            args: given.map(|(param, arg)| (param.name.into(), arg.clone())).collect(),
            attributes: self.attributes.clone(),
            results: self.results.clone(),
            name: self.name.clone(),
            blocks: self.blocks.iter().map(block).collect(),
            location: self.location,
        }
    }
}
