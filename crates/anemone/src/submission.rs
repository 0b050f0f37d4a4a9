//! Runs that are not waited for.

use crate::error::{Error, ErrorKind};
use crate::run::RunReport;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A run that is under way: a future of its report, which can also be waited for.
///
/// Its tensors are locked until it is done; locking one meanwhile is an error, as in any other run. Dropping a submission
/// waits for the run.
///
/// On the CPU there is nothing to wait for: the run is done when [`crate::Executable::submit`] returns.
#[must_use = "a submission that is dropped waits for its run"]
pub struct Submission<'a> {
    flight: Box<dyn Flight + 'a>,
}

/// A run under way on some back end. Dropping it waits.
pub(crate) trait Flight: Send {
    /// Whether the engine is done.
    fn is_finished(&self) -> bool;

    /// Waits, and gives what came of it; once.
    fn wait(&mut self) -> Result<RunReport, Error>;

    /// As `wait`, but has the task woken when there is something to see.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<RunReport, Error>>;
}

impl<'a> Submission<'a> {
    pub(crate) fn new(flight: impl Flight + 'a) -> Submission<'a> {
        Submission { flight: Box::new(flight) }
    }

    /// A run that is over.
    pub(crate) fn done(report: RunReport) -> Submission<'a> {
        Submission::new(Done(Some(report)))
    }

    /// Whether the engine is done, so that [`Submission::wait`] does not wait.
    pub fn is_finished(&self) -> bool {
        self.flight.is_finished()
    }

    /// Waits for the run.
    ///
    /// # Errors
    /// What went wrong in it: [`ErrorKind::Evaluate`] or [`ErrorKind::Backend`].
    pub fn wait(mut self) -> Result<RunReport, Error> {
        self.flight.wait()
    }
}

impl Future for Submission<'_> {
    type Output = Result<RunReport, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<RunReport, Error>> {
        self.flight.poll(context)
    }
}

impl fmt::Debug for Submission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}

struct Done(Option<RunReport>);

impl Flight for Done {
    fn is_finished(&self) -> bool {
        true
    }

    fn wait(&mut self) -> Result<RunReport, Error> {
        let taken = || Error::new(ErrorKind::Backend, "the report of this run was taken before");
        self.0.take().ok_or_else(taken)
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<Result<RunReport, Error>> {
        Poll::Ready(self.wait())
    }
}
