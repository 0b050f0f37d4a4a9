//! Moving elements between channels and space, enlarging, and cropping.

use super::movement_kernels;
use anemone_ir::ops::space::*;

movement_kernels! { PixelShuffle PixelUnshuffle DepthToSpace SpaceToDepth UpsampleNearestNeighbor Crop }
