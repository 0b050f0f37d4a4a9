//! A checked program: typed, topologically ordered, in single-assignment form.
//!
//! Only [`crate::check()`] makes a [`Program`]. Invariants that every consumer may rely on:
//! 1. an argument refers to a value that is defined earlier in the function, or to a parameter, or to an immediate;
//! 2. every argument satisfies its operation's schema and type rule; absent ones are optional;
//! 3. every value has a type of rank 0 to 5 (what only operations on compressed weights read may have up to 7), and its elements fit memory arithmetic ([`crate::types::MAX_ELEMENTS`]);
//! 4. names of values are unique in a function and valid in MIL text;
//! 5. outputs are values of the function, each named once;
//! 6. a block reads what was defined before it, in it or outside, and gives as many values as its operation wants; states are
//!    read and written outside of blocks only.

mod blocks;
mod draft;
mod states;

use crate::diagnostic::{Diagnostic, Location};
use crate::literal::Literal;
use crate::op::Op;
use crate::types::{Kind, Opset, TensorType};
use std::sync::Arc;

/// A value of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ValueId(pub(crate) u32);

impl ValueId {
    /// Its position in [`Function::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn at(index: usize) -> ValueId {
        ValueId(u32::try_from(index).expect("a function has fewer than 2^32 values"))
    }
}

/// What is given for a parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    /// Nothing: the parameter is optional.
    Absent,
    /// One value.
    One(ValueId),
    /// A tuple of values.
    Many(Vec<ValueId>),
}

impl Arg {
    /// The values in it.
    pub fn ids(&self) -> &[ValueId] {
        match self {
            Arg::Absent => &[],
            Arg::One(id) => std::slice::from_ref(id),
            Arg::Many(ids) => ids,
        }
    }

    pub(crate) fn ids_mut(&mut self) -> &mut [ValueId] {
        match self {
            Arg::Absent => &mut [],
            Arg::One(id) => std::slice::from_mut(id),
            Arg::Many(ids) => ids,
        }
    }
}

/// How a value comes about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Def {
    /// The parameter at this position.
    Param(usize),
    /// A result of a node.
    Result {
        /// Position in [`Function::nodes`].
        node: usize,
        /// Which result.
        index: usize,
    },
    /// The state at this position.
    State(usize),
    /// A parameter of a block, or a result inside of one.
    Block,
    /// A constant written in place, without a name.
    Immediate,
}

/// A value: a parameter, a result, or an immediate constant.
#[derive(Clone, Debug)]
pub struct Value {
    /// The name; empty for an immediate.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The type.
    pub ty: TensorType,
    /// How it comes about.
    pub def: Def,
    /// Its data, if it is known before any run: it is a constant, small and computed from constants and dimensions, or made by
    /// an operation on compressed weights, and then still compressed.
    pub literal: Option<Literal>,
    /// Where it was written.
    pub location: Location,
}

/// A call of an operation.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operation, with its constant arguments read.
    pub op: Op,
    /// The arguments, one for each parameter of the schema.
    pub args: Vec<Arg>,
    /// The results.
    pub results: Vec<ValueId>,
    /// The operation's own name, if it has one besides its results' names.
    pub name: Option<Arc<str>>,
    /// Attributes that carry data.
    pub attributes: Vec<(Arc<str>, Literal)>,
    /// The blocks of a control-flow operation.
    pub blocks: Vec<Block>,
    /// Multiply-accumulates, without those of the blocks.
    pub macs: u64,
    /// Where it was written.
    pub location: Location,
}

impl Node {
    /// The argument for a parameter; `Absent` if the operation has none of that name.
    pub fn arg(&self, name: &str) -> &Arg {
        self.op.schema().position(name).map_or(&Arg::Absent, |at| &self.args[at])
    }

    /// The state that it writes, with the argument `data`.
    pub fn writes_state(&self) -> Option<ValueId> {
        let Op::WriteState(_) = self.op else { return None };
        self.arg("input").ids().first().copied()
    }

    /// The state that it reads.
    pub fn reads_state(&self) -> Option<ValueId> {
        let Op::ReadState(_) = self.op else { return None };
        self.arg("input").ids().first().copied()
    }

    /// The mnemonic.
    pub fn mnemonic(&self) -> &'static str {
        self.op.schema().mnemonic
    }

    /// Every value that is given to it. What its blocks read besides, [`Function::reads`] has too.
    pub fn operands(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.args.iter().flat_map(|a| a.ids().iter().copied())
    }
}

/// A block of a control-flow operation. Its values are values of the function; it may read what was defined before it
/// outside.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its parameters.
    pub params: Vec<ValueId>,
    /// Its operations, in an order in which they can run.
    pub nodes: Vec<Node>,
    /// What it gives.
    pub outputs: Vec<ValueId>,
}

/// Something that a program or a function carries and that nothing here reads, such as the shapes a model was converted
/// for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: Arc<str>,
    /// Its type and value, as MIL text in the dialect 1.3.
    pub value: Arc<str>,
}

/// A function of a program.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name; `main` unless there are several.
    pub name: Arc<str>,
    /// The operation set.
    pub opset: Opset,
    /// The run-time inputs, in binding order.
    pub params: Vec<ValueId>,
    /// The states, in binding order. A state begins as zeros and lives from run to run.
    pub states: Vec<ValueId>,
    /// The operations, in an order in which they can run.
    pub nodes: Vec<Node>,
    /// The results, in binding order.
    pub outputs: Vec<ValueId>,
    /// Every value.
    pub values: Vec<Value>,
    /// What the function carries besides.
    pub attributes: Vec<Attribute>,
}

impl Function {
    /// Every value's name for the program: its place in [`Function::values`].
    pub fn ids(&self) -> impl Iterator<Item = ValueId> + use<> {
        (0..self.values.len()).map(ValueId::at)
    }

    /// A value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The type of a value.
    pub fn ty(&self, id: ValueId) -> &TensorType {
        &self.value(id).ty
    }

    /// Multiply-accumulates of one run.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().fold(0, |sum: u64, n| sum.saturating_add(n.macs))
    }

    /// Nodes that count against the limit on program size: all but constants and the like.
    pub fn computing_nodes(&self) -> usize {
        self.nodes.iter().filter(|n| n.op.schema().computes).count()
    }

    /// Every value that a node reads, also in its blocks; those of blocks once each, in the order of their first use.
    pub fn reads(&self, node: &Node) -> Vec<ValueId> {
        let mut reads: Vec<ValueId> = node.operands().collect();
        for block in &node.blocks {
            reads.extend(blocks::captures(block));
        }
        reads
    }

    /// The parameter with this name.
    pub fn param(&self, name: &str) -> Option<ValueId> {
        self.params.iter().copied().find(|id| &*self.value(*id).name == name)
    }
}

/// A checked program. See the module's documentation for what holds of it.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) functions: Vec<Function>,
    pub(crate) build_info: Vec<(Arc<str>, Arc<str>)>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Program {
    /// The functions, sorted by name; at least one.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function that runs if none is named: `main`, or else the first.
    pub fn main(&self) -> &Function {
        self.function("main").unwrap_or(&self.functions[0])
    }

    /// The function with this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| &*f.name == name)
    }

    /// Free-form facts about the tools that made the program.
    pub fn build_info(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.build_info
    }

    /// What the program carries besides.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// What [`crate::check()`] found worth knowing though not wrong.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}
