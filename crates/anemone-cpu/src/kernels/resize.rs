//! Tensors with other sizes.

use super::Kernel;
use anemone_ir::ops::resize::*;

impl Kernel for UpsampleBilinear {}
impl Kernel for ResizeBilinear {}
impl Kernel for ResizeNearestNeighbor {}
impl Kernel for Resize {}
