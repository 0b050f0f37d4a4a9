//! What the engine has planned, for people.

use crate::plan::{Home, Plan, Work};

/// A plan in numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// Bytes of memory for intermediate values; several may use the same bytes at different times.
    pub arena_bytes: usize,
    /// Bytes that all intermediate values would take without sharing.
    pub unshared_bytes: usize,
    /// Bytes of constants, packed weights among them.
    pub constant_bytes: usize,
    /// Bytes of scratch memory for each thread.
    pub scratch_bytes: usize,
}

/// A step of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepReport {
    /// The operations that it computes, in order; empty for a copy.
    pub operations: Vec<String>,
    /// Positions of these operations in [`anemone_ir::Function::nodes`].
    pub nodes: Vec<usize>,
    /// Bytes of operands it reads; weights that are packed into the step are not counted.
    pub bytes_read: usize,
    /// Bytes of results it writes.
    pub bytes_written: usize,
    /// Bytes of weights packed into the step.
    pub weight_bytes: usize,
    /// Multiply-accumulates.
    pub macs: u64,
}

impl Report {
    pub(crate) fn new(plan: &Plan, nodes: &[(String, u64)]) -> Report {
        let bytes = |ids: &[usize]| ids.iter().map(|id| plan.buffers[*id].bytes()).sum();
        let step = |s: &crate::plan::PlannedStep| StepReport {
            operations: s.nodes.iter().map(|n| nodes[*n].0.clone()).collect(),
            nodes: s.nodes.clone(),
            bytes_read: bytes(s.operands()),
            bytes_written: bytes(&s.writes),
            weight_bytes: s.work.packed_bytes(),
            macs: s.nodes.iter().map(|n| nodes[*n].1).sum(),
        };
        let steps: Vec<StepReport> = plan.steps.iter().map(step).collect();
        let arena = plan.buffers.iter().filter(|b| matches!(b.home, Home::Arena(_)));
        let constants: usize = plan.constants.iter().map(|c| c.bytes().len()).sum();
        Report {
            arena_bytes: plan.arena_bytes,
            unshared_bytes: arena.map(|b| b.bytes()).sum(),
            constant_bytes: constants + steps.iter().map(|s| s.weight_bytes).sum::<usize>(),
            scratch_bytes: plan.scratch * size_of::<f32>(),
            steps,
        }
    }
}

impl Work {
    fn packed_bytes(&self) -> usize {
        match self {
            Work::Source(source, _) => source.packed_bytes(),
            Work::Step(_) | Work::Map(_) => 0,
        }
    }
}
