//! Random trees. They need not make sense.

use anemone_mil::Element;
use anemone_mil::syntax::{
    ArgValue, Argument, Attribute, Blob, Block, Body, Dialect, Dim, Float, Function, Ident, Int, Operation, Param,
    Span, Text, Type, Typed, Value, ValueKind,
};
use arbitrary::{Result, Unstructured};

type U<'a, 'b> = &'a mut Unstructured<'b>;

fn vec<'b, T>(u: U<'_, 'b>, most: usize, mut item: impl FnMut(U<'_, 'b>) -> Result<T>) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=most)?).map(|_| item(u)).collect()
}

fn ident(u: U<'_, '_>) -> Result<Ident> {
    // Among them words that mean something elsewhere.
    let name =
        *u.choose(&["x", "_0", "a@1", "tensor", "true", "fp16", "program", "state", "BLOBFILE", "func", "inf"])?;
    Ok(Ident { name: name.into(), span: Span::default() })
}

/// A name that can stand where a value may.
fn value_name(u: U<'_, '_>) -> Result<Ident> {
    let name = *u.choose(&["x", "_0", "a@1", "tensor", "fp16", "BLOBFILE"])?;
    Ok(Ident { name: name.into(), span: Span::default() })
}

pub(crate) fn text(u: U<'_, '_>) -> Result<Text> {
    let version = u.choose(&Dialect::ALL)?.version();
    let functions = vec(u, 2, |u| {
        Ok(Function {
            name: ident(u)?,
            opset: ident(u)?,
            params: vec(u, 3, param)?,
            attributes: vec(u, 2, attribute)?,
            body: body(u, 2)?,
        })
    })?;
    Ok(Text { version, span: Span::default(), attributes: vec(u, 2, attribute)?, functions })
}

fn param(u: U<'_, '_>) -> Result<Param> {
    Ok(Param { ty: ty(u, 3)?, ty_span: Span::default(), name: ident(u)? })
}

fn body(u: U<'_, '_>, depth: usize) -> Result<Body> {
    let operations = vec(u, 3, |u| operation(u, depth))?;
    Ok(Body { operations, outputs: vec(u, 3, ident)? })
}

fn operation(u: U<'_, '_>, depth: usize) -> Result<Operation> {
    let block = |u: U<'_, '_>| Ok(Block { params: vec(u, 2, param)?, body: body(u, depth - 1)? });
    Ok(Operation {
        results: vec(u, 2, param)?,
        mnemonic: ident(u)?,
        args: vec(u, 3, |u| Ok(Argument { name: ident(u)?, value: arg_value(u, 2)? }))?,
        attributes: vec(u, 2, attribute)?,
        blocks: if depth > 0 { vec(u, 2, block)? } else { Vec::new() },
    })
}

fn arg_value(u: U<'_, '_>, depth: usize) -> Result<ArgValue> {
    Ok(match u.int_in_range(0..=2)? {
        0 if depth > 0 => ArgValue::Tuple(vec(u, 3, |u| arg_value(u, depth - 1))?, Span::default()),
        1 => ArgValue::Typed(typed(u)?),
        _ => ArgValue::Name(value_name(u)?),
    })
}

fn attribute(u: U<'_, '_>) -> Result<Attribute> {
    Ok(Attribute { name: ident(u)?, value: typed(u)? })
}

fn typed(u: U<'_, '_>) -> Result<Typed> {
    Ok(Typed { ty: ty(u, 3)?, value: value(u, 4)?, span: Span::default() })
}

fn ty(u: U<'_, '_>, depth: usize) -> Result<Type> {
    let inner = |u: U<'_, '_>| ty(u, depth - 1).map(Box::new);
    Ok(match if depth == 0 { 0 } else { u.int_in_range(0..=5)? } {
        1 => Type::List(inner(u)?, dim(u)?),
        2 => Type::Tuple(vec(u, 3, |u| ty(u, depth - 1))?),
        3 => Type::Dict(inner(u)?, inner(u)?),
        4 => Type::State(inner(u)?),
        _ => Type::Tensor(*u.choose(Element::ALL)?, vec(u, 3, dim)?),
    })
}

fn dim(u: U<'_, '_>) -> Result<Dim> {
    Ok(match u.int_in_range(0..=3)? {
        0 => Dim::Unknown,
        1 => Dim::Variadic,
        _ => Dim::Known(u.arbitrary()?),
    })
}

fn value(u: U<'_, '_>, depth: usize) -> Result<Value> {
    let inner = |u: U<'_, '_>| value(u, depth - 1);
    let kind = match u.int_in_range(0..=if depth == 0 { 3 } else { 7 })? {
        0 => ValueKind::Int(Int { negative: u.arbitrary()?, magnitude: u.arbitrary()? }),
        1 => ValueKind::Float(Float(u.arbitrary()?)),
        2 => ValueKind::Bool(u.arbitrary()?),
        3 => ValueKind::Str(string(u)?.into()),
        4 => ValueKind::List(vec(u, 3, inner)?.into()),
        5 => ValueKind::Tuple(vec(u, 3, inner)?.into()),
        6 => ValueKind::Dict(vec(u, 2, |u| Ok((inner(u)?, inner(u)?)))?.into()),
        _ => ValueKind::Blob(Box::new(Blob { fields: vec(u, 2, attribute)? })),
    };
    Ok(Value { kind, span: Span::default() })
}

/// Any characters at all.
fn string(u: U<'_, '_>) -> Result<String> {
    let piece = |u: U<'_, '_>| {
        Ok(*u.choose(&["a", "\"", "\\", "\n", "\r", "\t", "\\n", "é", "\u{0}", "\u{1f980}", "//", ");"])?)
    };
    Ok(vec(u, 5, piece)?.concat())
}
