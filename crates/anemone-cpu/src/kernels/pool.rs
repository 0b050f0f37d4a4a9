//! Kernels of the family `pool`.

use super::Kernel;
use anemone_ir::ops::pool::*;

impl Kernel for MaxPool {}
impl Kernel for AvgPool {}
impl Kernel for L2Pool {}
