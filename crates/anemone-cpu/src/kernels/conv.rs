//! Kernels of the family `conv`.

use super::Kernel;
use anemone_ir::ops::conv::*;

impl Kernel for Conv {}
impl Kernel for ConvTranspose {}
