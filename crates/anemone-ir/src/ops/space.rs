//! Moving elements between channels and space, and enlarging.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::movement::{GatherMap, Run};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, TensorType};

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
    ($($(#[$doc:meta])* $Type:ident $mnemonic:literal $param:literal, $infer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// Where elements come from.
            pub map: GatherMap,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = Schema::new($mnemonic, DTypeSet::FLOAT, &[Param::t("x"), Param::ints($param)]);

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let (shape, block) = blocks(call, $param)?;
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

rearrangements! {
    /// Channels into space: block position `(i, j)` of channel `k` comes from channel `k * b * b + i * b + j`.
    PixelShuffle "pixel_shuffle" "upscale_factor", |[n, c, h, w], b| {
        ensure!(c.is_multiple_of(b * b), "shape", "{c} channels are not divisible by {b} * {b}");
        let k = c / (b * b);
        let plane = h * w;
        let axes = [(n, c * plane), (k, b * b * plane), (h, w), (b, b * plane), (w, 1), (b, plane)];
        Ok(([n, k, h * b, w * b], walk(&axes)))
    };
    /// Channels into space: block position `(i, j)` of channel `k` comes from channel `(i * b + j) * c / b / b + k`.
    DepthToSpace "depth_to_space" "block_size", |[n, c, h, w], b| {
        ensure!(c.is_multiple_of(b * b), "shape", "{c} channels are not divisible by {b} * {b}");
        let k = c / (b * b);
        let plane = h * w;
        let axes = [(n, c * plane), (k, plane), (h, w), (b, b * k * plane), (w, 1), (b, k * plane)];
        Ok(([n, k, h * b, w * b], walk(&axes)))
    };
    /// Space into channels, the inverse of [`DepthToSpace`].
    SpaceToDepth "space_to_depth" "block_size", |[n, c, h, w], b| {
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

/// `int32` or `fp32`.
const FACTOR: TypeRule = TypeRule::Of(DType::Int32.set().or(DType::Fp32.set()));

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
        let types = [call.ty_opt("scale_factor_height"), call.ty_opt("scale_factor_width")];
        if let [Some(a), Some(b)] = types {
            ensure!(a.dtype == b.dtype, "dtype", "the factors are {} and {}; one type is wanted", a.dtype, b.dtype);
        }
        let strides = x.dims.strides();
        let mut sizes = x.dims.to_vec();
        let mut axes: Vec<Vec<Run>> = GatherMap::steps((0..rank - 2).map(|a| (x.dims[a], 0, strides[a] as isize))).axes;
        for (axis, name) in [(rank - 2, "scale_factor_height"), (rank - 1, "scale_factor_width")] {
            let factor = match call.literal(name).and_then(|l| l.to_f64()).as_deref() {
                None => 1.0,
                Some([f]) => *f,
                Some(_) => fail!("scalar", "`{name}` must be one number"),
            };
            let (size, runs) = enlarge(x.dims[axis], strides[axis], factor)
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
const MOST_FRACTIONAL: f32 = 65_536.0;

/// The size of an axis of `d` elements enlarged by `factor`, and its map: index `i` comes from `floor(i / factor)`. A
/// fraction is reckoned with in `f32`, as Core ML's tools do: 10 elements times the `f32` nearest to 0.7 are 7.
fn enlarge(d: usize, stride: usize, factor: f64) -> Option<(usize, Vec<Vec<Run>>)> {
    if factor >= 1.0 && factor == libm::floor(factor) {
        let map = GatherMap::steps([(d, 0, stride as isize), (factor as usize, 0, 0)]);
        return Some((d.checked_mul(factor as usize)?, map.axes));
    }
    let factor = factor as f32;
    let size = libm::floorf(d as f32 * factor);
    if !(factor > 0.0 && (1.0..=MOST_FRACTIONAL).contains(&size)) {
        return None;
    }
    let source = |i: usize| (libm::floorf(i as f32 / factor) as usize).min(d - 1);
    let run = |i| Run { count: 1, source: Some((source(i) * stride, 0)) };
    Some((size as usize, vec![(0..size as usize).map(run).collect()]))
}
