//! Values.

use super::Reading;
use crate::Element;
use crate::proto::{Elements, Immediate, ImmediateValue, TensorValue, Value, ValueKind as Kind};
use crate::syntax::{self, Attribute, Blob, Dim, Int, Type, Typed, ValueKind};
use anemone_ir::literal::unpack;
use anemone_ir::reference::to_f16;
use half::{bf16, f16};

/// How many elements below a byte may stand in place. Larger ones lie in weight files; here one takes as much as a whole value.
const MAX_PACKED: u64 = 1 << 16;

/// How many dimensions a value written in place may have: more than any operation takes, and few enough that brackets around
/// single elements do not take memory out of proportion.
const MAX_RANK: usize = 8;

impl Reading {
    pub(super) fn value(&mut self, value: &Value) -> Typed {
        let ty = self.ty(value.ty.as_deref());
        let kind = match &value.kind {
            Some(Kind::BlobFile(file)) => {
                let offset = ValueKind::Int(Int { negative: false, magnitude: file.offset });
                let fields = vec![
                    Attribute::new("path", Typed::string(&file.file_name)),
                    Attribute::new("offset", Typed::new(Type::scalar(Element::UInt64), offset)),
                ];
                Some(ValueKind::Blob(Box::new(Blob { fields })))
            }
            Some(Kind::Immediate(immediate)) => self.immediate(&ty, immediate),
            None => None,
        };
        let kind = kind.unwrap_or_else(|| {
            self.error("value", "a value is missing, or is not of its type");
            ValueKind::Bool(false)
        });
        Typed::new(ty, kind)
    }

    /// `None` if there is none, or it is of another kind than the type.
    fn immediate(&mut self, ty: &Type, immediate: &ImmediateValue) -> Option<ValueKind> {
        match (immediate.kind.as_ref()?, ty) {
            (Immediate::Tensor(tensor), Type::Tensor(element, dims)) => self.tensor(*element, dims, tensor),
            (Immediate::List(list), Type::List(of, _)) => {
                Some(ValueKind::List(list.values.iter().map(|v| self.part(of, v)).collect::<Option<_>>()?))
            }
            (Immediate::Tuple(tuple), Type::Tuple(of)) if tuple.values.len() == of.len() => {
                let parts = tuple.values.iter().zip(of).map(|(v, of)| self.part(of, v));
                Some(ValueKind::Tuple(parts.collect::<Option<_>>()?))
            }
            (Immediate::Dictionary(dictionary), Type::Dict(of_key, of_value)) => {
                let mut pairs = Vec::with_capacity(dictionary.values.len());
                for pair in &dictionary.values {
                    let (key, value) = pair.key.as_ref().zip(pair.value.as_ref())?;
                    pairs.push((self.part(of_key, key)?, self.part(of_value, value)?));
                }
                // As Apple's compiler writes them; they have no order.
                let key = |v: &syntax::Value| if let ValueKind::Str(s) = &v.kind { Some(s.clone()) } else { None };
                pairs.sort_by_cached_key(|(k, _)| key(k));
                Some(ValueKind::Dict(pairs.into()))
            }
            _ => None,
        }
    }

    /// A value in another one, without its type, which is told outside; `None` if that is another one.
    fn part(&mut self, declared: &Type, value: &Value) -> Option<syntax::Value> {
        let typed = self.value(value);
        holds(declared, &typed.ty).then_some(typed.value)
    }

    fn tensor(&mut self, element: Element, dims: &[Dim], tensor: &TensorValue) -> Option<ValueKind> {
        if dims.len() > MAX_RANK {
            self.error("value", format!("a value of rank {} stands in place, at most {MAX_RANK} is read", dims.len()));
            return Some(ValueKind::Bool(false));
        }
        let known = |dim: &Dim| if let Dim::Known(n) = dim { Some(*n) } else { None };
        let known: Option<Vec<u64>> = dims.iter().map(known).collect();
        let declared = known.as_ref().and_then(|dims| dims.iter().try_fold(1u64, |all, n| all.checked_mul(*n)));
        let Some(leaves) = leaves(element, declared, tensor.elements.as_ref()) else {
            return self.absent(element, declared, tensor);
        };
        let given = leaves.len() as u64;
        let dims = match known {
            Some(dims) if declared == Some(given) => dims,
            // A row may have a type of unknown length: then it has as many as there are.
            None if matches!(dims, [Dim::Unknown]) => vec![given],
            _ => {
                let wanted = declared.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
                self.error("length", format!("{wanted} elements are declared, {given} are given"));
                return Some(ValueKind::Bool(false));
            }
        };
        if given == 0 {
            return Some(ValueKind::List(Box::default()));
        }
        Some(nest(&dims, &mut leaves.into_iter()))
    }

    /// A tensor without elements has no field for them in some files.
    fn absent(&mut self, element: Element, declared: Option<u64>, tensor: &TensorValue) -> Option<ValueKind> {
        if tensor.elements.is_none() && declared == Some(0) {
            return Some(ValueKind::List(Box::default()));
        }
        let message = match &tensor.elements {
            None => format!("a value of type {element} has no elements"),
            Some(_) => format!("the elements of a value of type {element} are of another kind, too few, or too many"),
        };
        self.error("value", message);
        Some(ValueKind::Bool(false))
    }
}

/// Whether what is of a type can be where another one is declared, of which dimensions may be open.
fn holds(declared: &Type, found: &Type) -> bool {
    let dim = |(declared, found): (&Dim, &Dim)| declared == found || *declared == Dim::Unknown;
    match (declared, found) {
        (Type::Tensor(a, dims), Type::Tensor(b, found)) => {
            a == b && dims.len() == found.len() && dims.iter().zip(found).all(dim)
        }
        (Type::List(a, length), Type::List(b, found)) => holds(a, b) && dim((length, found)),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| holds(a, b)),
        (Type::Dict(ak, av), Type::Dict(bk, bv)) => holds(ak, bk) && holds(av, bv),
        (Type::State(a), Type::State(b)) => holds(a, b),
        _ => false,
    }
}

/// The elements, as many as there are; `None` if the field does not go with the type.
fn leaves(element: Element, declared: Option<u64>, elements: Option<&Elements>) -> Option<Vec<ValueKind>> {
    use Element as E;
    let float = matches!(element, E::Fp16 | E::Fp32 | E::Fp64 | E::Bf16);
    let whole = !float && !matches!(element, E::Bool | E::String | E::Fp8E4M3Fn | E::Fp8E5M2);
    Some(match elements? {
        Elements::Floats(f) if float => f.values.iter().map(|x| rounded(element, f64::from(*x))).collect(),
        Elements::Doubles(d) if float => d.values.iter().map(|x| rounded(element, *x)).collect(),
        Elements::Ints(n) if whole => n.values.iter().map(|n| ValueKind::int(*n)).collect(),
        Elements::LongInts(n) if element == E::UInt64 => n.values.iter().map(|n| unsigned(*n as u64)).collect(),
        Elements::LongInts(n) if whole => n.values.iter().map(|n| ValueKind::int(*n)).collect(),
        Elements::Bools(b) if element == E::Bool => b.values.iter().map(|b| ValueKind::Bool(*b)).collect(),
        Elements::Strings(s) if element == E::String => {
            s.values.iter().map(|s| ValueKind::Str(s.as_str().into())).collect()
        }
        Elements::Bytes(b) => bytes(element, declared, &b.values)?,
        _ => return None,
    })
}

/// A number as its type holds it; the field may be a wider one.
fn rounded(element: Element, x: f64) -> ValueKind {
    match element {
        Element::Fp16 => ValueKind::float(to_f16(x).to_f64()),
        Element::Bf16 => ValueKind::float(bf16::from_f64(x).to_f64()),
        Element::Fp32 => ValueKind::float(x as f32),
        _ => ValueKind::float(x),
    }
}

fn unsigned(n: u64) -> ValueKind {
    ValueKind::Int(Int { negative: false, magnitude: n })
}

/// Elements that lie dense and little-endian.
fn bytes(element: Element, declared: Option<u64>, bytes: &[u8]) -> Option<Vec<ValueKind>> {
    if element.is_packed() {
        let count = declared?;
        if element.bytes(count)? != bytes.len() as u64 || count > MAX_PACKED {
            return None;
        }
        let numbers = unpack(element.dtype()?, usize::try_from(count).ok()?, bytes)?;
        return Some(numbers.into_iter().map(ValueKind::int).collect());
    }
    let size = element.bits() as usize / 8;
    if size == 0 || !bytes.len().is_multiple_of(size) {
        return None;
    }
    let number = |raw: &[u8]| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(raw);
        let bits = u64::from_le_bytes(wide);
        Some(match element {
            Element::Fp16 => ValueKind::float(f16::from_bits(bits as u16).to_f64()),
            Element::Bf16 => ValueKind::float(bf16::from_bits(bits as u16).to_f64()),
            Element::Fp32 => ValueKind::float(f32::from_bits(bits as u32)),
            Element::Fp64 => ValueKind::float(f64::from_bits(bits)),
            Element::Int8 => ValueKind::int(bits as i8),
            Element::Int16 => ValueKind::int(bits as i16),
            Element::Int32 => ValueKind::int(bits as i32),
            Element::Int64 => ValueKind::int(bits as i64),
            Element::UInt8 | Element::UInt16 | Element::UInt32 | Element::UInt64 => unsigned(bits),
            Element::Bool if bits <= 1 => ValueKind::Bool(bits == 1),
            _ => return None,
        })
    };
    bytes.chunks_exact(size).map(number).collect()
}

/// Puts elements into brackets, as many as the dimensions say.
fn nest(dims: &[u64], leaves: &mut dyn Iterator<Item = ValueKind>) -> ValueKind {
    match dims.split_first() {
        None => leaves.next().unwrap_or(ValueKind::Bool(false)),
        Some((n, rest)) => ValueKind::list((0..*n).map(|_| nest(rest, leaves))),
    }
}
