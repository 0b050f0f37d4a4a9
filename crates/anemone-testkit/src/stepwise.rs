//! A program node by node, each on an engine of its own.

use crate::executor::{Executor, Setup};
use anemone_conformance::compare::{self, Allowed};
use anemone_conformance::numbers::show;
use anemone_conformance::tolerance::{self, Tolerance};
use anemone_ir::draft::{Draft, DraftBlock, DraftFunction, DraftNode, DraftValue};
use anemone_ir::program::{Block, Def, Node, Value, ValueId};
use anemone_ir::reference::{self, Array, eval_node};
use anemone_ir::{Arg, DType, Declared, Function, Kind, Program, check};
use std::collections::HashMap;

/// What a function gave, node by node.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The outputs.
    pub outputs: Vec<Array>,
    /// What the last node before each output was allowed.
    pub allowed: Vec<Allowed>,
}

/// Runs a function node by node. The engine is given what it gave itself before, and so is the reference, with whose
/// result each of the engine's is compared, with what the table allows or `wider`. What has only constant operands is
/// folded by the engine, and must be the reference's to the bit. States begin as zeros.
///
/// # Errors
/// The engine refuses a node, or gives something else than the reference.
pub fn trace(function: &Function, setup: Setup, inputs: &[Vec<f64>], wider: Tolerance) -> Result<Trace, String> {
    if function.values.iter().any(|v| v.kind != Kind::Tensor) {
        return whole(function, setup, inputs, wider);
    }
    let constant = constants(function);
    let literal = |v: &Value| v.literal.as_ref().and_then(|l| Some(Array { ty: v.ty, data: l.to_f64()? }));
    let mut arrays: Vec<Option<Array>> = function.values.iter().map(literal).collect();
    let mut allowed: Vec<Allowed> = vec![Allowed::default(); arrays.len()];
    for (id, data) in function.params.iter().zip(inputs) {
        arrays[id.index()] = Some(Array { ty: *function.ty(*id), data: data.clone() });
    }
    for node in function.nodes.iter().filter(|n| function.value(n.results[0]).literal.is_none()) {
        let lookup = |id: ValueId| arrays[id.index()].as_ref().expect("operands are defined before they are used");
        let (program, params) = isolate(function, &constant, node);
        let given: Vec<Vec<f64>> = params.into_iter().map(|id| lookup(id).data.clone()).collect();
        let name = &function.value(node.results[0]).name;
        let at = |e: String| format!("at {} `{name}`: {e}", node.mnemonic());
        let results = Executor::new(program.main(), setup).and_then(|e| e.run(&given)).map_err(at)?;
        let wanted = eval_node(function, node, setup.profile, lookup);
        let permitted = match constant[node.results[0].index()] {
            true => vec![Allowed::default(); results.len()],
            false => tolerance::of_node(function, node, setup.profile, wider, lookup),
        };
        for ((want, got), permitted) in wanted.iter().zip(&results).zip(&permitted) {
            let storage = setup.profile.storage(want.ty.dtype);
            compare::with_reference(storage, &want.data, &got.data, permitted).map_err(|e| {
                at(format!("{setup}: not what the reference gives: {e}\n{}", operands(function, node, lookup)))
            })?;
        }
        for ((id, array), permitted) in node.results.iter().zip(results).zip(permitted) {
            arrays[id.index()] = Some(array);
            allowed[id.index()] = permitted;
        }
    }
    let outputs = function.outputs.iter().map(|id| arrays[id.index()].clone().expect("outputs are values")).collect();
    Ok(Trace { outputs, allowed: function.outputs.iter().map(|id| allowed[id.index()].clone()).collect() })
}

/// The same in one go, for functions with lists and states, which cannot be given to a part of them.
fn whole(function: &Function, setup: Setup, inputs: &[Vec<f64>], wider: Tolerance) -> Result<Trace, String> {
    let outputs = Executor::new(function, setup)?.run(inputs)?;
    let allowed = |array: &Array| Allowed {
        tolerance: tolerance::of_function(function, setup.profile.storage(array.ty.dtype)).or(wider),
        slack: vec![0.0; array.data.len()],
    };
    let allowed: Vec<Allowed> = outputs.iter().map(allowed).collect();
    let wanted = reference::run(function, inputs, setup.profile);
    for ((want, got), permitted) in wanted.iter().zip(&outputs).zip(&allowed) {
        let storage = setup.profile.storage(want.ty.dtype);
        compare::with_reference(storage, &want.data, &got.data, permitted).map_err(|e| e.to_string())?;
    }
    Ok(Trace { outputs, allowed })
}

/// Which values depend on no input.
fn constants(function: &Function) -> Vec<bool> {
    let mut constant: Vec<bool> = function.values.iter().map(|v| v.literal.is_some()).collect();
    for node in &function.nodes {
        let folds = node.op.schema().pure && node.blocks.is_empty();
        if folds && node.operands().all(|id| constant[id.index()]) {
            node.results.iter().for_each(|id| constant[id.index()] = true);
        }
    }
    constant
}

/// A program of this node, and of what makes its constant operands; and the operands that are its inputs, in their order.
fn isolate(function: &Function, constant: &[bool], node: &Node) -> (Program, Vec<ValueId>) {
    let draft = DraftFunction::new("main", function.opset, node.location);
    let mut excerpt = Excerpt { function, constant, draft, ids: HashMap::new(), params: Vec::new() };
    excerpt.node(node);
    let Excerpt { mut draft, ids, params, .. } = excerpt;
    draft.outputs = node.results.iter().map(|id| (ids[id], node.location)).collect();
    let program = check(Draft { functions: vec![draft], ..Draft::default() });
    (program.expect("a node of a program is well by itself"), params)
}

/// A part of a function, being copied.
struct Excerpt<'a> {
    function: &'a Function,
    constant: &'a [bool],
    draft: DraftFunction,
    /// What has been copied, and to where.
    ids: HashMap<ValueId, ValueId>,
    /// What has become an input.
    params: Vec<ValueId>,
}

impl Excerpt<'_> {
    /// Copies a node, after what it needs.
    fn node(&mut self, node: &Node) {
        let copy = self.copy(node);
        self.draft.nodes.push(copy);
    }

    fn copy(&mut self, node: &Node) -> DraftNode {
        let params = node.op.schema().params;
        let given = params.iter().zip(&node.args).filter(|(_, arg)| **arg != Arg::Absent);
        let args = given.map(|(param, arg)| (param.name.into(), self.arg(arg))).collect();
        let block = |block: &Block| DraftBlock {
            params: block.params.iter().map(|id| self.declare(*id)).collect(),
            nodes: block.nodes.iter().map(|node| self.copy(node)).collect(),
            outputs: block.outputs.iter().map(|id| self.value(*id)).collect(),
        };
        let blocks = node.blocks.iter().map(block).collect();
        let results = node.results.iter().map(|id| self.declare(*id)).collect();
        DraftNode {
            mnemonic: node.mnemonic().into(),
            args,
            attributes: node.attributes.clone(),
            results,
            name: node.name.clone(),
            blocks,
            location: node.location,
        }
    }

    fn arg(&mut self, arg: &Arg) -> Arg {
        match arg {
            Arg::Absent => Arg::Absent,
            Arg::One(id) => Arg::One(self.value(*id)),
            Arg::Many(ids) => Arg::Many(ids.iter().map(|id| self.value(*id)).collect()),
        }
    }

    fn value(&mut self, id: ValueId) -> ValueId {
        if let Some(copy) = self.ids.get(&id) {
            return *copy;
        }
        let value = self.function.value(id);
        match (&value.literal, value.def) {
            (Some(literal), _) => {
                let copy = self.draft.immediate(literal.clone(), value.location);
                self.ids.insert(id, copy);
            }
            (None, Def::Result { node, .. }) if self.constant[id.index()] => self.node(&self.function.nodes[node]),
            _ => {
                let copy = self.declare(id);
                self.draft.params.push(copy);
                self.params.push(id);
            }
        }
        self.ids[&id]
    }

    fn declare(&mut self, id: ValueId) -> ValueId {
        let Value { name, kind, ty, location, .. } = self.function.value(id);
        let declared = Some(Declared::from(*ty).of(*kind));
        let value = DraftValue { name: name.clone(), declared, literal: None, location: *location };
        let copy = self.draft.value(value);
        self.ids.insert(id, copy);
        copy
    }
}

/// A node's operands, for messages.
fn operands<'a>(function: &Function, node: &Node, lookup: impl Fn(ValueId) -> &'a Array) -> String {
    let mut out = format!("    {:?}", node.op.schema().mnemonic);
    for (param, arg) in node.op.schema().params.iter().zip(&node.args) {
        for id in arg.ids() {
            let ty = function.ty(*id);
            let shown = match ty.dtype {
                DType::String => format!("{:?}", function.value(*id).literal),
                _ => show(&lookup(*id).data),
            };
            out.push_str(&format!("\n    {} = {ty} {shown}", param.name));
        }
    }
    out
}
