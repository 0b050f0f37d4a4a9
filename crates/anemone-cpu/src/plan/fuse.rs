//! Which nodes run together.
//!
//! A *group* becomes one step: a step of its own, a source, or nothing but functions of elements. A function of elements
//! joins the group that makes one of its operands if it reads that operand element by element, and if nothing it reads
//! besides depends on that group. Groups that one node joins become one. Bits do not change, see [`crate::chain`].

use crate::chain::MapOp;
use crate::kernels::Form;
use crate::plan::{Planned, Source, Step};
use anemone_ir::{Function, ValueId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A function of elements in a group.
pub(crate) struct MapNode {
    pub(crate) node: usize,
    pub(crate) op: MapOp,
    pub(crate) operands: Vec<ValueId>,
}

/// What begins a group.
pub(crate) enum Head {
    None,
    Source(usize, Planned<dyn Source>),
    Step(usize, Planned<dyn Step>),
}

/// Nodes that become one step.
pub(crate) struct Group {
    pub(crate) head: Head,
    /// In the order of their nodes.
    pub(crate) maps: Vec<MapNode>,
    /// Elements of what its functions compute.
    elements: usize,
    /// Groups whose results it reads.
    reads: Vec<usize>,
    /// The group that it became a part of.
    into: Option<usize>,
}

impl Group {
    fn new(head: Head, elements: usize) -> Group {
        Group { head, maps: Vec::new(), elements, reads: Vec::new(), into: None }
    }

    /// Positions of its nodes in the function.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = usize> + '_ {
        let head = match &self.head {
            Head::None => None,
            Head::Source(node, _) | Head::Step(node, _) => Some(*node),
        };
        head.into_iter().chain(self.maps.iter().map(|m| m.node))
    }
}

/// The longest chain: bounds registers and the time to plan.
const LONGEST: usize = 64;

/// The most groups that are looked at to see whether one waits for another: bounds the time to plan. If there are more, it
/// is taken to wait, and less runs together.
const FARTHEST: usize = 4096;

/// The groups of a function's live nodes.
pub(crate) struct Grouping<'a> {
    function: &'a Function,
    fuse: bool,
    /// The value whose bytes a value's are: itself, unless it is a view.
    root: Vec<ValueId>,
    /// The group that computes a value.
    maker: Vec<Option<usize>>,
    groups: Vec<Group>,
}

impl<'a> Grouping<'a> {
    pub(crate) fn new(function: &'a Function, fuse: bool) -> Grouping<'a> {
        let root: Vec<ValueId> = function.ids().collect();
        let maker = vec![None; root.len()];
        Grouping { function, fuse, root, maker, groups: Vec::new() }
    }

    /// The value whose bytes these are.
    pub(crate) fn root(&self, id: ValueId) -> ValueId {
        self.root[id.index()]
    }

    fn maker(&self, id: ValueId) -> Option<usize> {
        self.maker[self.root(id).index()].map(|g| self.find(g))
    }

    /// The group that a group has become a part of.
    fn find(&self, mut group: usize) -> usize {
        while let Some(into) = self.groups[group].into {
            group = into;
        }
        group
    }

    fn elements(&self, id: ValueId) -> usize {
        self.function.ty(id).dims.elements()
    }

    /// Adds a node, whose operands have been added before.
    pub(crate) fn add(&mut self, node: usize, form: Form) {
        let result = self.function.nodes[node].results[0];
        match form {
            Form::View(of) => self.root[result.index()] = self.root(of),
            Form::Map(op, operands) => self.add_map(MapNode { node, op, operands }),
            Form::Source(planned) => {
                let reads = planned.reads.clone();
                self.add_group(node, Group::new(Head::Source(node, planned), self.elements(result)), &reads);
            }
            Form::Step(planned) => {
                let reads = planned.reads.clone();
                self.add_group(node, Group::new(Head::Step(node, planned), 0), &reads);
            }
            Form::Reference | Form::Hold { .. } | Form::NoMemory => unreachable!("the planner has seen to it"),
        }
    }

    fn add_group(&mut self, node: usize, mut group: Group, reads: &[ValueId]) {
        group.reads = reads.iter().filter_map(|id| self.maker(*id)).collect();
        self.groups.push(group);
        for id in &self.function.nodes[node].results {
            self.maker[id.index()] = Some(self.groups.len() - 1);
        }
    }

    fn add_map(&mut self, map: MapNode) {
        let result = self.function.nodes[map.node].results[0];
        let base = self.candidates(&map, result).into_iter().find(|g| self.may_join(&map, result, *g));
        let Some(base) = base else {
            let (node, reads) = (map.node, map.operands.clone());
            let mut group = Group::new(Head::None, self.elements(result));
            group.maps.push(map);
            return self.add_group(node, group, &reads);
        };
        for other in self.candidates(&map, result) {
            let fits = self.groups[base].maps.len() + self.groups[other].maps.len() < LONGEST;
            let apart = other != base && !self.depends(other, base) && self.may_join(&map, result, other);
            if fits && apart && matches!(self.groups[other].head, Head::None) {
                self.merge(other, base);
            }
        }
        let reads: Vec<usize> = map.operands.iter().filter_map(|id| self.maker(*id)).filter(|g| *g != base).collect();
        self.groups[base].reads.extend(reads);
        self.groups[base].maps.push(map);
        self.maker[result.index()] = Some(base);
    }

    /// Groups that make an operand which the node reads element by element; sources first.
    fn candidates(&self, map: &MapNode, result: ValueId) -> Vec<usize> {
        if !self.fuse {
            return Vec::new();
        }
        let elements = self.elements(result);
        let straight = map.operands.iter().filter(|id| self.elements(**id) == elements);
        let mut groups: Vec<usize> = straight.filter_map(|id| self.maker(*id)).collect();
        groups.retain(|g| self.groups[*g].elements == elements && !matches!(self.groups[*g].head, Head::Step(..)));
        groups.sort_by_key(|g| (matches!(self.groups[*g].head, Head::None), *g));
        groups.dedup();
        groups
    }

    /// Whether the node can run in `base`: what it reads from there it reads element by element, and nothing else that it
    /// reads waits for `base`.
    fn may_join(&self, map: &MapNode, result: ValueId, base: usize) -> bool {
        let elements = self.elements(result);
        self.groups[base].maps.len() < LONGEST
            && map.operands.iter().all(|id| match self.maker(*id) {
                Some(group) if group == base => self.elements(*id) == elements,
                Some(group) => !self.depends(group, base),
                None => true,
            })
    }

    /// Whether `group` reads, over any number of groups, what `of` makes; also if that is too far to see.
    fn depends(&self, group: usize, of: usize) -> bool {
        let mut seen = vec![false; self.groups.len()];
        let (mut todo, mut visited) = (vec![group], 0);
        while let Some(group) = todo.pop() {
            visited += 1;
            if visited > FARTHEST {
                return true;
            }
            for read in self.groups[group].reads.iter().map(|g| self.find(*g)) {
                if read == of {
                    return true;
                }
                if !std::mem::replace(&mut seen[read], true) {
                    todo.push(read);
                }
            }
        }
        false
    }

    /// Makes one group a part of another, on which it does not depend.
    fn merge(&mut self, from: usize, into: usize) {
        let (maps, reads) = (std::mem::take(&mut self.groups[from].maps), std::mem::take(&mut self.groups[from].reads));
        self.groups[from].into = Some(into);
        let group = &mut self.groups[into];
        group.maps.extend(maps);
        group.maps.sort_by_key(|m| m.node);
        group.reads.extend(reads);
    }

    /// The groups in an order in which they can run, and the root of each value.
    pub(crate) fn finish(mut self) -> (Vec<Group>, Vec<ValueId>) {
        let count = self.groups.len();
        let mut waits = vec![0; count];
        let mut readers = vec![Vec::new(); count];
        for at in (0..count).filter(|g| self.groups[*g].into.is_none()) {
            let mut reads: Vec<usize> = self.groups[at].reads.iter().map(|g| self.find(*g)).collect();
            reads.sort_unstable();
            reads.dedup();
            for read in reads.into_iter().filter(|g| *g != at) {
                waits[at] += 1;
                readers[read].push(at);
            }
        }
        let first = |g: usize| Reverse((self.groups[g].nodes().next(), g));
        let live = (0..count).filter(|g| self.groups[*g].into.is_none());
        let mut ready: BinaryHeap<_> = live.filter(|g| waits[*g] == 0).map(first).collect();
        let mut order = Vec::with_capacity(count);
        while let Some(Reverse((_, group))) = ready.pop() {
            order.push(group);
            for reader in &readers[group] {
                waits[*reader] -= 1;
                if waits[*reader] == 0 {
                    ready.push(first(*reader));
                }
            }
        }
        let take = |g: &usize| std::mem::replace(&mut self.groups[*g], Group::new(Head::None, 0));
        (order.iter().map(take).collect(), self.root)
    }
}
