//! The tree in canonical form: the layout in which Apple's compiler writes MIL text.

use super::{
    ArgValue, Argument, Attribute, Block, Body, Dialect, Dim, Function, Ident, Int, Operation, Param, Text, Type,
    Typed, Value, ValueKind, number,
};
use std::fmt::Write;

/// Writes a text.
pub fn print(text: &Text) -> String {
    let mut p = Printer { out: String::new(), dialect: text.version.spelling() };
    p.text(text);
    p.out
}

/// Writes `type(value)`.
pub fn print_typed(typed: &Typed, dialect: Dialect) -> String {
    let mut p = Printer { out: String::new(), dialect };
    p.typed(typed);
    p.out
}

struct Printer {
    out: String,
    dialect: Dialect,
}

impl Printer {
    fn str(&mut self, s: &str) {
        self.out.push_str(s);
    }

    fn number(&mut self, n: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "{n}");
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        for (i, x) in items.iter().enumerate() {
            if i > 0 {
                self.str(", ");
            }
            item(self, x);
        }
    }

    fn text(&mut self, text: &Text) {
        self.str("program(");
        self.number(text.version.major);
        self.str(".");
        self.number(text.version.minor);
        self.str(")\n");
        if !text.attributes.is_empty() {
            self.attributes(&text.attributes);
            self.str("\n");
        }
        self.str("{\n");
        for function in &text.functions {
            self.function(function);
        }
        self.str("}");
    }

    fn function(&mut self, function: &Function) {
        self.str("    func ");
        self.str(&function.name.name);
        self.str("<");
        self.str(&function.opset.name);
        self.str(">");
        self.params(&function.params);
        if !function.attributes.is_empty() {
            self.str(" ");
            self.attributes(&function.attributes);
        }
        self.body(&function.body, 12, 8);
        self.str(";\n");
    }

    fn params(&mut self, params: &[Param]) {
        self.str("(");
        self.list(params, Self::param);
        self.str(")");
    }

    fn param(&mut self, param: &Param) {
        self.ty(&param.ty);
        self.str(" ");
        self.str(&param.name.name);
    }

    /// ` { … } -> (…)`.
    fn body(&mut self, body: &Body, operations: usize, close: usize) {
        self.str(" {\n");
        for operation in &body.operations {
            self.operation(operation, operations);
        }
        self.indent(close);
        self.str("} -> (");
        self.list(&body.outputs, |p, o: &Ident| p.str(&o.name));
        self.str(")");
    }

    fn operation(&mut self, operation: &Operation, indent: usize) {
        self.indent(indent);
        if !operation.results.is_empty() {
            self.list(&operation.results, Self::param);
            self.str(" = ");
        }
        self.str(&operation.mnemonic.name);
        self.str("(");
        self.list(&operation.args, |p, a: &Argument| {
            p.str(&a.name.name);
            p.str(" = ");
            p.arg_value(&a.value);
        });
        self.str(")");
        if !operation.attributes.is_empty() {
            self.attributes(&operation.attributes);
        }
        for block in &operation.blocks {
            self.block(block, indent);
        }
        self.str(";\n");
    }

    fn block(&mut self, block: &Block, indent: usize) {
        self.str("\n");
        self.indent(indent + 4);
        self.params(&block.params);
        self.body(&block.body, indent + 8, indent + 4);
    }

    fn attributes(&mut self, attributes: &[Attribute]) {
        self.str("[");
        self.list(attributes, Self::attribute);
        self.str("]");
    }

    fn attribute(&mut self, attribute: &Attribute) {
        self.str(&attribute.name.name);
        self.str(" = ");
        self.typed(&attribute.value);
    }

    fn arg_value(&mut self, value: &ArgValue) {
        match value {
            ArgValue::Name(name) => self.str(&name.name),
            ArgValue::Typed(typed) => self.typed(typed),
            ArgValue::Tuple(items, _) => {
                self.str("(");
                self.list(items, Self::arg_value);
                self.str(")");
            }
        }
    }

    fn typed(&mut self, typed: &Typed) {
        self.ty(&typed.ty);
        self.str("(");
        self.value(&typed.value);
        self.str(")");
    }

    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Tensor(element, dims) if dims.is_empty() && self.dialect >= Dialect::V1_3 => self.str(element.name()),
            Type::Tensor(element, dims) => {
                self.str("tensor<");
                self.str(element.name());
                self.str(", [");
                self.list(dims, |p, d| p.dim(*d));
                self.str("]>");
            }
            Type::List(of, len) => {
                self.str("list<");
                self.ty(of);
                self.str(", ");
                self.dim(*len);
                self.str(">");
            }
            Type::Tuple(of) => {
                self.str("tuple<");
                self.list(of, Self::ty);
                self.str(">");
            }
            Type::Dict(key, value) => {
                self.str("dict<");
                self.ty(key);
                self.str(", ");
                self.ty(value);
                self.str(">");
            }
            Type::State(of) => {
                self.str("state<");
                self.ty(of);
                self.str(">");
            }
        }
    }

    fn dim(&mut self, dim: Dim) {
        match dim {
            Dim::Known(n) => self.number(n),
            Dim::Unknown => self.str("?"),
            Dim::Variadic => self.str("*?"),
        }
    }

    fn value(&mut self, value: &Value) {
        match &value.kind {
            ValueKind::Int(Int { negative, magnitude }) => {
                if *negative {
                    self.str("-");
                }
                self.number(magnitude);
            }
            ValueKind::Float(x) => number::write_float(&mut self.out, x.0),
            ValueKind::Bool(b) => self.number(b),
            ValueKind::Str(s) => self.string(s),
            ValueKind::List(items) => {
                self.str("[");
                self.list(items, Self::value);
                self.str("]");
            }
            ValueKind::Tuple(items) => {
                self.str("(");
                self.list(items, Self::value);
                self.str(")");
            }
            ValueKind::Dict(pairs) => {
                self.str("{");
                self.list(pairs, |p, (key, value)| {
                    p.str("{");
                    p.value(key);
                    p.str(", ");
                    p.value(value);
                    p.str("}");
                });
                self.str("}");
            }
            ValueKind::Blob(blob) => {
                self.str("BLOBFILE(");
                self.list(&blob.fields, Self::attribute);
                self.str(")");
            }
        }
    }

    fn string(&mut self, s: &str) {
        self.str("\"");
        for c in s.chars() {
            match c {
                '"' => self.str("\\\""),
                '\\' => self.str("\\\\"),
                '\n' => self.str("\\n"),
                '\r' => self.str("\\r"),
                '\t' => self.str("\\t"),
                c => self.out.push(c),
            }
        }
        self.str("\"");
    }
}
