//! Networks that step through a sequence: `lstm`, `gru` and `rnn`.
//!
//! A call is one operation: hidden and cell states are not rounded between steps, only results are. The engine keeps them
//! as `f32`, and sums products in `f32`.
//!
//! `direction = "reverse"` begins with the last element of the sequence, and the results stand in the order in which they
//! were made, the last element's first, as Apple's tests have it. Of a bidirectional network the results of the way back
//! stand beside those of the same element, as PyTorch puts them.

mod cells;

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};
use cells::Gates;

/// A function of elements within a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activation {
    /// `tanh`; also `scaled_tanh`, whose factors are 1 where none can be given.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `0.2 x + 0.5` between 0 and 1.
    HardSigmoid,
    /// `x` where positive, else 0.
    Relu,
    /// `x`.
    Linear,
}

impl Activation {
    /// A constant that names one, in any case.
    fn read(call: &Call<'_>, name: &str, default: &'static str) -> Result<Activation, OpError> {
        let given = call.str(name, default)?;
        Ok(match given.to_ascii_lowercase().as_str() {
            "tanh" | "scaled_tanh" => Activation::Tanh,
            "sigmoid" => Activation::Sigmoid,
            "hard_sigmoid" => Activation::HardSigmoid,
            // As `rnn` has it.
            "sigmoid_hard" if call.schema.mnemonic != "lstm" => Activation::HardSigmoid,
            "relu" => Activation::Relu,
            "linear" => Activation::Linear,
            _ => fail!(
                "mode",
                "`{name}` is {given:?}; tanh, scaled_tanh, sigmoid, hard_sigmoid, relu and linear are allowed"
            ),
        })
    }

    fn of(self, x: f64) -> f64 {
        match self {
            Activation::Tanh => libm::tanh(x),
            Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Activation::HardSigmoid => (0.2 * x + 0.5).clamp(0.0, 1.0),
            Activation::Relu if x.is_nan() => x,
            Activation::Relu => x.max(0.0),
            Activation::Linear => x,
        }
    }
}

/// Which way a network goes through the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Reverse,
    /// Both, each with weights and states of its own.
    Bidirectional,
}

/// What the operations of this file have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recurrence {
    /// Elements of the sequence.
    pub steps: usize,
    /// Sequences.
    pub batch: usize,
    /// Features of an element.
    pub inputs: usize,
    /// Features of a state, in one direction.
    pub hidden: usize,
    /// Which way.
    pub direction: Direction,
    /// Whether the states of all steps are wanted, or only the last.
    pub sequence: bool,
}

impl Recurrence {
    /// Reads what the operations have in common, and checks shapes: `gates` matrices lie one below the other in the weights.
    fn read(call: &Call<'_>, gates: usize, both: bool) -> Result<Recurrence, OpError> {
        let x = call.ty("x").dims;
        let [steps, batch, inputs] = *x else { fail!("rank", "`x` is {x}, [sequence, batch, features] is wanted") };
        let direction = match call.str("direction", "forward")? {
            "forward" => Direction::Forward,
            "reverse" => Direction::Reverse,
            "bidirectional" if both => Direction::Bidirectional,
            other if both => {
                fail!("mode", "`direction` is {other:?}; forward, reverse and bidirectional are allowed")
            }
            other => fail!("mode", "`direction` is {other:?}; forward and reverse are allowed"),
        };
        let hh = call.ty("weight_hh").dims;
        let [_, hidden] = *hh else { fail!("rank", "`weight_hh` is {hh}, [{gates} * hidden, hidden] is wanted") };
        let sequence = call.bool("output_sequence", false)?;
        let this = Recurrence { steps, batch, inputs, hidden, direction, sequence };
        let all = [steps, batch, inputs, hidden];
        ensure!(all.iter().all(|n| *n > 0), "shape", "`x` is {x}, and `weight_hh` is {hh}: no size may be 0");
        this.weights(call, ["weight_ih", "weight_hh", "bias"], gates)?;
        this.state(call, "initial_h")?;
        Ok(this)
    }

    fn weights(&self, call: &Call<'_>, names: [&str; 3], gates: usize) -> Result<(), OpError> {
        let rows = gates * self.hidden;
        shape(call, names[0], &[rows, self.inputs])?;
        shape(call, names[1], &[rows, self.hidden])?;
        shape(call, names[2], &[rows])
    }

    fn state(&self, call: &Call<'_>, name: &str) -> Result<(), OpError> {
        shape(call, name, &[self.batch, self.width()])
    }

    /// 1, or 2 if it goes both ways.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.direction == Direction::Bidirectional)
    }

    /// Features of a state, all directions together.
    pub fn width(&self) -> usize {
        self.directions() * self.hidden
    }

    /// The element of the sequence that a step of a direction (0, or 1 for the way back of two) takes.
    pub fn element(&self, direction: usize, step: usize) -> usize {
        if direction == 1 || self.direction == Direction::Reverse { self.steps - 1 - step } else { step }
    }

    /// Where among the results the state after a step of a direction stands.
    pub fn place(&self, direction: usize, step: usize) -> usize {
        if direction == 1 { self.steps - 1 - step } else { step }
    }

    /// The results: states of all steps or the last, and `states` last states.
    fn inferred<O>(&self, op: O, call: &Call<'_>, gates: usize, states: usize) -> Result<Inferred<O>, OpError> {
        let dtype = call.ty("x").dtype;
        let steps = if self.sequence { self.steps } else { 1 };
        let last = TensorType::new(dtype, Dims::new(&[self.batch, self.width()])?);
        let mut results = vec![TensorType::new(dtype, Dims::new(&[steps, self.batch, self.width()])?)];
        results.resize(1 + states, last);
        let rows = (self.steps * self.batch).saturating_mul(gates * self.width());
        Ok(Inferred::many(op, results).macs(rows, self.inputs + self.hidden))
    }

    /// Steps through all sequences in all directions: `cell(direction, x, h, c)` makes the next states of the present ones.
    fn run(
        &self,
        x: &Inputs<'_>,
        initial_c: Option<&[f64]>,
        mut cell: impl FnMut(usize, &[f64], &mut Vec<f64>, &mut Vec<f64>),
    ) -> Vec<Vec<f64>> {
        let (hidden, width) = (self.hidden, self.width());
        let (data, initial_h) = (&x.get("x").data, &x.get("initial_h").data);
        let mut all = vec![0.0; self.steps * self.batch * width];
        let mut last = [initial_h.clone(), initial_c.unwrap_or_default().to_vec()];
        for direction in 0..self.directions() {
            for k in 0..self.batch {
                let at = k * width + direction * hidden;
                let [mut h, mut c] = [0, 1].map(|i| last[i].get(at..at + hidden).unwrap_or_default().to_vec());
                for step in 0..self.steps {
                    let element = (self.element(direction, step) * self.batch + k) * self.inputs;
                    cell(direction, &data[element..][..self.inputs], &mut h, &mut c);
                    let place = self.place(direction, step) * self.batch * width + at;
                    all[place..][..hidden].copy_from_slice(&h);
                }
                for (last, state) in last.iter_mut().zip([h, c]) {
                    last.get_mut(at..at + state.len()).unwrap_or_default().copy_from_slice(&state);
                }
            }
        }
        let [h, c] = last;
        vec![if self.sequence { all } else { h.clone() }, h, c]
    }
}

/// The argument, if it is given, has these dimensions.
fn shape(call: &Call<'_>, name: &str, wanted: &[usize]) -> Result<(), OpError> {
    if let Some(ty) = call.ty_opt(name) {
        ensure!(*ty.dims == *wanted, "shape", "`{name}` is {}, {wanted:?} is wanted", ty.dims);
    }
    Ok(())
}

const SINGLE: DTypeSet = DType::Fp32.set();
const X: Param = Param::t("x");
const INITIAL_H: Param = Param::t("initial_h");
const WEIGHT_IH: Param = Param::const_t("weight_ih");
const WEIGHT_HH: Param = Param::const_t("weight_hh");
const BIAS: Param = Param::const_t("bias").optional();
const DIRECTION: Param = Param::string("direction").optional();
const OUTPUT_SEQUENCE: Param = Param::bools("output_sequence").optional();
const ACTIVATION: Param = Param::string("activation").optional();
const RECURRENT: Param = Param::string("recurrent_activation").optional();

/// Long short-term memory. Weights and biases are those of the gates `i`, `f`, `o` and of `z`, in this order, `peephole` is
/// of the first three:
///
/// ```text
/// i = recurrent_activation(Wi x + Ri h + bi + pi c)      f, likewise
/// z = cell_activation(Wz x + Rz h + bz)
/// c' = f c + i z, clipped to -clip..=clip
/// o = recurrent_activation(Wo x + Ro h + bo + po c')
/// h' = o activation(c')
/// ```
///
/// Core ML's document says that `clip` bounds the cell gate; Apple's tests bound the cell's state, as here.
#[derive(Clone, PartialEq, Debug)]
pub struct Lstm {
    /// Sizes and direction.
    pub recurrence: Recurrence,
    /// Of the gates, of `z`, and of the state on its way out.
    pub activations: [Activation; 3],
    /// The bound of the cell's state.
    pub clip: Option<f64>,
}

/// The weights of the directions.
pub const LSTM_WEIGHTS: [[&str; 4]; 2] = [
    ["weight_ih", "weight_hh", "bias", "peephole"],
    ["weight_ih_back", "weight_hh_back", "bias_back", "peephole_back"],
];

impl Operation for Lstm {
    const SCHEMA: Schema = Schema::new(
        "lstm",
        SINGLE,
        &[
            X,
            INITIAL_H,
            Param::t("initial_c"),
            WEIGHT_IH,
            WEIGHT_HH,
            BIAS,
            Param::const_t("peephole").optional(),
            Param::const_t("weight_ih_back").optional(),
            Param::const_t("weight_hh_back").optional(),
            Param::const_t("bias_back").optional(),
            Param::const_t("peephole_back").optional(),
            DIRECTION,
            OUTPUT_SEQUENCE,
            RECURRENT,
            Param::string("cell_activation").optional(),
            ACTIVATION,
            Param::const_t("clip").optional(),
        ],
    )
    .t_ios17(DTypeSet::FLOAT);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let recurrence = Recurrence::read(call, 4, true)?;
        recurrence.state(call, "initial_c")?;
        shape(call, "peephole", &[3 * recurrence.hidden])?;
        if recurrence.direction == Direction::Bidirectional {
            let [ih, hh, bias, peephole] = LSTM_WEIGHTS[1];
            for name in [ih, hh] {
                ensure!(call.ty_opt(name).is_some(), "argument", "argument `{name}` is missing: it goes both ways");
            }
            recurrence.weights(call, [ih, hh, bias], 4)?;
            shape(call, peephole, &[3 * recurrence.hidden])?;
        }
        let activations = [
            Activation::read(call, "recurrent_activation", "sigmoid")?,
            Activation::read(call, "cell_activation", "tanh")?,
            Activation::read(call, "activation", "tanh")?,
        ];
        let clip = match call.ty_opt("clip") {
            Some(_) => Some(call.float("clip", 0.0)?),
            None => None,
        };
        if let Some(clip) = clip.filter(|clip| clip.is_nan() || *clip < 0.0) {
            fail!("range", "`clip` is {clip}; 0 or more is wanted");
        }
        recurrence.inferred(Lstm { recurrence: recurrence.clone(), activations, clip }, call, 4, 2)
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let hidden = self.recurrence.hidden;
        let gates = LSTM_WEIGHTS.map(|[ih, hh, bias, _]| Gates::new(x, ih, hh, bias));
        let peepholes = LSTM_WEIGHTS.map(|[.., name]| x.opt(name).map(|p| &p.data));
        let [of_gates, of_cell, of_state] = self.activations;
        self.recurrence.run(x, Some(&x.get("initial_c").data), |direction, x, h, c| {
            let sums = gates[direction].sums(x, h);
            let peephole = |gate: usize, j: usize, c: f64| {
                sums[gate * hidden + j] + peepholes[direction].map_or(0.0, |p| p[gate * hidden + j] * c)
            };
            for j in 0..hidden {
                let input = of_gates.of(peephole(0, j, c[j]));
                let forget = of_gates.of(peephole(1, j, c[j]));
                let cell = of_cell.of(sums[3 * hidden + j]);
                let next = forget * c[j] + input * cell;
                c[j] = self.clip.map_or(next, |clip| next.clamp(-clip, clip));
                h[j] = of_gates.of(peephole(2, j, c[j])) * of_state.of(c[j]);
            }
        })
    }
}

/// Gated recurrent unit. Weights and biases are those of the gate `r`, of `o` and of the gate `z`, in this order:
///
/// ```text
/// r = recurrent_activation(Wr x + Rr h + br)      z, likewise
/// o = activation(Wo x + Ro (r h) + bo), or
/// o = activation(Wo x + r (Ro h + bo)) with reset_after, which iOS 18 brought
/// h' = (1 - z) o + z h
/// ```
///
/// `input_bias` is added to what comes of `x`. Core ML's document of iOS 15 resets after the product; Apple's tests, and
/// the default of iOS 18, before it, as here.
#[derive(Clone, PartialEq, Debug)]
pub struct Gru {
    /// Sizes and direction.
    pub recurrence: Recurrence,
    /// Of the gates, and of `o`.
    pub activations: [Activation; 2],
    /// Whether `r` is multiplied by the product, not by what goes into it.
    pub reset_after: bool,
}

impl Operation for Gru {
    const SCHEMA: Schema = Schema::new(
        "gru",
        SINGLE,
        &[
            X,
            INITIAL_H,
            WEIGHT_IH,
            WEIGHT_HH,
            BIAS,
            DIRECTION,
            OUTPUT_SEQUENCE,
            RECURRENT,
            ACTIVATION,
            Param::bools("reset_after").optional().since(Opset::Ios18),
            Param::const_t("input_bias").optional().since(Opset::Ios18),
        ],
    )
    .t_ios17(DTypeSet::FLOAT);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let recurrence = Recurrence::read(call, 3, false)?;
        shape(call, "input_bias", &[3 * recurrence.hidden])?;
        let activations =
            [Activation::read(call, "recurrent_activation", "sigmoid")?, Activation::read(call, "activation", "tanh")?];
        let reset_after = call.bool("reset_after", false)?;
        recurrence.inferred(Gru { recurrence: recurrence.clone(), activations, reset_after }, call, 3, 1)
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let hidden = self.recurrence.hidden;
        let gates = Gates::new(x, "weight_ih", "weight_hh", "bias");
        let input_bias = x.opt("input_bias").map(|b| &b.data);
        let [of_gates, of_output] = self.activations;
        let mut results = self.recurrence.run(x, None, |_, x, h, _| {
            let ours = |row: usize| gates.input(row, x) + input_bias.map_or(0.0, |b| b[row]);
            let gate = |row: usize| of_gates.of(ours(row) + gates.state(row, h));
            let reset: Vec<f64> = (0..hidden).map(gate).collect();
            let kept: Vec<f64> = h.iter().zip(&reset).map(|(h, r)| h * r).collect();
            let next = |j: usize| {
                let row = hidden + j;
                let sum = if self.reset_after { reset[j] * gates.state(row, h) } else { gates.state(row, &kept) };
                let update = gate(2 * hidden + j);
                (1.0 - update) * of_output.of(ours(row) + sum) + update * h[j]
            };
            *h = (0..hidden).map(next).collect();
        });
        results.truncate(2);
        results
    }
}

/// A simple recurrent network: `h' = activation(W x + R h + b)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Rnn {
    /// Sizes and direction.
    pub recurrence: Recurrence,
    /// Of the state.
    pub activation: Activation,
}

impl Operation for Rnn {
    const SCHEMA: Schema =
        Schema::new("rnn", SINGLE, &[X, INITIAL_H, WEIGHT_IH, WEIGHT_HH, BIAS, DIRECTION, OUTPUT_SEQUENCE, ACTIVATION])
            .t_ios17(DTypeSet::FLOAT);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let recurrence = Recurrence::read(call, 1, false)?;
        let activation = Activation::read(call, "activation", "tanh")?;
        recurrence.inferred(Rnn { recurrence: recurrence.clone(), activation }, call, 1, 1)
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let gates = Gates::new(x, "weight_ih", "weight_hh", "bias");
        let mut results = self.recurrence.run(x, None, |_, x, h, _| {
            *h = gates.sums(x, h).into_iter().map(|sum| self.activation.of(sum)).collect();
        });
        results.truncate(2);
        results
    }
}
