//! Kernels of the family `space`.

use super::Kernel;
use anemone_ir::ops::space::*;

impl Kernel for PixelShuffle {}
impl Kernel for DepthToSpace {}
impl Kernel for SpaceToDepth {}
impl Kernel for UpsampleNearestNeighbor {}
