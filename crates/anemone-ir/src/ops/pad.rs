//! Padding.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::movement::{GatherMap, Run};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// Elements added around a tensor, on its last axes.
#[derive(Clone, PartialEq, Debug)]
pub struct Pad {
    /// Where elements come from; the constant fills the rest.
    pub map: GatherMap,
    /// The value of elements that come from nowhere.
    pub constant: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Constant,
    Reflect,
    Replicate,
}

impl Mode {
    /// An axis of `d` elements, `stride` apart, with `before` and `after` more around them.
    fn axis(self, before: usize, d: usize, after: usize, stride: usize) -> Vec<Run> {
        let step = stride as isize;
        let run = |count, first: usize, step| Run { count, source: Some((first * stride, step)) };
        let (low, high) = match self {
            Mode::Constant => (Run { count: before, source: None }, Run { count: after, source: None }),
            Mode::Replicate => (run(before, 0, 0), run(after, d - 1, 0)),
            Mode::Reflect => (run(before, before, -step), run(after, d.saturating_sub(2), -step)),
        };
        [low, run(d, 0, step), high].into_iter().filter(|r| r.count > 0).collect()
    }
}

impl Operation for Pad {
    const SCHEMA: Schema = Schema::new(
        "pad",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::ints("pad").vector(),
            Param::string("mode").optional(),
            Param::const_t("constant_val").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let rank = x.dims.rank();
        let pad = call.ints("pad").unwrap_or_default();
        ensure!(
            pad.len().is_multiple_of(2) && pad.len() <= 2 * rank,
            "length",
            "`pad` {pad:?} must hold a pair of numbers for each of the last axes of {}",
            x.dims
        );
        let mode = match call.str("mode", "constant")? {
            "constant" => Mode::Constant,
            "reflect" => Mode::Reflect,
            "replicate" => Mode::Replicate,
            other => fail!("mode", "`mode` is \"{other}\"; allowed are constant, reflect, replicate"),
        };
        let first = rank - pad.len() / 2;
        let mut sizes = x.dims.to_vec();
        for (axis, pair) in (first..rank).zip(pad.chunks_exact(2)) {
            let most = match mode {
                Mode::Constant => 1 << 31,
                Mode::Reflect => x.dims[axis] as i64 - 1,
                Mode::Replicate => x.dims[axis] as i64,
            };
            if let Some(bad) = pair.iter().find(|p| !(0..=most).contains(p)) {
                fail!("pad", "`pad` holds {bad} for axis {axis} of {}; in this mode 0 to {most} is allowed", x.dims);
            }
            sizes[axis] = x.dims[axis] + pair[0] as usize + pair[1] as usize;
        }
        let dims = Dims::new(&sizes)?;
        let strides = x.dims.strides();
        let axis = |a: usize| {
            let (before, after) = if a < first { (0, 0) } else { (pad[2 * (a - first)], pad[2 * (a - first) + 1]) };
            mode.axis(before as usize, x.dims[a], after as usize, strides[a])
        };
        let map = GatherMap { axes: (0..rank).map(axis).collect() };
        let constant = call.float("constant_val", 0.0)?;
        Ok(Inferred::one(Pad { map, constant }, TensorType::new(x.dtype, dims)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, self.constant)]
    }
}
