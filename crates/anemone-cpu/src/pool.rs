//! Threads that wait for work by spinning for a short while, then sleep.
//!
//! A hand-off to a sleeping thread costs tens of microseconds, to a spinning one a fraction of one; a step of a plan is
//! often shorter than the former. So workers spin for [`SPIN`] after each job before they sleep.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a worker spins before it sleeps.
const SPIN: Duration = Duration::from_micros(150);

/// What is to be done: called with a task and the worker that does it.
type Job = *const (dyn Fn(usize, usize) + Sync);

/// [`Shared::state`]: the number of workers inside the job, a bit that says whether they may enter, and which job it is.
const OPEN: u64 = 1 << 32;
const NEXT: u64 = 1 << 33;
const INSIDE: u64 = OPEN - 1;

struct Shared {
    state: AtomicU64,
    /// Written by the caller while nobody is inside and the job is not open.
    job: UnsafeCell<Option<Job>>,
    tasks: AtomicUsize,
    taken: AtomicUsize,
    panicked: AtomicBool,
    quit: AtomicBool,
    asleep: Vec<AtomicBool>,
}

// SAFETY: `job` is written only while no worker is inside and none can enter, and read only by workers inside; the state's
// release and acquire order the two.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in `job` is only followed while the call that it belongs to waits in `Pool::run`.
unsafe impl Send for Shared {}

/// A pool of threads; the caller of [`Pool::run`] is one of its workers, number 0.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
    /// Held while a job runs. A second caller does its work alone meanwhile.
    busy: Mutex<()>,
}

/// The pools in use, by their numbers of threads.
static POOLS: Mutex<BTreeMap<usize, Weak<Pool>>> = Mutex::new(BTreeMap::new());

impl Pool {
    /// The pool of `threads` workers that all engines of the process share. With a pool each, the workers of the last
    /// engine would spin while those of the next one work.
    pub(crate) fn shared(threads: usize) -> Arc<Pool> {
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| pool.strong_count() > 0);
        if let Some(pool) = pools.get(&threads).and_then(Weak::upgrade) {
            return pool;
        }
        let pool = Arc::new(Pool::new(threads));
        pools.insert(threads, Arc::downgrade(&pool));
        pool
    }

    /// A pool of `threads` workers, the caller included; at least one.
    pub(crate) fn new(threads: usize) -> Pool {
        let others = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            tasks: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            quit: AtomicBool::new(false),
            asleep: (0..others).map(|_| AtomicBool::new(false)).collect(),
        });
        let spawn = |i: usize| {
            let shared = shared.clone();
            thread::Builder::new().name(format!("anemone-{}", i + 1)).spawn(move || shared.work(i)).ok()
        };
        // Fewer threads than asked for are no error: the caller does what nobody else does.
        let handles: Vec<_> = (0..others).map_while(spawn).collect();
        let workers = handles.iter().map(|h| h.thread().clone()).collect();
        Pool { shared, workers, handles, busy: Mutex::new(()) }
    }

    /// Workers, the caller included.
    pub(crate) fn threads(&self) -> usize {
        self.handles.len() + 1
    }

    /// Calls `work(task, worker)` once for each task below `tasks`, on any worker, and returns when all are done. A worker
    /// has one task at a time. While another thread uses the pool, the caller does all tasks itself, as worker 0.
    ///
    /// # Panics
    /// A task panicked.
    pub(crate) fn run(&self, tasks: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        let _busy = match self.busy.try_lock() {
            Ok(busy) => busy,
            // A task of an earlier job panicked, which left the pool as any other job does.
            Err(TryLockError::Poisoned(busy)) => busy.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..tasks).for_each(|task| work(task, 0)),
        };
        let shared = &*self.shared;
        shared.tasks.store(tasks, Ordering::Relaxed);
        shared.taken.store(0, Ordering::Relaxed);
        // SAFETY: the lifetime is dropped from the type only. Workers follow the pointer while they are inside, and this
        // function does not return, nor unwind, before all have left and none can enter.
        let job: Job = unsafe {
            std::mem::transmute::<
                *const (dyn Fn(usize, usize) + Sync + '_),
                *const (dyn Fn(usize, usize) + Sync + 'static),
            >(work)
        };
        // SAFETY: the job is closed and nobody is inside: the last call waited for that, and `busy` keeps others out.
        unsafe { *shared.job.get() = Some(job) };
        let state = shared.state.load(Ordering::Relaxed);
        shared.state.store((state & !INSIDE & !OPEN).wrapping_add(NEXT) | OPEN, Ordering::SeqCst);
        for (asleep, thread) in shared.asleep.iter().zip(&self.workers) {
            if asleep.load(Ordering::SeqCst) {
                thread.unpark();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| shared.take_tasks(work, 0)));
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0u32;
        while shared.state.load(Ordering::Acquire) & INSIDE != 0 {
            spins += 1;
            if spins < 10_000 { spin_loop() } else { thread::yield_now() }
        }
        if let Err(panic) = own {
            shared.panicked.store(false, Ordering::Relaxed);
            resume_unwind(panic);
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a task of the thread pool panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.quit.store(true, Ordering::SeqCst);
        self.workers.iter().for_each(Thread::unpark);
        for handle in self.handles.drain(..) {
            // A worker catches the panics of its tasks; it has none of its own.
            let _ = handle.join();
        }
    }
}

impl Shared {
    fn take_tasks(&self, work: &(dyn Fn(usize, usize) + Sync), worker: usize) {
        let tasks = self.tasks.load(Ordering::Relaxed);
        loop {
            let task = self.taken.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return;
            }
            work(task, worker);
        }
    }

    /// A worker's life.
    fn work(&self, index: usize) {
        let mut done = 0;
        while !self.quit.load(Ordering::Relaxed) {
            let state = self.wait(index, done);
            if state & OPEN == 0 {
                continue;
            }
            if self.state.compare_exchange(state, state + 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
                continue;
            }
            done = state / NEXT;
            // SAFETY: this worker is inside, so the job is there and its owner waits.
            let job = unsafe { (*self.job.get()).map(|job| &*job) };
            let tasks = catch_unwind(AssertUnwindSafe(|| job.map(|job| self.take_tasks(job, index + 1))));
            if tasks.is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// The state once it shows an open job other than `done`, or after sleep.
    fn wait(&self, index: usize, done: u64) -> u64 {
        let fresh = |state: u64| state & OPEN != 0 && state / NEXT != done;
        let since = Instant::now();
        loop {
            for _ in 0..200 {
                let state = self.state.load(Ordering::Relaxed);
                if fresh(state) {
                    return state;
                }
                spin_loop();
            }
            if since.elapsed() > SPIN {
                break;
            }
        }
        // The flag is raised before the last look: a caller that misses the flag has opened the job before that look.
        self.asleep[index].store(true, Ordering::SeqCst);
        let state = self.state.load(Ordering::SeqCst);
        if !fresh(state) && !self.quit.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep[index].store(false, Ordering::SeqCst);
        let state = self.state.load(Ordering::Relaxed);
        if fresh(state) { state } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for threads in 1..5 {
            let pool = Pool::new(threads);
            for tasks in [0, 1, 2, 7, 100] {
                for _ in 0..200 {
                    let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    pool.run(tasks, &|task, worker| {
                        assert!(worker < threads);
                        counts[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn engines_of_equal_size_share_a_pool() {
        let (a, b, c) = (Pool::shared(2), Pool::shared(2), Pool::shared(3));
        assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &c));
        assert_eq!((a.threads(), c.threads()), (2, 3));
    }

    #[test]
    fn workers_wake_from_sleep() {
        let pool = Pool::new(2);
        for _ in 0..5 {
            thread::sleep(SPIN * 10);
            let count = AtomicUsize::new(0);
            pool.run(10, &|_, _| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 10);
        }
    }

    #[test]
    fn panics_reach_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(3);
        for bad in 0..20 {
            let result = catch_unwind(AssertUnwindSafe(|| pool.run(20, &|task, _| assert!(task != bad, "planted"))));
            assert!(result.is_err());
        }
        // The tasks wait for each other: each has a worker of its own.
        let seen = Mutex::new(Vec::new());
        pool.run(3, &|_, worker| {
            seen.lock().unwrap().push(worker);
            let since = Instant::now();
            while seen.lock().unwrap().len() < 3 && since.elapsed() < Duration::from_secs(10) {
                thread::yield_now();
            }
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    }

    #[test]
    fn two_callers_share_a_pool() {
        let pool = Pool::new(2);
        let count = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        pool.run(3, &|_, _| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 4500);
    }
}
