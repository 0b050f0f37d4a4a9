//! Elements in order.
//!
//! Equal numbers keep the order of their indices, whichever way they are sorted; 0 and -0 are equal. NaN comes last,
//! whichever way, as where NumPy sorts.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::{Array, Inputs};
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};
use std::cmp::Ordering;

/// Along which axis a tensor is sorted, seen as `[outer, size, inner]`, and which way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sorted {
    /// Elements before the axis.
    pub outer: usize,
    /// Elements along the axis.
    pub size: usize,
    /// Elements after the axis.
    pub inner: usize,
    /// The smallest first, else the largest.
    pub ascending: bool,
}

impl Sorted {
    fn read(call: &Call<'_>, x: &Dims) -> Result<(Sorted, usize), OpError> {
        let axis = call.axis("axis", -1, x)?;
        let (outer, inner) = (x[..axis].iter().product(), x[axis + 1..].iter().product());
        let ascending = call.bool("ascending", false)?;
        Ok((Sorted { outer, size: x[axis], inner, ascending }, axis))
    }

    /// For each place before and after the axis, the positions along it in order.
    fn orders(&self, x: &Array) -> Vec<Vec<usize>> {
        let group = |at: usize| {
            let first = at / self.inner * self.size * self.inner + at % self.inner;
            let value = |i: usize| x.data[first + i * self.inner];
            let mut order: Vec<usize> = (0..self.size).collect();
            order.sort_by(|a, b| self.compare(value(*a), value(*b)));
            order
        };
        (0..self.outer * self.inner).map(group).collect()
    }

    fn compare(&self, a: f64, b: f64) -> Ordering {
        match a.partial_cmp(&b) {
            Some(order) if self.ascending => order,
            Some(order) => order.reverse(),
            None => a.is_nan().cmp(&b.is_nan()),
        }
    }

    /// Puts the first `k` of each order side by side, as `[outer, k, inner]`, with `element(group, position)` for each.
    fn lay(&self, k: usize, orders: &[Vec<usize>], element: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut out = vec![0.0; self.outer * k * self.inner];
        for (group, order) in orders.iter().enumerate() {
            let (outer, inner) = (group / self.inner, group % self.inner);
            for (i, at) in order[..k].iter().enumerate() {
                out[(outer * k + i) * self.inner + inner] = element(group, *at);
            }
        }
        out
    }
}

const X: Param = Param::t("x");
const AXIS: Param = Param::ints("axis").optional();
const ASCENDING: Param = Param::bools("ascending").optional();

/// The most elements of an axis whose indices are to fit a `uint16`.
const MOST_UINT16: usize = 1 << 16;

/// The type that an argument asks for, of indices along an axis.
pub(crate) fn index_dtype(call: &Call<'_>, name: &str, axis: usize, x: &Dims) -> Result<DType, OpError> {
    let dtype = match call.str(name, "int32")? {
        "int32" => DType::Int32,
        "uint16" => DType::UInt16,
        other => fail!("mode", "`{name}` is \"{other}\"; allowed are int32, uint16"),
    };
    let size = x[axis];
    ensure!(
        dtype == DType::Int32 || size <= MOST_UINT16,
        "range",
        "axis {axis} of {x} has {size} elements, whose indices do not fit uint16"
    );
    Ok(dtype)
}

/// For each place along an axis, the index of the element that is to be there when they are sorted.
#[derive(Clone, PartialEq, Debug)]
pub struct Argsort {
    /// How they are sorted.
    pub sorted: Sorted,
}

impl Operation for Argsort {
    const SCHEMA: Schema = Schema::new("argsort", DTypeSet::NUMBER, &[X, AXIS, ASCENDING]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let (sorted, _) = Sorted::read(call, &x.dims)?;
        Ok(Inferred::one(Argsort { sorted }, TensorType::new(DType::Int32, x.dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let orders = self.sorted.orders(x.get("x"));
        vec![self.sorted.lay(self.sorted.size, &orders, |_, at| at as f64)]
    }
}

/// The first `k` elements of an axis when it is sorted, and their indices. They are sorted also where `sort` does not ask
/// for it. Since iOS 17 a `k` of -1 takes all.
#[derive(Clone, PartialEq, Debug)]
pub struct Topk {
    /// How they are sorted.
    pub sorted: Sorted,
    /// How many are taken.
    pub k: usize,
}

impl Operation for Topk {
    const SCHEMA: Schema = Schema::new(
        "topk",
        DTypeSet::NUMBER,
        &[
            X,
            Param::new("k", TypeRule::Index).constant().optional(),
            AXIS,
            ASCENDING,
            Param::bools("sort").optional().since(Opset::Ios16),
            Param::bools("return_indices").optional().since(Opset::Ios16),
            Param::string("output_indices_dtype").optional().since(Opset::Ios17),
        ],
    )
    .t_ios17(DTypeSet::NUMBERS);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let (sorted, axis) = Sorted::read(call, &x.dims)?;
        let k = match call.int("k", 1)? {
            -1 if call.opset >= Opset::Ios17 => sorted.size,
            k if k >= 1 && k as usize <= sorted.size => k as usize,
            k => fail!("range", "`k` is {k}, axis {axis} of {} has {} elements", x.dims, sorted.size),
        };
        call.bool("sort", true)?;
        let dims = x.dims.with(axis, k)?;
        let mut results = vec![TensorType::new(x.dtype, dims)];
        if call.bool("return_indices", true)? {
            let dtype = index_dtype(call, "output_indices_dtype", axis, &x.dims)?;
            results.push(TensorType::new(dtype, dims));
        } else if call.literal("output_indices_dtype").is_some() {
            fail!("argument", "`output_indices_dtype` is given, but `return_indices` is false");
        }
        Ok(Inferred::many(Topk { sorted, k }, results))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, sorted) = (x.get("x"), &self.sorted);
        let orders = sorted.orders(a);
        let value = |group: usize, at: usize| {
            let (outer, inner) = (group / sorted.inner, group % sorted.inner);
            a.data[(outer * sorted.size + at) * sorted.inner + inner]
        };
        let mut out = vec![sorted.lay(self.k, &orders, value)];
        if x.results().len() > 1 {
            out.push(sorted.lay(self.k, &orders, |_, at| at as f64));
        }
        out
    }
}
