//! Lists: all by the reference.

use super::Kernel;
use anemone_ir::ops::list::*;

impl Kernel for MakeList {}
impl Kernel for ListLength {}
impl Kernel for ListRead {}
impl Kernel for ListWrite {}
impl Kernel for ListGather {}
impl Kernel for ListScatter {}
