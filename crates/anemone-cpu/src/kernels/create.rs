//! Tensors made of sizes: most are constants, which are computed before a run.

use super::Kernel;
use anemone_ir::ops::create::*;

impl Kernel for Shape {}
impl Kernel for Fill {}
impl Kernel for FillLike {}
impl Kernel for Range1d {}
impl Kernel for OneHot {}
