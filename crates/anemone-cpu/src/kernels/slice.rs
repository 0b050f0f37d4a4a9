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

struct Update(SliceUpdate);

impl Kernel for SliceUpdate {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        let reads: Option<Vec<_>> = ["x", "update", "begin"].into_iter().map(|p| cx.id(p)).collect();
        match reads {
            Some(reads) => Form::Step(Planned { step: Box::new(Update(self.clone())), reads, scratch: 0 }),
            None => Form::Reference,
        }
    }
}

impl Moves for Update {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let (x, update) = (io.read::<T>(0), io.read::<T>(1));
        let begin: Vec<i64> = Indices::of(io, 2).iter().collect();
        let to = io.write::<T>(0);
        let piece = team.piece(to.len(), 1);
        team.chunks(to, piece, |start, to, _| to.copy_from_slice(&x[start..][..to.len()]));
        let mut rest = update;
        self.0.visit(&begin, |first, count, step| {
            let (from, after) = rest.split_at(count);
            if step == 1 {
                to[first..][..count].copy_from_slice(from);
            } else {
                from.iter().zip(0..).for_each(|(x, i)| to[first.wrapping_add_signed(i * step)] = *x);
            }
            rest = after;
        });
    }
}
