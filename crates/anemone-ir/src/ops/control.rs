//! Control flow: operations with blocks.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{BlockRule, Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::{Array, Inputs};
use crate::types::{DType, DTypeSet, Dims, Kind, TensorType};

/// What the first block gives if `pred` is true, else what the second gives. Both give values of the same types.
#[derive(Clone, PartialEq, Debug)]
pub struct Cond;

const fn truth(name: &'static str) -> Param {
    Param::new(name, TypeRule::Of(DType::Bool.set()))
}

fn is_truth(ty: TensorType) -> bool {
    ty.dtype == DType::Bool && ty.dims.elements() == 1
}

/// What is to be the same, and what its types are in two places.
fn alike(what: &str, a: &[(Kind, TensorType)], b: &[(Kind, TensorType)]) -> Result<(), OpError> {
    ensure!(a.len() == b.len(), "block", "{what}: {} values on one side, {} on the other", a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        ensure!(a == b, "block", "{what}: value {i} is {} on one side, {} on the other", a.1, b.1);
    }
    Ok(())
}

fn split(values: &[(Kind, TensorType)]) -> (Vec<Kind>, Vec<TensorType>) {
    values.iter().copied().unzip()
}

fn data(arrays: Vec<Array>) -> Vec<Vec<f64>> {
    arrays.into_iter().map(|a| a.data).collect()
}

impl Operation for Cond {
    const SCHEMA: Schema = Schema::new("cond", DTypeSet::NONE, &[truth("pred")])
        .blocks(&[BlockRule { name: "true", params: None }, BlockRule { name: "false", params: None }]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let pred = call.ty("pred");
        ensure!(is_truth(pred), "scalar", "`pred` is {pred}, one truth value is wanted");
        alike("what the two blocks give differs", call.block(0), call.block(1))?;
        let (kinds, types) = split(call.block(0));
        if types.is_empty() {
            fail!("block", "the blocks give nothing");
        }
        Ok(Inferred::many(Cond, types).kinds(kinds))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        data(x.block(if x.get("pred").data[0] == 0.0 { 1 } else { 0 }, &[]))
    }
}

/// Runs the second block on its own results, first on `loop_vars`, as long as the first block gives true for them. The
/// types of the values stay the same.
#[derive(Clone, PartialEq, Debug)]
pub struct WhileLoop;

impl Operation for WhileLoop {
    const SCHEMA: Schema = Schema::new(
        "while_loop",
        DTypeSet::NONE,
        &[Param::new("loop_vars", TypeRule::Of(DTypeSet::MOVABLE)).tuple().kind(None)],
    )
    .blocks(&[
        BlockRule { name: "condition", params: Some("loop_vars") },
        BlockRule { name: "body", params: Some("loop_vars") },
    ]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let vars: Vec<_> = call.kinds("loop_vars").into_iter().zip(call.tuple("loop_vars")).collect();
        let [(Kind::Tensor, condition)] = call.block(0) else {
            fail!("block", "the condition gives {} values, one truth value is wanted", call.block(0).len());
        };
        ensure!(is_truth(*condition), "block", "the condition gives {condition}, one truth value is wanted");
        alike("the values of the loop do not keep their types", &vars, call.block(1))?;
        let (kinds, types) = split(&vars);
        Ok(Inferred::many(WhileLoop, types).kinds(kinds))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let mut vars: Vec<Array> = x.tuple("loop_vars").iter().map(|a| (*a).clone()).collect();
        while x.block(0, &vars)[0].data[0] != 0.0 {
            vars = x.block(1, &vars);
        }
        data(vars)
    }
}

/// A tensor with one element.
pub(super) fn one(name: &str, ty: TensorType) -> Result<(), OpError> {
    ensure!(ty.dims == Dims::SCALAR || *ty.dims == [1], "scalar", "`{name}` is {ty}, one number is wanted");
    Ok(())
}
