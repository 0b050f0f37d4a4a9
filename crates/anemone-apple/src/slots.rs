//! How many submitted runs are under way.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Places for runs that are under way.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Arc<(Mutex<usize>, Condvar)>);

impl Slots {
    /// So many places; at least one.
    pub(crate) fn new(places: usize) -> Slots {
        Slots(Arc::new((Mutex::new(places.max(1)), Condvar::new())))
    }

    /// Waits for a place.
    pub(crate) fn take(&self) -> Slot {
        let (free, freed) = &*self.0;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self.clone())
    }

    /// A place, if one is free now.
    pub(crate) fn try_take(&self) -> Option<Slot> {
        let mut free = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot(self.clone()))
    }
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(Slots);

impl Drop for Slot {
    fn drop(&mut self) {
        let (free, freed) = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        freed.notify_one();
    }
}
