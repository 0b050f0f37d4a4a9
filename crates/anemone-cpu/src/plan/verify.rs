//! An independent proof that a plan is sound: it runs the plan on intervals of bytes instead of numbers.
//!
//! It shares nothing with the planner but the plan. It proves that every buffer lies inside its memory, that a step's
//! results overlap neither its operands nor each other, but for one that is made where the first operand was, which the step
//! is then not given, and that a buffer is intact, as its maker left it, whenever it is read. [`crate::memory::Io`] relies on the second point, results rely on the third.

use super::{Buffer, BufferId, Home, Plan};
use std::ops::Range;

/// Bytes of one of the memories that a plan knows: the arena, or one that belongs to the buffer alone.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Area {
    memory: Home,
    bytes: Range<usize>,
}

fn area(buffer: &Buffer) -> Area {
    let (memory, start) = match buffer.home {
        Home::Arena(at) => (Home::Arena(0), at),
        own @ (Home::Constant(_) | Home::Input(_) | Home::Output(_)) => (own, 0),
    };
    Area { memory, bytes: start..start + buffer.bytes() }
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.memory == b.memory && a.bytes.start < b.bytes.end && b.bytes.start < a.bytes.end
}

/// Checks a plan.
///
/// # Errors
/// What is wrong, for our own eyes: a plan that fails is a bug of the planner.
pub(crate) fn verify(plan: &Plan) -> Result<(), String> {
    inside(plan)?;
    let areas: Vec<Area> = plan.buffers.iter().map(area).collect();
    let given = |b: &Buffer| matches!(b.home, Home::Constant(_) | Home::Input(_));
    let mut intact: Vec<bool> = plan.buffers.iter().map(given).collect();
    // The written buffers that are intact: few of them are at a time, however many there are.
    let mut held: Vec<BufferId> = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        if let Some(id) = step.reads.iter().find(|id| !intact[**id]) {
            return Err(format!("step {at} reads buffer {id}, which does not hold its value any more"));
        }
        for (i, id) in step.writes.iter().enumerate() {
            if given(&plan.buffers[*id]) {
                return Err(format!("step {at} writes buffer {id}, which is given"));
            }
            if step.over && i == 0 && areas[step.reads[0]] != areas[*id] {
                return Err(format!("step {at} does not write buffer {id} where buffer {} is", step.reads[0]));
            }
            let operands = if step.over && i == 0 { step.operands() } else { &step.reads[..] };
            let mut others = operands.iter().chain(&step.writes[..i]);
            if let Some(other) = others.find(|other| overlap(&areas[**other], &areas[*id])) {
                return Err(format!("step {at} writes buffer {id} over buffer {other}"));
            }
        }
        held.retain(|other| {
            intact[*other] = !step.writes.iter().any(|id| overlap(&areas[*other], &areas[*id]));
            intact[*other]
        });
        held.extend(&step.writes);
        step.writes.iter().for_each(|id| intact[*id] = true);
    }
    let outputs = plan.buffers.iter().zip(&intact).filter(|(b, _)| matches!(b.home, Home::Output(_)));
    match outputs.into_iter().find(|(_, intact)| !**intact) {
        Some((buffer, _)) => Err(format!("{:?} does not hold its value at the end", buffer.home)),
        None => Ok(()),
    }
}

/// Every buffer lies inside its memory, on a line.
fn inside(plan: &Plan) -> Result<(), String> {
    for (id, buffer) in plan.buffers.iter().enumerate() {
        match buffer.home {
            Home::Arena(at) if at % crate::memory::LINE != 0 => return Err(format!("buffer {id} is not aligned")),
            Home::Arena(at) if at + buffer.bytes() > plan.arena_bytes => {
                return Err(format!("buffer {id} ends outside the arena"));
            }
            Home::Constant(c) if buffer.bytes() > plan.constants[c].bytes().len() => {
                return Err(format!("buffer {id} is longer than its constant"));
            }
            Home::Arena(_) | Home::Constant(_) | Home::Input(_) | Home::Output(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{PlannedStep, Work};
    use super::*;
    use crate::chain;
    use anemone_ir::DType;

    /// What a step reads and writes.
    type Buffers<'a> = (&'a [BufferId], &'a [BufferId]);

    /// Steps on buffers of 64 bytes at these homes.
    fn plan(homes: &[Home], steps: &[Buffers<'_>]) -> Plan {
        let step = |(reads, writes): &Buffers<'_>| PlannedStep {
            work: Work::Map(chain::Builder::new(1).finish()),
            reads: reads.to_vec(),
            writes: writes.to_vec(),
            over: false,
            nodes: Vec::new(),
        };
        let buffer = |home: &Home| Buffer { dtype: DType::Fp32, elements: 16, home: *home };
        Plan {
            steps: steps.iter().map(step).collect(),
            buffers: homes.iter().map(buffer).collect(),
            constants: Vec::new(),
            arena_bytes: 128,
            scratch: 0,
            written: Vec::new(),
        }
    }

    #[test]
    fn sound_plans_pass_and_planted_faults_are_found() {
        let (input, output, a, b) = (Home::Input(0), Home::Output(0), Home::Arena(0), Home::Arena(64));
        let homes = [input, a, b, output];
        assert_eq!(verify(&plan(&homes, &[(&[0], &[1]), (&[1], &[2]), (&[1, 2], &[3])])), Ok(()));
        let faults: [(&[Home], &[Buffers<'_>], &str); 7] = [
            (&homes, &[(&[1], &[3])], "does not hold its value any more"),
            (&homes, &[(&[0], &[1])], "at the end"),
            (&homes, &[(&[1], &[0])], "does not hold"),
            (&homes, &[(&[0], &[0])], "which is given"),
            (&[input, a, a, output], &[(&[0], &[1]), (&[1], &[2])], "over buffer"),
            (&[input, a, a, output], &[(&[0], &[1]), (&[0], &[2]), (&[1], &[3])], "does not hold its value any more"),
            (&[input, Home::Arena(128), b, output], &[(&[0], &[3])], "outside the arena"),
        ];
        for (homes, steps, message) in faults {
            let error = verify(&plan(homes, steps)).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_step_may_change_its_first_operand_if_nothing_reads_that_later() {
        let (input, output, a, b) = (Home::Input(0), Home::Output(0), Home::Arena(0), Home::Arena(64));
        let over = |homes: &[Home], steps: &[Buffers<'_>]| {
            let mut plan = plan(homes, steps);
            plan.steps[1].over = true;
            verify(&plan)
        };
        let good: &[Buffers<'_>] = &[(&[0], &[1]), (&[1, 0], &[2]), (&[2], &[3])];
        assert_eq!(over(&[input, a, a, output], good), Ok(()));
        let faults: [(&[Home], &[Buffers<'_>], &str); 4] = [
            (&[input, a, b, output], good, "where buffer 1 is"),
            (&[input, a, a, output], &[(&[0], &[1]), (&[1, 1], &[2]), (&[2], &[3])], "over buffer 1"),
            (&[input, a, a, output], &[(&[0], &[1]), (&[1, 0], &[2]), (&[1], &[3])], "does not hold its value"),
            (&[input, input, input, output], &[(&[0], &[3]), (&[1, 0], &[2])], "which is given"),
        ];
        for (homes, steps, message) in faults {
            let error = over(homes, steps).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
