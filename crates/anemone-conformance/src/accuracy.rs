//! How far an engine's results may be from the reference's, for whole functions.

use crate::compare::Allowed;
use crate::numbers::Random;
use crate::tolerance::{self, Tolerance};
use anemone_ir::program::Def;
use anemone_ir::reference::{Array, eval_node};
use anemone_ir::{DType, Function, Node, Profile, ValueId};

/// What an engine promises of each operation. In a function, an error may grow on its way to an output: how far is found
/// by moving intermediate results by what is allowed of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accuracy {
    /// The table of [`mod@tolerance`]: sums in `f32`, and each result rounded once. That is the CPU engine's.
    Single,
    /// Sums in half precision, and functions by tables. That is a guess at the Neural Engine's, whose accuracy nobody has
    /// published: it tells a wrong result from an inexact one, and no more.
    Half,
}

/// Units in the last place of a half, in those of a single.
const HALF_IN_SINGLES: f64 = (1u64 << 13) as f64;
/// A unit in the last place of a half near 1.
const HALF_UNIT: f64 = 1.0 / 1024.0;
/// How often intermediate results are moved.
const TRIES: u64 = 8;
/// How much further than in those tries an output may be: they are few.
const TRIED: f64 = 4.0;

impl Accuracy {
    /// What is allowed of each output of a function. `values` are the reference's, and `wider` is what the program's author
    /// lets through besides.
    pub(crate) fn of_outputs(self, function: &Function, values: &[Option<Array>], wider: Tolerance) -> Vec<Allowed> {
        let computing: Vec<&Node> = computing(function).collect();
        let mut allowed = vec![Allowed::default(); values.len()];
        for node in &computing {
            for (id, of_result) in node.results.iter().zip(self.of_node(function, node, values, wider)) {
                allowed[id.index()] = of_result;
            }
        }
        if computing.len() > 1 {
            let moved = moved(function, values, &allowed);
            for (id, moved) in function.outputs.iter().zip(moved) {
                let is_computed = matches!(function.value(*id).def, Def::Result { .. });
                if is_computed && function.ty(*id).dtype.is_float() {
                    let allowed = &mut allowed[id.index()];
                    allowed.slack.resize(moved.len(), 0.0);
                    allowed.slack.iter_mut().zip(moved).for_each(|(slack, moved)| *slack += moved);
                }
            }
        }
        function.outputs.iter().map(|id| allowed[id.index()].clone()).collect()
    }

    /// What is allowed of each result of a node.
    fn of_node(self, function: &Function, node: &Node, values: &[Option<Array>], wider: Tolerance) -> Vec<Allowed> {
        let mut allowed = tolerance::of_node(function, node, Profile::Fp16, wider, |id| number(values, id));
        if self == Accuracy::Half {
            for (id, allowed) in node.results.iter().zip(&mut allowed) {
                let dtype = function.ty(*id).dtype;
                if dtype.is_float() {
                    allowed.tolerance = half_of(node.mnemonic(), dtype).or(wider);
                    allowed.slack.iter_mut().for_each(|slack| *slack *= HALF_IN_SINGLES);
                }
            }
        }
        allowed
    }
}

/// An error for numbers near 1: what the hardware tests of the crate `ane` (github.com/computer-graphics-tools/ane) let
/// through; a rounding for operations that need no more.
fn half_of(mnemonic: &str, dtype: DType) -> Tolerance {
    let error = match mnemonic {
        "silu" => 1.5e-2,
        "gelu" => 6e-3,
        "sigmoid" => 3e-3,
        mnemonic if tolerance::is_exact(mnemonic) => 0.0,
        _ => 4e-3,
    };
    // Whatever the type of a value, the Neural Engine computes it as a half.
    let rounding = if dtype == DType::Fp16 { 0.0 } else { HALF_UNIT };
    Tolerance { steps: 1, abs: error, rel: error.max(rounding) }
}

fn computing(function: &Function) -> impl Iterator<Item = &Node> {
    function.nodes.iter().filter(|node| function.value(node.results[0]).literal.is_none())
}

fn number(values: &[Option<Array>], id: ValueId) -> &Array {
    values[id.index()].as_ref().expect("operands are numbers, and are defined before they are used")
}

/// How far each element of each output moves when what the operations before it give moves by what is allowed of it.
fn moved(function: &Function, values: &[Option<Array>], allowed: &[Allowed]) -> Vec<Vec<f64>> {
    let mut most: Vec<Vec<f64>> =
        function.outputs.iter().map(|id| vec![0.0; function.ty(*id).dims.elements()]).collect();
    for seed in 0..TRIES {
        let mut random = Random::new(seed);
        let mut arrays = values.to_vec();
        for node in computing(function) {
            let results = eval_node(function, node, Profile::Fp16, |id| number(&arrays, id));
            for (id, mut array) in node.results.iter().zip(results) {
                for (_, most) in function.outputs.iter().zip(&mut most).filter(|(output, _)| *output == id) {
                    widen(most, &number(values, *id).data, &array.data);
                }
                let (dtype, allowed) = (array.ty.dtype, &allowed[id.index()]);
                if dtype.is_float() {
                    for (at, x) in array.data.iter_mut().enumerate() {
                        let by = allowed.most(dtype, at, *x);
                        *x += if random.bit() { by } else { -by };
                    }
                }
                arrays[id.index()] = Some(array);
            }
        }
    }
    most
}

/// Makes `most` at least what a try says.
fn widen(most: &mut [f64], here: &[f64], there: &[f64]) {
    for (most, (here, there)) in most.iter_mut().zip(here.iter().zip(there)) {
        let change = if here == there || here.is_nan() { 0.0 } else { TRIED * (here - there).abs() };
        // A result that may as well be none may be anything.
        *most = if change.is_nan() { f64::INFINITY } else { most.max(change) };
    }
}
