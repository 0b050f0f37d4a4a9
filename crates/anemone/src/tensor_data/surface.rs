//! Surfaces shared with other code.

use super::{Storage, TensorData, or_panic, storage};
use crate::error::{Error, ErrorKind};
use crate::shape::Shape;
use anemone_apple::Surface;
use objc2::Message;
use objc2::rc::Retained;
use objc2_io_surface::IOSurface;

impl TensorData {
    /// A tensor in a surface, whose rows begin on 64 bytes each: see [`TensorData`]. The contents are kept.
    ///
    /// # Panics
    /// The surface is too small.
    #[track_caller]
    pub fn from_surface(surface: Retained<IOSurface>, shape: Shape) -> TensorData {
        or_panic(TensorData::try_from_surface(surface, shape))
    }

    /// As [`TensorData::from_surface`].
    ///
    /// # Errors
    /// The surface is too small.
    #[expect(clippy::needless_pass_by_value, reason = "the signature of the crate `ane`")]
    pub fn try_from_surface(surface: Retained<IOSurface>, shape: Shape) -> Result<TensorData, Error> {
        let surface = Surface::from_iosurface(&surface);
        let bytes = surface.bytes();
        let storage = Storage::of_surface(surface, shape).ok_or_else(|| {
            let stride = storage::row_stride(shape.width);
            let message =
                format!("a surface of {bytes} bytes is too small for {shape}, whose rows take {stride} elements");
            Error::new(ErrorKind::Shape, message)
        })?;
        Ok(TensorData { shape, storage })
    }

    /// The surface that holds the elements.
    pub fn surface(&self) -> &IOSurface {
        self.storage.surface().as_iosurface()
    }
}

/// Bytes in and out of a surface, as the crate `ane` had it.
pub trait IOSurfaceExt {
    /// A surface of so many bytes.
    ///
    /// # Panics
    /// There is no memory for it, or `byte_count` is 0.
    fn with_byte_count(byte_count: usize) -> Retained<IOSurface>;

    /// Replaces the first bytes.
    ///
    /// # Panics
    /// The surface is smaller, or in use.
    fn write_bytes(&self, data: &[u8]);

    /// Copies the first bytes.
    ///
    /// # Panics
    /// The surface is smaller, or in use.
    fn read_bytes(&self, buf: &mut [u8]);
}

impl IOSurfaceExt for IOSurface {
    #[track_caller]
    fn with_byte_count(byte_count: usize) -> Retained<IOSurface> {
        or_panic(Surface::new(byte_count).map_err(failed)).as_iosurface().retain()
    }

    #[track_caller]
    fn write_bytes(&self, data: &[u8]) {
        let surface = Surface::from_iosurface(self);
        or_panic(check_length(&surface, data.len()));
        or_panic(surface.write().map_err(failed))[..data.len()].copy_from_slice(data);
    }

    #[track_caller]
    fn read_bytes(&self, buf: &mut [u8]) {
        let surface = Surface::from_iosurface(self);
        or_panic(check_length(&surface, buf.len()));
        buf.copy_from_slice(&or_panic(surface.read().map_err(failed))[..buf.len()]);
    }
}

fn failed(e: anemone_apple::Error) -> Error {
    Error::new(ErrorKind::Backend, e.to_string()).with_source(e)
}

fn check_length(surface: &Surface, bytes: usize) -> Result<(), Error> {
    if bytes <= surface.bytes() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Length, format!("{bytes} bytes are more than the surface's {}", surface.bytes())))
}
