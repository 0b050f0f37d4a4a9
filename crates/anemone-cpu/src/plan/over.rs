//! Steps that change their first operand where it is: a part of a large tensor is replaced without copying the rest.

use super::{BufferId, Home, Plan, Work};

/// Has steps work over their first operand where they can and nothing reads that later. For each buffer, the one whose place
/// it takes: itself, or the first of those that follow each other in one place.
pub(super) fn over(plan: &mut Plan) -> Vec<BufferId> {
    let mut last = vec![0; plan.buffers.len()];
    for (at, step) in plan.steps.iter().enumerate() {
        step.reads.iter().for_each(|id| last[*id] = at);
    }
    let mut place: Vec<BufferId> = (0..plan.buffers.len()).collect();
    for (at, step) in plan.steps.iter_mut().enumerate() {
        let (Work::Step(work), [first, others @ ..], [result]) = (&mut step.work, &step.reads[..], &step.writes[..])
        else {
            continue;
        };
        let [from, to] = [*first, *result].map(|id| plan.buffers[id]);
        let movable = from.home == Home::Arena(0) && from == to && last[*first] == at && !others.contains(first);
        if movable && work.over() {
            step.over = true;
            place[*result] = place[*first];
        }
    }
    place
}
