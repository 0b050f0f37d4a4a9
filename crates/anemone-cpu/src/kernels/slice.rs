//! Parts of tensors.

use super::movement_kernels;
use anemone_ir::ops::slice::*;

movement_kernels! { SliceBySize SliceByIndex }
