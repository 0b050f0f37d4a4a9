//! Values.

use super::{Result, error, ty};
use crate::Element;
use crate::proto::{
    BlobFileValue, Bools, DictionaryValue, Doubles, Elements, Floats, Immediate, ImmediateValue, Ints, KeyValuePair,
    LongInts, RawBytes, Strings, TensorValue, Value, ValueKind as Kind, Values,
};
use crate::syntax::{self, Blob, Dim, Float, Int, Type, Typed, ValueKind};
use anemone_ir::literal::pack;
use anemone_ir::reference::to_f16;
use half::bf16;

pub(super) fn value(typed: &Typed) -> Result<Value> {
    untyped(&typed.ty, &typed.value)
}

fn untyped(t: &Type, v: &syntax::Value) -> Result<Value> {
    let immediate = |kind| Kind::Immediate(Box::new(ImmediateValue { kind: Some(kind) }));
    let all = |of: &Type, items: &[syntax::Value]| -> Result<Values> {
        let values = items.iter().map(|item| untyped(of, item)).collect::<Result<_>>()?;
        Ok(Values { values })
    };
    let kind = match (&v.kind, t) {
        (ValueKind::Blob(blob), _) => Kind::BlobFile(Box::new(file(blob, v)?)),
        (ValueKind::List(items), Type::List(of, _)) => immediate(Immediate::List(all(of, items)?)),
        (ValueKind::Tuple(items), Type::Tuple(of)) if items.len() == of.len() => {
            let values = items.iter().zip(of).map(|(item, of)| untyped(of, item)).collect::<Result<_>>()?;
            immediate(Immediate::Tuple(Values { values }))
        }
        (ValueKind::Dict(pairs), Type::Dict(key, value)) => {
            let pair = |(k, v): &(syntax::Value, syntax::Value)| {
                Ok(KeyValuePair { key: Some(untyped(key, k)?), value: Some(untyped(value, v)?) })
            };
            let values = pairs.iter().map(pair).collect::<Result<_>>()?;
            immediate(Immediate::Dictionary(DictionaryValue { values }))
        }
        (_, Type::Tensor(element, dims)) => {
            let elements = Some(tensor(*element, dims, v)?);
            immediate(Immediate::Tensor(TensorValue { elements }))
        }
        _ => return Err(error("value", "the value is not of its type", v.span)),
    };
    Ok(Value { ty: Some(Box::new(ty(t))), kind: Some(kind) })
}

fn file(blob: &Blob, v: &syntax::Value) -> Result<BlobFileValue> {
    let (path, offset) =
        blob.place().ok_or_else(|| error("syntax", "a BLOBFILE has a `path` and an `offset`", v.span))?;
    Ok(BlobFileValue { file_name: path.to_owned(), offset })
}

/// The scalars of a tensor in a row, each in the field that coremltools puts it in.
fn tensor(element: Element, dims: &[Dim], v: &syntax::Value) -> Result<Elements> {
    use Element as E;
    let mut all = Vec::new();
    flatten(v, dims, &mut all)?;
    let ints = || all.iter().map(|v| integer(element, v)).collect::<Result<Vec<i128>>>();
    let floats = || all.iter().map(|v| float(element, v)).collect::<Result<Vec<f64>>>();
    Ok(match element {
        E::Bool => {
            let one = |v: &&syntax::Value| match v.kind {
                ValueKind::Bool(b) => Ok(b),
                _ => Err(wanted(element, v)),
            };
            Elements::Bools(Bools { values: all.iter().map(one).collect::<Result<_>>()? })
        }
        E::String => {
            let one = |v: &&syntax::Value| match &v.kind {
                ValueKind::Str(s) => Ok(s.to_string()),
                _ => Err(wanted(element, v)),
            };
            Elements::Strings(Strings { values: all.iter().map(one).collect::<Result<_>>()? })
        }
        E::Fp32 => Elements::Floats(Floats { values: floats()?.into_iter().map(|x| x as f32).collect() }),
        E::Fp64 => Elements::Doubles(Doubles { values: floats()? }),
        E::Fp16 => raw(floats()?.into_iter().flat_map(|x| to_f16(x).to_le_bytes())),
        E::Bf16 => raw(floats()?.into_iter().flat_map(|x| bf16::from_f64(x).to_le_bytes())),
        E::Int16 | E::Int32 | E::UInt16 => {
            Elements::Ints(Ints { values: ints()?.into_iter().map(|n| n as i32).collect() })
        }
        E::Int64 | E::UInt64 => {
            Elements::LongInts(LongInts { values: ints()?.into_iter().map(|n| n as i64).collect() })
        }
        E::Int8 | E::UInt8 => raw(ints()?.into_iter().map(|n| n as u8)),
        E::UInt32 => raw(ints()?.into_iter().flat_map(|n| (n as u32).to_le_bytes())),
        E::Int4 | E::UInt1 | E::UInt2 | E::UInt3 | E::UInt4 | E::UInt6 => {
            let numbers = ints()?;
            let packed = element.dtype().map(|dtype| pack(dtype, numbers.iter().map(|n| *n as i8)));
            raw(packed.unwrap_or_default())
        }
        E::Fp8E4M3Fn | E::Fp8E5M2 => {
            return Err(error("value", format!("values of type {element} are written in weight files only"), v.span));
        }
    })
}

fn raw(bytes: impl IntoIterator<Item = u8>) -> Elements {
    Elements::Bytes(RawBytes { values: bytes.into_iter().collect() })
}

/// The scalars in brackets that are nested as `dims` say.
fn flatten<'v>(v: &'v syntax::Value, dims: &[Dim], out: &mut Vec<&'v syntax::Value>) -> Result<()> {
    let Some((first, rest)) = dims.split_first() else {
        out.push(v);
        return Ok(());
    };
    let ValueKind::List(items) = &v.kind else {
        return Err(error("value", "a row in brackets is wanted here", v.span));
    };
    // A tensor without elements may be written as one empty row, whatever its rank.
    let empty = items.is_empty() && dims.contains(&Dim::Known(0));
    if let Dim::Known(n) = first
        && *n != items.len() as u64
        && !empty
    {
        return Err(error("length", format!("{n} are declared, {} are given", items.len()), v.span));
    }
    items.iter().try_for_each(|item| flatten(item, rest, out))
}

fn wanted(element: Element, v: &syntax::Value) -> Box<anemone_ir::Diagnostic> {
    error("value", format!("a value of type {element} is wanted here"), v.span)
}

fn integer(element: Element, v: &syntax::Value) -> Result<i128> {
    let ValueKind::Int(Int { negative, magnitude }) = v.kind else { return Err(wanted(element, v)) };
    let n = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    let bits = element.bits();
    let signed = matches!(element, Element::Int4 | Element::Int8 | Element::Int16 | Element::Int32 | Element::Int64);
    let (low, high) = if signed { (-(1i128 << (bits - 1)), 1i128 << (bits - 1)) } else { (0, 1i128 << bits) };
    if (low..high).contains(&n) { Ok(n) } else { Err(error("range", format!("{n} does not fit {element}"), v.span)) }
}

fn float(element: Element, v: &syntax::Value) -> Result<f64> {
    match v.kind {
        ValueKind::Float(Float(x)) => Ok(x),
        ValueKind::Int(Int { negative, magnitude }) if negative => Ok(-(magnitude as f64)),
        ValueKind::Int(Int { magnitude, .. }) => Ok(magnitude as f64),
        _ => Err(wanted(element, v)),
    }
}
