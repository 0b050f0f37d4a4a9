//! Surfaces that are shared with other code. Compiled and linked for a Mac; nobody has run it on one yet.
#![cfg(target_vendor = "apple")]
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

use anemone::{ErrorKind, IOSurfaceExt, Shape, TensorData};
use objc2::Message;
use objc2_io_surface::IOSurface;

const SHAPE: Shape = Shape::spatial(2, 1, 64);

#[test]
fn two_tensors_over_one_surface_share_elements_and_locks() {
    let first = TensorData::with_f32(&[1.5; 128], SHAPE);
    let second = TensorData::from_surface(first.surface().retain(), SHAPE);
    second.write_f32_at(0, -2.0);
    assert_eq!(first.read_f32()[..2], [-2.0, 1.5]);
    let guard = first.as_f32_slice_mut();
    assert_eq!(second.try_as_f32_slice().unwrap_err().kind(), ErrorKind::Locked);
    drop(guard);
    assert_eq!(second.read_f32().len(), 128);
}

#[test]
fn a_surface_takes_bytes_and_must_be_large_enough() {
    let surface = IOSurface::with_byte_count(256);
    surface.write_bytes(&[1, 2, 3]);
    let mut bytes = [0; 4];
    surface.read_bytes(&mut bytes);
    assert_eq!(bytes, [1, 2, 3, 0]);
    // The system may give more bytes than were asked for, but not a thousand times as many.
    let error = TensorData::try_from_surface(surface, Shape::spatial(1_000, 1, 64)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}
