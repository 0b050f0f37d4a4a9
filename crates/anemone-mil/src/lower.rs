//! From a program to the tree of its canonical text, and to its weight files.

mod files;

use crate::Element;
use crate::syntax::{
    self, ArgValue, Argument, Attribute, Blob, Body, Dialect, Dim, Float, Ident, Int, Operation, Param, Span, Text,
    Type, Typed, Value, ValueKind, parse_typed,
};
use anemone_ir::ane::Form;
use anemone_ir::{Arg, DType, Def, Function, Kind, Literal, Node, Program, ValueId};
use files::Files;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

/// Constants with fewer elements are written in the text: the rule of coremltools.
const IN_FILE: usize = 10;

/// A program as text, and the files that the text refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// The files, in the order in which the text first names them.
    pub files: Vec<WeightFile>,
}

/// A file of weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WeightFile {
    /// Where it lies below the folder of the text, with slashes: `weights/weight.bin`. The text writes `@model_path/` before it.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// How constants are laid into files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum WeightFiles {
    /// All in `weights/weight.bin`, as Apple's compiler does it.
    #[default]
    One,
    /// Each in a file of its own, `weights/weight_000.bin` and so on; equal ones in one. They are numbered and not named after
    /// their constants, whose names may differ in case only.
    Each,
}

impl Printed {
    /// Writes `model.mil` into a folder, which is made if need be, and what it refers to below. The text comes last: where it
    /// is, its weights are.
    ///
    /// # Errors
    /// A folder cannot be made, or a file cannot be written. The error names it.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let make = |path: &Path| fs::create_dir_all(path).map_err(|e| at(path, &e));
        let write = |path: &Path, bytes: &[u8]| fs::write(path, bytes).map_err(|e| at(path, &e));
        make(folder)?;
        for file in &self.files {
            let path = folder.join(&file.path);
            path.parent().map_or(Ok(()), make)?;
            write(&path, &file.bytes)?;
        }
        write(&folder.join("model.mil"), self.text.as_bytes())
    }

    /// The bytes of all files.
    pub fn weight_bytes(&self) -> usize {
        self.files.iter().map(|file| file.bytes.len()).sum()
    }
}

fn at(path: &Path, e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("{}: {e}", path.display()))
}

/// Writes a program in canonical form. Equal programs give equal bytes. Text has one NaN; in weight files all are kept.
pub fn print(program: &Program, dialect: Dialect) -> Printed {
    print_with(program, dialect, WeightFiles::One)
}

/// The same, with another layout of weight files.
pub fn print_with(program: &Program, dialect: Dialect, layout: WeightFiles) -> Printed {
    let mut lowering = Lowering { dialect, files: Files::new(layout) };
    let tree = lowering.program(program);
    Printed { text: syntax::print(&tree), files: lowering.files.finish() }
}

/// Writes a program that was made for the Neural Engine, [`anemone_ir::ane::Legal::program`], in its form.
pub fn print_form(program: &Program, form: Form) -> Printed {
    let dialect = if form.verbose { Dialect::V1_0 } else { Dialect::V1_3 };
    print_with(program, dialect, if form.file_per_constant { WeightFiles::Each } else { WeightFiles::One })
}

struct Lowering<'a> {
    dialect: Dialect,
    files: Files<'a>,
}

fn ident(name: &str) -> Ident {
    Ident { name: name.into(), span: Span::default() }
}

fn value(kind: ValueKind) -> Value {
    Value { kind, span: Span::default() }
}

fn typed(ty: Type, kind: ValueKind) -> Typed {
    Typed { ty, value: value(kind), span: Span::default() }
}

fn string(text: &str) -> Typed {
    typed(Type::scalar(Element::String), ValueKind::Str(text.into()))
}

fn sorted(mut attributes: Vec<Attribute>) -> Vec<Attribute> {
    attributes.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    attributes
}

/// An attribute that was carried along as text. What is no MIL text becomes a string.
fn opaque(attribute: &anemone_ir::Attribute) -> Attribute {
    let value = parse_typed(&attribute.value).unwrap_or_else(|_| string(&attribute.value));
    Attribute { name: ident(&attribute.name), value }
}

fn build_info(facts: &[(Arc<str>, Arc<str>)]) -> Option<Attribute> {
    let mut facts = facts.to_vec();
    facts.sort();
    let text = |s: &Arc<str>| value(ValueKind::Str((&**s).into()));
    let pairs: Vec<_> = facts.iter().map(|(k, v)| (text(k), text(v))).collect();
    let of = Box::new(Type::scalar(Element::String));
    let value = typed(Type::Dict(of.clone(), of), ValueKind::Dict(pairs.into()));
    (!facts.is_empty()).then(|| Attribute { name: ident("buildInfo"), value })
}

impl<'a> Lowering<'a> {
    fn program(&mut self, program: &'a Program) -> Text {
        let mut attributes: Vec<_> = program.attributes().iter().map(opaque).collect();
        attributes.extend(build_info(program.build_info()));
        Text {
            version: self.dialect.version(),
            span: Span::default(),
            attributes: sorted(attributes),
            functions: program.functions().iter().map(|f| self.function(f)).collect(),
        }
    }

    fn function(&mut self, f: &'a Function) -> syntax::Function {
        syntax::Function {
            name: ident(&f.name),
            opset: ident(f.opset.name()),
            // In binding order. Apple's compiler sorts them by name, and binds by name; a program binds by position, so that
            // sorting would change what it means. A text of Apple's has them sorted and keeps them so.
            params: f.params.iter().chain(&f.states).map(|id| param(f, *id)).collect(),
            attributes: sorted(f.attributes.iter().map(opaque).collect()),
            body: self.body(f, &f.nodes, &f.outputs),
        }
    }

    fn body(&mut self, f: &'a Function, nodes: &'a [Node], outputs: &[ValueId]) -> Body {
        Body {
            operations: nodes.iter().map(|n| self.operation(f, n)).collect(),
            outputs: outputs.iter().map(|id| ident(&f.value(*id).name)).collect(),
        }
    }

    fn operation(&mut self, f: &'a Function, node: &'a Node) -> Operation {
        let mut given: Vec<_> = node.op.schema().params.iter().zip(&node.args).collect();
        given.sort_by_key(|(p, _)| p.name);
        let args = given.into_iter().filter_map(|(p, arg)| {
            let value = match arg {
                Arg::Absent => return None,
                Arg::One(id) => self.argument(f, *id),
                Arg::Many(ids) => {
                    ArgValue::Tuple(ids.iter().map(|id| self.argument(f, *id)).collect(), Span::default())
                }
            };
            Some(Argument { name: ident(p.name), value })
        });
        let args = args.collect();
        let data = node.attributes.iter().map(|(name, l)| Attribute { name: ident(name), value: self.literal(l) });
        let mut attributes: Vec<_> = data.collect();
        // The format does not need a name, but one of Apple's loaders is said to, and their compiler always writes one.
        let name = node.name.as_deref().or_else(|| node.results.first().map(|id| &*f.value(*id).name));
        attributes.extend(name.map(|n| Attribute { name: ident("name"), value: string(n) }));
        let block = |b: &'a anemone_ir::Block| syntax::Block {
            params: b.params.iter().map(|id| param(f, *id)).collect(),
            body: self.body(f, &b.nodes, &b.outputs),
        };
        let blocks = node.blocks.iter().map(block).collect();
        Operation {
            results: node.results.iter().map(|id| param(f, *id)).collect(),
            mnemonic: ident(node.mnemonic()),
            args,
            attributes: sorted(attributes),
            blocks,
        }
    }

    fn argument(&mut self, f: &'a Function, id: ValueId) -> ArgValue {
        let value = f.value(id);
        match (&value.def, &value.literal) {
            (Def::Immediate, Some(literal)) => ArgValue::Typed(self.literal(literal)),
            _ => ArgValue::Name(ident(&value.name)),
        }
    }

    /// A constant: in the weight file if it is large and of a type that such files are read for in this dialect.
    fn literal(&mut self, literal: &'a Literal) -> Typed {
        let ty = *literal.ty();
        let element = Element::from(ty.dtype);
        let count = ty.dims.elements();
        let wide =
            matches!(ty.dtype, DType::Int16 | DType::UInt16 | DType::Int32 | DType::UInt32) || ty.dtype.is_packed();
        let filed = matches!(ty.dtype, DType::Fp16 | DType::Fp32 | DType::Int8 | DType::UInt8)
            || (wide && self.dialect >= Dialect::V1_3);
        let place = match literal.bytes() {
            Some(bytes) if filed && count >= IN_FILE => self.files.push(element, count as u64, bytes),
            _ => None,
        };
        let kind = place.map_or_else(|| inline(literal), |(path, offset)| blob(&path, offset));
        typed(Type::Tensor(element, ty.dims.iter().map(|d| Dim::Known(*d as u64)).collect()), kind)
    }
}

fn param(f: &Function, id: ValueId) -> Param {
    let v = f.value(id);
    let element = Element::from(v.ty.dtype);
    let mut dims: Vec<Dim> = v.ty.dims.iter().map(|d| Dim::Known(*d as u64)).collect();
    let ty = match v.kind {
        Kind::Tensor => Type::Tensor(element, dims),
        Kind::State => Type::State(Box::new(Type::Tensor(element, dims))),
        Kind::List => {
            let length = dims.remove(0);
            Type::List(Box::new(Type::Tensor(element, dims)), length)
        }
    };
    Param { ty, ty_span: Span::default(), name: ident(&v.name) }
}

fn blob(path: &str, offset: u64) -> ValueKind {
    let offset = ValueKind::Int(Int { negative: false, magnitude: offset });
    let path = Attribute { name: ident("path"), value: string(&format!("@model_path/{path}")) };
    let offset = Attribute { name: ident("offset"), value: typed(Type::scalar(Element::UInt64), offset) };
    ValueKind::Blob(Box::new(Blob { fields: vec![path, offset] }))
}

/// The elements in nested brackets.
fn inline(literal: &Literal) -> ValueKind {
    let dims = &literal.ty().dims;
    if dims.contains(&0) {
        // Not a row of empty rows: there could be any number of them.
        return ValueKind::List(Box::new([]));
    }
    let leaves: Vec<ValueKind> = match literal.ty().dtype {
        DType::String => {
            literal.as_strings().unwrap_or_default().iter().map(|s| ValueKind::Str((&**s).into())).collect()
        }
        DType::Bool => literal.to_bools().unwrap_or_default().into_iter().map(ValueKind::Bool).collect(),
        DType::Fp16 | DType::Fp32 => {
            literal.to_f64().unwrap_or_default().into_iter().map(|x| ValueKind::Float(Float(x))).collect()
        }
        _ => literal.to_i64().unwrap_or_default().into_iter().map(|n| ValueKind::Int(n.into())).collect(),
    };
    nest(dims, &mut leaves.into_iter())
}

fn nest(dims: &[usize], leaves: &mut dyn Iterator<Item = ValueKind>) -> ValueKind {
    match dims.split_first() {
        None => leaves.next().expect("a literal has as many elements as its dimensions say"),
        Some((n, rest)) => ValueKind::List((0..*n).map(|_| value(nest(rest, leaves))).collect()),
    }
}
