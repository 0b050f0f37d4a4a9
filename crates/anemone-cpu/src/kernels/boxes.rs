//! Boxes of detectors.

use super::Kernel;
use anemone_ir::ops::boxes::*;

impl Kernel for NonMaximumSuppression {}
