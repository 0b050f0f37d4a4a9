//! Products of two tensors by an equation.

use super::Kernel;
use anemone_ir::ops::einsum::*;

impl Kernel for Einsum {}
