//! Weights that are stored smaller than they are. What such an operation gives is a constant, which is kept as it is stored and
//! decoded where it is read: see [`Compressed`].
//!
//! iOS 16 gives all they are made of as attributes, flat and with a `shape`; iOS 18 as arguments, in the dimensions that they
//! stand for, by blocks and with types below a byte. Both forms are taken here, and become the same.

use crate::diagnostic::{OpError, ensure, fail};
use crate::literal::{Compressed, Literal};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset};

const BYTES: DTypeSet = DType::Int8.set().or(DType::UInt8.set());
const WEIGHTS: DTypeSet = BYTES.or(DTypeSet::FLOAT);
const QUANTIZED: DTypeSet = WEIGHTS.or(DType::Int4.set()).or(DType::UInt4.set());
const INDICES: DTypeSet = DType::UInt1
    .set()
    .or(DType::UInt2.set())
    .or(DType::UInt3.set())
    .or(DType::UInt4.set())
    .or(DType::UInt6.set())
    .or(DType::UInt8.set());

const fn param(name: &'static str, set: DTypeSet) -> Param {
    Param::new(name, TypeRule::Of(set)).constant().since(Opset::Ios18)
}

const fn schema(mnemonic: &'static str, params: &'static [Param], attributes: &'static [&'static str]) -> Schema {
    Schema::new(mnemonic, DTypeSet::NONE, params).attributes(attributes).constexpr()
}

/// An attribute of one of these types.
fn attribute<'a>(call: &Call<'a>, name: &str, set: DTypeSet) -> Result<&'a Literal, OpError> {
    let literal =
        call.attribute(name).ok_or_else(|| OpError::new("attribute", format!("attribute `{name}` is missing")))?;
    ensure!(set.contains(literal.ty().dtype), "dtype", "`{name}` is {}; allowed are {set}", literal.ty().dtype);
    Ok(literal)
}

/// An argument; the schema has seen its type.
fn argument<'a>(call: &Call<'a>, name: &str) -> Result<&'a Literal, OpError> {
    call.literal(name).ok_or_else(|| OpError::new("not-constant", format!("`{name}` must be a constant")))
}

fn wrong(e: impl std::fmt::Display) -> OpError {
    OpError::new("constant", e.to_string())
}

/// The dimensions in an attribute `shape`.
fn shape(call: &Call<'_>) -> Result<Dims, OpError> {
    let sizes = attribute(call, "shape", DType::UInt32.set())?.to_i64().unwrap_or_default();
    let sizes: Result<Vec<usize>, _> = sizes.into_iter().map(usize::try_from).collect();
    Ok(Dims::new(&sizes.map_err(wrong)?)?)
}

/// A stream of bits, given as bytes, as numbers of a type.
fn numbers(name: &str, bytes: &Literal, dtype: DType, dims: Dims) -> Result<Literal, OpError> {
    let ty = crate::types::TensorType::new(dtype, dims);
    let given = bytes.ty().dims.elements();
    ensure!(
        bytes.ty().dims.rank() == 1 && given == ty.bytes(),
        "length",
        "`{name}` is {}; {} bytes are wanted for {ty}",
        bytes.ty(),
        ty.bytes()
    );
    let data = bytes.dense().as_bytes().ok_or_else(|| wrong("no numbers"))?;
    Literal::from_bytes(ty, data).map_err(wrong)
}

/// Declares an operation whose results are known when it is checked.
macro_rules! constexpr {
    ($($(#[$doc:meta])* $Type:ident $schema:expr, $infer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// The results.
            pub values: Vec<Literal>,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = $schema;

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let infer: fn(&Call<'_>) -> Result<Vec<Literal>, OpError> = $infer;
                let values = infer(call)?;
                Ok(Inferred::all_known($Type { values: values.clone() }, values))
            }

            fn eval(&self, _: &Inputs<'_>) -> Vec<Vec<f64>> {
                self.values.iter().map(|v| v.to_f64().unwrap_or_default()).collect()
            }
        }
    )*};
}

constexpr! {
    /// `scale * (quantized_data - zero_point)`, with one scale and one zero point for all, or one for each place along `axis`.
    ConstexprAffineDequantize
        schema("constexpr_affine_dequantize", &[], &["quantized_data", "zero_point", "scale", "axis"]).since(Opset::Ios16),
        affine;
    /// `scale * (data - offset)`, with a scale and an offset for each block.
    ConstexprBlockwiseShiftScale
        schema(
            "constexpr_blockwise_shift_scale",
            &[param("data", QUANTIZED), param("scale", DTypeSet::FLOAT), param("offset", QUANTIZED).optional()],
            &[],
        )
        .since(Opset::Ios18),
        |call| blockwise(argument(call, "data")?, call).map(|value| vec![value]);
    /// What a table has at each index.
    ConstexprLutToDense
        schema(
            "constexpr_lut_to_dense",
            &[
                param("indices", INDICES),
                param("lut", WEIGHTS),
                param("vector_axis", DType::Int32.set()).optional(),
            ],
            &["indices", "lut", "shape"],
        )
        .since(Opset::Ios16),
        |call| {
            if call.attribute("lut").is_some() {
                return flat_table(call).map(|value| vec![value]);
            }
            table(argument(call, "indices")?.clone(), call).map(|(value, _)| vec![value])
        };
    /// The elements of a vector where a mask says so, 0 elsewhere.
    ConstexprSparseToDense
        schema(
            "constexpr_sparse_to_dense",
            &[param("nonzero_data", QUANTIZED), param("mask", DType::UInt1.set())],
            &["nonzero_data", "mask", "shape"],
        )
        .since(Opset::Ios16),
        |call| {
            let (data, mask) = match call.attribute("mask") {
                Some(mask) => {
                    let bits = numbers("mask", mask, DType::UInt1, shape(call)?)?;
                    (attribute(call, "nonzero_data", WEIGHTS)?, bits)
                }
                None => (argument(call, "nonzero_data")?, argument(call, "mask")?.clone()),
            };
            sparse("nonzero_data", data, "mask", &mask).map(|value| vec![value])
        };
    /// The same halves as `fp32`.
    ConstexprCast
        schema(
            "constexpr_cast",
            &[param("source_val", DType::Fp16.set()), param("output_dtype", DType::String.set())],
            &["source_val", "output_dtype"],
        )
        .since(Opset::Ios16),
        |call| {
            let (of, to) = match call.attribute("source_val") {
                Some(_) => (
                    attribute(call, "source_val", DType::Fp16.set())?,
                    attribute(call, "output_dtype", DType::String.set())?,
                ),
                None => (argument(call, "source_val")?, argument(call, "output_dtype")?),
            };
            ensure!(to.as_str() == Some("fp32"), "dtype", "`output_dtype` is {to:?}; fp32 is all there is");
            let cast = Literal::compressed(DType::Fp32, &of.ty().dims, Compressed::Cast(of.clone()));
            Ok(vec![cast.map_err(wrong)?])
        };
    /// The sparse form of what a table has at sparse indices: the mask, and the numbers where it is 1.
    ConstexprLutToSparse
        schema(
            "constexpr_lut_to_sparse",
            &[
                param("indices_mask", DType::UInt1.set()),
                param("indices_nonzero_data", INDICES),
                param("lut", WEIGHTS),
                param("vector_axis", DType::Int32.set()).optional(),
            ],
            &[],
        )
        .since(Opset::Ios18),
        |call| {
            let (data, mask) = (argument(call, "indices_nonzero_data")?, argument(call, "indices_mask")?);
            let indices = sparse("indices_nonzero_data", data, "indices_mask", mask)?;
            let (dense, (axis, width)) = table(indices, call)?;
            let mask = repeated(mask, axis, width)?;
            let count = data.ty().dims.elements() * width;
            Ok(vec![mask.clone(), chosen(dense, &mask, count)?])
        };
    /// The sparse form of `scale * (data - offset)` of sparse data: the mask, and the numbers where it is 1.
    ConstexprSparseBlockwiseShiftScale
        schema(
            "constexpr_sparse_blockwise_shift_scale",
            &[
                param("data_mask", DType::UInt1.set()),
                param("nonzero_data", QUANTIZED),
                param("scale", DTypeSet::FLOAT),
                param("offset", QUANTIZED).optional(),
            ],
            &[],
        )
        .since(Opset::Ios18),
        |call| {
            let (data, mask) = (argument(call, "nonzero_data")?, argument(call, "data_mask")?);
            let dense = blockwise(&sparse("nonzero_data", data, "data_mask", mask)?, call)?;
            Ok(vec![mask.clone(), chosen(dense, mask, data.ty().dims.elements())?])
        };
}

/// A setting for all, or for each place along an axis, in the rank of the data.
pub(super) fn along(name: &str, given: &Literal, dims: &Dims, axis: Option<usize>) -> Result<Literal, OpError> {
    let mut wanted = vec![1; dims.rank()];
    match (given.ty().dims.rank(), axis) {
        (0, _) => {}
        (1, Some(axis)) if given.ty().dims[0] == dims[axis] => wanted[axis] = dims[axis],
        _ => fail!(
            "length",
            "`{name}` is {}; one number, or one for each place along the axis of {dims}, is wanted",
            given.ty()
        ),
    }
    given.reshaped(Dims::new(&wanted)?).map_err(wrong)
}

fn affine(call: &Call<'_>) -> Result<Vec<Literal>, OpError> {
    let data = attribute(call, "quantized_data", BYTES)?;
    let dims = data.ty().dims;
    let axis = attribute(call, "axis", DType::Int32.set())?.to_i64().unwrap_or_default();
    let Some(axis) = axis.first().and_then(|axis| dims.axis(*axis)) else {
        fail!("axis", "`axis` {axis:?} is none of {dims}");
    };
    let scale = along("scale", attribute(call, "scale", DTypeSet::FLOAT)?, &dims, Some(axis))?;
    let zero = attribute(call, "zero_point", BYTES.or(DType::Fp32.set()))?;
    let offset = Some(along("zero_point", zero, &dims, Some(axis))?);
    let dtype = scale.ty().dtype;
    let how = Compressed::ShiftScale { data: data.clone(), scale, offset };
    Ok(vec![Literal::compressed(dtype, &dims, how).map_err(wrong)?])
}

fn blockwise(data: &Literal, call: &Call<'_>) -> Result<Literal, OpError> {
    let (scale, offset) = (argument(call, "scale")?, call.literal("offset"));
    let (dims, blocks) = (data.ty().dims, scale.ty().dims);
    let divides = |(n, blocks): (&usize, &usize)| *blocks > 0 && n.is_multiple_of(*blocks);
    ensure!(
        dims.rank() >= 1 && dims.rank() == blocks.rank() && dims.iter().zip(blocks.iter()).all(divides),
        "blocks",
        "`scale` is {blocks}; it has the rank of the data, {dims}, and each of its dimensions divides one of the data's"
    );
    if let Some(offset) = offset {
        ensure!(offset.ty().dims == blocks, "blocks", "`offset` is {}, `scale` is {blocks}", offset.ty().dims);
        let (dtype, of_data) = (offset.ty().dtype, data.ty().dtype);
        ensure!(dtype.is_float() || dtype == of_data, "dtype", "`offset` is {dtype}, the data {of_data}");
    }
    let dtype = scale.ty().dtype;
    let how = Compressed::ShiftScale { data: data.clone(), scale: scale.clone(), offset: offset.cloned() };
    Literal::compressed(dtype, &dims, how).map_err(wrong)
}

/// Bits of an index into a table of so many entries.
fn index_type(entries: usize) -> Option<DType> {
    Some(match entries {
        2 => DType::UInt1,
        4 => DType::UInt2,
        8 => DType::UInt3,
        16 => DType::UInt4,
        64 => DType::UInt6,
        256 => DType::UInt8,
        _ => return None,
    })
}

/// The form of iOS 16: one table, and indices as a stream of bits.
fn flat_table(call: &Call<'_>) -> Result<Literal, OpError> {
    let (lut, bytes) = (attribute(call, "lut", WEIGHTS)?, attribute(call, "indices", DType::UInt8.set())?);
    let entries = lut.ty().dims.elements();
    let index = index_type(entries).filter(|_| lut.ty().dims.rank() == 1 && entries != 8);
    let Some(index) = index else { fail!("length", "`lut` is {}; 2, 4, 16, 64 or 256 entries are wanted", lut.ty()) };
    let dims = shape(call)?;
    let indices = numbers("indices", bytes, index, dims)?;
    let mut wide = vec![1; dims.rank() + 2];
    wide[dims.rank()] = entries;
    let tables = lut.reshaped(Dims::of_constant(&wide)?).map_err(wrong)?;
    let dtype = lut.ty().dtype;
    Literal::compressed(dtype, &dims, Compressed::Table { indices, lut: tables, axis: 0 }).map_err(wrong)
}

/// What tables have at indices, and the axis and the number along which an entry lies.
fn table(indices: Literal, call: &Call<'_>) -> Result<(Literal, (usize, usize)), OpError> {
    let lut = argument(call, "lut")?;
    let (dims, of_lut) = (indices.ty().dims, lut.ty().dims);
    let rank = dims.rank();
    ensure!(
        rank >= 1 && of_lut.rank() == rank + 2,
        "rank",
        "`lut` is {of_lut}; it must have two axes more than the indices, {dims}"
    );
    let divides = dims.iter().zip(of_lut.iter()).all(|(n, tables)| *tables > 0 && n.is_multiple_of(*tables));
    ensure!(divides, "blocks", "`lut` is {of_lut}; its first dimensions must divide those of the indices, {dims}");
    let (entries, width) = (of_lut[rank], of_lut[rank + 1]);
    ensure!(
        index_type(entries) == Some(indices.ty().dtype),
        "length",
        "`lut` has {entries} entries, which indices of type {} do not fit",
        indices.ty().dtype
    );
    let given = call.literal("vector_axis").is_some();
    ensure!(width == 1 || given, "argument", "`vector_axis` is missing; an entry of `lut` has {width} numbers");
    let axis = if given { call.axis("vector_axis", 0, &dims)? } else { 0 };
    let dims = dims.with(axis, dims[axis].saturating_mul(width))?;
    let how = Compressed::Table { indices, lut: lut.clone(), axis };
    Ok((Literal::compressed(lut.ty().dtype, &dims, how).map_err(wrong)?, (axis, width)))
}

fn ones(mask: &Literal) -> usize {
    mask.dense().bytes().unwrap_or_default().iter().map(|byte| byte.count_ones() as usize).sum()
}

fn sparse(name: &str, data: &Literal, of_mask: &str, mask: &Literal) -> Result<Literal, OpError> {
    let (given, ones) = (data.ty(), ones(mask));
    ensure!(
        given.dims.rank() == 1 && given.dims.elements() == ones,
        "length",
        "`{name}` is {given}; a vector of {ones} is wanted, as many as `{of_mask}` has ones"
    );
    let (data, mask) = (data.clone(), mask.dense());
    let (dtype, dims) = (data.ty().dtype, mask.ty().dims);
    Literal::compressed(dtype, &dims, Compressed::Sparse { data, mask }).map_err(wrong)
}

/// A mask each element of which is there `width` times along an axis.
fn repeated(mask: &Literal, axis: usize, width: usize) -> Result<Literal, OpError> {
    if width == 1 {
        return Ok(mask.clone());
    }
    let dims = mask.ty().dims;
    let inner: usize = dims[axis + 1..].iter().product();
    let bits = mask.to_f64().unwrap_or_default();
    let rows = bits.chunks(inner.max(1)).flat_map(|row| std::iter::repeat_n(row, width).flatten());
    let data: Vec<f64> = rows.copied().collect();
    let ty = crate::types::TensorType::new(DType::UInt1, dims.with(axis, dims[axis].saturating_mul(width))?);
    Literal::from_f64(ty, &data).map_err(wrong)
}

fn chosen(of: Literal, mask: &Literal, count: usize) -> Result<Literal, OpError> {
    let dtype = of.ty().dtype;
    Literal::compressed(dtype, &[count], Compressed::Where { of, mask: mask.dense() }).map_err(wrong)
}
