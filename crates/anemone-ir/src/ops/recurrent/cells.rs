//! Sums of products within a step.

use crate::reference::Inputs;

/// The weights and biases of a direction; there are none of the way back if it goes one way.
pub(super) struct Gates<'a> {
    ih: &'a [f64],
    hh: &'a [f64],
    bias: Option<&'a [f64]>,
}

impl<'a> Gates<'a> {
    pub(super) fn new(x: &Inputs<'a>, ih: &str, hh: &str, bias: &str) -> Gates<'a> {
        let data = |name: &str| x.opt(name).map(|a| a.data.as_slice());
        Gates { ih: data(ih).unwrap_or_default(), hh: data(hh).unwrap_or_default(), bias: data(bias) }
    }

    /// A row of the input's weights with an element of the sequence.
    pub(super) fn input(&self, row: usize, x: &[f64]) -> f64 {
        product(self.ih, row, x)
    }

    /// A row of the state's weights with a state, and the row's bias.
    pub(super) fn state(&self, row: usize, h: &[f64]) -> f64 {
        product(self.hh, row, h) + self.bias.map_or(0.0, |b| b[row])
    }

    /// Both, for all rows.
    pub(super) fn sums(&self, x: &[f64], h: &[f64]) -> Vec<f64> {
        (0..self.hh.len() / h.len()).map(|row| self.input(row, x) + self.state(row, h)).collect()
    }
}

/// A row of a matrix with a vector.
fn product(matrix: &[f64], row: usize, v: &[f64]) -> f64 {
    matrix[row * v.len()..][..v.len()].iter().zip(v).fold(0.0, |sum, (a, b)| sum + a * b)
}
