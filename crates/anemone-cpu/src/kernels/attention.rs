//! Attention.

use super::Kernel;
use anemone_ir::ops::attention::*;

impl Kernel for ScaledDotProductAttention {}
