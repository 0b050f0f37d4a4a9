//! Moving elements between channels, the batch and space, enlarging, and cropping.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::movement::{GatherMap, Run};
use crate::ops::resize::{FACTOR, same_factors, scaled};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};

/// `[n, c, h, w]` and the block size.
fn blocks(call: &Call<'_>, name: &str) -> Result<([usize; 4], usize), OpError> {
    let x = call.ty("x");
    let [n, c, h, w] = *x.dims else { fail!("rank", "`x` is {}, [n, c, h, w] is wanted", x.dims) };
    match call.int(name, 1)? {
        block @ 1..=65536 => Ok(([n, c, h, w], block as usize)),
        bad => fail!("range", "`{name}` is {bad}; allowed is 1 to 65536"),
    }
}

/// The map of a result whose axes walk the operand in the given (count, step) pairs.
fn walk(axes: &[(usize, usize)]) -> GatherMap {
    GatherMap::steps(axes.iter().map(|(count, step)| (*count, 0, *step as isize)))
}

macro_rules! rearrangements {
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal $since:ident $param:expr, $infer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// Where elements come from.
            pub map: GatherMap,
        }

        impl Operation for $Type {
            const SCHEMA: Schema =
                Schema::new($mnemonic, DTypeSet::FLOAT, &[Param::t("x"), $param]).since(Opset::$since);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let (shape, block) = blocks(call, $param.name)?;
                let infer: fn([usize; 4], usize) -> Result<([usize; 4], GatherMap), OpError> = $infer;
                let (dims, map) = infer(shape, block)?;
                Ok(Inferred::one($Type { map }, TensorType::new(call.ty("x").dtype, Dims::new(&dims)?)))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                vec![self.map.apply(&x.get("x").data, 0.0)]
            }
        }
    )*};
}

const DOWNSCALE: Param = Param::new("downscale_factor", TypeRule::Of(DType::UInt32.set())).constant();

rearrangements! {
    /// Channels into space: block position `(i, j)` of channel `k` comes from channel `k * b * b + i * b + j`.
    PixelShuffle "pixel_shuffle" Ios15 Param::ints("upscale_factor"), |[n, c, h, w], b| {
        ensure!(c.is_multiple_of(b * b), "shape", "{c} channels are not divisible by {b} * {b}");
        let k = c / (b * b);
        let plane = h * w;
        let axes = [(n, c * plane), (k, b * b * plane), (h, w), (b, b * plane), (w, 1), (b, plane)];
        Ok(([n, k, h * b, w * b], walk(&axes)))
    };
    /// Channels into space: block position `(i, j)` of channel `k` comes from channel `(i * b + j) * c / b / b + k`.
    DepthToSpace "depth_to_space" Ios15 Param::ints("block_size"), |[n, c, h, w], b| {
        ensure!(c.is_multiple_of(b * b), "shape", "{c} channels are not divisible by {b} * {b}");
        let k = c / (b * b);
        let plane = h * w;
        let axes = [(n, c * plane), (k, plane), (h, w), (b, b * k * plane), (w, 1), (b, k * plane)];
        Ok(([n, k, h * b, w * b], walk(&axes)))
    };
    /// Space into channels, the inverse of [`PixelShuffle`].
    PixelUnshuffle "pixel_unshuffle" Ios16 DOWNSCALE, |[n, c, h, w], b| {
        let fits = h.is_multiple_of(b) && w.is_multiple_of(b);
        ensure!(fits, "shape", "{h} rows and {w} columns are not divisible by {b}");
        let axes = [(n, c * h * w), (c, h * w), (b, w), (b, 1), (h / b, b * w), (w / b, b)];
        Ok(([n, c * b * b, h / b, w / b], walk(&axes)))
    };
    /// Space into channels, the inverse of [`DepthToSpace`].
    SpaceToDepth "space_to_depth" Ios15 Param::ints("block_size"), |[n, c, h, w], b| {
        let fits = h.is_multiple_of(b) && w.is_multiple_of(b);
        ensure!(fits, "shape", "{h} rows and {w} columns are not divisible by {b}");
        let axes = [(n, c * h * w), (b, w), (b, 1), (c, h * w), (h / b, b * w), (w / b, b)];
        Ok(([n, c * b * b, h / b, w / b], walk(&axes)))
    };
}

/// Each element repeated: the last two axes grow by factors, which may be fractions.
#[derive(Clone, PartialEq, Debug)]
pub struct UpsampleNearestNeighbor {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for UpsampleNearestNeighbor {
    const SCHEMA: Schema = Schema::new(
        "upsample_nearest_neighbor",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::new("scale_factor_height", FACTOR).constant().optional(),
            Param::new("scale_factor_width", FACTOR).constant().optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        ensure!(rank >= 3, "rank", "`x` is {}, rank 3 or more is wanted", x.dims);
        same_factors(call)?;
        let strides = x.dims.strides();
        let mut sizes = x.dims.to_vec();
        let mut axes: Vec<Vec<Run>> = GatherMap::steps((0..rank - 2).map(|a| (x.dims[a], 0, strides[a] as isize))).axes;
        for (axis, name) in [(rank - 2, "scale_factor_height"), (rank - 1, "scale_factor_width")] {
            let (factor, size) = scaled(call, name, x.dims[axis])?;
            let (size, runs) = size
                .and_then(|size| Some((size, enlarge(x.dims[axis], strides[axis], factor, size)?)))
                .ok_or_else(|| OpError::new("range", format!("`{name}` {factor} does not go with {}", x.dims)))?;
            sizes[axis] = size;
            axes.extend(runs);
        }
        let ty = TensorType::new(x.dtype, Dims::new(&sizes)?);
        Ok(Inferred::one(UpsampleNearestNeighbor { map: GatherMap { axes } }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// The most elements of an axis that is enlarged by a fraction: its map lists them one by one.
const MOST_FRACTIONAL: usize = 65_536;

/// The map of an axis of `d` elements enlarged by `factor`: index `i` comes from `floor(i / factor)`, reckoned in `f32`.
fn enlarge(d: usize, stride: usize, factor: f64, size: usize) -> Option<Vec<Vec<Run>>> {
    if factor == libm::floor(factor) {
        return Some(GatherMap::steps([(d, 0, stride as isize), (factor as usize, 0, 0)]).axes);
    }
    if size > MOST_FRACTIONAL {
        return None;
    }
    let source = |i: usize| (libm::floorf(i as f32 / factor as f32) as usize).min(d - 1);
    let run = |i| Run { count: 1, source: Some((source(i) * stride, 0)) };
    Some(vec![(0..size).map(run).collect()])
}

/// The last two axes without their first and last elements.
#[derive(Clone, PartialEq, Debug)]
pub struct Crop {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for Crop {
    const SCHEMA: Schema = Schema::new(
        "crop",
        DTypeSet::FLOAT,
        &[Param::t("x"), Param::ints("crop_height").vector(), Param::ints("crop_width").vector()],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        ensure!(rank >= 3, "rank", "`x` is {}, rank 3 or more is wanted", x.dims);
        let strides = x.dims.strides();
        let mut sizes = x.dims.to_vec();
        let mut axes: Vec<_> = (0..rank).map(|a| (x.dims[a], 0, strides[a] as isize)).collect();
        for (axis, name) in [(rank - 2, "crop_height"), (rank - 1, "crop_width")] {
            let [before, after] = *pairs(call, name, 1)?.as_slice() else { unreachable!("one pair is two numbers") };
            let rest = before.checked_add(after).and_then(|both| x.dims[axis].checked_sub(both));
            let Some(rest) = rest.filter(|rest| *rest > 0) else {
                fail!("range", "`{name}` [{before}, {after}] leaves nothing of {} elements", x.dims[axis])
            };
            sizes[axis] = rest;
            axes[axis] = (rest, before * strides[axis], strides[axis] as isize);
        }
        let ty = TensorType::new(x.dtype, Dims::new(&sizes)?);
        Ok(Inferred::one(Crop { map: GatherMap::steps(axes) }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// `count` pairs of numbers that are not negative.
pub(super) fn pairs(call: &Call<'_>, name: &str, count: usize) -> Result<Vec<usize>, OpError> {
    let numbers = call.ints(name).unwrap_or_default();
    ensure!(numbers.len() == 2 * count, "length", "`{name}` has {} elements, {} are wanted", numbers.len(), 2 * count);
    let one = |n: &i64| match usize::try_from(*n) {
        Ok(n) => Ok(n),
        Err(_) => fail!("range", "`{name}` holds {n}; 0 or more is wanted"),
    };
    numbers.iter().map(one).collect()
}
