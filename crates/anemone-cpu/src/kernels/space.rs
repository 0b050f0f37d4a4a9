//! Moving elements between channels and space, and enlarging.

use super::movement_kernels;
use anemone_ir::ops::space::*;

movement_kernels! { PixelShuffle DepthToSpace SpaceToDepth UpsampleNearestNeighbor }
