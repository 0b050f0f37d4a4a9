//! Elements put where indices say.

use super::Kernel;
use anemone_ir::ops::scatter::*;

impl Kernel for Scatter {}
impl Kernel for ScatterNd {}
impl Kernel for ScatterAlongAxis {}
