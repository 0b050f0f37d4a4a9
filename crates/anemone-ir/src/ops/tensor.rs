//! Sums along an axis, the band of a matrix, and where elements are not zero.

use crate::diagnostic::{OpError, ensure};
use crate::literal::Literal;
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, TensorType};

/// For each element the sum of those up to it along an axis; of integers it wraps.
#[derive(Clone, PartialEq, Debug)]
pub struct Cumsum {
    /// The axis.
    pub axis: usize,
    /// Without the element itself.
    pub exclusive: bool,
    /// From the last element on.
    pub reverse: bool,
}

impl Operation for Cumsum {
    const SCHEMA: Schema = Schema::new(
        "cumsum",
        DTypeSet::NUMBER,
        &[
            Param::t("x"),
            Param::ints("axis").optional(),
            Param::bools("exclusive").optional(),
            Param::bools("reverse").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let axis = call.axis("axis", 0, &x.dims)?;
        let (exclusive, reverse) = (call.bool("exclusive", false)?, call.bool("reverse", false)?);
        Ok(Inferred::one(Cumsum { axis, exclusive, reverse }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let (size, inner) = (a.ty.dims[self.axis], a.ty.dims[self.axis + 1..].iter().product::<usize>());
        let integer = a.ty.dtype == DType::Int32;
        let mut out = vec![0.0; a.data.len()];
        for line in 0..a.data.len() / size {
            let first = line / inner * size * inner + line % inner;
            let mut sum = 0.0;
            for i in 0..size {
                let at = first + if self.reverse { size - 1 - i } else { i } * inner;
                let next = sum + a.data[at];
                let next = if integer { f64::from(next as i64 as i32) } else { next };
                out[at] = if self.exclusive { sum } else { next };
                sum = next;
            }
        }
        vec![out]
    }
}

/// The elements of the last two axes in a band around the diagonal, and 0 (whatever stands there) outside.
#[derive(Clone, PartialEq, Debug)]
pub struct BandPart {
    /// How many diagonals below the main one stay; `None` for all.
    pub lower: Option<usize>,
    /// How many above it.
    pub upper: Option<usize>,
}

impl BandPart {
    /// The columns of a row that stay, of a matrix with so many.
    pub fn columns(&self, row: usize, columns: usize) -> std::ops::Range<usize> {
        let first = self.lower.map_or(0, |lower| row.saturating_sub(lower)).min(columns);
        let end = self.upper.map_or(columns, |upper| row.saturating_add(upper).saturating_add(1).min(columns));
        first..end.max(first)
    }
}

impl Operation for BandPart {
    const SCHEMA: Schema = Schema::new(
        "band_part",
        DTypeSet::BASIC,
        &[Param::t("x"), Param::ints("lower").optional(), Param::ints("upper").optional()],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        ensure!(x.dims.rank() >= 2, "rank", "`x` is {}, rank 2 or more is wanted", x.dims);
        let count = |name| call.int(name, -1).map(|n| usize::try_from(n).ok());
        Ok(Inferred::one(BandPart { lower: count("lower")?, upper: count("upper")? }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let [.., rows, columns] = a.ty.dims[..] else { return vec![a.data.clone()] };
        let one = |(at, x): (usize, &f64)| {
            if self.columns(at / columns % rows, columns).contains(&(at % columns)) { *x } else { 0.0 }
        };
        vec![a.data.iter().enumerate().map(one).collect()]
    }
}

/// The indices of the elements that are not 0, row by row, as `[count, rank]`. `x` is a constant: otherwise there would be as
/// many rows as the run says.
#[derive(Clone, PartialEq, Debug)]
pub struct NonZero;

impl NonZero {
    fn indices<'a>(data: &'a [f64], dims: &'a Dims) -> impl Iterator<Item = usize> + 'a {
        let strides = dims.strides();
        let row = move |at: usize| (0..dims.rank()).map(|axis| at / strides[axis] % dims[axis]).collect::<Vec<_>>();
        data.iter().enumerate().filter(|(_, x)| **x != 0.0).flat_map(move |(at, _)| row(at))
    }
}

impl Operation for NonZero {
    const SCHEMA: Schema = Schema::new("non_zero", DTypeSet::BASIC, &[Param::t("x")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let Some(data) = call.literal("x").and_then(Literal::to_f64) else {
            return Err(OpError::new(
                "dynamic-shape",
                "`x` is computed at run time, so that the number of rows of the result would not be known before",
            )
            .hint("multiply by a mask, made by comparing with 0, instead of choosing elements by their indices"));
        };
        let count = data.iter().filter(|x| **x != 0.0).count();
        let ty = TensorType::new(DType::Int32, Dims::new(&[count, x.dims.rank()])?);
        let indices: Vec<f64> = NonZero::indices(&data, &x.dims).map(|i| i as f64).collect();
        let literal = Literal::from_f64(ty, &indices).map_err(|e| OpError::new("shape", e.to_string()))?;
        Ok(Inferred::one(NonZero, ty).known(literal))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        vec![NonZero::indices(&a.data, &a.ty.dims).map(|i| i as f64).collect()]
    }
}
