//! From a function to a plan.

use super::arena::{self, Life};
use super::fuse::{Group, Grouping, Head};
use super::over::over;
use super::{Buffer, BufferId, Home, Moves, Plan, PlanCx, PlannedStep, Work};
use crate::chain::{self, MapOp, Walk};
use crate::kernels::{self, Form, Reference};
use crate::memory::{Io, Storage, Stored};
use crate::team::Team;
use anemone_ir::reference::{Array, eval_node};
use anemone_ir::{DType, Function, Literal, Node, Profile, TensorType, ValueId};
use anemone_simd::map::Keep;
use anemone_simd::{Level, Unary};
use std::collections::HashMap;

/// Nodes of constants are computed at compile time if their results have no more elements than this.
const FOLD: usize = 1 << 20;
/// All that is computed at compile time has no more elements than this, or than four times the function's constants.
const FOLD_ALL: usize = 16 * FOLD;

/// How to plan.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) profile: Profile,
    pub(crate) level: Level,
    pub(crate) threads: usize,
    pub(crate) fuse: bool,
}

/// Plans a function; `None` if there is no memory for its constants.
pub(crate) fn build(function: &Function, settings: Settings) -> Option<Plan> {
    let mut literals: Vec<Option<Literal>> = function.values.iter().map(|v| v.literal.clone()).collect();
    fold(function, settings.profile, &live_nodes(function, &literals), &mut literals);
    let live = live_nodes(function, &literals);
    let mut grouping = Grouping::new(function, settings.fuse);
    let mut held: HashMap<ValueId, ValueId> = HashMap::new();
    for at in live {
        let node = &function.nodes[at];
        let Settings { profile, level, threads, fuse } = settings;
        let cx = PlanCx { function, node, profile, level, threads, fuse, literals: &literals, held: &held };
        match kernels::form(&node.op, &cx) {
            Form::Reference => grouping.add(at, Form::Step(Reference::plan(&cx))),
            Form::Hold { state, data } => drop(held.insert(state, data)),
            Form::NoMemory => return None,
            form => grouping.add(at, form),
        }
    }
    let (groups, root) = grouping.finish();
    let mut plan = empty();
    let mut outputs = function.outputs.clone();
    for (at, data) in function.states.iter().enumerate().filter_map(|(at, id)| Some((at, held.get(id)?))) {
        plan.written.push(at);
        outputs.push(*data);
    }
    let literals = &literals;
    Builder { function, outputs, profile: settings.profile, literals, root, buffers: HashMap::new(), plan }
        .build(groups)
}

fn empty() -> Plan {
    Plan {
        steps: Vec::new(),
        buffers: Vec::new(),
        constants: Vec::new(),
        arena_bytes: 0,
        scratch: 0,
        written: Vec::new(),
    }
}

/// Computes what is computed from constants, among some nodes.
fn fold(function: &Function, profile: Profile, nodes: &[usize], literals: &mut [Option<Literal>]) {
    let elements = |id: &ValueId| function.ty(*id).dims.elements();
    let given: usize = literals.iter().flatten().map(|l| l.ty().dims.elements()).sum();
    let mut room = (4 * given).max(FOLD_ALL);
    for node in nodes.iter().map(|at| &function.nodes[*at]) {
        let pure = node.op.schema().pure && node.blocks.is_empty();
        let known = pure && node.operands().all(|id| literals[id.index()].is_some());
        let small = node.results.iter().all(|id| elements(id) <= FOLD) && node.macs as usize <= FOLD;
        let size: usize = node.results.iter().map(elements).sum();
        if !known || !small || size > room {
            continue;
        }
        if let Some(results) = fold_node(function, node, profile, literals) {
            room -= size;
            for (id, literal) in node.results.iter().zip(results) {
                literals[id.index()] = Some(literal);
            }
        }
    }
}

fn fold_node(function: &Function, node: &Node, profile: Profile, literals: &[Option<Literal>]) -> Option<Vec<Literal>> {
    let mut arrays = HashMap::new();
    for id in node.operands().filter(|id| function.ty(*id).dtype != DType::String) {
        let data = literals[id.index()].as_ref()?.to_f64()?;
        arrays.insert(id, Array { ty: *function.ty(id), data });
    }
    let results = eval_node(function, node, profile, |id| &arrays[&id]);
    // The profile may keep halves as singles: the literal has the type in which the value is stored.
    let literal = |a: Array| Literal::from_f64(TensorType { dtype: profile.storage(a.ty.dtype), ..a.ty }, &a.data).ok();
    results.into_iter().map(literal).collect()
}

/// Nodes whose results are wanted, in their order.
fn live_nodes(function: &Function, literals: &[Option<Literal>]) -> Vec<usize> {
    let mut wanted = vec![false; function.values.len()];
    function.outputs.iter().for_each(|id| wanted[id.index()] = true);
    let mut live = Vec::new();
    for (at, node) in function.nodes.iter().enumerate().rev() {
        let missing = |id: &ValueId| literals[id.index()].is_none() && wanted[id.index()];
        if node.writes_state().is_none() && !node.results.iter().any(missing) {
            continue;
        }
        function.reads(node).iter().for_each(|id| wanted[id.index()] = true);
        live.push(at);
    }
    live.reverse();
    live
}

struct Builder<'a> {
    function: &'a Function,
    /// The function's outputs, and behind them what the states hold that are written.
    outputs: Vec<ValueId>,
    profile: Profile,
    literals: &'a [Option<Literal>],
    root: Vec<ValueId>,
    /// The buffer of each root that has one.
    buffers: HashMap<ValueId, BufferId>,
    plan: Plan,
}

impl Builder<'_> {
    fn root(&self, id: ValueId) -> ValueId {
        self.root[id.index()]
    }

    fn storage(&self, id: ValueId) -> DType {
        self.profile.storage(self.function.ty(id).dtype)
    }

    /// How a chain keeps a value: as it will be stored.
    fn kept(&self, id: ValueId) -> Keep {
        if self.storage(id) == DType::Fp16 { Keep::F16 } else { Keep::F32 }
    }

    fn build(mut self, groups: Vec<Group>) -> Option<Plan> {
        self.given_buffers();
        let copies = self.output_buffers(&groups);
        let wanted = self.wanted(&groups);
        for group in groups {
            self.step(group, &wanted)?;
        }
        for (from, to) in copies {
            let from = self.read(from)?;
            let work = Work::Step(Box::new(Copy));
            let (reads, writes, nodes) = (vec![from], vec![to], Vec::new());
            self.plan.steps.push(PlannedStep { work, reads, writes, over: false, nodes });
        }
        self.assign_arena();
        Some(self.plan)
    }

    fn buffer(&mut self, id: ValueId, home: Home) -> BufferId {
        let (dtype, elements) = (self.storage(id), self.function.ty(id).dims.elements());
        self.plan.buffers.push(Buffer { dtype, elements, home });
        self.plan.buffers.len() - 1
    }

    fn given_buffers(&mut self) {
        for (at, id) in self.function.params.iter().chain(&self.function.states).enumerate() {
            let buffer = self.buffer(*id, Home::Input(at));
            self.buffers.insert(*id, buffer);
        }
    }

    /// Gives each output that a step makes its place, and lists the others, which are copied at the end: inputs,
    /// constants, and second names of other outputs.
    fn output_buffers(&mut self, groups: &[Group]) -> Vec<(ValueId, BufferId)> {
        let made: Vec<ValueId> =
            groups.iter().flat_map(Group::nodes).flat_map(|n| self.function.nodes[n].results.iter().copied()).collect();
        let mut is_made = vec![false; self.root.len()];
        made.iter().for_each(|id| is_made[id.index()] = true);
        let mut copies = Vec::new();
        for (at, id) in self.outputs.clone().iter().enumerate() {
            let root = self.root(*id);
            let buffer = self.buffer(*id, Home::Output(at));
            if is_made[root.index()] && !self.buffers.contains_key(&root) {
                self.buffers.insert(root, buffer);
            } else {
                copies.push((*id, buffer));
            }
        }
        copies
    }

    /// Which roots are read by another group than the one that makes them, or are outputs.
    fn wanted(&self, groups: &[Group]) -> Vec<bool> {
        let mut maker = vec![usize::MAX; self.root.len()];
        for (at, group) in groups.iter().enumerate() {
            let results = group.nodes().flat_map(|n| &self.function.nodes[n].results);
            results.for_each(|id| maker[id.index()] = at);
        }
        let mut wanted = vec![false; self.root.len()];
        self.outputs.iter().for_each(|id| wanted[self.root(*id).index()] = true);
        for (at, group) in groups.iter().enumerate() {
            let head = match &group.head {
                Head::None => &[][..],
                Head::Source(_, planned) => &planned.reads,
                Head::Step(_, planned) => &planned.reads,
            };
            for id in head.iter().chain(group.maps.iter().flat_map(|m| &m.operands)) {
                let root = self.root(*id).index();
                wanted[root] |= maker[root] != at;
            }
        }
        wanted
    }

    /// The buffer from which a value is read.
    fn read(&mut self, id: ValueId) -> Option<BufferId> {
        let root = self.root(id);
        if let Some(buffer) = self.buffers.get(&root) {
            return Some(*buffer);
        }
        let literal = self.literals[root.index()].as_ref().expect("values are made before they are read");
        let constant = stored(literal, self.storage(root))?;
        self.plan.constants.push(constant);
        let buffer = self.buffer(root, Home::Constant(self.plan.constants.len() - 1));
        self.buffers.insert(root, buffer);
        Some(buffer)
    }

    /// The buffer into which a value is written.
    fn write(&mut self, id: ValueId) -> BufferId {
        match self.buffers.get(&id) {
            Some(buffer) => *buffer,
            None => {
                let buffer = self.buffer(id, Home::Arena(0));
                self.buffers.insert(id, buffer);
                buffer
            }
        }
    }

    fn step(&mut self, group: Group, wanted: &[bool]) -> Option<()> {
        let nodes: Vec<usize> = group.nodes().collect();
        let Group { head, maps, .. } = group;
        let (work, reads, writes, scratch) = match head {
            Head::Step(node, planned) => {
                let reads = self.reads(&planned.reads)?;
                let writes = self.function.nodes[node].results.iter().map(|id| self.write(*id)).collect();
                (Work::Step(planned.step), reads, writes, planned.scratch)
            }
            Head::Source(node, planned) => {
                let mut links =
                    Links::new(self.reads(&planned.reads)?, self.function.ty(self.result(node)).dims.elements());
                let given = links.chain.given();
                // What a source gives is not rounded yet.
                let identity = MapOp::Unary(Unary::Identity);
                let given = match self.kept(self.result(node)) {
                    Keep::F16 => links.chain.map(identity, &[given], Keep::F16),
                    Keep::F32 => given,
                };
                self.keep(&mut links, self.result(node), given, wanted);
                self.maps(&mut links, &maps, wanted)?;
                let chain = links.chain.finish();
                let scratch = planned.scratch + chain.scratch();
                (Work::Source(planned.step, chain), links.reads, links.writes, scratch)
            }
            Head::None => {
                let elements = self.function.ty(self.result(maps[0].node)).dims.elements();
                let mut links = Links::new(Vec::new(), elements);
                self.maps(&mut links, &maps, wanted)?;
                let chain = links.chain.finish();
                let scratch = chain.scratch();
                (Work::Map(chain), links.reads, links.writes, scratch)
            }
        };
        self.plan.scratch = self.plan.scratch.max(scratch);
        self.plan.steps.push(PlannedStep { work, reads, writes, over: false, nodes });
        Some(())
    }

    fn result(&self, node: usize) -> ValueId {
        self.function.nodes[node].results[0]
    }

    fn reads(&mut self, ids: &[ValueId]) -> Option<Vec<BufferId>> {
        ids.iter().map(|id| self.read(*id)).collect()
    }

    /// Writes a group's functions into its chain.
    fn maps(&mut self, links: &mut Links, maps: &[super::fuse::MapNode], wanted: &[bool]) -> Option<()> {
        for map in maps {
            let result = self.result(map.node);
            let mut args = Vec::with_capacity(map.operands.len());
            for id in &map.operands {
                args.push(match links.values.get(&self.root(*id)) {
                    Some(reg) => *reg,
                    None => {
                        let walk = Walk::new(&self.function.ty(*id).dims, &self.function.ty(result).dims);
                        let buffer = self.read(*id)?;
                        links.load(buffer, walk)
                    }
                });
            }
            let halves = |id: &ValueId| matches!(self.storage(*id), DType::Fp16 | DType::Bool);
            let exact = map.op.keeps_halves() && map.operands.iter().all(halves);
            let keep = if exact { Keep::F32 } else { self.kept(result) };
            let reg = links.chain.map(map.op, &args, keep);
            self.keep(links, result, reg, wanted);
        }
        Some(())
    }

    /// Notes where a value of a group is, and stores it if others read it.
    fn keep(&mut self, links: &mut Links, id: ValueId, reg: chain::Reg, wanted: &[bool]) {
        links.values.insert(id, reg);
        if wanted[id.index()] {
            links.chain.store(reg, links.writes.len());
            let buffer = self.write(id);
            links.writes.push(buffer);
        }
    }

    fn assign_arena(&mut self) {
        let place = over(&mut self.plan);
        let mut lives: HashMap<BufferId, (usize, usize)> = HashMap::new();
        for (at, step) in self.plan.steps.iter().enumerate() {
            for id in step.writes.iter().chain(&step.reads) {
                lives.entry(place[*id]).or_insert((at, at)).1 = at;
            }
        }
        let is_arena = |id: &BufferId| matches!(self.plan.buffers[*id].home, Home::Arena(_));
        let ids: Vec<BufferId> = (0..self.plan.buffers.len()).filter(|id| is_arena(id) && place[*id] == *id).collect();
        let life = |id: &BufferId| {
            let (first, last) = lives[id];
            Life { bytes: self.plan.buffers[*id].bytes(), first, last }
        };
        let (offsets, total) = arena::assign(&ids.iter().map(life).collect::<Vec<_>>());
        for (id, offset) in ids.into_iter().zip(offsets) {
            self.plan.buffers[id].home = Home::Arena(offset);
        }
        for (id, first) in place.into_iter().enumerate() {
            self.plan.buffers[id].home = self.plan.buffers[first].home;
        }
        self.plan.arena_bytes = total;
    }
}

/// A group's chain while it is written: its values and its buffers.
struct Links {
    chain: chain::Builder,
    values: HashMap<ValueId, chain::Reg>,
    loaded: Vec<(BufferId, Walk, chain::Reg)>,
    reads: Vec<BufferId>,
    writes: Vec<BufferId>,
}

impl Links {
    fn new(reads: Vec<BufferId>, elements: usize) -> Links {
        let chain = chain::Builder::new(elements);
        Links { chain, values: HashMap::new(), loaded: Vec::new(), reads, writes: Vec::new() }
    }

    /// The register of an operand, which is read once.
    fn load(&mut self, buffer: BufferId, walk: Walk) -> chain::Reg {
        if let Some((.., reg)) = self.loaded.iter().find(|(b, w, _)| *b == buffer && *w == walk) {
            return *reg;
        }
        let reg = self.chain.load(self.reads.len(), walk.clone());
        self.reads.push(buffer);
        self.loaded.push((buffer, walk, reg));
        reg
    }
}

/// A constant as it is stored.
fn stored(literal: &Literal, dtype: DType) -> Option<Storage> {
    let literal = &literal.dense();
    let ty = TensorType { dtype, dims: literal.ty().dims };
    let converted = if literal.ty().dtype == dtype { None } else { Literal::from_f64(ty, &literal.to_f64()?).ok() };
    let bytes = converted.as_ref().unwrap_or(literal).bytes()?;
    let mut storage = Storage::try_new(bytes.len())?;
    storage.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
    Some(storage)
}

/// Copies a buffer.
struct Copy;

impl Moves for Copy {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, _: &Team<'_>) {
        io.write::<T>(0).copy_from_slice(io.read(0));
    }
}
