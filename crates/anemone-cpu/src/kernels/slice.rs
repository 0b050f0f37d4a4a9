//! Kernels of the family `slice`.

use super::Kernel;
use anemone_ir::ops::slice::*;

impl Kernel for SliceBySize {}
impl Kernel for SliceByIndex {}
