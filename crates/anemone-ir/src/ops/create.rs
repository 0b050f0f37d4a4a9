//! Tensors that are made of sizes and of a few numbers.

use crate::diagnostic::{OpError, ensure, fail};
use crate::literal::Literal;
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, TensorType};

/// The dimensions of `x`, as `int32`. They are known before any run.
#[derive(Clone, PartialEq, Debug)]
pub struct Shape;

impl Operation for Shape {
    const SCHEMA: Schema =
        Schema::new("shape", DTypeSet::BASIC, &[Param::t("x")]).t_ios17(DTypeSet::MOVABLE).uncounted();

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let sizes: Result<Vec<i32>, _> = call.ty("x").dims.iter().map(|d| i32::try_from(*d)).collect();
        let Ok(sizes) = sizes else { fail!("range", "a dimension of {} is no int32", call.ty("x")) };
        let literal = Literal::int32(&[sizes.len()], sizes).map_err(|e| OpError::new("shape", e.to_string()))?;
        Ok(Inferred::one(Shape, *literal.ty()).known(literal))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![x.get("x").ty.dims.iter().map(|d| *d as f64).collect()]
    }
}

/// The number that fills a tensor, and its type: 0 of type `fp32` if none is given.
fn value(call: &Call<'_>) -> Result<(f64, DType), OpError> {
    let dtype = call.ty_opt("value").map_or(DType::Fp32, |ty| ty.dtype);
    Ok((call.float("value", 0.0)?, dtype))
}

/// A tensor of these dimensions, all elements of which are `value`.
#[derive(Clone, PartialEq, Debug)]
pub struct Fill {
    /// The number.
    pub value: f64,
}

impl Operation for Fill {
    const SCHEMA: Schema =
        Schema::new("fill", DTypeSet::BASIC, &[Param::ints("shape").vector(), Param::const_t("value").optional()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (value, dtype) = value(call)?;
        let shape = call.ints("shape").unwrap_or_default();
        let sizes: Result<Vec<usize>, _> = shape.iter().map(|d| usize::try_from(*d)).collect();
        let Ok(sizes) = sizes else { fail!("shape", "`shape` {shape:?} has a dimension below 0") };
        Ok(Inferred::one(Fill { value }, TensorType::new(dtype, Dims::new(&sizes)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![vec![self.value; x.result(0).dims.elements()]]
    }
}

/// A tensor of the dimensions of `ref_tensor`, all elements of which are `value`.
#[derive(Clone, PartialEq, Debug)]
pub struct FillLike {
    /// The number.
    pub value: f64,
}

impl Operation for FillLike {
    const SCHEMA: Schema = Schema::new(
        "fill_like",
        DTypeSet::BASIC,
        &[Param::t("ref_tensor"), Param::new("value", TypeRule::Of(DTypeSet::BASIC)).constant().optional()],
    )
    .since(crate::types::Opset::Ios16);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (value, dtype) = value(call)?;
        Ok(Inferred::one(FillLike { value }, TensorType::new(dtype, call.ty("ref_tensor").dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![vec![self.value; x.result(0).dims.elements()]]
    }
}

/// `start`, `start + step`, … up to before `end`. All three are constants: they say how many there are.
#[derive(Clone, PartialEq, Debug)]
pub struct Range1d {
    /// The first number.
    pub start: f64,
    /// From one to the next.
    pub step: f64,
}

impl Operation for Range1d {
    const SCHEMA: Schema = Schema::new(
        "range_1d",
        DTypeSet::NUMBER,
        &[Param::const_t("end"), Param::const_t("start"), Param::const_t("step")],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (start, end, step) = (call.float("start", 0.0)?, call.float("end", 0.0)?, call.float("step", 1.0)?);
        ensure!(
            [start, end, step].iter().all(|x| x.is_finite()) && step != 0.0,
            "range",
            "{start} to {end} by {step} is no range"
        );
        let count = libm::ceil((end - start) / step).max(0.0);
        if count < 1.0 {
            fail!("range", "there is nothing from {start} to before {end} by {step}");
        }
        if count >= 9e15 {
            fail!("range", "{start} to {end} by {step} has too many numbers");
        }
        Ok(Inferred::one(
            Range1d { start, step },
            TensorType::new(call.ty("start").dtype, Dims::vector(count as usize)?),
        ))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![(0..x.result(0).dims.elements()).map(|i| self.start + i as f64 * self.step).collect()]
    }
}

/// For each index a vector, along a new axis, of `off_value` but for an `on_value` at that index; a negative index counts from
/// the end, and one outside gives no `on_value`.
#[derive(Clone, PartialEq, Debug)]
pub struct OneHot {
    /// Where the new axis is in the result.
    pub axis: usize,
    /// The value at the index.
    pub on: f64,
    /// The value elsewhere.
    pub off: f64,
}

impl Operation for OneHot {
    const SCHEMA: Schema = Schema::new(
        "one_hot",
        DTypeSet::BASIC,
        &[
            Param::new("indices", TypeRule::Of(DType::Int32.set())),
            Param::ints("one_hot_vector_size"),
            Param::ints("axis").optional(),
            Param::const_t("on_value").optional(),
            Param::const_t("off_value").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let dims = call.ty("indices").dims;
        let size = call.int("one_hot_vector_size", 1)?;
        ensure!(size >= 1, "range", "`one_hot_vector_size` is {size}; at least 1 is wanted");
        let mut sizes = dims.to_vec();
        let grown = Dims::new(&vec![1; dims.rank() + 1])?;
        let axis = call.axis("axis", -1, &grown)?;
        sizes.insert(axis, size as usize);
        let dtype = call.ty_opt("on_value").or(call.ty_opt("off_value")).map_or(DType::Int32, |ty| ty.dtype);
        let (on, off) = (call.float("on_value", 1.0)?, call.float("off_value", 0.0)?);
        Ok(Inferred::one(OneHot { axis, on, off }, TensorType::new(dtype, Dims::new(&sizes)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (indices, dims) = (x.get("indices"), x.result(0).dims);
        let size = dims[self.axis];
        let inner: usize = dims[self.axis + 1..].iter().product();
        let mut out = vec![self.off; dims.elements()];
        for (at, index) in indices.data.iter().enumerate() {
            let index = if *index < 0.0 { index + size as f64 } else { *index };
            if (0.0..size as f64).contains(&index) {
                out[(at / inner * size + index as usize) * inner + at % inner] = self.on;
            }
        }
        vec![out]
    }
}
