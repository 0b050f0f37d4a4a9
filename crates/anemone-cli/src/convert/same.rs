//! Whether two drafts are one program: what was to be written, and what is read.

use anemone_ir::draft::{Draft, DraftBlock, DraftFunction, DraftNode};
use anemone_ir::program::Arg;
use anemone_ir::{Declared, Literal, ValueId};
use std::collections::BTreeMap;

/// Names, types, constants and operations are compared; in which order arguments are written is nothing that a program says.
///
/// # Errors
/// The first difference, in words.
pub(super) fn same(a: &Draft, b: &Draft) -> Result<(), String> {
    let by_name = |draft: &'_ Draft| draft.functions.iter().map(|f| f.name.to_string()).collect::<Vec<_>>();
    let (mut names_a, mut names_b) = (by_name(a), by_name(b));
    names_a.sort();
    names_b.sort();
    if names_a != names_b {
        return Err(format!("its functions are {}, and not {}", names_b.join(", "), names_a.join(", ")));
    }
    for x in &a.functions {
        let y = b.functions.iter().find(|y| y.name == x.name).expect("the names are the same");
        if x.errors.len() != y.errors.len() {
            let error = y.errors.first().or(x.errors.first()).map(ToString::to_string).unwrap_or_default();
            return Err(format!("function {}: {error}", x.name));
        }
        let pair = Pair { a: x, b: y };
        let opsets = x.opset == y.opset;
        let ports = pair.all(&x.params, &y.params) && {
            let outputs = |f: &DraftFunction| f.outputs.iter().map(|(id, _)| *id).collect::<Vec<_>>();
            pair.all(&outputs(x), &outputs(y))
        };
        if !opsets || !ports {
            return Err(format!("function {}: its inputs, outputs or operation set", x.name));
        }
        pair.nodes(&x.nodes, &y.nodes)?;
    }
    Ok(())
}

/// The functions that two values, or operations, are of.
struct Pair<'a> {
    a: &'a DraftFunction,
    b: &'a DraftFunction,
}

impl Pair<'_> {
    fn all(&self, a: &[ValueId], b: &[ValueId]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| said(self.a, *a) == said(self.b, *b))
    }

    fn nodes(&self, a: &[DraftNode], b: &[DraftNode]) -> Result<(), String> {
        if a.len() != b.len() {
            return Err(format!("function {}: {} operations, and not {}", self.a.name, b.len(), a.len()));
        }
        a.iter().zip(b).try_for_each(|(a, b)| self.node(a, b))
    }

    fn node(&self, a: &DraftNode, b: &DraftNode) -> Result<(), String> {
        let arguments = |node: &DraftNode| -> BTreeMap<String, Arg> {
            node.args.iter().map(|(name, arg)| (name.to_string(), arg.clone())).collect()
        };
        let attributes = |node: &DraftNode| -> BTreeMap<String, Literal> {
            node.attributes.iter().map(|(name, literal)| (name.to_string(), literal.clone())).collect()
        };
        let (args_a, args_b) = (arguments(a), arguments(b));
        let equal = a.mnemonic == b.mnemonic
            && a.name == b.name
            && self.all(&a.results, &b.results)
            && args_a.keys().eq(args_b.keys())
            && args_a.values().zip(args_b.values()).all(|(x, y)| self.all(x.ids(), y.ids()))
            && attributes(a) == attributes(b)
            && a.blocks.len() == b.blocks.len();
        if !equal {
            let result = a.results.first().map(|id| &*self.a.values[id.index()].name).unwrap_or_default();
            return Err(format!("function {}: the operation {} `{result}`", self.a.name, a.mnemonic));
        }
        a.blocks.iter().zip(&b.blocks).try_for_each(|(a, b)| self.block(a, b))
    }

    fn block(&self, a: &DraftBlock, b: &DraftBlock) -> Result<(), String> {
        if !self.all(&a.params, &b.params) || !self.all(&a.outputs, &b.outputs) {
            return Err(format!("function {}: a block's inputs or outputs", self.a.name));
        }
        self.nodes(&a.nodes, &b.nodes)
    }
}

/// What a draft says of a value.
fn said(function: &DraftFunction, id: ValueId) -> (&str, Option<Declared>, Option<&Literal>) {
    let value = &function.values[id.index()];
    (&value.name, value.declared, value.literal.as_ref())
}
