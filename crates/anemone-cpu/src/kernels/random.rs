//! Random numbers: as they are defined, since models draw few.

use super::Kernel;
use anemone_ir::ops::random::*;

impl Kernel for RandomBernoulli {}
impl Kernel for RandomCategorical {}
impl Kernel for RandomNormal {}
impl Kernel for RandomUniform {}
