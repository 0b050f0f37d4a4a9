//! What stands around every call of the framework: a pool for the objects that it hands out, and a net for what it throws.

use crate::error::{Error, NsError, Stage};
use objc2::exception::{self, Exception};
use objc2::msg_send;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{AnyClass, AnyObject, Bool};
use objc2_foundation::{NSArray, NSError, NSString};
use std::panic::AssertUnwindSafe;

/// How deep errors below errors are read.
const DEPTH: usize = 8;

/// Runs `body`, which calls the framework for the sake of `stage`.
///
/// Objects that the framework hands out without giving them away live until the end of `body`: a thread of Rust has no pool
/// of its own, and would keep them until it ends. An exception becomes an error.
///
/// An exception passes through `body` as a panic does. What `body` writes to outside of itself must make sense after that.
pub(crate) fn guarded<R>(stage: Stage, body: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    autoreleasepool(|_| match exception::catch(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(exception) => Err(thrown(stage, exception.as_deref())),
    })
}

fn thrown(stage: Stage, exception: Option<&Exception>) -> Error {
    let is_ns = |e: &&Exception| AnyClass::get(c"NSException").is_some_and(|class| is_kind(e, class));
    let Some(exception) = exception.filter(is_ns) else {
        return Error::Exception { stage, name: "an object".to_owned(), reason: "which is no NSException".to_owned() };
    };
    let exception: &AnyObject = exception;
    // SAFETY: NSException has both methods, of these types; either may give nil.
    let (name, reason): (Option<Retained<NSString>>, Option<Retained<NSString>>) =
        unsafe { (msg_send![exception, name], msg_send![exception, reason]) };
    let text = |s: Option<Retained<NSString>>| s.map(|s| s.to_string()).unwrap_or_default();
    Error::Exception { stage, name: text(name), reason: text(reason) }
}

/// Whether an object is of a class or of one below it.
fn is_kind(object: &AnyObject, class: &AnyClass) -> bool {
    let mut at = Some(object.class());
    while let Some(c) = at {
        if c == class {
            return true;
        }
        at = c.superclass();
    }
    false
}

/// Takes an object that a method has handed out without giving it away.
///
/// # Safety
/// `object` is nil or an object that is alive.
pub(crate) unsafe fn taken(
    object: *mut AnyObject,
    stage: Stage,
    what: &'static str,
) -> Result<Retained<AnyObject>, Error> {
    // SAFETY: as for this function.
    unsafe { Retained::retain(object) }.ok_or(Error::Nothing { stage, what })
}

/// Sends a message that may fail: the closure gets the place for an error.
pub(crate) fn outcome(stage: Stage, call: impl FnOnce(*mut *mut NSError) -> Bool) -> Result<(), Error> {
    let mut error: *mut NSError = std::ptr::null_mut();
    if call(&mut error).as_bool() {
        return Ok(());
    }
    // SAFETY: a method that fails leaves nil, or an error that lives until the pool is emptied.
    let error = unsafe { error.as_ref() };
    Err(Error::Failed { stage, error: error.map(|e| Box::new(read(e))) })
}

/// Everything that an error says.
pub(crate) fn read(error: &NSError) -> NsError {
    read_to(error, DEPTH)
}

fn read_to(error: &NSError, depth: usize) -> NsError {
    let info = error.userInfo();
    let object = |key: &str| info.objectForKey(&*NSString::from_str(key));
    let mut underlying = Vec::new();
    if depth > 0 {
        // The values of NSUnderlyingErrorKey and NSMultipleUnderlyingErrorsKey.
        let one = object("NSUnderlyingError");
        let many = object("NSMultipleUnderlyingErrors").and_then(|o| o.downcast::<NSArray>().ok());
        let errors = one.into_iter().chain(many.iter().flat_map(|a| a.iter()));
        let errors = errors.filter_map(|o| o.downcast::<NSError>().ok());
        underlying.extend(errors.map(|e| read_to(&e, depth - 1)));
    }
    NsError {
        domain: error.domain().to_string(),
        code: error.code(),
        description: error.localizedDescription().to_string(),
        reason: error.localizedFailureReason().map(|r| r.to_string()),
        underlying,
    }
}
