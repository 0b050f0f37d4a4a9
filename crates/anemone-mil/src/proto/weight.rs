//! How much memory the messages of a program will take, found out before any is taken.
//!
//! An empty operation is two bytes in a file and more than a hundred in memory, and a map with one entry is a node with room for
//! eleven. Real programs take some twenty times their bytes; one made to fill the memory could take hundreds of times.

use super::container::{Field, next};
use std::mem::size_of;

/// How many times its own bytes a program may take.
const FACTOR: u64 = 100;

/// What a program of any size may take.
const FREE: u64 = 1 << 22;

/// How deep messages nest, at which the decoder gives up too.
const DEPTH: u32 = 100;

/// A kind of message that holds others.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Program,
    Function,
    Block,
    Operation,
    Argument,
    Binding,
    Named,
    ValueType,
    Tensor,
    Tuple,
    Pair,
    Value,
    Immediate,
    Elements,
    Strings,
    Values,
    Dictionary,
    /// An entry of a map, by what it maps to.
    FunctionEntry,
    BlockEntry,
    ArgumentEntry,
    ValueEntry,
    /// Bytes, numbers, names: as large in memory as in the file.
    Leaf,
}

/// Room in a node of a map: a node is made for the first entry, and is at least half full when there are more.
const fn node<T>() -> u64 {
    (11 * (size_of::<T>() + size_of::<String>())) as u64
}

/// Room in a vector, which doubles when it is full and begins with four.
const fn slot<T>() -> u64 {
    (4 * size_of::<T>()) as u64
}

/// What a field of a kind of message is, and what it takes in memory besides what is in it.
fn field(kind: Kind, tag: u32) -> Option<(Kind, u64)> {
    use super as p;
    let boxed = size_of::<p::ValueType>() as u64;
    Some(match (kind, tag) {
        (Kind::Program, 2) => (Kind::FunctionEntry, node::<p::Function>()),
        (Kind::Program | Kind::Function | Kind::Block, 4) | (Kind::Operation, 5) => {
            (Kind::ValueEntry, node::<p::Value>())
        }
        (Kind::Function | Kind::Block, 1) | (Kind::Operation, 3) => (Kind::Named, slot::<p::NamedValueType>()),
        (Kind::Function, 3) => (Kind::BlockEntry, node::<p::Block>()),
        (Kind::Block, 2) => (Kind::Leaf, slot::<String>()),
        (Kind::Block, 3) => (Kind::Operation, slot::<p::Operation>()),
        (Kind::Operation, 2) => (Kind::ArgumentEntry, node::<p::Argument>()),
        (Kind::Operation, 4) => (Kind::Block, slot::<p::Block>()),
        (Kind::FunctionEntry, 2) => (Kind::Function, 0),
        (Kind::BlockEntry, 2) => (Kind::Block, 0),
        (Kind::ArgumentEntry, 2) => (Kind::Argument, 0),
        (Kind::ValueEntry, 2) | (Kind::Pair, 1 | 2) => (Kind::Value, 0),
        (Kind::Argument, 1) => (Kind::Binding, slot::<p::Binding>()),
        (Kind::Binding, 2) => (Kind::Value, size_of::<p::Value>() as u64),
        (Kind::Named | Kind::Value, 2) => (Kind::ValueType, boxed),
        (Kind::ValueType, 1) => (Kind::Tensor, 0),
        (Kind::ValueType, 3) => (Kind::Tuple, 0),
        // Lists, dictionaries and states hold types, under the numbers of a dictionary's.
        (Kind::ValueType, 2 | 4 | 5) => (Kind::Tuple, 2 * boxed),
        (Kind::Tuple, 1 | 2) => (Kind::ValueType, slot::<p::ValueType>()),
        (Kind::Tensor, 3) => (Kind::Leaf, slot::<p::Dimension>()),
        (Kind::Value, 3) => (Kind::Immediate, size_of::<p::ImmediateValue>() as u64),
        (Kind::Immediate, 1) => (Kind::Elements, 0),
        (Kind::Elements, 4) => (Kind::Strings, 0),
        (Kind::Strings, 1) => (Kind::Leaf, slot::<String>()),
        (Kind::Immediate, 2 | 3) => (Kind::Values, 0),
        (Kind::Immediate, 4) => (Kind::Dictionary, 0),
        (Kind::Values, 1) => (Kind::Value, slot::<p::Value>()),
        (Kind::Dictionary, 1) => (Kind::Pair, slot::<p::KeyValuePair>()),
        _ => return None,
    })
}

/// Refuses a program whose messages would take memory out of proportion to its bytes.
///
/// # Errors
/// It would, or messages nest too deep. What is no protobuf is left for the decoder to refuse.
pub(crate) fn weigh(program: &[u8]) -> Result<(), String> {
    let budget = FREE.max(program.len() as u64 * FACTOR);
    let mut left = budget;
    spend(Kind::Program, program, DEPTH, &mut left).ok_or_else(|| {
        format!("its {} bytes describe messages that would take more than {budget} in memory", program.len())
    })
}

/// `None` if there is not enough left.
fn spend(kind: Kind, mut message: &[u8], depth: u32, left: &mut u64) -> Option<()> {
    // The decoder refuses what is deeper.
    if depth == 0 {
        return Some(());
    }
    while let Ok(Some((tag, content))) = next(&mut message) {
        let Field::Bytes(bytes) = content else { continue };
        let Some((inner, cost)) = field(kind, tag) else { continue };
        *left = left.checked_sub(cost)?;
        if inner != Kind::Leaf {
            spend(inner, bytes, depth - 1, left)?;
        }
    }
    Some(())
}
