//! From a tree to the messages of its program.

mod value;

use super::{
    Argument, Binding, Block, Bound, ConstantDimension, DictionaryType, Dimension, DimensionKind, Function, ListType,
    NamedValueType, Operation, Program, StateType, TensorType, TupleType, TypeKind, UnknownDimension, Value, ValueType,
};
use crate::description::FLEXIBLE;
use crate::syntax::{self, ArgValue, Attribute, Body, Dim, Param, Text, Type};
use anemone_ir::Diagnostic;
use std::collections::BTreeMap;
use value::value;

/// Diagnostics are large, and there are few.
type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// The messages of a tree. Flexible shapes are left out: they belong to the description.
///
/// # Errors
/// The first thing that has no such message: an operation set that is not known, a name given twice, a value that is not of
/// its type.
pub(crate) fn program(text: &Text) -> Result<Program> {
    let mut functions = BTreeMap::new();
    for f in &text.functions {
        insert(&mut functions, &f.name, function(f)?)?;
    }
    Ok(Program { version: 1, functions, attributes: attributes(&text.attributes)? })
}

/// What messages call an operation set: `CoreML6` is `ios16`.
fn opset(name: &syntax::Ident) -> Result<String> {
    let number = match name.name.strip_prefix("ios").and_then(|n| n.parse::<u8>().ok()) {
        Some(n @ 13..=18) => n - 10,
        Some(26) => 9,
        _ => return Err(error("opset", format!("operation set `{}` is not known", name.name), name.span)),
    };
    Ok(format!("CoreML{number}"))
}

fn error(slug: &'static str, message: impl Into<String>, span: syntax::Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(slug, message, span.into()))
}

fn insert<T>(map: &mut BTreeMap<String, T>, name: &syntax::Ident, item: T) -> Result<()> {
    match map.insert(name.name.to_string(), item) {
        None => Ok(()),
        Some(_) => Err(error("name", format!("`{}` is given twice", name.name), name.span)),
    }
}

fn function(f: &syntax::Function) -> Result<Function> {
    let opset = opset(&f.opset)?;
    let kept: Vec<_> = f.attributes.iter().filter(|a| &*a.name.name != FLEXIBLE).cloned().collect();
    Ok(Function {
        inputs: f.params.iter().map(named).collect(),
        block_specializations: BTreeMap::from([(opset.clone(), block(&[], &f.body)?)]),
        attributes: attributes(&kept)?,
        opset,
    })
}

fn block(params: &[Param], body: &Body) -> Result<Block> {
    Ok(Block {
        inputs: params.iter().map(named).collect(),
        outputs: body.outputs.iter().map(|o| o.name.to_string()).collect(),
        operations: body.operations.iter().map(operation).collect::<Result<_>>()?,
        attributes: BTreeMap::new(),
    })
}

fn operation(o: &syntax::Operation) -> Result<Operation> {
    let mut inputs = BTreeMap::new();
    for arg in &o.args {
        let mut arguments = Vec::new();
        bindings(&arg.value, &mut arguments)?;
        insert(&mut inputs, &arg.name, Argument { arguments })?;
    }
    Ok(Operation {
        kind: o.mnemonic.name.to_string(),
        inputs,
        outputs: o.results.iter().map(named).collect(),
        blocks: o.blocks.iter().map(|b| block(&b.params, &b.body)).collect::<Result<_>>()?,
        attributes: attributes(&o.attributes)?,
    })
}

/// A tuple is several bindings of one argument.
fn bindings(arg: &ArgValue, out: &mut Vec<Binding>) -> Result<()> {
    let bound = match arg {
        ArgValue::Name(name) => Bound::Name(name.name.to_string()),
        ArgValue::Typed(typed) => Bound::Value(Box::new(value(typed)?)),
        ArgValue::Tuple(items, _) => return items.iter().try_for_each(|item| bindings(item, out)),
    };
    out.push(Binding { bound: Some(bound) });
    Ok(())
}

fn attributes(attributes: &[Attribute]) -> Result<BTreeMap<String, Value>> {
    let mut out = BTreeMap::new();
    for attribute in attributes {
        insert(&mut out, &attribute.name, value(&attribute.value)?)?;
    }
    Ok(out)
}

fn named(param: &Param) -> NamedValueType {
    NamedValueType { name: param.name.name.to_string(), ty: Some(Box::new(ty(&param.ty))) }
}

fn ty(t: &Type) -> ValueType {
    let kind = match t {
        Type::Tensor(element, dims) => {
            let (rank, dims) = if dims[..] == [Dim::Variadic] { (-1, &[][..]) } else { (dims.len() as i64, &dims[..]) };
            let dimensions = dims.iter().map(|d| dim(*d)).collect();
            TypeKind::Tensor(TensorType { data_type: element.proto(), rank, dimensions })
        }
        Type::List(of, length) => {
            TypeKind::List(Box::new(ListType { ty: Some(Box::new(ty(of))), length: Some(dim(*length)) }))
        }
        Type::Tuple(of) => TypeKind::Tuple(TupleType { types: of.iter().map(ty).collect() }),
        Type::Dict(key, value) => {
            let (key, value) = (Some(Box::new(ty(key))), Some(Box::new(ty(value))));
            TypeKind::Dictionary(Box::new(DictionaryType { key, value }))
        }
        Type::State(of) => TypeKind::State(Box::new(StateType { wrapped: Some(Box::new(ty(of))) })),
    };
    ValueType { kind: Some(kind) }
}

fn dim(dim: Dim) -> Dimension {
    let kind = match dim {
        Dim::Known(size) => DimensionKind::Constant(ConstantDimension { size }),
        Dim::Unknown => DimensionKind::Unknown(UnknownDimension { variadic: false }),
        Dim::Variadic => DimensionKind::Unknown(UnknownDimension { variadic: true }),
    };
    Dimension { kind: Some(kind) }
}
