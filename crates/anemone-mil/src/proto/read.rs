//! From the messages of a program to the tree that its text would give.

mod value;

use super::{Argument, Block, Bound, DimensionKind, Function, NamedValueType, Operation, Program, TypeKind, ValueType};
use crate::Element;
use crate::syntax::lexer::shortened;
use crate::syntax::{self, ArgValue, Attribute, Body, Dialect, Dim, Ident, MAX_ERRORS, Param, Span, Text, Type};
use anemone_ir::{Diagnostic, Location};
use std::collections::BTreeMap;

/// Since when models are written in the newer dialect.
pub(crate) const V1_3_SINCE: i32 = 9;

/// The tree of a program, in the order in which Apple's compiler writes its text: functions, parameters, arguments and
/// attributes by name.
///
/// # Errors
/// What is no MIL, each with its function and operation. There is no text yet to point at.
pub(crate) fn text(program: &Program, specification: i32) -> Result<Text, Vec<Diagnostic>> {
    let dialect = if specification >= V1_3_SINCE { Dialect::V1_3 } else { Dialect::V1_0 };
    let mut reading = Reading { errors: Vec::new(), function: String::new(), operation: None };
    if program.version != 1 {
        reading.error("version", format!("version {} of MIL programs is not known, 1 is", program.version));
    }
    let attributes = reading.attributes(&program.attributes);
    let functions = program.functions.iter().filter_map(|(name, f)| reading.function(name, f)).collect();
    let text = Text { version: dialect.version(), span: Span::default(), attributes, functions };
    if reading.errors.is_empty() { Ok(text) } else { Err(reading.errors) }
}

/// What text calls an operation set: `ios16` is `CoreML6`. A name that is not known stays, for the checks to refuse.
fn opset(name: &str) -> String {
    match name.strip_prefix("CoreML").and_then(|n| n.parse::<u8>().ok()) {
        Some(n @ 3..=8) => format!("ios{}", n + 10),
        // Systems have been numbered by years since.
        Some(9) => "ios26".to_owned(),
        _ => name.to_owned(),
    }
}

struct Reading {
    errors: Vec<Diagnostic>,
    /// The function that is being read.
    function: String,
    /// The operation: its mnemonic and its first result.
    operation: Option<(String, String)>,
}

impl Reading {
    fn error(&mut self, slug: &'static str, message: impl Into<String>) {
        // A file may consist of errors.
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let message = message.into();
        let function = shortened(&self.function);
        let message = if function.is_empty() { message } else { format!("function `{function}`: {message}") };
        let mut error = Diagnostic::error(slug, message, Location::Unknown);
        if let Some((mnemonic, name)) = &self.operation {
            error.operation = Some((shortened(mnemonic).as_ref().into(), shortened(name).as_ref().into()));
        }
        self.errors.push(error);
    }

    /// A name, which must be one that text can hold.
    fn ident(&mut self, name: &str) -> Ident {
        let mut chars = name.chars();
        let head = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !head || !chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@')) {
            let shown = shortened(name);
            self.error(
                "name",
                format!("{shown:?} is no name: those are letters, digits, `_` and `@`, not a digit first"),
            );
        }
        Ident::new(name)
    }

    fn function(&mut self, name: &str, f: &Function) -> Option<syntax::Function> {
        self.function.clear();
        let ident = self.ident(name);
        self.function = name.to_owned();
        let opset = opset(&f.opset);
        let Some(block) = f.block_specializations.get(&f.opset) else {
            let others: Vec<_> = f.block_specializations.keys().map(|k| shortened(k)).take(9).collect();
            let others =
                if others.is_empty() { "none at all".to_owned() } else { format!("one for {}", others.join(", ")) };
            self.error(
                "opset",
                format!("there is no block for its operation set `{}`, but {others}", shortened(&f.opset)),
            );
            return None;
        };
        if !block.inputs.is_empty() {
            self.error("block", "the block of a function has no inputs of its own");
        }
        let opset = self.ident(&opset);
        let mut params: Vec<_> = f.inputs.iter().map(|input| self.param(input)).collect();
        params.sort_by(|a, b| a.name.name.cmp(&b.name.name));
        let attributes = self.attributes(&f.attributes);
        Some(syntax::Function { name: ident, opset, params, attributes, body: self.body(block) })
    }

    fn body(&mut self, block: &Block) -> Body {
        let operations = block.operations.iter().map(|o| self.operation(o)).collect();
        Body { operations, outputs: block.outputs.iter().map(|name| self.ident(name)).collect() }
    }

    fn operation(&mut self, o: &Operation) -> syntax::Operation {
        let name = o.outputs.first().map_or(&o.kind, |first| &first.name);
        let outer = self.operation.replace((o.kind.clone(), name.clone()));
        let mnemonic = self.ident(&o.kind);
        let results = o.outputs.iter().map(|output| self.param(output)).collect();
        let args = o.inputs.iter().map(|(name, a)| {
            let name = self.ident(name);
            syntax::Argument { name, value: self.argument(a) }
        });
        let args = args.collect();
        let attributes = self.attributes(&o.attributes);
        let blocks = o.blocks.iter().map(|block| {
            let params = block.inputs.iter().map(|input| self.param(input)).collect();
            syntax::Block { params, body: self.body(block) }
        });
        let blocks = blocks.collect();
        self.operation = outer;
        syntax::Operation { results, mnemonic, args, attributes, blocks }
    }

    fn argument(&mut self, argument: &Argument) -> ArgValue {
        let values = argument.arguments.iter().map(|binding| match &binding.bound {
            Some(Bound::Name(name)) => ArgValue::Name(self.ident(name)),
            Some(Bound::Value(value)) => ArgValue::Typed(self.value(value)),
            None => {
                self.error("argument", "an argument is neither a name nor a value");
                ArgValue::Tuple(Vec::new(), Span::default())
            }
        });
        let mut values: Vec<_> = values.collect();
        if values.len() == 1 { values.remove(0) } else { ArgValue::Tuple(values, Span::default()) }
    }

    fn attributes(&mut self, attributes: &BTreeMap<String, super::Value>) -> Vec<Attribute> {
        let read = attributes.iter().map(|(name, value)| {
            let name = self.ident(name);
            Attribute { name, value: self.value(value) }
        });
        read.collect()
    }

    fn param(&mut self, named: &NamedValueType) -> Param {
        let name = self.ident(&named.name);
        let ty = self.ty(named.ty.as_deref());
        Param { ty, ty_span: Span::default(), name }
    }

    fn ty(&mut self, ty: Option<&ValueType>) -> Type {
        match ty.and_then(|ty| ty.kind.as_ref()) {
            Some(TypeKind::Tensor(t)) => {
                let dims = t.dimensions.iter().map(|d| self.dim(Some(d))).collect::<Vec<_>>();
                let dims = match t.rank {
                    -1 if dims.is_empty() => vec![Dim::Variadic],
                    rank if usize::try_from(rank) == Ok(dims.len()) => dims,
                    rank => {
                        self.error("type", format!("a tensor of rank {rank} has {} dimensions", dims.len()));
                        dims
                    }
                };
                Type::Tensor(self.element(t.data_type), dims)
            }
            Some(TypeKind::List(l)) => {
                let of = Box::new(self.ty(l.ty.as_deref()));
                Type::List(of, self.dim(l.length.as_ref()))
            }
            Some(TypeKind::Tuple(t)) => Type::Tuple(t.types.iter().map(|ty| self.ty(Some(ty))).collect()),
            Some(TypeKind::Dictionary(d)) => {
                let key = Box::new(self.ty(d.key.as_deref()));
                Type::Dict(key, Box::new(self.ty(d.value.as_deref())))
            }
            Some(TypeKind::State(s)) => Type::State(Box::new(self.ty(s.wrapped.as_deref()))),
            None => {
                self.error("type", "a type is missing");
                Type::Tuple(Vec::new())
            }
        }
    }

    fn dim(&mut self, dim: Option<&super::Dimension>) -> Dim {
        match dim.and_then(|d| d.kind) {
            Some(DimensionKind::Constant(c)) => Dim::Known(c.size),
            Some(DimensionKind::Unknown(u)) if u.variadic => Dim::Variadic,
            Some(DimensionKind::Unknown(_)) => Dim::Unknown,
            None => {
                self.error("type", "a dimension is neither a number nor unknown");
                Dim::Unknown
            }
        }
    }

    fn element(&mut self, number: i32) -> Element {
        Element::from_proto(number).unwrap_or_else(|| {
            self.error("type", format!("{number} is the number of no element type"));
            Element::Bool
        })
    }
}
