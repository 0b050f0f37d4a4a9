//! The threads of one run, with scratch memory for each.

use crate::pool::Pool;
use anemone_simd::Level;
use std::marker::PhantomData;

/// Threads and their scratch memory. A step hands its work to [`Team::run`] or [`Team::chunks`].
pub(crate) struct Team<'a> {
    pool: Option<&'a Pool>,
    workers: usize,
    scratch: *mut f32,
    per_worker: usize,
    pub(crate) level: Level,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: `scratch` points into memory that the team borrows exclusively; each worker gets a part of its own.
unsafe impl Sync for Team<'_> {}

/// Elements below which sharing work among threads costs more than it brings.
const WORTH_SHARING: usize = 16 * 1024;

impl<'a> Team<'a> {
    /// A team of `workers`; `scratch` is divided evenly among them. Without a pool there is one worker, the caller.
    pub(crate) fn new(pool: Option<&'a Pool>, scratch: &'a mut [f32], level: Level) -> Team<'a> {
        let workers = pool.map_or(1, Pool::threads);
        // Parts begin on cache lines, so that workers do not share one.
        let per_worker = scratch.len() / workers / 16 * 16;
        Team { pool, workers, scratch: scratch.as_mut_ptr(), per_worker, level, life: PhantomData }
    }

    /// Calls `work(task, scratch)` for each task; scratch holds anything.
    pub(crate) fn run(&self, tasks: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        let with_scratch = |task: usize, worker: usize| {
            debug_assert!(worker < self.workers);
            // SAFETY: parts of different workers are disjoint, a worker runs one task at a time, and the memory is
            // borrowed by the team for its life.
            let scratch =
                unsafe { std::slice::from_raw_parts_mut(self.scratch.add(worker * self.per_worker), self.per_worker) };
            work(task, scratch);
        };
        match self.pool {
            Some(pool) if tasks > 1 => pool.run(tasks, &with_scratch),
            _ => (0..tasks).for_each(|task| with_scratch(task, 0)),
        }
    }

    /// Cuts `out` into pieces of `piece` elements (the last may be shorter) and calls `work(start, piece, scratch)` for each.
    pub(crate) fn chunks<T: Send>(
        &self,
        out: &mut [T],
        piece: usize,
        work: impl Fn(usize, &mut [T], &mut [f32]) + Sync,
    ) {
        struct Base<T>(*mut T);
        // SAFETY: each task uses the pointer for a piece of its own.
        unsafe impl<T: Send> Sync for Base<T> {}
        let (base, len) = (Base(out.as_mut_ptr()), out.len());
        let base = &base;
        self.run(len.div_ceil(piece), |task, scratch| {
            let start = task * piece;
            let count = piece.min(len - start);
            // SAFETY: pieces of different tasks are disjoint parts of `out`, which is borrowed until `run` returns.
            let part = unsafe { std::slice::from_raw_parts_mut(base.0.add(start), count) };
            work(start, part, scratch);
        });
    }

    /// A piece size for `len` elements of equal work: a multiple of `unit`, one piece if sharing does not pay, else two
    /// pieces for each worker.
    pub(crate) fn piece(&self, len: usize, unit: usize) -> usize {
        if self.workers == 1 || len < WORTH_SHARING {
            return len.max(1);
        }
        len.div_ceil(2 * self.workers).next_multiple_of(unit.max(1))
    }
}
