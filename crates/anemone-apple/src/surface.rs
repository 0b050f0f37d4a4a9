//! IOSurfaces: memory that the Neural Engine reads and writes where it is.
//!
//! The functions are declared here, since `objc2-io-surface` links Apple's framework on every system, and this crate also
//! runs on a test double.

use crate::error::{Error, Stage};
use crate::guard::guarded;
use crate::lease::{Exclusive, Lease, Shared};
use objc2::encode::{Encoding, RefEncode};
use objc2::rc::Retained;
use objc2_foundation::{NSDictionary, NSNumber, NSString};
use std::ffi::c_void;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The bytes that are there from a surface's base address on. The address may lie inside the allocation, so its rows count, and
/// the allocation is no more than a bound.
fn extent(allocation: usize, row: usize, height: usize) -> usize {
    allocation.min(row.saturating_mul(height))
}

/// What an `IOSurfaceRef` points to.
#[repr(C)]
pub(crate) struct IOSurfaceRef {
    _private: [u8; 0],
}

// SAFETY: the type string of a method that takes an `IOSurfaceRef` has `^{__IOSurface=}`.
unsafe impl RefEncode for IOSurfaceRef {
    const ENCODING_REF: Encoding = Encoding::Pointer(&Encoding::Struct("__IOSurface", &[]));
}

#[cfg_attr(target_vendor = "apple", link(name = "IOSurface", kind = "framework"))]
unsafe extern "C" {
    static kIOSurfaceWidth: &'static NSString;
    static kIOSurfaceHeight: &'static NSString;
    static kIOSurfaceBytesPerElement: &'static NSString;
    static kIOSurfaceBytesPerRow: &'static NSString;
    static kIOSurfaceAllocSize: &'static NSString;
    static kIOSurfacePixelFormat: &'static NSString;
    /// Takes a `CFDictionaryRef`, which an `NSDictionary` is too. The caller owns the result.
    fn IOSurfaceCreate(properties: *const c_void) -> *mut IOSurfaceRef;
    fn IOSurfaceLock(surface: *mut IOSurfaceRef, options: u32, seed: *mut u32) -> i32;
    fn IOSurfaceUnlock(surface: *mut IOSurfaceRef, options: u32, seed: *mut u32) -> i32;
    fn IOSurfaceGetBaseAddress(surface: *mut IOSurfaceRef) -> *mut c_void;
    fn IOSurfaceGetAllocSize(surface: *mut IOSurfaceRef) -> usize;
    fn IOSurfaceGetBytesPerRow(surface: *mut IOSurfaceRef) -> usize;
    fn IOSurfaceGetHeight(surface: *mut IOSurfaceRef) -> usize;
    fn IOSurfaceGetID(surface: *mut IOSurfaceRef) -> u32;
}

#[cfg_attr(target_vendor = "apple", link(name = "CoreFoundation", kind = "framework"))]
unsafe extern "C" {
    #[cfg(target_vendor = "apple")]
    fn CFRetain(object: *const c_void) -> *const c_void;
    fn CFRelease(object: *const c_void);
}

/// `kIOSurfaceLockReadOnly`
const READ_ONLY: u32 = 1;

/// The least size of a surface that is an input or an output: a page. Smaller ones make runs of some programs fail (measured
/// by projects on an iPhone 15 Pro and on M-series chips, see `anemone-ir`'s limits).
pub const MIN_BYTES: usize = 16_384;

/// An IOSurface.
///
/// Its memory is read and written through guards. A guard, or a run that the surface is bound to, leases it: any number of
/// readers, or one writer; a lease that cannot be had is an error and never a wait. Leases belong to the IOSurface, so that
/// two `Surface`s of one IOSurface in this process share them. Other processes, the GPU, and Objective-C code that holds the
/// IOSurface know nothing of leases: who shares a surface with them must see to it that they keep away while a guard is alive.
pub struct Surface {
    raw: NonNull<IOSurfaceRef>,
    bytes: usize,
    lease: Lease,
}

// SAFETY: IOSurface is a Core Foundation type whose functions may be called on any thread; its reference count is atomic.
unsafe impl Send for Surface {}
// SAFETY: as above; the memory behind is only reached through leased guards.
unsafe impl Sync for Surface {}

impl Surface {
    /// A surface of so many bytes, filled with zeros: one row of bytes, as every project makes them for the engine.
    ///
    /// # Errors
    /// [`Error::Surface`]: there is no memory, or `bytes` is 0.
    pub fn new(bytes: usize) -> Result<Surface, Error> {
        let failed = || Error::Surface { bytes, what: "made", code: None };
        if bytes == 0 {
            return Err(failed());
        }
        guarded(Stage::Surface, || {
            // SAFETY: these are constants of the framework, there from its loading on.
            let keys: [&NSString; 6] = unsafe {
                [
                    kIOSurfaceWidth,
                    kIOSurfaceHeight,
                    kIOSurfaceBytesPerElement,
                    kIOSurfaceBytesPerRow,
                    kIOSurfaceAllocSize,
                    kIOSurfacePixelFormat,
                ]
            };
            let numbers = [bytes, 1, 1, bytes, bytes, 0].map(NSNumber::new_usize);
            let properties = NSDictionary::from_slices(&keys, &numbers.each_ref().map(|n| &**n));
            // SAFETY: the dictionary lives through the call; the result is ours, or null.
            let raw = unsafe { IOSurfaceCreate(Retained::as_ptr(&properties).cast()) };
            // SAFETY: what is not null is ours.
            NonNull::new(raw).map(|raw| unsafe { Surface::owning(raw) }).ok_or_else(failed)
        })
    }

    /// # Safety
    /// `raw` is a surface, and the caller gives away one reference to it.
    unsafe fn owning(raw: NonNull<IOSurfaceRef>) -> Surface {
        let surface = raw.as_ptr();
        // SAFETY: `raw` is a surface.
        let (allocation, row, height, id) = unsafe {
            (
                IOSurfaceGetAllocSize(surface),
                IOSurfaceGetBytesPerRow(surface),
                IOSurfaceGetHeight(surface),
                IOSurfaceGetID(surface),
            )
        };
        Surface { raw, bytes: extent(allocation, row, height), lease: Lease::of(id) }
    }

    /// The surface of another owner, which keeps its own reference. Its bytes are those of its rows; of one with several planes
    /// that is a part.
    #[cfg(target_vendor = "apple")]
    pub fn from_iosurface(surface: &objc2_io_surface::IOSurface) -> Surface {
        let raw = NonNull::from(surface).cast::<IOSurfaceRef>();
        // SAFETY: the class IOSurface is toll-free bridged with IOSurfaceRef, so this is one; the reference is taken here.
        unsafe {
            CFRetain(raw.as_ptr().cast());
            Surface::owning(raw)
        }
    }

    /// The surface as an object, for other frameworks.
    #[cfg(target_vendor = "apple")]
    pub fn as_iosurface(&self) -> &objc2_io_surface::IOSurface {
        // SAFETY: IOSurfaceRef is toll-free bridged with the class IOSurface, and lives as long as `self`.
        unsafe { self.raw.cast::<objc2_io_surface::IOSurface>().as_ref() }
    }

    /// Its size in bytes, from its base address on: bytes in a row times rows.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number by which the system knows it.
    pub fn id(&self) -> u32 {
        self.lease.id()
    }

    pub(crate) fn as_ptr(&self) -> *mut IOSurfaceRef {
        self.raw.as_ptr()
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Leases the surface for reading and locks its memory.
    ///
    /// # Errors
    /// [`Error::Busy`] if it is being written; [`Error::Surface`] if it cannot be locked.
    pub fn read(&self) -> Result<ReadGuard<'_>, Error> {
        let lease = self.lease.shared()?;
        let locked = Locked::new(self, READ_ONLY)?;
        Ok(ReadGuard { locked, _lease: lease })
    }

    /// Leases the surface for writing, and leaves its memory unlocked until it is written.
    ///
    /// # Errors
    /// [`Error::Busy`] if it is being read or written.
    pub fn reserve(&self) -> Result<Reservation<'_>, Error> {
        Ok(Reservation { surface: self, lease: self.lease.exclusive()? })
    }

    /// Leases the surface for writing and locks its memory.
    ///
    /// # Errors
    /// [`Error::Busy`] if it is being read or written; [`Error::Surface`] if it cannot be locked.
    pub fn write(&self) -> Result<WriteGuard<'_>, Error> {
        self.reserve()?.write()
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        // SAFETY: one reference is ours.
        unsafe { CFRelease(self.as_ptr().cast()) }
    }
}

impl std::fmt::Debug for Surface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surface").field("id", &self.id()).field("bytes", &self.bytes).finish()
    }
}

/// A surface that is leased for writing later. Unlike a guard it can go to another thread.
pub struct Reservation<'a> {
    surface: &'a Surface,
    lease: Exclusive,
}

impl<'a> Reservation<'a> {
    /// Locks the surface's memory.
    ///
    /// # Errors
    /// [`Error::Surface`] if it cannot be locked.
    pub fn write(self) -> Result<WriteGuard<'a>, Error> {
        let locked = Locked::new(self.surface, 0)?;
        Ok(WriteGuard { locked, _lease: self.lease })
    }
}

/// A surface whose memory is locked for the CPU; unlocked when dropped.
struct Locked<'a> {
    surface: &'a Surface,
    base: NonNull<u8>,
    options: u32,
}

impl<'a> Locked<'a> {
    fn new(surface: &'a Surface, options: u32) -> Result<Locked<'a>, Error> {
        let failed = |code| Error::Surface { bytes: surface.bytes, what: "locked", code };
        // SAFETY: the surface is alive; no seed is wanted.
        let code = unsafe { IOSurfaceLock(surface.as_ptr(), options, std::ptr::null_mut()) };
        if code != 0 {
            return Err(failed(Some(code)));
        }
        // SAFETY: the surface is alive and locked.
        let base = NonNull::new(unsafe { IOSurfaceGetBaseAddress(surface.as_ptr()) }.cast::<u8>());
        match base {
            Some(base) => Ok(Locked { surface, base, options }),
            None => {
                // SAFETY: it was locked with these options.
                unsafe { IOSurfaceUnlock(surface.as_ptr(), options, std::ptr::null_mut()) };
                Err(failed(None))
            }
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: it was locked with the same options, which unlocking wants.
        let code = unsafe { IOSurfaceUnlock(self.surface.as_ptr(), self.options, std::ptr::null_mut()) };
        if code != 0 {
            tracing::warn!(code, id = self.surface.id(), "a surface could not be unlocked");
        }
    }
}

/// A surface's bytes, leased for reading.
pub struct ReadGuard<'a> {
    locked: Locked<'a>,
    _lease: Shared,
}

impl Deref for ReadGuard<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the surface is locked and so many bytes long; the lease keeps writers of this process away.
        unsafe { std::slice::from_raw_parts(self.locked.base.as_ptr(), self.locked.surface.bytes) }
    }
}

/// A surface's bytes, leased for writing.
pub struct WriteGuard<'a> {
    locked: Locked<'a>,
    _lease: Exclusive,
}

impl Deref for WriteGuard<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: as for `ReadGuard`.
        unsafe { std::slice::from_raw_parts(self.locked.base.as_ptr(), self.locked.surface.bytes) }
    }
}

impl DerefMut for WriteGuard<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: the surface is locked for writing and so many bytes long; the lease keeps everyone else of this process away.
        unsafe { std::slice::from_raw_parts_mut(self.locked.base.as_ptr(), self.locked.surface.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::extent;

    #[test]
    fn what_lies_behind_the_rows_is_not_read() {
        assert_eq!(extent(16_384, 16_384, 1), 16_384);
        // A base address inside the allocation: what is left of it is less than the allocation.
        assert_eq!(extent(16_384, 256, 60), 15_360);
        assert_eq!(extent(16_384, 256, 0), 0);
        // Numbers that lie reach no further than the allocation.
        assert_eq!(extent(16_384, usize::MAX, 2), 16_384);
        assert_eq!(extent(16_384, 256, 100), 16_384);
    }
}
