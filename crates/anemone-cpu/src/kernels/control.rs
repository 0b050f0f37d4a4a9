//! Control flow: each block is a function of its own, with an engine of its own, that a step runs.

use super::{Form, Kernel};
use crate::engine::{Engine, Options};
use crate::memory::{Io, Storage};
use crate::plan::{PlanCx, Planned, Step};
use crate::team::Team;
use crate::views::{Input, Output, Slice, SliceMut};
use anemone_ir::ops::control::{Cond, WhileLoop};
use anemone_ir::{DType, TensorType, ValueId};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A block, planned, and which of the step's operands it reads besides its parameters.
struct Body {
    engine: Engine,
    captured: Range<usize>,
}

/// Plans the blocks of a node; what they capture is appended to `reads`.
fn bodies(cx: &PlanCx<'_>, reads: &mut Vec<ValueId>) -> Option<Vec<Body>> {
    let body = |block| {
        let (function, captured) = cx.function.outline(block);
        let options = Options { profile: cx.profile, threads: Some(cx.threads), level: Some(cx.level), fuse: cx.fuse };
        let from = reads.len();
        reads.extend(captured);
        Some(Body { engine: Engine::new(&function, &options).ok()?, captured: from..reads.len() })
    };
    cx.node.blocks.iter().map(body).collect()
}

fn row(ty: &TensorType) -> usize {
    ty.dims.last().copied().unwrap_or(1)
}

/// An operand of a step, as an engine takes it.
fn operand<'a>(io: &Io<'a>, read: usize, ty: &TensorType) -> Input<'a> {
    let dtype = io.dtype(read);
    let bytes = match dtype.size() {
        1 => io.read::<u8>(read),
        2 => bytemuck::cast_slice(io.read::<u16>(read)),
        _ => bytemuck::cast_slice(io.read::<u32>(read)),
    };
    Input { data: Slice::of(dtype, bytes), row_stride: row(ty) }
}

impl Body {
    /// Runs the block. `types` are those of the step's operands.
    fn run(&self, params: &[Input<'_>], io: &Io<'_>, types: &[TensorType], outputs: &mut [Output<'_>]) {
        let captured = self.captured.clone().map(|read| operand(io, read, &types[read]));
        let inputs: Vec<Input<'_>> = params.iter().copied().chain(captured).collect();
        // All but memory has been seen to when it was planned. Without memory for a block's values nothing can be said to
        // the caller from inside of a step, as for any allocation that fails.
        self.engine.run(&inputs, outputs).expect("a block's operands are as they were planned");
    }
}

/// Memory that holds one value.
struct Held {
    storage: Storage,
    dtype: DType,
    ty: TensorType,
}

impl Held {
    fn new(dtype: DType, ty: TensorType) -> Option<Held> {
        let bytes = TensorType { dtype, ..ty }.bytes();
        Some(Held { storage: Storage::try_new(bytes)?, dtype, ty })
    }

    fn input(&self) -> Input<'_> {
        let bytes = &self.storage.bytes()[..self.ty.dims.elements() * self.dtype.size()];
        Input { data: Slice::of(self.dtype, bytes), row_stride: row(&self.ty) }
    }

    fn output(&mut self) -> Output<'_> {
        let bytes = &mut self.storage.bytes_mut()[..self.ty.dims.elements() * self.dtype.size()];
        Output { data: SliceMut::of(self.dtype, bytes), row_stride: row(&self.ty) }
    }

    fn bytes(&self) -> &[u8] {
        self.storage.bytes()
    }
}

/// The results of a step, to be filled with bytes.
fn result<'a>(io: &mut Io<'a>, write: usize, dtype: DType) -> &'a mut [u8] {
    match dtype.size() {
        1 => io.write::<u8>(write),
        2 => bytemuck::cast_slice_mut(io.write::<u16>(write)),
        _ => bytemuck::cast_slice_mut(io.write::<u32>(write)),
    }
}

/// One of two blocks.
struct Choice {
    bodies: Vec<Body>,
    /// The types of the operands, and of the results with how they are stored.
    operands: Vec<TensorType>,
    results: Vec<(TensorType, DType)>,
}

impl Step for Choice {
    fn run(&self, io: &mut Io<'_>, _: &Team<'_>) {
        let body = &self.bodies[usize::from(io.read::<u8>(0)[0] == 0)];
        let mut outputs: Vec<Output<'_>> = Vec::with_capacity(self.results.len());
        for (write, (ty, dtype)) in self.results.iter().enumerate() {
            let data = SliceMut::of(*dtype, result(io, write, *dtype));
            outputs.push(Output { data, row_stride: row(ty) });
        }
        body.run(&[], io, &self.operands, &mut outputs);
    }
}

/// A block that runs on its own results while another one says so.
struct Loop {
    condition: Body,
    body: Body,
    vars: usize,
    operands: Vec<TensorType>,
    results: Vec<(TensorType, DType)>,
    /// Memory of runs that are over, to be used again.
    idle: Mutex<Vec<[Vec<Held>; 2]>>,
}

impl Loop {
    fn memory(&self) -> Option<[Vec<Held>; 2]> {
        let all = || self.results.iter().map(|(ty, dtype)| Held::new(*dtype, *ty)).collect::<Option<Vec<_>>>();
        Some([all()?, all()?])
    }

    fn goes_on(&self, io: &Io<'_>, vars: &[Input<'_>]) -> bool {
        let mut flag = [0u8];
        let output = Output { data: SliceMut::Bool(&mut flag), row_stride: 1 };
        self.condition.run(vars, io, &self.operands, &mut [output]);
        flag[0] != 0
    }
}

impl Step for Loop {
    fn run(&self, io: &mut Io<'_>, _: &Team<'_>) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = idle.or_else(|| self.memory()).expect("there is no memory for the values of a loop");
        let first: Vec<Input<'_>> = (0..self.vars).map(|read| operand(io, read, &self.operands[read])).collect();
        let (mut turns, [now, next]) = (0usize, &mut memory);
        loop {
            let vars: Vec<Input<'_>> = if turns == 0 { first.clone() } else { now.iter().map(Held::input).collect() };
            if !self.goes_on(io, &vars) {
                break;
            }
            let mut outputs: Vec<Output<'_>> = next.iter_mut().map(Held::output).collect();
            self.body.run(&vars, io, &self.operands, &mut outputs);
            drop(outputs);
            std::mem::swap(now, next);
            turns += 1;
        }
        for (write, (_, dtype)) in self.results.iter().enumerate() {
            let to = result(io, write, *dtype);
            let from = if turns == 0 { first[write].data.bytes() } else { now[write].bytes() };
            to.copy_from_slice(&from[..to.len()]);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

fn results(cx: &PlanCx<'_>) -> Vec<(TensorType, DType)> {
    cx.node.results.iter().map(|id| (cx.ty(*id), cx.storage(*id))).collect()
}

impl Kernel for Cond {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let mut reads: Vec<ValueId> = cx.node.operands().collect();
        let Some(bodies) = bodies(cx, &mut reads) else { return Form::NoMemory };
        let operands = reads.iter().map(|id| cx.ty(*id)).collect();
        let step = Choice { bodies, operands, results: results(cx) };
        Form::Step(Planned { step: Box::new(step), reads, scratch: 0 })
    }
}

impl Kernel for WhileLoop {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let mut reads: Vec<ValueId> = cx.node.operands().collect();
        let vars = reads.len();
        let Some(bodies) = bodies(cx, &mut reads) else { return Form::NoMemory };
        let Ok([condition, body]) = <[Body; 2]>::try_from(bodies) else { return Form::NoMemory };
        let operands = reads.iter().map(|id| cx.ty(*id)).collect();
        let step = Loop { condition, body, vars, operands, results: results(cx), idle: Mutex::default() };
        let Some(memory) = step.memory() else { return Form::NoMemory };
        step.idle.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        Form::Step(Planned { step: Box::new(step), reads, scratch: 0 })
    }
}
