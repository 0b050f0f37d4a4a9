//! Parts of trees that no text was read for. They have empty spans.

use super::{Attribute, Blob, Float, Ident, Int, Span, Type, Typed, Value, ValueKind};
use crate::element::Element;

impl Ident {
    pub(crate) fn new(name: &str) -> Ident {
        Ident { name: name.into(), span: Span::default() }
    }
}

impl Value {
    pub(crate) fn new(kind: ValueKind) -> Value {
        Value { kind, span: Span::default() }
    }

    pub(crate) fn str(text: &str) -> Value {
        Value::new(ValueKind::Str(text.into()))
    }
}

impl ValueKind {
    pub(crate) fn int(n: impl Into<i64>) -> ValueKind {
        ValueKind::Int(Int::from(n.into()))
    }

    pub(crate) fn float(x: impl Into<f64>) -> ValueKind {
        ValueKind::Float(Float(x.into()))
    }

    /// Items in brackets.
    pub(crate) fn list(items: impl IntoIterator<Item = ValueKind>) -> ValueKind {
        ValueKind::List(items.into_iter().map(Value::new).collect())
    }
}

impl Typed {
    pub(crate) fn new(ty: Type, kind: ValueKind) -> Typed {
        Typed { ty, value: Value::new(kind), span: Span::default() }
    }

    pub(crate) fn string(text: &str) -> Typed {
        Typed::new(Type::scalar(Element::String), ValueKind::Str(text.into()))
    }
}

impl Attribute {
    pub(crate) fn new(name: &str, value: Typed) -> Attribute {
        Attribute { name: Ident::new(name), value }
    }
}

impl Blob {
    /// Path and offset; `None` if one of them is missing.
    pub(crate) fn place(&self) -> Option<(&str, u64)> {
        let field = |name: &str| self.fields.iter().find(|f| &*f.name.name == name).map(|f| &f.value.value.kind);
        match (field("path"), field("offset")) {
            (Some(ValueKind::Str(path)), Some(ValueKind::Int(Int { negative: false, magnitude }))) => {
                Some((path, *magnitude))
            }
            _ => None,
        }
    }
}
