//! Elements in order: each axis by itself, as whole numbers that hold an element's rank and its index, so that no two are
//! equal and the order is the reference's.

use super::{Form, Kernel};
use crate::memory::{Io, Place, Stored};
use crate::plan::{PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::DType;
use anemone_ir::ops::sort::*;
use half::f16;

struct Sort {
    sorted: Sorted,
    /// How many of the first are taken.
    k: usize,
    /// Whether the first result has the elements themselves.
    values: bool,
}

impl Kernel for Argsort {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Sort { sorted: self.sorted.clone(), k: self.sorted.size, values: false })
    }
}

impl Kernel for Topk {
    fn form(&self, cx: &PlanCx<'_>) -> Form {
        form(cx, Sort { sorted: self.sorted.clone(), k: self.k, values: true })
    }
}

fn form(cx: &PlanCx<'_>, step: Sort) -> Form {
    let size = step.sorted.size;
    match cx.id("x") {
        Some(x) if u32::try_from(size).is_ok() => {
            Form::Step(Planned { step: Box::new(step), reads: vec![x], scratch: 2 * size })
        }
        _ => Form::Reference,
    }
}

/// The rank of a float: NaN is the last, 0 and -0 are equal.
fn rank_float(x: f32, ascending: bool) -> u32 {
    let bits = (x + 0.0).to_bits();
    let up = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    match () {
        () if x.is_nan() => u32::MAX,
        () if ascending => up,
        () => !up,
    }
}

fn rank_integer(x: i32, ascending: bool) -> u32 {
    let up = x as u32 ^ 1 << 31;
    if ascending { up } else { !up }
}

impl Step for Sort {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match io.dtype(0) {
            DType::Fp16 => self.sort::<f16>(io, team, |x, up| rank_float(x.to_f32(), up)),
            DType::Fp32 => self.sort::<f32>(io, team, rank_float),
            DType::Int32 => self.sort::<i32>(io, team, rank_integer),
            DType::Int16 => self.sort::<u16>(io, team, |x, up| rank_integer(i32::from(x as i16), up)),
            DType::UInt16 => self.sort::<u16>(io, team, |x, up| rank_integer(i32::from(x), up)),
            DType::Int8 => self.sort::<u8>(io, team, |x, up| rank_integer(i32::from(x as i8), up)),
            DType::UInt8 => self.sort::<u8>(io, team, |x, up| rank_integer(i32::from(x), up)),
            other => unreachable!("{other} is not sorted"),
        }
    }
}

impl Sort {
    fn sort<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>, rank: impl Fn(T, bool) -> u32 + Sync) {
        let Sorted { outer, size, inner, ascending } = self.sorted;
        let (x, k) = (io.read::<T>(0), self.k);
        let values = self.values.then(|| io.target(0));
        let indices = (io.writes() > usize::from(self.values)).then(|| io.target(usize::from(self.values)));
        let piece = (team.piece(outer * inner * size, 1) / size).max(1);
        team.run((outer * inner).div_ceil(piece), |task, scratch| {
            let keys: &mut [u64] = bytemuck::cast_slice_mut(&mut scratch[..2 * size]);
            for group in task * piece..(task * piece + piece).min(outer * inner) {
                let (o, i) = (group / inner, group % inner);
                let element = |at: usize| x[(o * size + at) * inner + i];
                for (at, key) in keys.iter_mut().enumerate() {
                    *key = u64::from(rank(element(at), ascending)) << 32 | at as u64;
                }
                if k < size {
                    keys.select_nth_unstable(k - 1);
                }
                keys[..k].sort_unstable();
                for (to, key) in keys[..k].iter().enumerate() {
                    let (to, at) = ((o * k + to) * inner + i, *key as u32);
                    if let Some(values) = &values {
                        // SAFETY: each group has places of its own in the results.
                        unsafe { values.slice::<T>(to, 1)[0] = element(at as usize) };
                    }
                    if let Some(indices) = &indices {
                        // SAFETY: as above.
                        unsafe { put_index(indices, to, at) };
                    }
                }
            }
        });
    }
}

/// Stores an index.
///
/// # Safety
/// As [`Place::slice`].
pub(super) unsafe fn put_index(place: &Place, to: usize, index: u32) {
    // SAFETY: the caller's.
    unsafe {
        match place.dtype {
            DType::UInt16 => place.slice::<u16>(to, 1)[0] = index as u16,
            _ => place.slice::<i32>(to, 1)[0] = index as i32,
        }
    }
}
