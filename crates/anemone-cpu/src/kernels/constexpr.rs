//! Compressed weights: constants, decoded by whatever reads them.

use super::Kernel;
use anemone_ir::ops::constexpr::*;

impl Kernel for ConstexprAffineDequantize {}
impl Kernel for ConstexprBlockwiseShiftScale {}
impl Kernel for ConstexprLutToDense {}
impl Kernel for ConstexprSparseToDense {}
impl Kernel for ConstexprCast {}
impl Kernel for ConstexprLutToSparse {}
impl Kernel for ConstexprSparseBlockwiseShiftScale {}
