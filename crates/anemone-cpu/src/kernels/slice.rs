//! Parts of tensors.

use super::gather::Indices;
use super::{Form, Kernel, movement, movement_kernels};
use crate::memory::{Io, Stored};
use crate::plan::{Moves, PlanCx, Planned};
use crate::team::Team;
use anemone_ir::ops::slice::*;

movement_kernels! { SliceByIndex SlidingWindows }

impl Kernel for SliceBySize {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        match (&self.begin, cx.id("begin")) {
            (Some(begin), Some(id)) => movement::form_from(cx, &self.map, begin, id),
            _ => movement::form(cx, &self.map, 0.0),
        }
    }
}

struct Update {
    update: SliceUpdate,
    /// Whether `x` is changed where it is.
    over: bool,
}

impl Kernel for SliceUpdate {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let reads: Option<Vec<_>> = ["x", "update", "begin"].into_iter().map(|p| cx.id(p)).collect();
        let step = Update { update: self.clone(), over: false };
        match reads {
            Some(reads) => Form::Step(Planned { step: Box::new(step), reads, scratch: 0 }),
            None => Form::Reference,
        }
    }
}

impl Moves for Update {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let to = io.write::<T>(0);
        let own = usize::from(!self.over);
        let (update, begin) = (io.read::<T>(own), Indices::of(io, own + 1).iter().collect::<Vec<_>>());
        if !self.over {
            let (x, piece) = (io.read::<T>(0), team.piece(to.len(), 1));
            team.chunks(to, piece, |start, to, _| to.copy_from_slice(&x[start..][..to.len()]));
        }
        let mut rest = update;
        self.update.visit(&begin, |first, count, step| {
            let (from, after) = rest.split_at(count);
            if step == 1 {
                to[first..][..count].copy_from_slice(from);
            } else {
                from.iter().zip(0..).for_each(|(x, i)| to[first.wrapping_add_signed(i * step)] = *x);
            }
            rest = after;
        });
    }

    fn over(&mut self) -> bool {
        self.over = true;
        true
    }
}
