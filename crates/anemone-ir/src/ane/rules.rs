//! What operations become. Every argument that MIL has a default for is written.

use super::emitter::Emitter;
use crate::builder::Var;
use crate::program::{Arg, Node, ValueId};

/// The one value of a required argument.
fn value(node: &Node, name: &str) -> ValueId {
    match node.arg(name) {
        Arg::One(id) => *id,
        Arg::Absent | Arg::Many(_) => unreachable!("`{name}` is required, and no tuple"),
    }
}

/// Nothing: what reads it reads its operand.
pub(super) fn operand(e: &mut Emitter<'_>, node: &Node) -> Vec<Var> {
    vec![e.operand(value(node, "x"))]
}
