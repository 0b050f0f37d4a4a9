//! `--dump`: values on the way, saved.

use crate::elements::Elements;
use crate::failure::{Failure, Problem};
use anemone_ir::program::Def;
use anemone_ir::{Function, Node, ValueId};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// `OP` or `OP=FILE.npy` of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dump {
    name: String,
    file: Option<PathBuf>,
}

impl FromStr for Dump {
    type Err = String;

    fn from_str(s: &str) -> Result<Dump, String> {
        let (name, file) = s.split_once('=').map_or((s, None), |(name, file)| (name, Some(file)));
        if name.is_empty() || file == Some("") {
            return Err("OP or OP=FILE.npy is wanted".to_owned());
        }
        Ok(Dump { name: name.to_owned(), file: file.map(PathBuf::from) })
    }
}

/// A value that is saved.
pub(super) struct Saved {
    pub(super) id: ValueId,
    pub(super) path: PathBuf,
}

/// What is to be saved, and where; in `folder` unless a file is named.
///
/// # Errors
/// Everything that cannot be saved.
pub(super) fn saved(function: &Function, dumps: &[Dump], folder: &Path) -> Result<Vec<Saved>, Failure> {
    let mut out: Vec<Saved> = Vec::new();
    let mut problems = Vec::new();
    for dump in dumps {
        match values(function, &dump.name) {
            Err(problem) => problems.push(problem),
            Ok(ids) if ids.len() > 1 && dump.file.is_some() => {
                let names: Vec<_> = ids.iter().map(|id| format!("`{}`", function.value(*id).name)).collect();
                let message = format!("--dump {}: the operation gives {} values", dump.name, ids.len());
                problems.push(Problem::new("dump", message).hint(format!("save one of {}", names.join(", "))));
            }
            Ok(ids) => out.extend(ids.into_iter().map(|id| {
                let path = dump.file.clone();
                Saved { id, path: path.unwrap_or_else(|| folder.join(format!("{}.npy", function.value(id).name))) }
            })),
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems.into()) }
}

/// The values with a name, or those of the operation with it.
fn values(function: &Function, name: &str) -> Result<Vec<ValueId>, Problem> {
    let wrong = |message: String| Problem::new("dump", format!("--dump {name}: {message}"));
    if let Some(id) = function.ids().find(|id| &*function.value(*id).name == name) {
        return match function.value(id).def {
            Def::Block => Err(wrong(match within(&function.nodes, &|node| node.results.contains(&id)) {
                Some((outer, _)) => in_block(function, outer),
                None => "it lies in a block, whose values cannot be saved".to_owned(),
            })),
            Def::State(_) => Err(wrong("it is a state; --state-out saves those".to_owned())),
            Def::Param(_) | Def::Result { .. } | Def::Immediate => Ok(vec![id]),
        };
    }
    let is_it = |node: &Node| node.name.as_deref() == Some(name);
    if let Some(node) = function.nodes.iter().find(|node| is_it(node)) {
        return Ok(node.results.clone());
    }
    Err(match within(&function.nodes, &is_it) {
        Some((outer, _)) => wrong(in_block(function, outer)),
        None => wrong(format!("the function `{}` has no value or operation of that name", function.name))
            .hint("`anemone inspect MODEL --plan` names the values; `anemone emit MODEL` shows all"),
    })
}

/// An operation inside a block that is searched for, and the outermost operation that has the block.
fn within<'a>(nodes: &'a [Node], is_it: &dyn Fn(&Node) -> bool) -> Option<(&'a Node, &'a Node)> {
    let of_block = |outer: &'a Node| {
        let blocks = outer.blocks.iter();
        blocks.into_iter().find_map(|block| {
            let here = block.nodes.iter().find(|node| is_it(node));
            Some((outer, here.or_else(|| within(&block.nodes, is_it).map(|(_, node)| node))?))
        })
    };
    nodes.iter().find_map(of_block)
}

fn in_block(function: &Function, outer: &Node) -> String {
    let results: Vec<_> = outer.results.iter().map(|id| format!("`{}`", function.value(*id).name)).collect();
    let (mnemonic, results) = (outer.mnemonic(), results.join(", "));
    format!("it lies in a block of a {mnemonic}, which gives {results}; only values outside of blocks can be saved")
}

/// The function with further outputs. The plan keeps them, so that what else runs together may not.
pub(crate) fn with_outputs(function: &Function, ids: impl IntoIterator<Item = ValueId>) -> Function {
    let mut out = function.clone();
    for id in ids {
        if !out.outputs.contains(&id) {
            out.outputs.push(id);
        }
    }
    out
}

/// The elements of a value among those of all outputs.
pub(super) fn of<'a>(function: &Function, outputs: &'a [Elements], id: ValueId) -> &'a Elements {
    let at = function.outputs.iter().position(|output| *output == id);
    &outputs[at.expect("it was made an output")]
}
