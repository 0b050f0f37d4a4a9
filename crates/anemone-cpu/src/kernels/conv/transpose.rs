//! The transpose of a convolution.

use crate::kernels::Kernel;
use anemone_ir::ops::conv::ConvTranspose;

impl Kernel for ConvTranspose {}
