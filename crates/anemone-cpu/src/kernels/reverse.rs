//! Elements in the opposite order.

use super::{Kernel, movement_kernels};
use anemone_ir::ops::reverse::*;

movement_kernels! { Reverse }

impl Kernel for ReverseSequence {}
