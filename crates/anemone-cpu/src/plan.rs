//! The plan of a function: steps in order, buffers with their places, constants converted once.

mod arena;
mod build;
mod fuse;
mod over;
pub(crate) mod verify;

use crate::chain::{Chain, Given, Piece};
use crate::memory::{Io, Storage, Stored};
use crate::team::Team;
use anemone_ir::{DType, Function, Literal, Node, Profile, TensorType, ValueId};
use anemone_simd::Level;
use std::collections::HashMap;

pub(crate) use build::{Settings, build};

/// Work of a run: reads some buffers, fills others.
pub(crate) trait Step: Send + Sync {
    /// Does the work.
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>);

    /// Asks the step to change its first operand where it is. If it says that it does, its one result holds what that operand
    /// held, and its operands begin with the second.
    fn over(&mut self) -> bool {
        false
    }
}

/// A step that moves elements and does not look at them: only their size matters.
pub(crate) trait Moves: Send + Sync {
    /// Does the work for elements of the size of `T`.
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>);

    /// As [`Step::over`]; then the second operand's elements are of the size of the first one's.
    fn over(&mut self) -> bool {
        false
    }
}

impl<M: Moves> Step for M {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match io.dtype(0).size() {
            1 => self.copy::<u8>(io, team),
            2 => self.copy::<u16>(io, team),
            _ => self.copy::<u32>(io, team),
        }
    }

    fn over(&mut self) -> bool {
        Moves::over(self)
    }
}

/// Work whose results are floats, handed on piece by piece before they are rounded. Takes no memory.
pub(crate) trait Source: Send + Sync {
    /// Computes all results and gives each element to `out` once. The first [`Out::scratch`] elements of each worker's
    /// scratch belong to [`Out::put`].
    fn run(&self, io: &Io<'_>, team: &Team<'_>, out: &Out<'_>);

    /// Bytes that it keeps for itself, such as packed weights.
    fn packed_bytes(&self) -> usize {
        0
    }
}

/// Where a source's results go: through the chain that finishes them, into buffers.
pub(crate) struct Out<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) io: &'a Io<'a>,
    pub(crate) level: Level,
}

impl Out<'_> {
    /// Elements of scratch that [`Out::put`] needs.
    pub(crate) fn scratch(&self) -> usize {
        self.chain.scratch()
    }

    /// Takes the numbers of a piece, in rows `stride` apart, as the source has computed them: in `f32`, not rounded.
    ///
    /// # Safety
    /// Pieces that are put at the same time have no element in common.
    pub(crate) unsafe fn put(&self, piece: Piece, values: &[f32], stride: usize, scratch: &mut [f32]) {
        // SAFETY: the caller's.
        unsafe { self.chain.run(self.level, self.io, piece, Some(Given { values, stride }), scratch) };
    }
}

/// What a kernel plans for a node.
pub(crate) struct Planned<S: ?Sized> {
    pub(crate) step: Box<S>,
    /// Values read at run time, in the order in which the step numbers them.
    pub(crate) reads: Vec<ValueId>,
    /// Elements of `f32` scratch that each worker needs, besides what [`Out::put`] needs.
    pub(crate) scratch: usize,
}

/// What a kernel may know while it plans.
pub(crate) struct PlanCx<'a> {
    pub(crate) function: &'a Function,
    pub(crate) node: &'a Node,
    pub(crate) profile: Profile,
    pub(crate) level: Level,
    pub(crate) threads: usize,
    pub(crate) fuse: bool,
    /// The data of each value that is known at compile time.
    pub(crate) literals: &'a [Option<Literal>],
    /// What each state that has been written holds here.
    held: &'a HashMap<ValueId, ValueId>,
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

    /// What a state holds here.
    pub(crate) fn held(&self, state: ValueId) -> ValueId {
        self.held.get(&state).copied().unwrap_or(state)
    }

    /// The type of a value.
    pub(crate) fn ty(&self, id: ValueId) -> TensorType {
        *self.function.ty(id)
    }

    /// The type in which a value is stored.
    pub(crate) fn storage(&self, id: ValueId) -> DType {
        self.profile.storage(self.ty(id).dtype)
    }

    /// Whether kernels may compute with a value in `f32`: it is a float or `bool`.
    pub(crate) fn computes_as_float(&self, id: ValueId) -> bool {
        matches!(self.ty(id).dtype, DType::Fp16 | DType::Fp32 | DType::Bool)
    }

    /// The data of a value that is known at compile time.
    pub(crate) fn literal(&self, id: ValueId) -> Option<&'a Literal> {
        self.literals[id.index()].as_ref()
    }

    /// The data of a constant float, to be used while planning.
    pub(crate) fn floats(&self, id: ValueId) -> Option<Vec<f32>> {
        Some(self.literal(id)?.to_f64()?.into_iter().map(|x| x as f32).collect())
    }

    /// The type of a result.
    pub(crate) fn result(&self, index: usize) -> TensorType {
        self.ty(self.node.results[index])
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
    /// The input at this position: the caller's memory if it lies as the engine wants it, else a copy. Behind the function's
    /// inputs stand its states.
    Input(usize),
    /// The output at this position, likewise. Behind the function's outputs stand the states that it writes.
    Output(usize),
}

/// Position in [`Plan::buffers`].
pub(crate) type BufferId = usize;

/// What a step does.
pub(crate) enum Work {
    /// A step of its own.
    Step(Box<dyn Step>),
    /// A source and the chain that finishes it.
    Source(Box<dyn Source>, Chain),
    /// A chain that stands alone.
    Map(Chain),
}

impl Work {
    /// Runs the step.
    pub(crate) fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match self {
            Work::Step(step) => step.run(io, team),
            Work::Source(source, chain) => source.run(io, team, &Out { chain, io, level: team.level }),
            Work::Map(chain) => chain.run_alone(io, team),
        }
    }
}

/// A step with its buffers.
pub(crate) struct PlannedStep {
    pub(crate) work: Work,
    pub(crate) reads: Vec<BufferId>,
    pub(crate) writes: Vec<BufferId>,
    /// Whether it changes its first operand where it is: the first result lies there.
    pub(crate) over: bool,
    /// Positions in [`Function::nodes`] of the nodes it computes, in their order; none for a copy.
    pub(crate) nodes: Vec<usize>,
}

impl PlannedStep {
    /// The operands that it gets when it runs.
    pub(crate) fn operands(&self) -> &[BufferId] {
        &self.reads[usize::from(self.over)..]
    }
}

/// A plan: what [`crate::Engine`] runs.
pub(crate) struct Plan {
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) constants: Vec<Storage>,
    pub(crate) arena_bytes: usize,
    /// Elements of `f32` scratch that each worker needs.
    pub(crate) scratch: usize,
    /// Positions in [`Function::states`] of those that are written.
    pub(crate) written: Vec<usize>,
}
