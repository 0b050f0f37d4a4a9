//! Shapes: reshape, transpose, and putting tensors together and apart.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::movement::GatherMap;
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, MAX_RANK, Opset, TensorType};

const fn movement(mnemonic: &'static str, params: &'static [Param]) -> Schema {
    Schema::new(mnemonic, DTypeSet::BASIC, params).t_ios17(DTypeSet::MOVABLE)
}

/// Declares operations that give their operand other dimensions and leave the elements as they are.
macro_rules! views {
    ($($(#[$doc:meta])* $Type:ident $schema:expr, $dims:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type;

        impl Operation for $Type {
            const SCHEMA: Schema = $schema;

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let dims: fn(&Call<'_>, &Dims) -> Result<Dims, OpError> = $dims;
                let x = call.ty("x");
                Ok(Inferred::one($Type, TensorType::new(x.dtype, dims(call, &x.dims)?)))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                vec![x.get("x").data.clone()]
            }
        }
    )*};
}

views! {
    /// Other dimensions for the same elements. One may be -1 (what is left) and, with rules that depend on the operation
    /// set, some 0 (as in `x`).
    Reshape movement("reshape", &[Param::t("x"), Param::index("shape")]), reshape;
    /// New axes of size 1, at positions in the result.
    ExpandDims movement("expand_dims", &[Param::t("x"), Param::ints("axes").vector()]), expand_dims;
    /// Axes of size 1 taken away: those of the given ones, or all. As in PyTorch, a given axis of another size stays.
    Squeeze movement("squeeze", &[Param::t("x"), Param::ints("axes").vector().optional()]), squeeze;
    /// Two dimensions: the product of those before an axis, and of the others.
    Flatten2d Schema::new("flatten2d", DTypeSet::BASIC, &[Param::t("x"), Param::ints("axis").optional()]), flatten2d;
    /// The dimensions of `ref_tensors`, one after the other: of each those from `begins` to before `ends`, or to the last
    /// where `end_masks` says so. Positions are those of a slice in Python: they count from the end if negative, and what lies
    /// outside is as far as there is.
    ReshapeLike movement("reshape_like", RESHAPE_LIKE).since(Opset::Ios16), reshape_like;
}

const RESHAPE_LIKE: &[Param] = &[
    Param::t("x"),
    Param::new("ref_tensors", TypeRule::Of(DTypeSet::MOVABLE)).tuple(),
    Param::ints("begins").tuple(),
    Param::ints("ends").tuple(),
    Param::bools("end_masks").tuple(),
];

fn flatten2d(call: &Call<'_>, x: &Dims) -> Result<Dims, OpError> {
    // A scalar has no axis, and a vector may be a column: the axis after the last is allowed too.
    let (axis, rank) = (call.int("axis", 1)?, x.rank() as i64);
    ensure!(
        (-rank..=rank).contains(&axis),
        "axis",
        "`axis` is {axis}, but {x} has rank {rank}: allowed is {}..={rank}",
        -rank
    );
    let axis = axis.rem_euclid(if axis < 0 { rank } else { rank + 1 }) as usize;
    Ok(Dims::new(&[x[..axis].iter().product(), x[axis..].iter().product()])?)
}

fn reshape_like(call: &Call<'_>, x: &Dims) -> Result<Dims, OpError> {
    let refs = call.tuple("ref_tensors");
    let (begins, ends) = (call.tuple_ints("begins")?, call.tuple_ints("ends")?);
    let masks = call.tuple_bools("end_masks")?;
    for (name, len) in [("begins", begins.len()), ("ends", ends.len()), ("end_masks", masks.len())] {
        ensure!(len == refs.len(), "length", "`{name}` has {len} elements, there are {} `ref_tensors`", refs.len());
    }
    let mut dims = Vec::new();
    for (i, ty) in refs.iter().enumerate() {
        let rank = ty.dims.rank() as i64;
        let place = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
        let (begin, end) = (place(begins[i]), if masks[i] { rank as usize } else { place(ends[i]) });
        dims.extend_from_slice(ty.dims.get(begin..end).unwrap_or_default());
        ensure!(dims.len() <= MAX_RANK, "rank", "the result would have rank {}, {MAX_RANK} is the highest", dims.len());
    }
    let dims = Dims::new(&dims)?;
    let (total, found) = (x.elements(), dims.elements());
    ensure!(
        total == found,
        "reshape",
        "{x} has {total} elements, the dimensions of `ref_tensors`, {dims}, have {found}"
    );
    Ok(dims)
}

fn reshape(call: &Call<'_>, x: &Dims) -> Result<Dims, OpError> {
    let mut shape = call.ints("shape").unwrap_or_default();
    if shape.len() > MAX_RANK {
        fail!("rank", "`shape` {shape:?} has rank {}, {MAX_RANK} is the highest", shape.len());
    }
    let rank = shape.len();
    if shape.contains(&0) {
        ensure!(
            call.opset >= Opset::Ios17 || rank == x.rank(),
            "reshape",
            "a 0 in `shape` {shape:?} copies a dimension; before ios17 `shape` must then have the rank of `x`, {x}"
        );
        // Since iOS 17 zeros are aligned at the last axis, and one outside of `x` is 1.
        for (i, d) in shape.iter_mut().enumerate().filter(|(_, d)| **d == 0) {
            *d = (i + x.rank()).checked_sub(rank).map_or(1, |axis| x[axis] as i64);
        }
    }
    if let Some(bad) = shape.iter().find(|d| **d < -1) {
        fail!("reshape", "`shape` holds {bad}");
    }
    let known: u64 = shape.iter().filter(|d| **d != -1).fold(1, |p: u64, d| p.saturating_mul(*d as u64));
    let total = x.elements() as u64;
    match shape.iter().filter(|d| **d == -1).count() {
        0 => {}
        1 if known > 0 && total.is_multiple_of(known) => {
            shape.iter_mut().filter(|d| **d == -1).for_each(|d| *d = (total / known) as i64);
        }
        1 => fail!("reshape", "{x} has {total} elements, which `shape` {shape:?} cannot divide"),
        more => fail!("reshape", "`shape` {shape:?} holds -1 {more} times, once is allowed"),
    }
    let dims = Dims::new(&shape.iter().map(|d| *d as usize).collect::<Vec<_>>())?;
    ensure!(
        dims.elements() as u64 == total,
        "reshape",
        "{x} has {total} elements, `shape` {shape:?} has {}",
        dims.elements()
    );
    Ok(dims)
}

fn expand_dims(call: &Call<'_>, x: &Dims) -> Result<Dims, OpError> {
    let axes = call.ints("axes").unwrap_or_default();
    let rank = x.rank() + axes.len();
    if rank > MAX_RANK {
        fail!("rank", "the result would have rank {rank}, {MAX_RANK} is the highest");
    }
    let grown = Dims::new(&vec![1; rank])?;
    let axes = call.axes("axes", &grown)?.unwrap_or_default();
    let mut old = x.iter();
    let dims: Vec<usize> =
        (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { old.next().copied().unwrap_or(1) }).collect();
    Ok(Dims::new(&dims)?)
}

fn squeeze(call: &Call<'_>, x: &Dims) -> Result<Dims, OpError> {
    let axes = call.axes("axes", x)?.unwrap_or_else(|| (0..x.rank()).collect());
    let dims: Vec<usize> = (0..x.rank()).filter(|a| x[*a] != 1 || !axes.contains(a)).map(|a| x[a]).collect();
    Ok(Dims::new(&dims)?)
}

/// The axes in another order: axis `i` of the result is axis `perm[i]` of `x`.
#[derive(Clone, PartialEq, Debug)]
pub struct Transpose {
    /// The order.
    pub perm: Vec<usize>,
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for Transpose {
    const SCHEMA: Schema = movement("transpose", &[Param::t("x"), Param::ints("perm").vector()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let given = call.ints("perm").unwrap_or_default();
        let perm: Option<Vec<usize>> = given.iter().map(|p| x.dims.axis(*p)).collect();
        let rank = x.dims.rank();
        let perm = perm.filter(|p| p.len() == rank && (0..rank).all(|axis| p.contains(&axis)));
        let Some(perm) = perm else {
            fail!("perm", "`perm` {given:?} is no order of the {rank} axes of {}", x.dims);
        };
        let strides = x.dims.strides();
        let map = GatherMap::steps(perm.iter().map(|p| (x.dims[*p], 0, strides[*p] as isize)));
        let dims = Dims::new(&perm.iter().map(|p| x.dims[*p]).collect::<Vec<_>>())?;
        Ok(Inferred::one(Transpose { perm, map }, TensorType::new(x.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// The types in `values`, all alike but for one axis.
fn values(call: &Call<'_>, apart: Option<usize>) -> Result<(Vec<TensorType>, TensorType), OpError> {
    let values = call.tuple("values");
    let Some(first) = values.first().copied() else { fail!("values", "`values` is empty") };
    for ty in &values {
        let alike = ty.dims.rank() == first.dims.rank()
            && (0..first.dims.rank()).all(|a| Some(a) == apart || ty.dims[a] == first.dims[a]);
        let but = apart.map_or(String::new(), |a| format!(" but for axis {a}"));
        ensure!(alike, "shape", "`values` are {} and {}; equal dimensions{but} are wanted", first.dims, ty.dims);
    }
    Ok((values, first))
}

/// Tensors one after the other along an axis; scalars make a vector.
#[derive(Clone, PartialEq, Debug)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
    /// Whether elements along the axis alternate between the tensors.
    pub interleave: bool,
}

impl Operation for Concat {
    const SCHEMA: Schema =
        movement("concat", &[Param::t("values").tuple(), Param::ints("axis"), Param::bools("interleave").optional()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let Some(first) = call.tuple("values").first().copied() else { fail!("values", "`values` is empty") };
        let axis = call.axis("axis", 0, &first.dims.at_least_vector())?;
        let interleave = call.bool("interleave", false)?;
        let (values, first) = values(call, (!interleave).then_some(axis))?;
        let size = values.iter().fold(0usize, |sum, t| sum.saturating_add(t.dims.at_least_vector()[axis]));
        let dims = first.dims.at_least_vector().with(axis, size)?;
        Ok(Inferred::one(Concat { axis, interleave }, TensorType::new(first.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let values = x.tuple("values");
        let dims = x.result(0).dims;
        let (outer, inner): (usize, usize) =
            (dims[..self.axis].iter().product(), dims[self.axis + 1..].iter().product());
        let mut out = Vec::with_capacity(dims.elements());
        for o in 0..outer {
            let rows = values.iter().map(|v| &v.data[o * (v.data.len() / outer)..][..v.data.len() / outer]);
            if self.interleave {
                let rows: Vec<_> = rows.collect();
                (0..rows[0].len() / inner).for_each(|i| rows.iter().for_each(|r| out.extend(&r[i * inner..][..inner])));
            } else {
                rows.for_each(|r| out.extend(r));
            }
        }
        vec![out]
    }
}

/// Tensors side by side along a new axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Stack {
    /// The new axis, in the result.
    pub axis: usize,
}

impl Operation for Stack {
    const SCHEMA: Schema = movement("stack", &[Param::t("values").tuple(), Param::ints("axis")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (values, first) = values(call, None)?;
        let rank = first.dims.rank() + 1;
        if rank > MAX_RANK {
            fail!("rank", "the result would have rank {rank}, {MAX_RANK} is the highest");
        }
        let axis = call.axis("axis", 0, &Dims::new(&vec![1; rank])?)?;
        let mut dims = first.dims.to_vec();
        dims.insert(axis, values.len());
        Ok(Inferred::one(Stack { axis }, TensorType::new(first.dtype, Dims::new(&dims)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let inner: usize = x.result(0).dims[self.axis + 1..].iter().product();
        let values = x.tuple("values");
        let outer = values[0].data.len() / inner;
        let parts = (0..outer).flat_map(|o| values.iter().flat_map(move |v| v.data[o * inner..][..inner].to_vec()));
        vec![parts.collect()]
    }
}

/// The most pieces of a [`Split`]: each is a result, so this bounds what a short text can make.
const MOST_PIECES: i64 = 65_536;

/// A tensor cut along an axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Split {
    /// The axis.
    pub axis: usize,
    /// Sizes of the pieces.
    pub sizes: Vec<usize>,
}

impl Operation for Split {
    const SCHEMA: Schema = Schema::new(
        "split",
        DTypeSet::BASIC,
        &[
            Param::t("x"),
            Param::ints("axis"),
            Param::ints("num_splits").optional(),
            Param::ints("split_sizes").vector().optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let axis = call.axis("axis", 0, &x.dims)?;
        let size = x.dims[axis];
        let number = call.ints("num_splits");
        let sizes = match call.ints("split_sizes") {
            Some(_) => {
                let len = call.ints("split_sizes").map_or(0, |s| s.len());
                let sizes = call.counts("split_sizes", len, 1)?;
                let sum = sizes.iter().fold(0usize, |a, b| a.saturating_add(*b));
                ensure!(
                    sum == size,
                    "split",
                    "`split_sizes` {sizes:?} add up to {sum}, axis {axis} of {} has {size}",
                    x.dims
                );
                if let Some(n) = number {
                    ensure!(n == [len as i64], "split", "`num_splits` is {n:?}, but there are {len} `split_sizes`");
                }
                sizes
            }
            None => match number.as_deref() {
                Some([n]) if *n > MOST_PIECES => fail!("range", "`num_splits` is {n}, {MOST_PIECES} is the most"),
                Some([n]) if *n >= 1 && size.is_multiple_of(*n as usize) => vec![size / *n as usize; *n as usize],
                Some(n) => fail!("split", "`num_splits` {n:?} does not divide axis {axis} of {}, {size}", x.dims),
                None => fail!("split", "one of `num_splits` and `split_sizes` must be given"),
            },
        };
        let results = sizes.iter().map(|s| Ok(TensorType::new(x.dtype, x.dims.with(axis, *s)?)));
        let results = results.collect::<Result<_, OpError>>()?;
        Ok(Inferred::many(Split { axis, sizes }, results))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let a = x.get("x");
        let inner: usize = a.ty.dims[self.axis + 1..].iter().product();
        let row = a.ty.dims[self.axis] * inner;
        let mut first = 0;
        let piece = |size: &usize| {
            let from = first;
            first += size;
            a.data.chunks_exact(row).flat_map(|r| r[from * inner..(from + size) * inner].to_vec()).collect()
        };
        self.sizes.iter().map(piece).collect()
    }
}

/// A tensor repeated along each axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Tile {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for Tile {
    const SCHEMA: Schema = Schema::new("tile", DTypeSet::BASIC, &[Param::t("x"), Param::ints("reps").vector()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let reps = call.counts("reps", x.dims.rank(), 1)?;
        let sizes: Vec<usize> = x.dims.iter().zip(&reps).map(|(d, r)| d.saturating_mul(*r)).collect();
        let dims = Dims::new(&sizes)?;
        let strides = x.dims.strides();
        let axis = |a: usize| [(reps[a], 0, 0), (x.dims[a], 0, strides[a] as isize)];
        let map = GatherMap::steps((0..dims.rank()).flat_map(axis));
        Ok(Inferred::one(Tile { map }, TensorType::new(x.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}
