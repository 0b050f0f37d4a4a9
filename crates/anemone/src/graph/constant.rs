//! Constants.
//!
//! By the contract's convention the data of a convolution's weights may be longer than their shape says. So a constant keeps
//! its data as given and becomes a value of the program when something uses it, in the shape that the use asks for.

use super::{Graph, Kind, Tensor};
use crate::shape::Shape;
use anemone_ir::builder::Var;
use anemone_ir::diagnostic::Severity;
use anemone_ir::{Dims, Literal};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// The most elements that [`Graph::constant_with_scalar`] makes from one number: 1 GiB of halves.
const MOST_REPEATED: usize = 1 << 29;

#[derive(Debug)]
pub(super) struct Constant {
    pub(super) shape: Shape,
    /// The data in one dimension.
    pub(super) data: Literal,
    /// The values made of it, by their dimensions.
    values: Vec<(Dims, Var)>,
}

impl Constant {
    pub(super) fn len(&self) -> usize {
        self.data.ty().dims.elements()
    }
}

impl Graph {
    /// A constant: `data` in the order of [`Shape`], rounded to `fp16`.
    ///
    /// There are as many elements as the shape says; or, for the weights of a convolution in the short form (see
    /// [`Graph::convolution_2d`]) and the parameters of [`Graph::instance_norm`], a multiple of that.
    #[track_caller]
    pub fn constant(&mut self, data: &[f32], shape: Shape) -> Tensor {
        let halves = self.halves("constant", data);
        self.constant_of("constant", halves, shape)
    }

    /// A constant whose elements are all `scalar`.
    #[track_caller]
    pub fn constant_with_scalar(&mut self, scalar: f32, shape: Shape) -> Tensor {
        let half = self.halves("constant_with_scalar", &[scalar])[0];
        let total = shape.total_elements();
        if shape.problem().is_none() && total > MOST_REPEATED {
            let message = format!("{shape} has {total} elements, a repeated scalar may have {MOST_REPEATED}");
            self.mistake("constant_with_scalar", "dims", message, &[]);
            return self.poisoned(shape);
        }
        let data = if shape.problem().is_some() { Vec::new() } else { vec![half; total] };
        self.constant_of("constant_with_scalar", data, shape)
    }

    /// A constant given as little-endian `fp16`, two bytes for each element; otherwise as [`Graph::constant`].
    #[track_caller]
    pub fn constant_with_f16_bytes(&mut self, data: &[u8], shape: Shape) -> Tensor {
        if !data.len().is_multiple_of(2) {
            let message = format!("{} bytes are given; two for each element of {shape} are wanted", data.len());
            self.mistake("constant_with_f16_bytes", "length", message, &[]);
            return self.poisoned(shape);
        }
        let halves = data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
        self.constant_of("constant_with_f16_bytes", halves, shape)
    }

    #[track_caller]
    fn constant_of(&mut self, call: &str, halves: Vec<f16>, shape: Shape) -> Tensor {
        let (len, total) = (halves.len(), shape.total_elements());
        let problem = shape.problem().map(|p| ("dims", p)).or_else(|| {
            let fits = len >= total && len.is_multiple_of(total);
            (!fits).then(|| ("length", format!("{len} elements are given, {shape} has {total}")))
        });
        let data = match problem {
            None => Literal::fp16(&[len], halves).map_err(|e| ("length", e.to_string())),
            Some(problem) => Err(problem),
        };
        match data {
            Ok(data) => self.entry(Kind::Constant(Constant { shape, data, values: Vec::new() }), shape),
            Err((slug, message)) => {
                self.mistake(call, slug, message, &[]);
                self.poisoned(shape)
            }
        }
    }

    /// Rounds to nearest even, and warns of finite numbers that become infinite.
    #[track_caller]
    pub(super) fn halves(&mut self, call: &str, data: &[f32]) -> Vec<f16> {
        let mut halves = vec![f16::ZERO; data.len()];
        halves.convert_from_f32_slice(data);
        let overflowed = data.iter().zip(&halves).filter(|(x, h)| x.is_finite() && h.is_infinite());
        let (count, largest) = overflowed.fold((0, 0f32), |(n, max), (x, _)| (n + 1, max.max(x.abs())));
        if count > 0 {
            let message = format!(
                "{count} of {} numbers are too large for fp16 and become infinite; the largest is {largest:e}, fp16 ends at 65504",
                data.len()
            );
            self.record(Severity::Warning, call, "overflow", message, &[], Some("scale the numbers down"));
        }
        halves
    }

    /// A scalar argument of an operation, as `fp16`; with a warning if it does not survive as what it was.
    #[track_caller]
    pub(super) fn scalar(&mut self, call: &str, param: &str, value: f64) -> Literal {
        let half = anemone_ir::reference::to_f16(value);
        if value.is_finite() && half.is_infinite() {
            let message = format!("`{param}` is {value:e}, which is too large for fp16 and becomes infinite");
            self.record(Severity::Warning, call, "overflow", message, &[], None);
        } else if value != 0.0 && half.to_f64() == 0.0 {
            let message = format!("`{param}` is {value:e}, which is too small for fp16 and becomes 0");
            self.record(Severity::Warning, call, "underflow", message, &[], None);
        } else if value.is_nan() {
            self.record(Severity::Warning, call, "nan", format!("`{param}` is NaN"), &[], None);
        }
        Literal::from(half)
    }

    /// The value of a constant in its own shape.
    #[track_caller]
    pub(super) fn constant_operand(&mut self, call: &str, param: &str, tensor: Tensor) -> Var {
        let Some(Kind::Constant(c)) = self.own(tensor).map(|e| &e.kind) else { return self.builder.poison() };
        let (len, shape) = (c.len(), c.shape);
        match Dims::new(&shape.dims()) {
            Ok(dims) if dims.elements() == len => self.constant_as(tensor, dims),
            _ => {
                let message = format!(
                    "`{param}` is a constant of {len} elements whose shape {shape} has {}",
                    shape.total_elements()
                );
                let hint =
                    Some("only convolution weights and the parameters of instance_norm may be longer than their shape");
                self.record(Severity::Error, call, "length", message, &[(param, tensor)], hint);
                self.builder.poison()
            }
        }
    }

    /// The value of a constant in other dimensions with as many elements.
    pub(super) fn constant_as(&mut self, tensor: Tensor, dims: Dims) -> Var {
        let entry = &mut self.entries[tensor.index as usize];
        let Kind::Constant(constant) = &mut entry.kind else { unreachable!("callers have matched a constant") };
        if let Some((_, var)) = constant.values.iter().find(|(d, _)| *d == dims) {
            return *var;
        }
        let literal = constant.data.reshaped(dims).expect("callers have compared the lengths");
        let var = self.builder.constant_at(literal, entry.location);
        constant.values.push((dims, var));
        var
    }

    /// The constant behind a tensor that must be one; `None`, with a mistake recorded unless there was one before, if not.
    #[track_caller]
    pub(super) fn constant_behind(&mut self, call: &str, param: &str, tensor: Tensor, hint: &str) -> Option<&Constant> {
        match self.own(tensor).map(|e| &e.kind) {
            Some(Kind::Constant(_)) => {}
            None => self.foreign(call, param),
            Some(Kind::Input(_) | Kind::Computed(_)) if self.ty(tensor).is_none() => {}
            Some(Kind::Input(_) | Kind::Computed(_)) => {
                let message = format!("`{param}` must be a constant, but is computed at run time");
                self.record(Severity::Error, call, "not-constant", message, &[(param, tensor)], Some(hint));
            }
        }
        match self.own(tensor).map(|e| &e.kind) {
            Some(Kind::Constant(c)) => Some(c),
            _ => None,
        }
    }
}
