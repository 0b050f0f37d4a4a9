//! Typed values of a tree as literals, with the data that lies in files.

use crate::Element;
use crate::blob::Reader;
use crate::syntax::{Blob, Dim, Float, Int, Span, Type, Typed, Value, ValueKind};
use crate::weights::{Store, Weights};
use anemone_ir::literal::{Bytes, pack};
use anemone_ir::reference::to_f16;
use anemone_ir::{DType, Declared, Diagnostic, Dims, Kind, Literal, TensorType};
use half::f16;
use std::collections::HashMap;
use std::rc::Rc;

/// Diagnostics are large, and there are few.
type Result<T> = std::result::Result<T, Box<Diagnostic>>;

fn fail<T>(slug: &'static str, message: impl Into<String>, span: Span) -> Result<T> {
    Err(Box::new(Diagnostic::error(slug, message, span.into())))
}

/// The type of a value as it is declared; some dimensions may be open.
pub(super) fn declared(ty: &Type, span: Span) -> Result<Declared> {
    match ty {
        Type::Tensor(element, dims) => tensor(Kind::Tensor, *element, dims.iter(), span),
        Type::State(of) => match &**of {
            Type::Tensor(element, dims) => tensor(Kind::State, *element, dims.iter(), span),
            _ => fail("unsupported", "a state of anything but a tensor is not supported", span),
        },
        Type::List(of, length) => match &**of {
            Type::Tensor(element, dims) => {
                tensor(Kind::List, *element, std::iter::once(length).chain(dims.iter()), span)
            }
            _ => fail("unsupported", "a list of anything but tensors is not supported", span),
        },
        Type::Tuple(_) => fail("unsupported", "tuples are not supported as values", span),
        Type::Dict(..) => fail("unsupported", "dictionaries are not supported as values", span),
    }
}

fn tensor<'a>(kind: Kind, element: Element, dims: impl Iterator<Item = &'a Dim>, span: Span) -> Result<Declared> {
    let Some(dtype) = element.dtype() else {
        return fail("unsupported", format!("tensors of {element} are not supported"), span);
    };
    let mut out = Vec::new();
    for dim in dims {
        match dim {
            Dim::Known(n) => out.push(Some(usize::try_from(*n).unwrap_or(usize::MAX))),
            Dim::Unknown => out.push(None),
            Dim::Variadic => return fail("unsupported", "a tensor of any rank is not supported", span),
        }
    }
    Declared::new(kind, dtype, &out).or_else(|e| fail("dims", e.to_string(), span))
}

/// The type of a constant.
fn tensor_type(ty: &Type, span: Span) -> Result<TensorType> {
    match declared(ty, span)? {
        declared @ Declared { kind: Kind::Tensor, .. } => match declared.known() {
            Some(ty) => Ok(ty),
            None => fail("dims", "a constant has no open dimension", span),
        },
        _ => fail("value", "a constant is a tensor", span),
    }
}

/// Makes literals, and reads each file and each blob once.
pub(super) struct Literals<'w> {
    weights: &'w dyn Weights,
    files: HashMap<Box<str>, std::result::Result<Rc<dyn Store>, String>>,
    blobs: HashMap<(Box<str>, u64), Bytes>,
}

impl<'w> Literals<'w> {
    pub(super) fn new(weights: &'w dyn Weights) -> Literals<'w> {
        Literals { weights, files: HashMap::new(), blobs: HashMap::new() }
    }

    pub(super) fn literal(&mut self, typed: &Typed) -> Result<Literal> {
        let ty = tensor_type(&typed.ty, typed.span)?;
        let bytes = match &typed.value.kind {
            ValueKind::Blob(blob) => self.blob(blob, &ty, typed.value.span)?,
            _ if ty.dtype == DType::String => return strings(&ty, &typed.value),
            _ => {
                let mut bytes = Vec::new();
                flatten(&typed.value, &ty.dims, &mut |v| scalar(ty.dtype, v, &mut bytes))?;
                if ty.dtype.is_packed() {
                    bytes = pack(ty.dtype, bytes.into_iter().map(|n| n as i8));
                }
                bytes.into()
            }
        };
        Literal::from_bytes(ty, bytes).or_else(|e| fail("constant", e.to_string(), typed.span))
    }

    fn blob(&mut self, blob: &Blob, ty: &TensorType, span: Span) -> Result<Bytes> {
        let (path, offset) = fields(blob, span)?;
        let error =
            |message: String| Box::new(Diagnostic::error("weights", format!("{path:?}, {message}"), span.into()));
        let open = || self.weights.open(path).map_err(|e| e.to_string());
        let store = match self.files.entry(path.into()).or_insert_with(open) {
            Ok(store) => store.clone(),
            Err(e) => return fail("weights", format!("{path:?} cannot be read: {e}"), span),
        };
        let reader = Reader::new(&*store).map_err(|e| error(e.to_string()))?;
        let entry = reader.entry(offset).map_err(|e| error(e.to_string()))?;
        let declared = (Element::from(ty.dtype), ty.dims.elements() as u64);
        if (entry.element, entry.count) != declared {
            let (element, count) = declared;
            let found = format!("{} elements of {}", entry.count, entry.element);
            return Err(error(format!("blob at offset {offset}: it holds {found}, {count} of {element} are declared")));
        }
        let key = (Box::from(path), offset);
        if let Some(bytes) = self.blobs.get(&key) {
            return Ok(bytes.clone());
        }
        let bytes = reader.data(&entry).map_err(|e| error(e.to_string()))?;
        self.blobs.insert(key, bytes.clone());
        Ok(bytes)
    }
}

/// Path and offset of a `BLOBFILE`.
fn fields(blob: &Blob, span: Span) -> Result<(&str, u64)> {
    let (mut path, mut offset) = (None, None);
    for field in &blob.fields {
        let value = &field.value;
        match (&*field.name.name, &value.ty, &value.value.kind) {
            ("path", Type::Tensor(Element::String, dims), ValueKind::Str(s)) if dims.is_empty() && path.is_none() => {
                path = Some(&**s);
            }
            ("offset", Type::Tensor(Element::UInt64, dims), ValueKind::Int(Int { negative: false, magnitude }))
                if dims.is_empty() && offset.is_none() =>
            {
                offset = Some(*magnitude);
            }
            _ => {
                let message = "a BLOBFILE has a `path` of type string and an `offset` of type uint64, each once";
                return fail("syntax", message, field.name.span);
            }
        }
    }
    match (path, offset) {
        (Some(path), Some(offset)) => Ok((path, offset)),
        (None, _) => fail("syntax", "the BLOBFILE has no `path`", span),
        (_, None) => fail("syntax", "the BLOBFILE has no `offset`", span),
    }
}

/// Visits the scalars of a value whose brackets are nested as `dims` say.
fn flatten(value: &Value, dims: &Dims, visit: &mut dyn FnMut(&Value) -> Result<()>) -> Result<()> {
    // A tensor without elements may be written as one empty row, whatever its rank.
    if dims.elements() == 0 && matches!(&value.kind, ValueKind::List(items) if items.is_empty()) {
        return Ok(());
    }
    rows(value, dims, visit)
}

fn rows(value: &Value, dims: &[usize], visit: &mut dyn FnMut(&Value) -> Result<()>) -> Result<()> {
    let Some((first, rest)) = dims.split_first() else { return visit(value) };
    let ValueKind::List(items) = &value.kind else {
        return fail("value", format!("a row of {first} in brackets is wanted here"), value.span);
    };
    if items.len() != *first {
        let what = if rest.is_empty() { "elements" } else { "rows" };
        let message = format!("{first} {what} are declared, {} are given", items.len());
        return fail("length", message, value.span);
    }
    items.iter().try_for_each(|item| rows(item, rest, visit))
}

fn strings(ty: &TensorType, value: &Value) -> Result<Literal> {
    let mut all = Vec::new();
    flatten(value, &ty.dims, &mut |v| match &v.kind {
        ValueKind::Str(s) => {
            all.push(s.to_string());
            Ok(())
        }
        _ => fail("value", "a string is wanted here", v.span),
    })?;
    Literal::strings(&ty.dims, all).or_else(|e| fail("constant", e.to_string(), value.span))
}

/// Appends a scalar's bytes, at least one.
fn scalar(dtype: DType, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    if let Some(range) = dtype.int_range() {
        return integer(dtype, range, value, out);
    }
    if dtype == DType::Bool {
        let ValueKind::Bool(b) = value.kind else {
            return fail("value", "`true` or `false` is wanted here", value.span);
        };
        out.push(u8::from(b));
        return Ok(());
    }
    let x = match value.kind {
        ValueKind::Float(Float(x)) => x,
        ValueKind::Int(Int { negative, magnitude }) if negative => -(magnitude as f64),
        ValueKind::Int(Int { magnitude, .. }) => magnitude as f64,
        _ => return fail("value", format!("a number is wanted here, of type {dtype}"), value.span),
    };
    let (rounded, bytes) = if dtype == DType::Fp16 {
        let half = to_f16(x);
        (half.to_f64(), half.to_le_bytes().to_vec())
    } else {
        (f64::from(x as f32), (x as f32).to_le_bytes().to_vec())
    };
    if rounded.is_infinite() && x.is_finite() {
        let largest = if dtype == DType::Fp16 { f16::MAX.to_f64() } else { f64::from(f32::MAX) };
        let x = if x.abs() < 1e16 { x.to_string() } else { format!("{x:e}") };
        return fail("range", format!("{x} does not fit {dtype}, which ends at {largest:?}"), value.span);
    }
    out.extend(bytes);
    Ok(())
}

fn integer(dtype: DType, (low, high): (i64, i64), value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let ValueKind::Int(Int { negative, magnitude }) = value.kind else {
        return fail("value", format!("a whole number is wanted here, of type {dtype}"), value.span);
    };
    let n = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    if n < i128::from(low) || n > i128::from(high) {
        return fail("range", format!("{n} does not fit {dtype}, which holds {low} to {high}"), value.span);
    }
    // In two's complement the low bytes of a number are the number in fewer bytes.
    out.extend_from_slice(&n.to_le_bytes()[..dtype.size()]);
    Ok(())
}
