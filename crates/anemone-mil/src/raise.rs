//! From the tree to a draft. What the intermediate representation cannot hold is an error at its place.

mod literal;

use crate::Element;
use crate::syntax::lexer::shortened;
use crate::syntax::{
    self, ArgValue, Attribute, Block, Dialect, Ident, Operation, Param, Span, Text, Type, Typed, Value, ValueKind,
    print_typed,
};
use crate::weights::Weights;
use anemone_ir::draft::{DraftBlock, DraftFunction, DraftNode, DraftValue};
use anemone_ir::{Arg, Diagnostic, Draft, Literal, Location, Opset, ValueId};
use literal::Literals;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Makes a draft of a tree. Errors are recorded in it, for [`anemone_ir::check()`] to report with its own.
pub fn raise(text: &Text, weights: &dyn Weights) -> Draft {
    let mut draft = Draft::default();
    if text.version.dialect().is_none() {
        let message = format!("version {}.{} of MIL text is not known", text.version.major, text.version.minor);
        let error = Diagnostic::error("version", message, text.span.into());
        draft.errors.push(error.with_hint("1.0 and 1.3 are"));
    }
    for attribute in each_once(&text.attributes, &mut draft.errors) {
        match build_info(attribute) {
            Some(facts) => draft.build_info = facts,
            None => draft.attributes.extend(opaque(attribute, &mut draft.errors)),
        }
    }
    let mut literals = Literals::new(weights);
    draft.functions = text.functions.iter().map(|f| function(f, &mut literals)).collect();
    if draft.functions.is_empty() && draft.errors.is_empty() {
        draft.errors.push(Diagnostic::error("no-function", "the program has no function", text.span.into()));
    }
    draft
}

/// The attributes, without those whose name was there before, which are errors.
fn each_once<'a>(attributes: &'a [Attribute], errors: &mut Vec<Diagnostic>) -> Vec<&'a Attribute> {
    let mut seen = HashSet::new();
    let mut first = |a: &&Attribute| {
        let new = seen.insert(a.name.name.clone());
        if !new {
            let message = format!("attribute `{}` is given twice", shortened(&a.name.name));
            errors.push(Diagnostic::error("attribute", message, a.name.span.into()));
        }
        new
    };
    attributes.iter().filter(|a| first(a)).collect()
}

/// The facts of a `buildInfo` that is a dictionary of strings.
fn build_info(attribute: &Attribute) -> Option<Vec<(Arc<str>, Arc<str>)>> {
    let string = Type::scalar(Element::String);
    let expected = Type::Dict(Box::new(string.clone()), Box::new(string));
    if &*attribute.name.name != "buildInfo" || attribute.value.ty != expected {
        return None;
    }
    let ValueKind::Dict(pairs) = &attribute.value.value.kind else { return None };
    let text = |v: &Value| if let ValueKind::Str(s) = &v.kind { Some(Arc::from(&**s)) } else { None };
    pairs.iter().map(|(k, v)| Some((text(k)?, text(v)?))).collect()
}

/// An attribute that is carried along as text.
fn opaque(attribute: &Attribute, errors: &mut Vec<Diagnostic>) -> Option<anemone_ir::Attribute> {
    if let Some(span) = blob_in(&attribute.value.value) {
        let message = format!("attribute `{}` refers to a file, which only constants may", attribute.name.name);
        errors.push(Diagnostic::error("unsupported", message, span.into()));
        return None;
    }
    let value = print_typed(&attribute.value, Dialect::V1_3).into();
    Some(anemone_ir::Attribute { name: attribute.name.name.clone(), value })
}

fn blob_in(value: &Value) -> Option<Span> {
    match &value.kind {
        ValueKind::Blob(_) => Some(value.span),
        ValueKind::List(items) | ValueKind::Tuple(items) => items.iter().find_map(blob_in),
        ValueKind::Dict(pairs) => pairs.iter().find_map(|(k, v)| blob_in(k).or_else(|| blob_in(v))),
        ValueKind::Int(_) | ValueKind::Float(_) | ValueKind::Bool(_) | ValueKind::Str(_) => None,
    }
}

fn function(tree: &syntax::Function, literals: &mut Literals<'_>) -> DraftFunction {
    let opset = Opset::from_name(&tree.opset.name);
    let mut draft = DraftFunction::new(&tree.name.name, opset.unwrap_or_default(), tree.name.span.into());
    if opset.is_none() {
        let known: Vec<_> = Opset::ALL.iter().map(|o| o.name()).collect();
        let message = format!("operation set `{}` is not known", shortened(&tree.opset.name));
        let error = Diagnostic::error("opset", message, tree.opset.span.into());
        draft.errors.push(error.with_hint(format!("there are {}", known.join(", "))));
    }
    for attribute in each_once(&tree.attributes, &mut draft.errors) {
        draft.attributes.extend(opaque(attribute, &mut draft.errors));
    }
    let results = tree.body.operations.iter().flat_map(|o| &o.results);
    let defined: HashSet<&str> = results.map(|p| &*p.name.name).collect();
    let params = tree.params.iter().map(|p| &*p.name.name);
    let mut raising = Raising {
        draft,
        literals,
        taken: params.chain(defined.iter().copied()).map(Arc::from).collect(),
        names: HashMap::new(),
        hidden: Vec::new(),
        defined,
        awaited: HashSet::new(),
        poisoned: HashSet::new(),
    };
    for param in &tree.params {
        let id = raising.define(param, true);
        // One whose type is in error stays without a definition: then what uses it is not checked.
        if !raising.poisoned.contains(&id) {
            raising.draft.params.push(id);
        }
    }
    for operation in &tree.body.operations {
        raising.operation(operation);
    }
    for output in &tree.body.outputs {
        let id = raising.used(output);
        raising.draft.outputs.push((id, output.span.into()));
    }
    raising.draft
}

/// Attributes that carry data.
type Data = Vec<(Arc<str>, Literal)>;

/// A function on its way to a draft.
struct Raising<'a, 'w> {
    draft: DraftFunction,
    literals: &'a mut Literals<'w>,
    /// Every name that an operation defines, sooner or later.
    defined: HashSet<&'a str>,
    names: HashMap<&'a str, ValueId>,
    /// For each block that is being read, from the outermost: its names, and what each of them stood for outside.
    hidden: Vec<HashMap<&'a str, Option<ValueId>>>,
    /// Names that a value of a block cannot have any more.
    taken: HashSet<Arc<str>>,
    /// Names that were used without being defined.
    awaited: HashSet<&'a str>,
    /// Values that are in error, or depend on such: no more is said about those.
    poisoned: HashSet<ValueId>,
}

impl<'a> Raising<'a, '_> {
    /// Defines a name. It is poisoned if its type cannot be had, or it depends on what is not `sound`.
    fn define(&mut self, param: &'a Param, sound: bool) -> ValueId {
        let ty = literal::declared(&param.ty, param.ty_span);
        let declared = ty.as_ref().ok().copied();
        let name = &*param.name.name;
        let location = Location::from(param.name.span);
        let value = DraftValue { name: self.hide(name), declared, literal: None, location };
        // One that was used too early keeps its place, so that it is not defined twice.
        let id = match self.names.get(name) {
            Some(id) if self.awaited.remove(name) => {
                self.draft.values[id.index()] = value;
                *id
            }
            _ => self.draft.value(value),
        };
        self.names.entry(name).or_insert(id);
        self.poisoned.remove(&id);
        if let Err(error) = ty {
            // A dimension that is unknown makes all that follow from it unknown.
            if sound {
                self.draft.errors.push(*error);
            }
            self.poisoned.insert(id);
        } else if !sound {
            self.poisoned.insert(id);
        }
        id
    }

    /// The value of a name. If there is none yet, an error is recorded, and a poisoned value stands for it.
    fn used(&mut self, name: &'a Ident) -> ValueId {
        let text = &*name.name;
        if let Some(id) = self.names.get(text) {
            return *id;
        }
        let mut error =
            Diagnostic::error("undefined", format!("`{}` is not defined", shortened(text)), name.span.into());
        if self.defined.contains(text) {
            error = error.with_hint("it is defined only later; an operation reads what was defined before it");
        } else if let Some(near) = self.nearest(text) {
            error = error.with_hint(format!("is `{near}` meant?"));
        }
        self.draft.errors.push(error);
        let value = DraftValue { name: text.into(), declared: None, literal: None, location: name.span.into() };
        let id = self.draft.value(value);
        self.names.insert(text, id);
        self.awaited.insert(text);
        self.poisoned.insert(id);
        id
    }

    /// A defined name that differs in a letter or two.
    fn nearest(&self, name: &str) -> Option<&'a str> {
        // A text full of errors is not worth the time.
        if self.draft.errors.len() > 20 {
            return None;
        }
        let close = |n: &&&str| !self.awaited.contains(**n) && n.len().abs_diff(name.len()) <= 2;
        let near = self.names.keys().filter(close).map(|n| (anemone_ir::names::distance(n, name), *n)).min()?;
        (near.0 <= 2 && near.0 < name.len()).then_some(near.1)
    }

    fn operation(&mut self, tree: &'a Operation) {
        let errors = self.draft.errors.len();
        let args: Vec<_> =
            tree.args.iter().map(|a| Some((a.name.name.clone(), self.argument(&a.value, true)?))).collect();
        let args: Option<Vec<_>> = args.into_iter().collect();
        let attributes = self.attributes(tree);
        let blocks: Vec<DraftBlock> = tree.blocks.iter().map(|block| self.block(block)).collect();
        let operands = args.iter().flatten().flat_map(|(_, arg)| arg.ids());
        let sound = self.draft.errors.len() == errors && operands.into_iter().all(|id| !self.poisoned.contains(id));
        let results = tree.results.iter().map(|p| self.define(p, sound)).collect();
        // Without its operation a result has no type, and what uses it is not checked.
        if let (Some(args), Some((name, attributes))) = (args, attributes) {
            let (mnemonic, location) = (tree.mnemonic.name.clone(), tree.mnemonic.span.into());
            self.draft.nodes.push(DraftNode { mnemonic, args, attributes, results, name, blocks, location });
        }
    }

    /// A block. Its names are seen only inside; they may be those of other blocks, or hide some outside.
    fn block(&mut self, tree: &'a Block) -> DraftBlock {
        let outside = std::mem::take(&mut self.draft.nodes);
        self.hidden.push(HashMap::new());
        let params = tree.params.iter().map(|param| self.define(param, true)).collect();
        tree.body.operations.iter().for_each(|operation| self.operation(operation));
        let outputs = tree.body.outputs.iter().map(|output| self.used(output)).collect();
        for (name, hidden) in self.hidden.pop().unwrap_or_default() {
            match hidden {
                Some(id) => self.names.insert(name, id),
                None => self.names.remove(name),
            };
        }
        let nodes = std::mem::replace(&mut self.draft.nodes, outside);
        DraftBlock { params, nodes, outputs }
    }

    /// Has a block's value hide what has its name outside. All values of a function have names of their own, so it may get
    /// another one.
    fn hide(&mut self, name: &'a str) -> Arc<str> {
        let Some(hidden) = self.hidden.last_mut() else { return name.into() };
        // A second one in the same block is a mistake, which the check finds.
        if hidden.contains_key(name) || self.awaited.contains(name) {
            return name.into();
        }
        hidden.insert(name, self.names.remove(name));
        let mut free: Arc<str> = name.into();
        while !self.taken.insert(free.clone()) {
            free = format!("{free}_").into();
        }
        free
    }

    fn error(&mut self, slug: &'static str, message: impl Into<String>, span: Span) {
        self.draft.errors.push(Diagnostic::error(slug, message, span.into()));
    }

    /// The operation's own name, and the attributes that carry data; `None` if some of them are in error.
    fn attributes(&mut self, tree: &'a Operation) -> Option<(Option<Arc<str>>, Data)> {
        let errors = self.draft.errors.len();
        let mut name = None;
        let mut data = Vec::new();
        for attribute in each_once(&tree.attributes, &mut self.draft.errors) {
            let Some(literal) = self.literal(&attribute.value) else { continue };
            if &*attribute.name.name != "name" {
                data.push((attribute.name.name.clone(), literal));
            } else if let Some(text) = literal.as_str() {
                name = Some(text.into());
            } else {
                self.error("attribute", "a name is one string", attribute.value.span);
            }
        }
        (self.draft.errors.len() == errors).then_some((name, data))
    }

    fn literal(&mut self, typed: &Typed) -> Option<Literal> {
        self.literals.literal(typed).map_err(|e| self.draft.errors.push(*e)).ok()
    }

    /// An argument; `None` if it cannot be made. A tuple may not hold tuples.
    fn argument(&mut self, tree: &'a ArgValue, outermost: bool) -> Option<Arg> {
        match tree {
            ArgValue::Name(name) => Some(Arg::One(self.used(name))),
            ArgValue::Typed(typed) => {
                let literal = self.literal(typed)?;
                Some(Arg::One(self.draft.immediate(literal, typed.span.into())))
            }
            ArgValue::Tuple(items, _) if outermost => {
                // Not shorter after an error: the items behind it may have errors of their own.
                let items: Vec<_> = items.iter().map(|item| self.argument(item, false)).collect();
                let items: Option<Vec<_>> = items.into_iter().collect();
                Some(Arg::Many(items?.iter().flat_map(|arg| arg.ids().iter().copied()).collect()))
            }
            ArgValue::Tuple(_, span) => {
                self.error("unsupported", "a tuple inside a tuple is not supported", *span);
                None
            }
        }
    }
}
