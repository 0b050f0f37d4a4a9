//! Requests that are kept for the next run with the same surfaces.

use crate::error::{Error, Stage};
use crate::guard::{guarded, outcome};
use crate::methods::client;
use crate::model::Loaded;
use crate::object::Object;
use crate::surface::Surface;
use objc2::runtime::Bool;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What a request was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    pub(crate) procedure: usize,
    /// The numbers of the surfaces, inputs first.
    pub(crate) surfaces: Vec<u32>,
    pub(crate) statistics: bool,
}

/// A request for a procedure and its surfaces, which it retains.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) key: Key,
    pub(crate) request: Object,
    /// Where its runs write what they measure.
    pub(crate) statistics: Option<Surface>,
    /// The client and the model that its surfaces are mapped for.
    mapped: Option<(Object, Object)>,
}

impl Binding {
    pub(crate) fn new(key: Key, request: Object, statistics: Option<Surface>) -> Binding {
        Binding { key, request, statistics, mapped: None }
    }

    /// Makes the surfaces known to the driver, so that runs need not. It is no failure if the system cannot: a run does it then.
    pub(crate) fn map(&mut self, loaded: &Loaded) {
        let (Some(client), Some(inner)) = (loaded.framework.client(), &loaded.inner) else { return };
        const SELECTORS: [&str; 2] =
            ["mapIOSurfacesWithModel:request:cacheInference:error:", "unmapIOSurfacesWithModel:request:"];
        if !loaded.framework.has("_ANEClient", &SELECTORS) {
            return;
        }
        let mapped = guarded(Stage::Map, || {
            outcome(Stage::Map, |error| {
                // SAFETY: the client, its kind of model and a request; the preflight has found the method.
                unsafe { client::map_surfaces(client, inner, &self.request, Bool::YES, error) }
            })
        });
        match mapped {
            Ok(()) => self.mapped = Some((client.clone(), inner.clone())),
            Err(e) => tracing::warn!("runs map their surfaces themselves: {e}"),
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let Some((client, inner)) = &self.mapped else { return };
        let unmapped = guarded(Stage::Map, || {
            // SAFETY: the client, model and request that the surfaces were mapped for; the preflight has found the method.
            unsafe { client::unmap_surfaces(client, inner, &self.request) };
            Ok(())
        });
        if let Err(e) = unmapped {
            tracing::warn!("{e}");
        }
    }
}

/// The bindings that are kept, the one used last at the back.
#[derive(Debug)]
pub(crate) struct Bindings {
    kept: Mutex<VecDeque<Arc<Binding>>>,
    most: usize,
}

impl Bindings {
    /// None yet, and never more than `most`.
    pub(crate) fn new(most: usize) -> Bindings {
        Bindings { kept: Mutex::default(), most }
    }

    /// The binding for `key`, made by `make` if it is not kept; the one that was not used for longest gives way.
    pub(crate) fn get(&self, key: &Key, make: impl FnOnce() -> Result<Binding, Error>) -> Result<Arc<Binding>, Error> {
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(made.clone());
        let gone = if kept.len() > self.most { kept.pop_front() } else { None };
        drop(kept);
        drop(gone);
        Ok(made)
    }

    fn find(&self, key: &Key) -> Option<Arc<Binding>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|b| b.key == *key)?;
        let found = kept.remove(at)?;
        kept.push_back(found.clone());
        Some(found)
    }

    /// Lets go of all of them.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        drop(kept);
    }
}
