//! Networks that step through a sequence.

use super::Kernel;
use anemone_ir::ops::recurrent::*;

impl Kernel for Lstm {}
impl Kernel for Gru {}
impl Kernel for Rnn {}
