//! The reference: every operation evaluated as it is defined, in `f64`, one operation at a time.
//!
//! It is slow and plain on purpose. The CPU engine is tested against it, and the constant folder uses it.

use crate::literal::Literal;
use crate::op::Schema;
use crate::program::{Arg, Function, Node, ValueId};
use crate::types::{DType, TensorType};
use half::f16;

/// How values typed `fp16` are kept between operations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Profile {
    /// As IEEE half, rounded to nearest even after every operation.
    #[default]
    Fp16,
    /// In `f32`: tells a rounding error from a wrong graph.
    F32,
}

impl Profile {
    /// The type in which a value typed `dtype` is kept.
    pub fn storage(self, dtype: DType) -> DType {
        match (self, dtype) {
            (Profile::F32, DType::Fp16) => DType::Fp32,
            _ => dtype,
        }
    }

    /// `fp16` or `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Fp16 => "fp16",
            Profile::F32 => "f32",
        }
    }
}

/// The half nearest to `x`, ties to even. `f16::from_f64` is not it: it may round twice, by way of `f32`, or drop the last
/// bits of `x`, depending on the processor.
pub fn to_f16(x: f64) -> f16 {
    let nearest = x as f32;
    if f64::from(nearest) == x || x.is_nan() {
        return f16::from_f32(nearest);
    }
    // Rounded towards zero and then given an odd last bit, an inexact number cannot look like a tie between halves.
    let towards_zero = nearest.to_bits() - u32::from(f64::from(nearest).abs() > x.abs());
    f16::from_f32(f32::from_bits(towards_zero | 1))
}

/// `x` rounded to `dtype`: to nearest even for floats, wrapped for integers, 0 or 1 for `bool`.
pub fn round_to(dtype: DType, x: f64) -> f64 {
    match dtype {
        DType::Fp16 => to_f16(x).to_f64(),
        DType::Fp32 => f64::from(x as f32),
        DType::Bool => f64::from(u8::from(x != 0.0)),
        DType::Int8 => f64::from(x as i64 as i8),
        DType::Int16 => f64::from(x as i64 as i16),
        DType::Int32 => f64::from(x as i64 as i32),
        DType::UInt8 => f64::from(x as i64 as u8),
        DType::UInt16 => f64::from(x as i64 as u16),
        DType::UInt32 => f64::from(x as i64 as u32),
        DType::Int4 => f64::from((x as i64 as i8) << 4 >> 4),
        DType::UInt1 | DType::UInt2 | DType::UInt3 | DType::UInt4 | DType::UInt6 => {
            f64::from(x as i64 as u8 & ((1 << dtype.bits()) - 1))
        }
        DType::String => x,
    }
}

/// A real number as an integer type's value, as `cast` does it: the fraction is dropped, what does not fit becomes the
/// nearest value that does, and NaN becomes 0. Other types leave `x` as it is.
pub(crate) fn truncate_to(dtype: DType, x: f64) -> f64 {
    match dtype.int_range() {
        Some(_) if x.is_nan() => 0.0,
        Some((low, high)) => x.trunc().clamp(low as f64, high as f64),
        None => x,
    }
}

/// A tensor of the reference: every supported number fits an `f64` exactly.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// The type.
    pub ty: TensorType,
    /// Row-major elements.
    pub data: Vec<f64>,
}

/// The operands of one evaluation, by MIL's parameter names.
pub struct Inputs<'a> {
    schema: &'static Schema,
    args: Vec<Vec<&'a Array>>,
    results: &'a [TensorType],
    blocks: Option<Blocks<'a>>,
}

/// Evaluates the block at a position on its parameters.
pub type Blocks<'a> = &'a dyn Fn(usize, &[Array]) -> Vec<Array>;

impl<'a> Inputs<'a> {
    /// Operands for `schema`, one list for each parameter: empty if absent, longer than one for a tuple.
    pub fn new(schema: &'static Schema, args: Vec<Vec<&'a Array>>, results: &'a [TensorType]) -> Inputs<'a> {
        Inputs { schema, args, results, blocks: None }
    }

    /// The same, for an operation with blocks.
    #[must_use]
    pub fn blocks(mut self, blocks: Blocks<'a>) -> Inputs<'a> {
        self.blocks = Some(blocks);
        self
    }

    /// What a block gives for values of its parameters.
    pub fn block(&self, index: usize, params: &[Array]) -> Vec<Array> {
        let blocks = self.blocks.expect("whoever evaluates control flow brings its blocks");
        blocks(index, params)
    }

    /// All values of a parameter.
    pub fn tuple(&self, name: &str) -> &[&'a Array] {
        let at = self.schema.position(name).expect("eval asks only for parameters of its own schema");
        &self.args[at]
    }

    /// An optional operand.
    pub fn opt(&self, name: &str) -> Option<&'a Array> {
        self.tuple(name).first().copied()
    }

    /// A required operand.
    pub fn get(&self, name: &str) -> &'a Array {
        self.opt(name).expect("checked programs have every required operand")
    }

    /// The type of a result.
    pub fn result(&self, index: usize) -> TensorType {
        self.results[index]
    }

    /// The types of all results.
    pub fn results(&self) -> &[TensorType] {
        self.results
    }
}

/// Evaluates one node on arrays of its operands: `lookup` gives the array of a value.
pub fn eval_node<'a>(
    function: &Function,
    node: &Node,
    profile: Profile,
    lookup: impl Fn(ValueId) -> &'a Array,
) -> Vec<Array> {
    let results: Vec<TensorType> = node.results.iter().map(|id| *function.ty(*id)).collect();
    let is_string = |id: &ValueId| function.ty(*id).dtype == DType::String;
    let operands = |arg: &Arg| arg.ids().iter().filter(|id| !is_string(id)).map(|id| lookup(*id)).collect();
    let args = node.args.iter().map(operands).collect();
    let outlines: Vec<_> = node.blocks.iter().map(|block| function.outline(block)).collect();
    let block = |index: usize, params: &[Array]| {
        let (outline, captured) = &outlines[index];
        let inputs = params.iter().chain(captured.iter().map(|id| lookup(*id)));
        run(outline, &inputs.map(|a| a.data.clone()).collect::<Vec<_>>(), profile)
    };
    let out = node.op.eval(&Inputs::new(node.op.schema(), args, &results).blocks(&block));
    results.iter().zip(out).map(|(ty, data)| rounded(*ty, data, profile)).collect()
}

fn rounded(ty: TensorType, mut data: Vec<f64>, profile: Profile) -> Array {
    debug_assert_eq!(data.len(), ty.dims.elements());
    let storage = profile.storage(ty.dtype);
    data.iter_mut().for_each(|x| *x = round_to(storage, *x));
    Array { ty, data }
}

/// The states of a function, in binding order, before its first run: zeros.
pub fn states(function: &Function) -> Vec<Array> {
    let zeros = |id: &ValueId| {
        let ty = *function.ty(*id);
        Array { ty, data: vec![0.0; ty.dims.elements()] }
    };
    function.states.iter().map(zeros).collect()
}

/// Runs a function on its inputs, in binding order. Inputs are rounded to their types first. States begin as zeros.
///
/// # Panics
/// The number or the sizes of the inputs are not the function's.
pub fn run(function: &Function, inputs: &[Vec<f64>], profile: Profile) -> Vec<Array> {
    run_stateful(function, inputs, &mut states(function), profile)
}

/// As [`run`], on states that are left as the run leaves them.
///
/// # Panics
/// The number or the sizes of the inputs or of the states are not the function's.
pub fn run_stateful(function: &Function, inputs: &[Vec<f64>], states: &mut [Array], profile: Profile) -> Vec<Array> {
    let arrays = values_stateful(function, inputs, states, profile);
    function.outputs.iter().map(|id| arrays[id.index()].clone().expect("outputs are values")).collect()
}

/// As [`run`], but gives every value of the function, in their order; `None` for those that are no numbers, that lie in
/// blocks, or are states.
///
/// # Panics
/// The number or the sizes of the inputs are not the function's.
pub fn values(function: &Function, inputs: &[Vec<f64>], profile: Profile) -> Vec<Option<Array>> {
    values_stateful(function, inputs, &mut states(function), profile)
}

/// As [`values`], on states that are left as the run leaves them.
///
/// # Panics
/// The number or the sizes of the inputs or of the states are not the function's.
pub fn values_stateful(
    function: &Function,
    inputs: &[Vec<f64>],
    states: &mut [Array],
    profile: Profile,
) -> Vec<Option<Array>> {
    assert_eq!(inputs.len(), function.params.len(), "inputs");
    assert_eq!(states.len(), function.states.len(), "states");
    let mut arrays: Vec<Option<Array>> = function.values.iter().map(|v| constant(v.literal.as_ref()?)).collect();
    for (id, data) in function.params.iter().zip(inputs) {
        let ty = *function.ty(*id);
        assert_eq!(data.len(), ty.dims.elements(), "elements of input {}", function.value(*id).name);
        arrays[id.index()] = Some(rounded(ty, data.clone(), profile));
    }
    for (id, state) in function.states.iter().zip(states.iter_mut()) {
        assert_eq!(state.ty, *function.ty(*id), "state {}", function.value(*id).name);
        arrays[id.index()] = Some(state.clone());
    }
    for node in &function.nodes {
        if let Some(state) = node.writes_state() {
            let data = node.arg("data").ids().first().and_then(|id| arrays[id.index()].clone());
            arrays[state.index()] = data;
            continue;
        }
        if node.results.iter().all(|id| function.value(*id).literal.is_some()) {
            continue;
        }
        let lookup = |id: ValueId| arrays[id.index()].as_ref().expect("operands are defined before they are used");
        let out = eval_node(function, node, profile, lookup);
        for (id, array) in node.results.iter().zip(out) {
            arrays[id.index()] = Some(array);
        }
    }
    for (id, state) in function.states.iter().zip(states) {
        *state = arrays[id.index()].take().expect("a state has a value");
    }
    arrays
}

/// The array of a numeric constant.
pub(crate) fn constant(literal: &Literal) -> Option<Array> {
    Some(Array { ty: *literal.ty(), data: literal.to_f64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_once() {
        let ulp = 2f64.powi(-10);
        for (x, expected) in [
            (1.0 + ulp / 2.0, 1.0),
            (1.0 + ulp / 2.0 + 2f64.powi(-30), 1.0 + ulp),
            (1.0 + ulp / 2.0 + 2f64.powi(-50), 1.0 + ulp),
            (1.0 + ulp * 1.5 - 2f64.powi(-50), 1.0 + ulp),
            (1.0 + ulp * 1.5, 1.0 + 2.0 * ulp),
            (65520.0 - 2f64.powi(-30), 65504.0),
            (65520.0, f64::INFINITY),
            (1e300, f64::INFINITY),
            (2f64.powi(-25), 0.0),
            (2f64.powi(-25) + 2f64.powi(-70), 2f64.powi(-24)),
            (2f64.powi(-200), 0.0),
        ] {
            assert_eq!(to_f16(x).to_f64(), expected, "{x:e}");
            assert_eq!(to_f16(-x).to_f64(), -expected, "-{x:e}");
            assert!(to_f16(-x).is_sign_negative(), "-{x:e}");
        }
        assert!(to_f16(f64::NAN).is_nan());
    }

    #[test]
    fn every_half_and_every_tie_is_found() {
        for bits in 0..0x7bffu16 {
            let (low, high) = (f16::from_bits(bits), f16::from_bits(bits + 1));
            let tie = (low.to_f64() + high.to_f64()) / 2.0;
            assert_eq!(to_f16(low.to_f64()), low);
            assert_eq!(to_f16(tie), if bits % 2 == 0 { low } else { high });
            assert_eq!(to_f16(tie * (1.0 - 1e-15)), low);
            assert_eq!(to_f16(tie * (1.0 + 1e-15)), high);
        }
    }
}
