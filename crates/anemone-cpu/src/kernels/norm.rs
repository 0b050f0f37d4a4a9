//! Kernels of the family `norm`.

use super::Kernel;
use anemone_ir::ops::norm::*;

impl Kernel for Softmax {}
impl Kernel for LayerNorm {}
impl Kernel for InstanceNorm {}
impl Kernel for BatchNorm {}
impl Kernel for L2Norm {}
