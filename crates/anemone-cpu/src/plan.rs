//! The plan of a function: steps in order, buffers in one arena, constants packed once.

mod arena;
mod build;
pub(crate) mod verify;

use crate::memory::{Io, Storage};
use crate::team::Team;
use anemone_ir::{DType, Function, Literal, Node, Profile, TensorType, ValueId};
use anemone_simd::Level;

pub(crate) use build::build;

/// Work of a run: reads some buffers, fills others. Allocates nothing.
pub(crate) trait Step: Send + Sync {
    /// Does the work.
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>);
}

/// What a kernel plans for a node.
pub(crate) struct Planned {
    pub(crate) step: Box<dyn Step>,
    /// Values read at run time, in the order in which the step numbers them.
    pub(crate) reads: Vec<ValueId>,
    /// Elements of `f32` scratch that each worker needs.
    pub(crate) scratch: usize,
}

/// What a kernel may know while it plans.
pub(crate) struct PlanCx<'a> {
    pub(crate) function: &'a Function,
    pub(crate) node: &'a Node,
    pub(crate) profile: Profile,
    pub(crate) level: Level,
}

impl<'a> PlanCx<'a> {
    /// The value given for a parameter.
    pub(crate) fn id(&self, param: &str) -> Option<ValueId> {
        self.node.arg(param).ids().first().copied()
    }

    /// The values of a tuple parameter.
    pub(crate) fn ids(&self, param: &str) -> &'a [ValueId] {
        self.node.op.schema().position(param).map_or(&[], |at| self.node.args[at].ids())
    }

    /// The type of a parameter.
    pub(crate) fn ty(&self, param: &str) -> Option<TensorType> {
        Some(*self.function.ty(self.id(param)?))
    }

    /// The type in which a value is stored.
    pub(crate) fn storage(&self, id: ValueId) -> DType {
        self.profile.storage(self.function.ty(id).dtype)
    }

    /// The data of a constant.
    pub(crate) fn literal(&self, id: ValueId) -> Option<&'a Literal> {
        self.function.value(id).literal.as_ref()
    }

    /// The type of a result.
    pub(crate) fn result(&self, index: usize) -> TensorType {
        *self.function.ty(self.node.results[index])
    }
}

/// A buffer of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Buffer {
    pub(crate) dtype: DType,
    pub(crate) elements: usize,
    pub(crate) home: Home,
}

impl Buffer {
    pub(crate) fn bytes(&self) -> usize {
        self.elements * self.dtype.size()
    }
}

/// Where a buffer lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    /// At this offset of the arena.
    Arena(usize),
    /// In [`Plan::constants`].
    Constant(usize),
}

/// Position in [`Plan::buffers`].
pub(crate) type BufferId = usize;

/// A step with its buffers.
pub(crate) struct PlannedStep {
    pub(crate) step: Box<dyn Step>,
    pub(crate) reads: Vec<BufferId>,
    pub(crate) writes: Vec<BufferId>,
    /// Positions in [`Function::nodes`] of the nodes it computes.
    pub(crate) nodes: Vec<usize>,
}

/// A plan: what [`crate::Engine`] runs.
pub(crate) struct Plan {
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) constants: Vec<Storage>,
    /// The buffer of each parameter.
    pub(crate) params: Vec<BufferId>,
    /// The buffer of each output.
    pub(crate) outputs: Vec<BufferId>,
    pub(crate) arena_bytes: usize,
    /// Elements of `f32` scratch that each worker needs.
    pub(crate) scratch: usize,
}
