//! An object of the framework that is kept.

use objc2::rc::Retained;
use objc2::runtime::AnyObject;
use std::ops::Deref;

/// An object of the framework: one reference to it.
///
/// What is sent to it is sent in a [`crate::guard::guarded`] call. Dropping sends `release`, which may free the object and
/// with it others; none of those that are kept hand out objects while they are freed.
#[derive(Clone, Debug)]
pub(crate) struct Object(Retained<AnyObject>);

// SAFETY: reference counts are atomic, so an object may be released on another thread than the one that made it. That the
// framework's own objects may be used on any thread is what the projects show that call it from several (facts: loading and
// unloading under one lock, which `Model` holds; evaluation from any thread, since the framework queues requests itself).
unsafe impl Send for Object {}
// SAFETY: the methods that are sent without a lock are evaluation and getters of what does not change after loading. Requests,
// which do change, are used by one run at a time: the lease on an output surface sees to it.
unsafe impl Sync for Object {}

impl Object {
    pub(crate) fn new(object: Retained<AnyObject>) -> Object {
        Object(object)
    }
}

impl Deref for Object {
    type Target = AnyObject;
    fn deref(&self) -> &AnyObject {
        &self.0
    }
}
