//! Elements in the opposite order.

use crate::diagnostic::{OpError, ensure};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::movement::GatherMap;
use crate::reference::Inputs;
use crate::types::DTypeSet;

/// The elements of some axes, of all if none are given, from the last to the first.
#[derive(Clone, PartialEq, Debug)]
pub struct Reverse {
    /// Where elements come from.
    pub map: GatherMap,
}

impl Operation for Reverse {
    const SCHEMA: Schema =
        Schema::new("reverse", DTypeSet::BASIC, &[Param::t("x"), Param::ints("axes").vector().optional()])
            .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let x = call.ty("x");
        let axes = call.axes("axes", &x.dims)?.unwrap_or_else(|| (0..x.dims.rank()).collect());
        let strides = x.dims.strides();
        let axis = |a: usize| {
            let (size, stride) = (x.dims[a], strides[a]);
            if axes.contains(&a) { (size, (size - 1) * stride, -(stride as isize)) } else { (size, 0, stride as isize) }
        };
        Ok(Inferred::one(Reverse { map: GatherMap::steps((0..x.dims.rank()).map(axis)) }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![self.map.apply(&x.get("x").data, 0.0)]
    }
}

/// For each index of the batch's axis, its first `lengths` elements along the sequence's from the last to the first, and the
/// others as they are. A length below 0 is 0, and one above the axis is all of it.
#[derive(Clone, PartialEq, Debug)]
pub struct ReverseSequence {
    /// The sequence's axis.
    pub sequence: usize,
    /// The batch's axis.
    pub batch: usize,
}

impl Operation for ReverseSequence {
    const SCHEMA: Schema = Schema::new(
        "reverse_sequence",
        DTypeSet::BASIC,
        &[
            Param::t("x"),
            Param::new("lengths", TypeRule::Index).vector(),
            Param::ints("seq_axis").optional(),
            Param::ints("batch_axis").optional(),
        ],
    )
    .t_ios17(DTypeSet::MOVABLE);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, lengths) = (call.ty("x"), call.ty("lengths"));
        let sequence = call.axis("seq_axis", 0, &x.dims)?;
        let batch = call.axis("batch_axis", 0, &x.dims)?;
        let size = x.dims[batch];
        ensure!(
            *lengths.dims == [size],
            "shape",
            "`lengths` is {}; axis {batch} of {} wants [{size}]",
            lengths.dims,
            x.dims
        );
        Ok(Inferred::one(ReverseSequence { sequence, batch }, x))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, lengths) = (x.get("x"), &x.get("lengths").data);
        let (dims, strides) = (a.ty.dims, a.ty.dims.strides());
        let index = |at: usize, axis: usize| at / strides[axis] % dims[axis];
        let one = |at: usize| {
            let (i, length) = (index(at, self.sequence), lengths[index(at, self.batch)]);
            let length = length.clamp(0.0, dims[self.sequence] as f64) as usize;
            let from = if i < length { length - 1 - i } else { i };
            a.data[at - i * strides[self.sequence] + from * strides[self.sequence]]
        };
        vec![(0..a.data.len()).map(one).collect()]
    }
}
