//! Images sampled at points of the run: one point after another.

use super::Kernel;
use anemone_ir::ops::sample::*;

impl Kernel for CropResize {}
impl Kernel for Resample {}
impl Kernel for Affine {}
