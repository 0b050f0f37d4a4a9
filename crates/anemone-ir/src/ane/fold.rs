//! What of a function is needed, and what of it is known before it runs.

use crate::literal::Literal;
use crate::program::{Function, Node, ValueId};
use crate::reference::{Array, Profile, eval_node};
use crate::types::DType;

/// The largest constant that is computed here, in elements; a larger one is left to be computed by the engine. A kernel of
/// 4096 by 4096 fits; a short text that asks for a constant of terabytes does not take them.
const MOST_ELEMENTS: usize = 1 << 24;

/// What is known of a function.
pub(super) struct Known {
    /// For each value, its data, if it is a constant or computed of constants, and is needed.
    pub(super) literals: Vec<Option<Literal>>,
    /// For each value, whether an output depends on it.
    pub(super) wanted: Vec<bool>,
}

impl Known {
    /// Folds what is needed of a function; what the reference gives is the constant, to the bit.
    pub(super) fn of(function: &Function) -> Known {
        let folds = foldable(function);
        let mut literals: Vec<Option<Literal>> = function.values.iter().map(|v| v.literal.clone()).collect();
        let everything = wanted(function, |_| true);
        for (node, _) in function.nodes.iter().zip(folds).filter(|(_, fold)| *fold) {
            if node.results.iter().any(|id| everything[id.index()])
                && node.operands().all(|id| literals[id.index()].is_some())
                && let Some(results) = evaluate(function, node, &literals)
            {
                node.results.iter().zip(results).for_each(|(id, literal)| literals[id.index()] = Some(literal));
            }
        }
        let runs = |node: &Node| node.results.iter().any(|id| literals[id.index()].is_none());
        let wanted = wanted(function, runs);
        Known { literals, wanted }
    }
}

/// For each node, whether it is no constant itself but reads nothing else.
fn foldable(function: &Function) -> Vec<bool> {
    let mut constant: Vec<bool> = function.values.iter().map(|v| v.literal.is_some()).collect();
    let mut folds = Vec::with_capacity(function.nodes.len());
    for node in &function.nodes {
        let small = node.results.iter().all(|id| function.ty(*id).dims.elements() <= MOST_ELEMENTS);
        let fixed = node.op.schema().pure && node.blocks.is_empty() && node.mnemonic() != "const";
        let fold = fixed && small && node.operands().all(|id| constant[id.index()]);
        node.results.iter().for_each(|id| constant[id.index()] |= fold);
        folds.push(fold);
    }
    folds
}

/// The values that the outputs need, looking through the nodes that `through` accepts.
fn wanted(function: &Function, through: impl Fn(&Node) -> bool) -> Vec<bool> {
    let mut wanted = vec![false; function.values.len()];
    function.outputs.iter().for_each(|id| wanted[id.index()] = true);
    for node in function.nodes.iter().rev() {
        if node.results.iter().any(|id| wanted[id.index()]) && through(node) {
            function.reads(node).iter().for_each(|id| wanted[id.index()] = true);
        }
    }
    wanted
}

fn evaluate(function: &Function, node: &Node, literals: &[Option<Literal>]) -> Option<Vec<Literal>> {
    let array = |id: ValueId| {
        let literal = literals[id.index()].as_ref()?;
        (literal.ty().dtype != DType::String).then_some(())?;
        Some((id, Array { ty: *literal.ty(), data: literal.to_f64()? }))
    };
    let arrays: Vec<(ValueId, Array)> = node.operands().filter_map(array).collect();
    let lookup = |id: ValueId| {
        let found = arrays.iter().find(|(other, _)| *other == id);
        found.map(|(_, array)| array).expect("constants are folded in the order of the operations")
    };
    let results = eval_node(function, node, Profile::Fp16, lookup);
    results.into_iter().map(|array| Literal::from_f64(array.ty, &array.data).ok()).collect()
}
