//! A program as somebody wrote it, before it is checked. Builders, parsers and importers make drafts; [`crate::check()`]
//! turns a draft into a [`crate::Program`] or says why it cannot.

use crate::diagnostic::{Diagnostic, Location};
use crate::literal::Literal;
use crate::program::{Arg, Attribute, ValueId};
use crate::types::{Declared, Dims, DimsError, Kind, Opset, TensorType};
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
    /// The type that the author gave, if any. Parameters must have one, without open dimensions when the draft is checked; a
    /// result's must be what the operation gives.
    pub declared: Option<Declared>,
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
    /// The blocks of a control-flow operation.
    pub blocks: Vec<DraftBlock>,
    /// Where it was written.
    pub location: Location,
}

impl DraftNode {
    /// Calls `visit` with every value that the operation reads, also in its blocks.
    pub fn for_each_read(&self, visit: &mut impl FnMut(ValueId)) {
        self.args.iter().flat_map(|(_, arg)| arg.ids()).for_each(|id| visit(*id));
        for block in &self.blocks {
            block.nodes.iter().for_each(|node| node.for_each_read(visit));
            block.outputs.iter().for_each(|id| visit(*id));
        }
    }
}

impl DraftNode {
    /// Calls `visit` with every value that the operation names, also in its blocks.
    fn for_each_id_mut(&mut self, visit: &mut impl FnMut(&mut ValueId)) {
        self.args.iter_mut().flat_map(|(_, arg)| arg.ids_mut()).for_each(&mut *visit);
        for block in &mut self.blocks {
            block.params.iter_mut().for_each(&mut *visit);
            block.nodes.iter_mut().for_each(|node| node.for_each_id_mut(visit));
            block.outputs.iter_mut().for_each(&mut *visit);
        }
        self.results.iter_mut().for_each(visit);
    }
}

/// A block of a control-flow operation before the check. It may read what was defined before it outside.
#[derive(Clone, Debug)]
pub struct DraftBlock {
    /// Its parameters. They need no declared type.
    pub params: Vec<ValueId>,
    /// The calls, in order.
    pub nodes: Vec<DraftNode>,
    /// What it gives.
    pub outputs: Vec<ValueId>,
}

/// Why an input cannot have the dimensions that it is given.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShapeError {
    /// The function has no such input.
    #[error("there is no input `{name}`; the inputs are {}", known.join(", "))]
    Input {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// It is declared otherwise.
    #[error("input `{name}` is {declared}, which {given} does not fit")]
    Declared {
        /// The name.
        name: String,
        /// What the program says; open dimensions are shown as `?`.
        declared: Box<Declared>,
        /// What was given.
        given: Dims,
    },
    /// No tensor has such dimensions.
    #[error(transparent)]
    Dims(#[from] DimsError),
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
    /// The inputs, in binding order, and among them the states.
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

    /// The inputs, in binding order, with their declared types.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, Declared)> {
        let values = self.params.iter().map(|id| &self.values[id.index()]);
        let typed = values.filter_map(|v| Some((&*v.name, v.declared?)));
        typed.filter(|(_, declared)| declared.kind != Kind::State)
    }

    /// Gives an input its dimensions. Those that are open take the ones given, the others must be the same. All that follows
    /// from them is found when the draft is checked.
    ///
    /// # Errors
    /// There is no such input, or these cannot be its dimensions.
    pub fn set_shape(&mut self, input: &str, dims: &[usize]) -> Result<(), ShapeError> {
        let known: Vec<String> = self.inputs().map(|(name, _)| name.to_owned()).collect();
        let is_it = |id: &&ValueId| &*self.values[id.index()].name == input;
        let id = self.params.iter().find(is_it).copied();
        let value = id.map(|id| &mut self.values[id.index()]).filter(|v| known.iter().any(|name| **name == *v.name));
        let Some((value, declared)) = value.and_then(|v| v.declared.map(|declared| (v, declared))) else {
            return Err(ShapeError::Input { name: input.to_owned(), known });
        };
        let ty = TensorType::new(declared.dtype, Dims::new(dims)?);
        if !declared.admits(declared.kind, &ty) {
            let (name, declared) = (input.to_owned(), Box::new(declared));
            return Err(ShapeError::Declared { name, declared, given: ty.dims });
        }
        value.declared = Some(Declared::from(ty).of(declared.kind));
        Ok(())
    }

    /// Takes out values that nothing reads and nothing makes.
    pub(crate) fn remove(&mut self, gone: &[bool]) {
        let mut kept = 0;
        let places = gone.iter().map(|gone| {
            kept += usize::from(!gone);
            ValueId::at(kept.saturating_sub(1))
        });
        let places: Vec<ValueId> = places.collect();
        let mut gone = gone.iter();
        self.values.retain(|_| gone.next() == Some(&false));
        let mut place = |id: &mut ValueId| *id = places[id.index()];
        self.nodes.iter_mut().for_each(|node| node.for_each_id_mut(&mut place));
        self.params.iter_mut().for_each(&mut place);
        self.outputs.iter_mut().for_each(|(id, _)| place(id));
    }

    /// Adds an immediate constant.
    pub fn immediate(&mut self, literal: Literal, location: Location) -> ValueId {
        self.value(DraftValue {
            name: "".into(),
            declared: Some((*literal.ty()).into()),
            literal: Some(literal),
            location,
        })
    }
}
