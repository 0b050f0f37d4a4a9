//! Floats as 8-bit integers and back, at run time.

use crate::diagnostic::{OpError, ensure, fail};
use crate::literal::{Compressed, Literal};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::constexpr::along;
use crate::reference::{Array, Inputs};
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};

const BYTES: DTypeSet = DType::Int8.set().or(DType::UInt8.set());

/// The axis along which there is a scale for each place; `None` for one scale.
fn axis(call: &Call<'_>, dims: &Dims) -> Result<Option<usize>, OpError> {
    let (scale, zero) = (call.ty("scale"), call.ty_opt("zero_point"));
    let given = call.literal("axis").is_some();
    match scale.dims.rank() {
        0 => ensure!(!given, "axis", "`axis` is given, but `scale` is one number"),
        1 => ensure!(given, "axis", "`axis` is missing: `scale` has a number for each place along it"),
        rank => fail!("rank", "`scale` has rank {rank}; one number or a vector is wanted"),
    }
    if let Some(zero) = zero {
        ensure!(zero.dims == scale.dims, "shape", "`zero_point` is {zero}, `scale` is {scale}");
    }
    let axis = if given { Some(call.axis("axis", 0, dims)?) } else { None };
    let wanted = axis.map_or(1, |axis| dims[axis]);
    ensure!(scale.dims.elements() == wanted, "length", "`scale` is {scale}; {dims} has {wanted} places along the axis");
    Ok(axis)
}

/// For each element, its scale and its zero point.
fn settings<'a>(x: &'a Inputs<'_>, dims: &Dims, axis: Option<usize>) -> impl Iterator<Item = (f64, f64)> + 'a {
    let (size, inner) = axis.map_or((1, 1), |axis| (dims[axis], dims[axis + 1..].iter().product()));
    let (scale, zero) = (x.get("scale"), x.opt("zero_point"));
    (0..dims.elements()).map(move |at| {
        let place = at / inner % size;
        (scale.data[place], zero.map_or(0.0, |zero: &Array| zero.data[place]))
    })
}

/// `round(input / scale) + zero_point`, clamped to the type: halves are rounded to even.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantize {
    /// The axis along which there is a scale for each place.
    pub axis: Option<usize>,
}

impl Operation for Quantize {
    const SCHEMA: Schema = Schema::new(
        "quantize",
        DTypeSet::FLOAT,
        &[
            Param::t("input"),
            Param::const_t("scale"),
            Param::new("zero_point", TypeRule::Of(BYTES)).constant().optional(),
            Param::ints("axis").optional(),
            Param::string("output_dtype"),
        ],
    )
    .since(Opset::Ios17);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let input = call.ty("input");
        let name = call.str("output_dtype", "")?;
        let Some(dtype) = DType::from_name(name).filter(|d| BYTES.contains(*d)) else {
            fail!("dtype", "`output_dtype` is \"{name}\"; allowed are {BYTES}");
        };
        if let Some(zero) = call.ty_opt("zero_point") {
            ensure!(zero.dtype == dtype, "dtype", "`zero_point` is {}, `output_dtype` {dtype}", zero.dtype);
        }
        let axis = axis(call, &input.dims)?;
        let zero = |scales: Vec<f64>| scales.contains(&0.0);
        ensure!(!call.literal("scale").and_then(Literal::to_f64).is_some_and(zero), "range", "`scale` has a 0");
        Ok(Inferred::one(Quantize { axis }, TensorType::new(dtype, input.dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (input, ty) = (x.get("input"), x.result(0));
        let (low, high) = ty.dtype.int_range().unwrap_or((0, 255));
        let float = input.ty.dtype;
        let one = |(x, (scale, zero)): (&f64, (f64, f64))| {
            let quotient = crate::reference::round_to(float, x / scale);
            let number = libm::rint(quotient) + zero;
            if number.is_nan() { 0.0 } else { number.clamp(low as f64, high as f64) }
        };
        vec![input.data.iter().zip(settings(x, &ty.dims, self.axis)).map(one).collect()]
    }
}

/// `scale * (input - zero_point)`. Of constants it is a constant that stays as small as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Dequantize {
    /// The axis along which there is a scale for each place.
    pub axis: Option<usize>,
}

impl Operation for Dequantize {
    const SCHEMA: Schema = Schema::new(
        "dequantize",
        BYTES,
        &[
            Param::t("input"),
            Param::const_t("zero_point").optional(),
            Param::new("scale", TypeRule::Of(DTypeSet::FLOAT)).constant(),
            Param::ints("axis").optional(),
        ],
    )
    .since(Opset::Ios17);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let input = call.ty("input");
        let axis = axis(call, &input.dims)?;
        let result = TensorType::new(call.ty("scale").dtype, input.dims);
        let inferred = Inferred::one(Dequantize { axis }, result);
        let (Some(data), Some(scale)) = (call.literal("input"), call.literal("scale")) else { return Ok(inferred) };
        let scale = along("scale", scale, &input.dims, axis)?;
        let offset = call.literal("zero_point").map(|zero| along("zero_point", zero, &input.dims, axis)).transpose()?;
        let how = Compressed::ShiftScale { data: data.clone(), scale, offset };
        let literal = Literal::compressed(result.dtype, &input.dims, how);
        Ok(inferred.known(literal.map_err(|e| OpError::new("constant", e.to_string()))?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let one = |(x, (scale, zero)): (&f64, (f64, f64))| scale * (x - zero);
        vec![x.get("input").data.iter().zip(settings(x, &x.result(0).dims, self.axis)).map(one).collect()]
    }
}
