//! What the compiler of the Neural Engine refuses, or gets wrong, though MIL allows it.
//!
//! Only what the reports of others agree on: that arguments with a default must be written (ANEForge, ironmill, mil_spec,
//! coremltools' own output), that weights of a convolution are constants (maderix/ANE, Orion), and what the compilers for M1
//! and M2 do not take yet (maderix/ANE, pull request 6 and report on M1 Pro). It shares no code with what writes texts for
//! the Neural Engine: it is there to disagree with it.

use anemone_ir::{Arg, Function, Node, ValueId};
use anemone_mil::Dialect;
use std::collections::HashMap;

/// Operations, and arguments of theirs that must be written.
const WRITTEN: &[(&[&str], &[&str])] = &[
    (&["conv", "conv_transpose"], &["dilations", "groups", "pad", "pad_type", "strides"]),
    (&["matmul"], &["transpose_x", "transpose_y"]),
    (&["inverse", "log", "rsqrt"], &["epsilon"]),
    (&["batch_norm", "instance_norm", "layer_norm"], &["epsilon"]),
    (&["gelu"], &["mode"]),
    (&["softmax"], &["axis"]),
    (&["reduce_max", "reduce_mean", "reduce_min", "reduce_sum"], &["keep_dims"]),
];

/// Why a function is refused.
pub(crate) fn check(function: &Function, is_old: bool) -> Result<(), String> {
    function.nodes.iter().try_for_each(|node| {
        let name = node.results.first().map_or("", |id| &*function.value(*id).name);
        check_node(function, node, is_old).map_err(|why| format!("`{name}`, a {}: {why}", node.mnemonic()))
    })
}

fn check_node(function: &Function, node: &Node, is_old: bool) -> Result<(), String> {
    let mnemonic = node.mnemonic();
    let of_this = WRITTEN.iter().filter(|(operations, _)| operations.contains(&mnemonic));
    let missing = of_this.flat_map(|(_, names)| *names).find(|name| *node.arg(name) == Arg::Absent);
    if let Some(missing) = missing {
        return Err(format!("`{missing}` is not written"));
    }
    let is_constant = |name: &str| node.arg(name).ids().iter().all(|id| function.value(*id).literal.is_some());
    if mnemonic.starts_with("conv") && !is_constant("weight") {
        return Err("its weights are no constant".to_owned());
    }
    let types = |ids: &[ValueId]| ids.iter().map(|id| function.ty(*id).dtype).collect::<Vec<_>>();
    let (from, to) = (types(node.arg("x").ids()), types(&node.results));
    if mnemonic == "cast" && is_old && from != to && from[0].is_float() && to[0].is_float() {
        return Err(format!("M1 and M2 do not make {} of {}", to[0], from[0]));
    }
    Ok(())
}

/// Whether an architecture is M1's or M2's.
pub(crate) fn is_old(architecture: &str) -> bool {
    is_oldest(architecture) || architecture.starts_with("h14")
}

/// Whether an architecture is M1's.
fn is_oldest(architecture: &str) -> bool {
    architecture.starts_with("h13")
}

/// Why a text is refused: the compilers for M1 and M2 take the old dialect only, and M1's one constant for each file.
pub(crate) fn check_text(dialect: Dialect, text: &str, architecture: &str) -> Result<(), String> {
    if is_old(architecture) && dialect != Dialect::V1_0 {
        return Err("scalars are not written as tensors, which M1 and M2 want".to_owned());
    }
    if is_oldest(architecture) { one_constant_for_each_file(text) } else { Ok(()) }
}

fn one_constant_for_each_file(text: &str) -> Result<(), String> {
    let mut offsets = HashMap::new();
    for blob in text.split("BLOBFILE(").skip(1) {
        let (path, rest) = quoted(blob).ok_or("a BLOBFILE has no path")?;
        let (_, rest) = rest.split_once("offset").ok_or("a BLOBFILE has no offset")?;
        let offset = rest.split(')').next().unwrap_or_default();
        let first = *offsets.entry(path).or_insert(offset);
        if first != offset {
            return Err(format!("{path} has several constants, which M1 does not take"));
        }
    }
    Ok(())
}

/// The first quoted string, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('"')?;
    rest.split_once('"')
}

#[cfg(test)]
mod tests;
