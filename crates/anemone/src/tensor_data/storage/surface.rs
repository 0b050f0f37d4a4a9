//! Memory that the Neural Engine reads and writes where it is: an IOSurface.

use crate::error::{Error, ErrorKind};
use anemone_apple::{MIN_BYTES, ReadGuard, Surface, WriteGuard};
use half::f16;

/// A surface of halves. It is locked, read-only or for writing, exactly while a guard lives.
pub(super) struct Memory {
    surface: Surface,
    /// Bytes of the halves.
    bytes: usize,
}

impl Memory {
    /// So many zeros; `None` if there is no memory for them.
    pub(super) fn new(len: usize) -> Option<Memory> {
        let bytes = len.checked_mul(size_of::<f16>())?;
        let surface = Surface::new(bytes.max(MIN_BYTES)).map_err(|e| tracing::debug!("{e}")).ok()?;
        Some(Memory { surface, bytes })
    }

    /// Those of a surface, which has at least so many.
    #[cfg(target_vendor = "apple")]
    pub(super) fn of(surface: Surface, len: usize) -> Option<Memory> {
        let bytes = len.checked_mul(size_of::<f16>())?;
        (bytes <= surface.bytes()).then_some(Memory { surface, bytes })
    }

    pub(super) fn surface(&self) -> &Surface {
        &self.surface
    }

    pub(super) fn read(&self) -> Result<Option<Read<'_>>, Error> {
        let Some(guard) = lease(self.surface.read())? else { return Ok(None) };
        aligned(&guard)?;
        Ok(Some(Read { guard, bytes: self.bytes }))
    }

    pub(super) fn write(&self) -> Result<Option<Write<'_>>, Error> {
        let Some(guard) = lease(self.surface.write())? else { return Ok(None) };
        aligned(&guard)?;
        Ok(Some(Write { guard, bytes: self.bytes }))
    }

    pub(super) fn is_same(&self, other: &Memory) -> bool {
        self.surface.id() == other.surface.id()
    }
}

/// `None` if somebody else has it.
fn lease<T>(guard: Result<T, anemone_apple::Error>) -> Result<Option<T>, Error> {
    match guard {
        Ok(guard) => Ok(Some(guard)),
        Err(anemone_apple::Error::Busy(_)) => Ok(None),
        Err(e) => Err(Error::new(ErrorKind::Backend, e.to_string()).with_source(e)),
    }
}

/// The system gives whole pages; this is for surfaces made by others.
fn aligned(bytes: &[u8]) -> Result<(), Error> {
    if (bytes.as_ptr() as usize).is_multiple_of(super::ALIGN) {
        return Ok(());
    }
    let message = format!("the surface's memory does not begin on {} bytes", super::ALIGN);
    Err(Error::new(ErrorKind::Backend, message))
}

pub(super) struct Read<'a> {
    guard: ReadGuard<'a>,
    bytes: usize,
}

impl Read<'_> {
    pub(super) fn halves(&self) -> &[f16] {
        bytemuck::cast_slice(&self.guard[..self.bytes])
    }
}

pub(super) struct Write<'a> {
    guard: WriteGuard<'a>,
    bytes: usize,
}

impl Write<'_> {
    pub(super) fn halves(&self) -> &[f16] {
        bytemuck::cast_slice(&self.guard[..self.bytes])
    }

    pub(super) fn halves_mut(&mut self) -> &mut [f16] {
        bytemuck::cast_slice_mut(&mut self.guard[..self.bytes])
    }
}
