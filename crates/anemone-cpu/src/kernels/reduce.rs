//! Kernels of the family `reduce`.

use super::Kernel;
use anemone_ir::ops::reduce::*;

impl Kernel for ReduceSum {}
impl Kernel for ReduceMean {}
impl Kernel for ReduceMin {}
impl Kernel for ReduceMax {}
impl Kernel for ReduceProd {}
impl Kernel for ReduceL1Norm {}
impl Kernel for ReduceSumSquare {}
impl Kernel for ReduceL2Norm {}
impl Kernel for ReduceLogSum {}
impl Kernel for ReduceLogSumExp {}
