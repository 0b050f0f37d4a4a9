//! Floats as 8-bit integers and back: by the reference.

use super::Kernel;
use anemone_ir::ops::quantize::*;

impl Kernel for Quantize {}
impl Kernel for Dequantize {}
