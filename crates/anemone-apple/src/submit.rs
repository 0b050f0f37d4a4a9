//! Runs that are not waited for.

use crate::bindings::Binding;
use crate::error::{Error, Stage};
use crate::evaluate::{Leases, Path};
use crate::guard::{guarded, read};
use crate::methods::request;
use crate::model::Model;
use crate::slots::Slot;
use crate::surface::Surface;
use block2::RcBlock;
use objc2::runtime::Bool;
use objc2_foundation::NSError;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What a run keeps while it is under way.
struct Flight {
    /// Nobody says that the framework keeps the request, and with it the surfaces and the handler, until the run is done. Where
    /// the handler is never called it is never let go of.
    _binding: Arc<Binding>,
    _leases: Leases,
    _slot: Slot,
}

/// Where a submitted run stands.
struct State {
    flight: Option<Flight>,
    /// The result, until it is taken.
    result: Option<Result<(), Error>>,
    done: bool,
    waker: Option<Waker>,
}

struct Pending {
    state: Mutex<State>,
    done: Condvar,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the result, lets go of the surfaces, and wakes who waits. Only the first result counts.
    fn finish(&self, result: Result<(), Error>) {
        let mut state = self.lock();
        if state.done {
            return;
        }
        state.done = true;
        state.result = Some(result);
        let (flight, waker) = (state.flight.take(), state.waker.take());
        drop(state);
        drop(flight);
        self.done.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A run that is under way: a future of its result, which can also be waited for.
///
/// Its surfaces are leased until it is done, whatever becomes of the submission: one that is leaked leaks no memory that the
/// engine could still write to. Dropping it waits, since the program must stay loaded meanwhile.
#[must_use = "a submission that is dropped waits for its run"]
pub struct Submission {
    pending: Arc<Pending>,
    /// Keeps the program loaded.
    _model: Model,
}

impl Model {
    /// Whether runs need not be waited for here; macOS 12 has no way to be told of their end.
    pub fn can_submit(&self) -> bool {
        self.0.framework.has("_ANERequest", &["setCompletionHandler:"])
    }

    /// Starts a run and returns. Waits first, if as many runs are under way as [`crate::Options::in_flight`] says.
    ///
    /// # Errors
    /// As [`Model::evaluate`]; what goes wrong later is the submission's result.
    pub fn submit(&self, procedure: usize, inputs: &[&Surface], outputs: &[&Surface]) -> Result<Submission, Error> {
        let slot = self.0.slots.take();
        self.start(slot, procedure, inputs, outputs)
    }

    /// As [`Model::submit`], but gives `None` instead of waiting.
    ///
    /// # Errors
    /// As [`Model::submit`].
    pub fn try_submit(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
    ) -> Result<Option<Submission>, Error> {
        let slot = self.0.slots.try_take();
        slot.map(|slot| self.start(slot, procedure, inputs, outputs)).transpose()
    }

    fn start(
        &self,
        slot: Slot,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
    ) -> Result<Submission, Error> {
        if !self.can_submit() {
            return Err(Error::Binding("the framework of this system cannot run without waiting".to_owned()));
        }
        let key = self.0.key(procedure, inputs, outputs, false)?;
        let leases = Leases::of(inputs, outputs)?;
        // The handler belongs to the request, so a request is made for each run.
        let binding = self.0.bind(key, inputs, outputs)?;
        let binding = Arc::new(binding);
        let flight = Flight { _binding: binding.clone(), _leases: leases, _slot: slot };
        let state = State { flight: Some(flight), result: None, done: false, waker: None };
        let pending = Arc::new(Pending { state: Mutex::new(state), done: Condvar::new() });
        let submission = Submission { pending: pending.clone(), _model: self.clone() };
        let path = if self.can(Path::Client) { Path::Client } else { Path::InMemory };
        let sent = guarded(Stage::Evaluate, || {
            let handler = handler(pending.clone());
            // SAFETY: the object is a request; the block is of the type that it takes and can be called on any thread; the
            // preflight has found the method. The request keeps a copy.
            unsafe { request::set_completion_handler(&binding.request, &handler) };
            self.0.send(&binding, path)
        });
        // A run that was refused may never call its handler.
        if let Err(e) = sent {
            pending.finish(Err(e));
        }
        Ok(submission)
    }
}

/// The block that a request calls when it is done, on a thread of the framework's.
fn handler(pending: Arc<Pending>) -> RcBlock<dyn Fn(Bool, *mut NSError)> {
    fn on_any_thread<F: Fn(Bool, *mut NSError) + Send + Sync + 'static>(f: F) -> F {
        f
    }
    RcBlock::new(on_any_thread(move |ok: Bool, error: *mut NSError| {
        // With the flight goes the request, and with it may go this block and what it holds.
        let pending = pending.clone();
        let result = guarded(Stage::Evaluate, || {
            // SAFETY: the error is nil, or alive while the handler runs.
            let error = unsafe { error.as_ref() };
            match (ok.as_bool(), error) {
                (true, None) => Ok(()),
                (_, error) => Err(Error::Failed { stage: Stage::Evaluate, error: error.map(|e| Box::new(read(e))) }),
            }
        });
        pending.finish(result);
    }))
}

impl Submission {
    /// Whether the run is done.
    pub fn is_finished(&self) -> bool {
        self.pending.lock().done
    }

    /// Waits for the run.
    ///
    /// # Errors
    /// What went wrong in it.
    pub fn wait(self) -> Result<(), Error> {
        self.pending.wait();
        self.pending.result()
    }

    /// Waits at most so long. Gives the submission back if the run is not done by then.
    ///
    /// # Errors
    /// The submission, if time is up.
    pub fn wait_for(self, limit: Duration) -> Result<Result<(), Error>, Submission> {
        // A limit that no clock will show is none.
        let Some(end) = Instant::now().checked_add(limit) else { return Ok(self.wait()) };
        let mut state = self.pending.lock();
        while !state.done {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                drop(state);
                return Err(self);
            };
            state = self.pending.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        Ok(self.pending.result())
    }
}

impl Pending {
    fn wait(&self) {
        let state = self.lock();
        drop(self.done.wait_while(state, |s| !s.done).unwrap_or_else(PoisonError::into_inner));
    }

    /// The result of a run that is done; it is there once.
    fn result(&self) -> Result<(), Error> {
        self.lock().result.take().unwrap_or(Err(Error::Binding("the result of this run was taken before".to_owned())))
    }
}

impl Future for Submission {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.pending.lock();
        if !state.done {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.pending.result())
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        self.pending.wait();
    }
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
