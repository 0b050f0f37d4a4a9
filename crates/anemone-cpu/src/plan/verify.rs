//! An independent proof that a plan is sound: it runs the plan on intervals of bytes instead of numbers.
//!
//! It shares nothing with the planner but the plan. It proves that every buffer lies inside the arena, that a step's
//! results overlap neither its operands nor each other, and that a buffer is intact, as its maker left it, whenever it is
//! read. [`crate::memory::Io`] relies on the second point, results rely on the third.

use super::{Buffer, BufferId, Home, Plan};
use std::ops::Range;

fn bytes_of(buffer: &Buffer) -> Option<Range<usize>> {
    match buffer.home {
        Home::Arena(at) => Some(at..at + buffer.bytes()),
        Home::Constant(_) => None,
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Checks a plan.
///
/// # Errors
/// What is wrong, for our own eyes: a plan that fails is a bug of the planner.
pub(crate) fn verify(plan: &Plan) -> Result<(), String> {
    for (id, buffer) in plan.buffers.iter().enumerate() {
        match buffer.home {
            Home::Arena(at) if at % crate::memory::LINE != 0 => return Err(format!("buffer {id} is not aligned")),
            Home::Arena(at) if at + buffer.bytes() > plan.arena_bytes => {
                return Err(format!("buffer {id} ends outside the arena"));
            }
            Home::Constant(c) if buffer.bytes() > plan.constants[c].bytes().len() => {
                return Err(format!("buffer {id} is longer than its constant"));
            }
            Home::Arena(_) | Home::Constant(_) => {}
        }
    }
    let mut intact: Vec<bool> = plan.buffers.iter().map(|b| matches!(b.home, Home::Constant(_))).collect();
    let write = |intact: &mut Vec<bool>, id: BufferId| {
        let Some(range) = bytes_of(&plan.buffers[id]) else { return };
        for (other, buffer) in plan.buffers.iter().enumerate() {
            if bytes_of(buffer).is_some_and(|r| overlap(&r, &range)) {
                intact[other] = other == id;
            }
        }
        intact[id] = true;
    };
    plan.params.iter().for_each(|id| write(&mut intact, *id));
    for (at, step) in plan.steps.iter().enumerate() {
        if let Some(id) = step.reads.iter().find(|id| !intact[**id]) {
            return Err(format!("step {at} reads buffer {id}, which does not hold its value any more"));
        }
        for (i, id) in step.writes.iter().enumerate() {
            let Some(range) = bytes_of(&plan.buffers[*id]) else {
                return Err(format!("step {at} writes constant {id}"));
            };
            let others = step.reads.iter().chain(&step.writes[..i]);
            if let Some(other) = others.copied().find(|o| bytes_of(&plan.buffers[*o]).is_some_and(|r| overlap(&r, &range)))
            {
                return Err(format!("step {at} writes buffer {id} over buffer {other}"));
            }
        }
        step.writes.iter().for_each(|id| write(&mut intact, *id));
    }
    match plan.outputs.iter().find(|id| !intact[**id]) {
        Some(id) => Err(format!("output buffer {id} does not hold its value at the end")),
        None => Ok(()),
    }
}
