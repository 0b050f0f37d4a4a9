//! A program as somebody wrote it, before it is checked. Builders, parsers and importers make drafts; [`crate::check()`]
//! turns a draft into a [`crate::Program`] or says why it cannot.

use crate::diagnostic::{Diagnostic, Location};
use crate::literal::Literal;
use crate::program::{Arg, Attribute, ValueId};
use crate::types::{Opset, TensorType};
use std::sync::Arc;

/// A program before the check.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The functions.
    pub functions: Vec<DraftFunction>,
    /// Free-form facts about the tools that made the program.
    pub build_info: Vec<(Arc<str>, Arc<str>)>,
    /// Other attributes of the program; see [`crate::program::Attribute`].
    pub attributes: Vec<Attribute>,
    /// Errors found while it was written, outside of its functions.
    pub errors: Vec<Diagnostic>,
}

/// A value before the check.
#[derive(Clone, Debug)]
pub struct DraftValue {
    /// The name; empty for an immediate.
    pub name: Arc<str>,
    /// The type that the author gave, if any. Parameters must have one; a result's must be what the operation gives.
    pub declared: Option<TensorType>,
    /// The data of an immediate.
    pub literal: Option<Literal>,
    /// Where it was written.
    pub location: Location,
}

/// A call before the check.
#[derive(Clone, Debug)]
pub struct DraftNode {
    /// The operation's mnemonic.
    pub mnemonic: Arc<str>,
    /// Arguments by name. An [`Arg::Absent`] stands for one that could not be made; the error is recorded elsewhere.
    pub args: Vec<(Arc<str>, Arg)>,
    /// Attributes that carry data.
    pub attributes: Vec<(Arc<str>, Literal)>,
    /// The results, as many as the author declares; a builder lists one and lets the check say how many there are.
    pub results: Vec<ValueId>,
    /// The operation's own name.
    pub name: Option<Arc<str>>,
    /// Where it was written.
    pub location: Location,
}

/// A function before the check.
#[derive(Clone, Debug)]
pub struct DraftFunction {
    /// The name.
    pub name: Arc<str>,
    /// The operation set.
    pub opset: Opset,
    /// Every value.
    pub values: Vec<DraftValue>,
    /// The parameters, in binding order.
    pub params: Vec<ValueId>,
    /// The calls, in order.
    pub nodes: Vec<DraftNode>,
    /// The outputs, in binding order.
    pub outputs: Vec<(ValueId, Location)>,
    /// Attributes of the function; see [`crate::program::Attribute`].
    pub attributes: Vec<Attribute>,
    /// Errors found while it was written.
    pub errors: Vec<Diagnostic>,
    /// Where it was written.
    pub location: Location,
}

impl DraftFunction {
    /// A function without content.
    pub fn new(name: &str, opset: Opset, location: Location) -> DraftFunction {
        DraftFunction {
            name: name.into(),
            opset,
            values: Vec::new(),
            params: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            attributes: Vec::new(),
            errors: Vec::new(),
            location,
        }
    }

    /// Adds a value.
    pub fn value(&mut self, value: DraftValue) -> ValueId {
        self.values.push(value);
        ValueId::at(self.values.len() - 1)
    }

    /// Adds an immediate constant.
    pub fn immediate(&mut self, literal: Literal, location: Location) -> ValueId {
        self.value(DraftValue { name: "".into(), declared: Some(*literal.ty()), literal: Some(literal), location })
    }
}
