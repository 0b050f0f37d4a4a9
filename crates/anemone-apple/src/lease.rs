//! Who may touch a surface's memory: any number of readers, or one writer.
//!
//! A lease is had at once or not at all, as a `RefCell` is borrowed. The leases of all handles of one IOSurface are the same:
//! they are found by the surface's number.

use crate::error::Error;
use std::collections::HashMap;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

/// 0: free; n: n readers; -1: a writer.
struct State {
    id: u32,
    holders: AtomicIsize,
}

static ALL: LazyLock<Mutex<HashMap<u32, Weak<State>>>> = LazyLock::new(Mutex::default);

impl Drop for State {
    fn drop(&mut self) {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        // Another handle may have made a new state under this number since the last one went.
        if all.get(&self.id).is_some_and(|weak| weak.strong_count() == 0) {
            all.remove(&self.id);
        }
    }
}

/// The leases of a surface.
#[derive(Clone)]
pub(crate) struct Lease(Arc<State>);

impl Lease {
    /// Those of the surface with this number.
    pub(crate) fn of(id: u32) -> Lease {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = all.get(&id).and_then(Weak::upgrade) {
            return Lease(state);
        }
        let state = Arc::new(State { id, holders: AtomicIsize::new(0) });
        all.insert(id, Arc::downgrade(&state));
        Lease(state)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id
    }

    /// A lease for reading.
    pub(crate) fn shared(&self) -> Result<Shared, Error> {
        let one_more = |n: isize| (0..isize::MAX).contains(&n).then(|| n + 1);
        match self.0.holders.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Shared(self.0.clone())),
            Err(_) => Err(Error::Busy("it is being written")),
        }
    }

    /// A lease for writing.
    pub(crate) fn exclusive(&self) -> Result<Exclusive, Error> {
        match self.0.holders.compare_exchange(0, -1, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(Exclusive(self.0.clone())),
            Err(-1) => Err(Error::Busy("it is being written")),
            Err(_) => Err(Error::Busy("it is being read")),
        }
    }
}

/// A reader.
pub(crate) struct Shared(Arc<State>);

impl Drop for Shared {
    fn drop(&mut self) {
        self.0.holders.fetch_sub(1, Ordering::Release);
    }
}

/// The writer.
pub(crate) struct Exclusive(Arc<State>);

impl Drop for Exclusive {
    fn drop(&mut self) {
        self.0.holders.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_readers_or_one_writer_over_all_handles() {
        let (a, b) = (Lease::of(4_000_000_001), Lease::of(4_000_000_001));
        let readers = (a.shared().unwrap(), b.shared().unwrap());
        assert!(matches!(a.exclusive(), Err(Error::Busy("it is being read"))));
        drop(readers);
        let writer = b.exclusive().unwrap();
        assert!(matches!(a.shared(), Err(Error::Busy("it is being written"))));
        assert!(matches!(a.exclusive(), Err(Error::Busy("it is being written"))));
        drop(writer);
        assert!(a.exclusive().is_ok());
    }

    #[test]
    fn a_number_is_forgotten_with_its_last_handle() {
        let id = 4_000_000_002;
        let lease = Lease::of(id);
        let held = lease.exclusive().unwrap();
        drop(lease);
        assert!(Lease::of(id).shared().is_err(), "a lease outlives the handle");
        drop(held);
        assert!(!ALL.lock().unwrap().contains_key(&id));
    }
}
