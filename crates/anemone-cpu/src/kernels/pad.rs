//! Kernels of the family `pad`.

use super::Kernel;
use anemone_ir::ops::pad::*;

impl Kernel for Pad {}
