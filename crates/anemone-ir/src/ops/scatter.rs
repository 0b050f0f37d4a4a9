//! Elements put where indices say that are computed at run time. What indices mean is told in [`super::gather`].
//!
//! Updates are made one after the other, in their order: where several meet, the last replaces, and sums grow in that order.

use super::elementwise::{integer_div, maximum, wrapping_mul};
use super::gather::{Along, Indexing, Rows, VALIDATE, validate};
use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, TensorType};

/// What becomes of an element and its update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The update.
    Update,
    /// The sum.
    Add,
    /// The element less the update.
    Sub,
    /// The product; that of integers wraps.
    Mul,
    /// The quotient; that of integers drops the fraction, and is 0 where the update is.
    Div,
    /// The larger; NaN if either is.
    Max,
    /// The smaller; NaN if either is.
    Min,
}

impl Mode {
    fn read(call: &Call<'_>) -> Result<Mode, OpError> {
        Ok(match call.str("mode", "add")? {
            "update" => Mode::Update,
            "add" => Mode::Add,
            "sub" => Mode::Sub,
            "mul" => Mode::Mul,
            "div" => Mode::Div,
            "max" => Mode::Max,
            "min" => Mode::Min,
            other => fail!("mode", "`mode` is \"{other}\"; allowed are update, add, sub, mul, div, max, min"),
        })
    }

    /// What becomes of `element`; `integer` numbers are whole, those of `add` and `sub` to be wrapped at the end.
    pub fn apply(self, integer: bool, element: f64, update: f64) -> f64 {
        match self {
            Mode::Update => update,
            Mode::Add => element + update,
            Mode::Sub => element - update,
            Mode::Mul if integer => wrapping_mul(element, update),
            Mode::Mul => element * update,
            Mode::Div if integer => integer_div(element, update, libm::trunc),
            Mode::Div => element / update,
            Mode::Max => maximum(element, update),
            Mode::Min => -maximum(-element, -update),
        }
    }
}

const DATA: Param = Param::t("data");
const INDICES: Param = Param::new("indices", crate::op::TypeRule::Of(DType::Int32.set()));
const UPDATES: Param = Param::t("updates");
const AXIS: Param = Param::ints("axis").optional();
const MODE: Param = Param::string("mode").optional();

/// Rows of `data` that `indices` choose, each with a row of `updates`, by an operation.
#[derive(Clone, PartialEq, Debug)]
pub struct ScatterRows {
    /// Which rows.
    pub rows: Rows,
    /// What becomes of them.
    pub mode: Mode,
}

impl ScatterRows {
    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (mut out, updates) = (x.get("data").data.clone(), &x.get("updates").data);
        let (inner, integer) = (self.rows.inner, !x.result(0).dtype.is_float());
        let rows = self.rows.all(&x.get("indices").data);
        for (row, updates) in rows.iter().zip(updates.chunks_exact(inner)) {
            let elements = &mut out[row * inner..][..inner];
            elements.iter_mut().zip(updates).for_each(|(x, update)| *x = self.mode.apply(integer, *x, *update));
        }
        vec![out]
    }
}

fn check_updates(updates: TensorType, wanted: &[usize]) -> Result<(), OpError> {
    ensure!(*updates.dims == *wanted, "shape", "`updates` is {}, {wanted:?} is wanted", updates.dims);
    Ok(())
}

/// Slices of `data` along an axis that `indices` choose, each with a slice of `updates`. `updates` has the axes of `indices` in
/// place of that axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    /// Which rows, and what becomes of them.
    pub scatter: ScatterRows,
}

impl Operation for Scatter {
    const SCHEMA: Schema = Schema::new("scatter", DTypeSet::NUMBER, &[DATA, INDICES, UPDATES, AXIS, MODE, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (data, indices) = (call.ty("data"), call.ty("indices"));
        let axis = call.axis("axis", 0, &data.dims)?;
        check_updates(call.ty("updates"), &[&data.dims[..axis], &*indices.dims, &data.dims[axis + 1..]].concat())?;
        validate(call, &[data.dims[axis]])?;
        let rows = Rows::along(&data.dims, &indices.dims, axis, 0, Indexing::of(call.opset));
        Ok(Inferred::one(Scatter { scatter: ScatterRows { rows, mode: Mode::read(call)? } }, data))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        self.scatter.eval(x)
    }
}

/// Slices of `data` at positions that the last axis of `indices` holds, each with a slice of `updates`.
#[derive(Clone, PartialEq, Debug)]
pub struct ScatterNd {
    /// Which rows, and what becomes of them.
    pub scatter: ScatterRows,
}

impl Operation for ScatterNd {
    const SCHEMA: Schema = Schema::new("scatter_nd", DTypeSet::NUMBER, &[DATA, INDICES, UPDATES, MODE, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (data, indices) = (call.ty("data"), call.ty("indices"));
        let rows = Rows::tuples("data", &data.dims, &indices.dims, 0, Indexing::of(call.opset))?;
        let (depth, last) = (rows.sizes.len(), indices.dims.rank() - 1);
        check_updates(call.ty("updates"), &[&indices.dims[..last], &data.dims[depth..]].concat())?;
        validate(call, &rows.sizes)?;
        Ok(Inferred::one(ScatterNd { scatter: ScatterRows { rows, mode: Mode::read(call)? } }, data))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        self.scatter.eval(x)
    }
}

/// For each element of `updates`, the element of `data` at the same place, but along an axis at the index.
#[derive(Clone, PartialEq, Debug)]
pub struct ScatterAlongAxis {
    /// Which elements.
    pub along: Along,
    /// What becomes of them.
    pub mode: Mode,
}

impl Operation for ScatterAlongAxis {
    const SCHEMA: Schema =
        Schema::new("scatter_along_axis", DTypeSet::NUMBER, &[DATA, INDICES, UPDATES, AXIS, MODE, VALIDATE]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (data, indices): (TensorType, Dims) = (call.ty("data"), call.ty("indices").dims);
        let axis = call.axis("axis", 0, &data.dims)?;
        let along = Along::read("data", &data.dims, &indices, axis, call.opset)?;
        check_updates(call.ty("updates"), &indices)?;
        validate(call, &[along.size])?;
        Ok(Inferred::one(ScatterAlongAxis { along, mode: Mode::read(call)? }, data))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (mut out, integer) = (x.get("data").data.clone(), !x.result(0).dtype.is_float());
        let updates = x.get("indices").data.iter().zip(&x.get("updates").data);
        for (at, (index, update)) in updates.enumerate() {
            let element = &mut out[self.along.position(at, *index as i64)];
            *element = self.mode.apply(integer, *element, *update);
        }
        vec![out]
    }
}
