//! The switches of the double, `double/switches.h`, for Rust.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::sync::OnceLock;

/// How a message is told to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// Nil, or NO without an error.
    Nil = 0,
    /// Nil, or NO with an error.
    Error = 1,
    /// An exception is thrown.
    Exception = 2,
    /// An object is thrown that is no exception.
    Object = 3,
}

impl How {
    pub(crate) const ALL: [How; 4] = [How::Nil, How::Error, How::Exception, How::Object];
}

/// What fails with: an error's domain, code and description, or an exception's name and reason.
pub(crate) const DOMAIN: &str = "test.domain";
pub(crate) const CODE: isize = -77;
pub(crate) const TEXT: &str = "the double was told to fail";

/// The library, which the framework has loaded.
fn library() -> *mut c_void {
    static LIBRARY: OnceLock<usize> = OnceLock::new();
    *LIBRARY.get_or_init(|| {
        let path = std::env::var("ANEMONE_DOUBLE").unwrap_or_else(|_| env!("ANEMONE_DOUBLE").to_owned());
        let path = CString::new(path).unwrap();
        // SAFETY: a string; initialisers have run already.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "the double cannot be loaded");
        library as usize
    }) as *mut c_void
}

fn symbol(name: &CStr) -> *mut c_void {
    // SAFETY: the library is loaded for good.
    let found = unsafe { libc::dlsym(library(), name.as_ptr()) };
    assert!(!found.is_null(), "the double has no {name:?}");
    found
}

fn string(text: &str) -> CString {
    CString::new(text).unwrap()
}

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal ($($arg:ident: $ty:ty),*) $(-> $ret:ty)?;)*) => {
        $($(#[$doc])* fn $name($($arg: $ty),*) $(-> $ret)? {
            type Function = unsafe extern "C" fn($($ty),*) $(-> $ret)?;
            // SAFETY: `switches.h` declares the function with these types.
            let function = unsafe { std::mem::transmute::<*mut c_void, Function>(symbol($symbol)) };
            // SAFETY: strings are strings, or null where that is allowed.
            unsafe { function($($arg),*) }
        })*
    };
}

switches! {
    fail_next_raw = c"double_fail_next"
        (selector: *const c_char, how: c_int, domain: *const c_char, code: c_long, text: *const c_char);
    underlying_raw = c"double_underlying" (domain: *const c_char, code: c_long, text: *const c_char);
    calls_raw = c"double_calls" (selector: *const c_char) -> c_long;
    live_raw = c"double_live" (class: *const c_char) -> c_long;
    set_raw = c"double_set" (name: *const c_char, value: c_long);
    get_raw = c"double_get" (name: *const c_char) -> c_long;
    set_text_raw = c"double_set_text" (name: *const c_char, value: *const c_char);
    reset_raw = c"double_reset" ();
}

/// The next message with this selector fails, with [`DOMAIN`], [`CODE`] and [`TEXT`].
pub(crate) fn fail_next(selector: &str, how: How) {
    let (selector, domain, text) = (string(selector), string(DOMAIN), string(TEXT));
    fail_next_raw(selector.as_ptr(), how as c_int, domain.as_ptr(), CODE as c_long, text.as_ptr());
}

/// The error that was told last gets an error below it.
pub(crate) fn underlying(domain: &str, code: isize, text: &str) {
    let (domain, text) = (string(domain), string(text));
    underlying_raw(domain.as_ptr(), code as c_long, text.as_ptr());
}

/// Messages with this selector.
pub(crate) fn calls(selector: &str) -> i64 {
    calls_raw(string(selector).as_ptr())
}

/// Objects of a class; `IOSurface` counts surfaces.
pub(crate) fn live_of(class: &str) -> i64 {
    live_raw(string(class).as_ptr())
}

/// Objects of all classes.
pub(crate) fn live() -> i64 {
    live_raw(std::ptr::null())
}

/// Sets a number.
pub(crate) fn set(name: &str, value: i64) {
    set_raw(string(name).as_ptr(), value);
}

/// A number.
pub(crate) fn get(name: &str) -> i64 {
    get_raw(string(name).as_ptr())
}

/// Sets a text.
pub(crate) fn set_text(name: &str, value: &str) {
    set_text_raw(string(name).as_ptr(), string(value).as_ptr());
}

/// Everything as at first, and an empty cache.
pub(crate) fn reset() {
    reset_raw();
}
