//! A run that is under way.

use super::engine::Places;
use super::failed;
use super::session::{Function, Ran};
use crate::error::{Error, ErrorKind};
use crate::run::{RunPath, RunReport};
use crate::submission::Flight;
use anemone_apple::Error as AppleError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// A submitted run and the tensors of it.
pub(super) struct Airborne<'a> {
    /// The run; `None` when its result has been taken. It is dropped, which waits, before the surfaces are used again.
    pub(super) run: Option<anemone_apple::Submission>,
    pub(super) function: &'a Function,
    pub(super) places: Places<'a>,
    pub(super) path: RunPath,
    pub(super) start: Instant,
}

impl Airborne<'_> {
    fn land(&mut self, result: Result<(), AppleError>) -> Result<RunReport, Error> {
        self.run = None;
        result.and_then(|()| self.places.copy_back(self.function)).map_err(failed)?;
        let ran = Ran { path: self.path, hardware: None };
        Ok(self.function.report(&ran, &self.places.inputs, &self.places.outputs, self.start))
    }
}

fn taken() -> Error {
    Error::new(ErrorKind::Backend, "the report of this run was taken before")
}

impl Flight for Airborne<'_> {
    fn is_finished(&self) -> bool {
        self.run.as_ref().is_none_or(anemone_apple::Submission::is_finished)
    }

    fn wait(&mut self) -> Result<RunReport, Error> {
        let result = self.run.take().ok_or_else(taken)?.wait();
        self.land(result)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<RunReport, Error>> {
        let Some(run) = &mut self.run else { return Poll::Ready(Err(taken())) };
        let result = ready!(Pin::new(run).poll(context));
        Poll::Ready(self.land(result))
    }
}

impl Drop for Airborne<'_> {
    fn drop(&mut self) {
        // The outputs that are copied get their elements as those that are not.
        if self.run.is_some()
            && let Err(e) = self.wait()
        {
            tracing::warn!("a run that nobody waited for has failed: {e}");
        }
    }
}
