//! Ordinary memory.

use super::{ALIGN, UNIT};
use crate::error::Error;
use half::f16;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// Halves that begin on a 64-byte boundary.
///
/// The vector is a little longer than what is wanted, which begins where it is aligned; it never grows, so it never moves.
pub(super) struct Memory {
    halves: RwLock<Vec<f16>>,
    start: usize,
}

impl Memory {
    /// So many zeros; `None` if there is no memory for them.
    pub(super) fn new(len: usize) -> Option<Memory> {
        let len = len.checked_add(UNIT)?;
        let mut halves = Vec::new();
        halves.try_reserve_exact(len).ok()?;
        halves.resize(len, f16::ZERO);
        let misaligned = halves.as_ptr() as usize % ALIGN;
        let start = (ALIGN - misaligned) % ALIGN / size_of::<f16>();
        Some(Memory { halves: RwLock::new(halves), start })
    }

    #[expect(clippy::unnecessary_wraps, reason = "other memory can fail to lock")]
    pub(super) fn read(&self) -> Result<Option<Read<'_>>, Error> {
        let guard = match self.halves.try_read() {
            Ok(guard) => guard,
            // A panic elsewhere leaves numbers, not broken invariants.
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        Ok(Some(Read { guard, start: self.start }))
    }

    #[expect(clippy::unnecessary_wraps, reason = "other memory can fail to lock")]
    pub(super) fn write(&self) -> Result<Option<Write<'_>>, Error> {
        let guard = match self.halves.try_write() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        Ok(Some(Write { guard, start: self.start }))
    }

    pub(super) fn is_same(&self, other: &Memory) -> bool {
        std::ptr::eq(self, other)
    }
}

pub(super) struct Read<'a> {
    guard: RwLockReadGuard<'a, Vec<f16>>,
    start: usize,
}

impl Read<'_> {
    pub(super) fn halves(&self) -> &[f16] {
        &self.guard[self.start..]
    }
}

pub(super) struct Write<'a> {
    guard: RwLockWriteGuard<'a, Vec<f16>>,
    start: usize,
}

impl Write<'_> {
    pub(super) fn halves(&self) -> &[f16] {
        &self.guard[self.start..]
    }

    pub(super) fn halves_mut(&mut self) -> &mut [f16] {
        &mut self.guard[self.start..]
    }
}
