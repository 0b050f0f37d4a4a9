//! The weights of a tree, to be laid out anew in one file.

use crate::Element;
use crate::blob::{Reader, Writer};
use crate::syntax::{ArgValue, Attribute, Blob, Body, Dim, Function, Operation, Text, Type, Typed, Value, ValueKind};
use crate::syntax::{Int, Span};
use crate::weights::{Store, Weights};
use anemone_ir::Diagnostic;
use anemone_ir::literal::Bytes;
use std::collections::HashMap;
use std::rc::Rc;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// A tree and the data of its constants, by path and offset. The data is where it was: mapped or in memory.
pub(super) struct Weighed {
    tree: Text,
    /// In the order in which the tree names them.
    data: Vec<(Element, u64, Bytes)>,
    index: HashMap<(String, u64), usize>,
}

impl Weighed {
    /// Finds the data.
    ///
    /// # Errors
    /// The first constant whose data cannot be read, or is not what its type says.
    pub(super) fn of(tree: &Text, weights: &dyn Weights) -> Result<Weighed> {
        let mut finding = Finding { weights, files: HashMap::new(), data: Vec::new(), index: HashMap::new() };
        let mut tree = tree.clone();
        blobs(&mut tree, &mut |ty, blob, span| finding.find(ty, blob, span))?;
        Ok(Weighed { tree, data: finding.data, index: finding.index })
    }

    /// The element types of the data.
    pub(super) fn elements(&self) -> Vec<Element> {
        self.data.iter().map(|(element, ..)| *element).collect()
    }

    /// The tree with the places that its data has in the file that is to be written.
    pub(super) fn laid_out(&self) -> (Text, Writer<'_>) {
        let mut writer = Writer::new();
        let pushed = self.data.iter().map(|(element, count, bytes)| {
            // A reader has found that many elements of a type of weight files.
            writer.push(*element, *count, bytes.as_slice()).expect("what was read can be written")
        });
        let offsets: Vec<u64> = pushed.collect();
        let mut tree = self.tree.clone();
        let place = &mut |_: &Type, blob: &mut Blob, _: Span| {
            let key = blob.place().map(|(path, offset)| (path.to_owned(), offset));
            if let Some(at) = key.and_then(|key| self.index.get(&key)) {
                let offset = ValueKind::Int(Int { negative: false, magnitude: offsets[*at] });
                blob.fields = vec![
                    Attribute::new("path", Typed::string(&format!("@model_path/{}", super::WEIGHTS))),
                    Attribute::new("offset", Typed::new(Type::scalar(Element::UInt64), offset)),
                ];
            }
            Ok(())
        };
        // Nothing above fails.
        let _ = blobs(&mut tree, place);
        (tree, writer)
    }
}

struct Finding<'w> {
    weights: &'w dyn Weights,
    files: HashMap<String, Rc<dyn Store>>,
    data: Vec<(Element, u64, Bytes)>,
    index: HashMap<(String, u64), usize>,
}

impl Finding<'_> {
    fn find(&mut self, ty: &Type, blob: &Blob, span: Span) -> Result<()> {
        let error = |message: String| Box::new(Diagnostic::error("weights", message, span.into()));
        let place = blob.place().ok_or_else(|| error("a BLOBFILE has a `path` and an `offset`".to_owned()))?;
        let (path, offset) = (place.0.to_owned(), place.1);
        let store = match self.files.get(&path) {
            Some(store) => store.clone(),
            None => {
                let opened = self.weights.open(&path);
                let store = opened.map_err(|e| error(format!("{path:?} cannot be read: {e}")))?;
                self.files.insert(path.clone(), store.clone());
                store
            }
        };
        let failed = |e: crate::blob::BlobError| error(format!("{path:?}, {e}"));
        let reader = Reader::new(&*store).map_err(failed)?;
        let entry = reader.entry(offset).map_err(failed)?;
        let declared = match ty {
            Type::Tensor(element, dims) => elements(dims).map(|count| (*element, count)),
            _ => None,
        };
        if declared != Some((entry.element, entry.count)) {
            let message = format!("it holds {} elements of {}, another type is declared", entry.count, entry.element);
            return Err(error(format!("{path:?}, blob at offset {offset}: {message}")));
        }
        let key = (path.clone(), offset);
        if !self.index.contains_key(&key) {
            let bytes = reader.data(&entry).map_err(failed)?;
            self.index.insert(key, self.data.len());
            self.data.push((entry.element, entry.count, bytes));
        }
        Ok(())
    }
}

fn elements(dims: &[Dim]) -> Option<u64> {
    dims.iter().try_fold(1u64, |all, dim| match dim {
        Dim::Known(n) => all.checked_mul(*n),
        Dim::Unknown | Dim::Variadic => None,
    })
}

/// What is done with a blob, its type, and its place.
type Visit<'v> = dyn FnMut(&Type, &mut Blob, Span) -> Result<()> + 'v;

/// Visits every reference to a file, in the order of the text.
fn blobs(tree: &mut Text, visit: &mut Visit<'_>) -> Result<()> {
    in_attributes(&mut tree.attributes, visit)?;
    tree.functions.iter_mut().try_for_each(|f: &mut Function| {
        in_attributes(&mut f.attributes, visit)?;
        in_body(&mut f.body, visit)
    })
}

fn in_body(body: &mut Body, visit: &mut Visit<'_>) -> Result<()> {
    body.operations.iter_mut().try_for_each(|o: &mut Operation| {
        o.args.iter_mut().try_for_each(|a| in_argument(&mut a.value, visit))?;
        in_attributes(&mut o.attributes, visit)?;
        o.blocks.iter_mut().try_for_each(|b| in_body(&mut b.body, visit))
    })
}

fn in_argument(value: &mut ArgValue, visit: &mut Visit<'_>) -> Result<()> {
    match value {
        ArgValue::Name(_) => Ok(()),
        ArgValue::Typed(typed) => in_value(&typed.ty, &mut typed.value, visit),
        ArgValue::Tuple(items, _) => items.iter_mut().try_for_each(|item| in_argument(item, visit)),
    }
}

fn in_attributes(attributes: &mut [Attribute], visit: &mut Visit<'_>) -> Result<()> {
    attributes.iter_mut().try_for_each(|a| in_value(&a.value.ty, &mut a.value.value, visit))
}

/// A file stands for a whole value, or for a part of a list, tuple or dictionary.
fn in_value(ty: &Type, value: &mut Value, visit: &mut Visit<'_>) -> Result<()> {
    let span = value.span;
    match (&mut value.kind, ty) {
        (ValueKind::Blob(blob), _) => visit(ty, blob, span),
        (ValueKind::List(items), Type::List(of, _)) => items.iter_mut().try_for_each(|v| in_value(of, v, visit)),
        (ValueKind::Tuple(items), Type::Tuple(of)) => {
            items.iter_mut().zip(of).try_for_each(|(v, of)| in_value(of, v, visit))
        }
        (ValueKind::Dict(pairs), Type::Dict(key, of)) => pairs.iter_mut().try_for_each(|(k, v)| {
            in_value(key, k, visit)?;
            in_value(of, v, visit)
        }),
        _ => Ok(()),
    }
}
