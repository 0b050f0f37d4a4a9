//! The switches of the test double, which `anemone-apple/double/switches.h` describes.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the double was told to fail with.
pub(crate) const DOMAIN: &str = "com.apple.appleneuralengine";
pub(crate) const TEXT: &str = "the double was told to fail";

/// The double for one test, as at first.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    anemone::neural_engine().expect("the double is a Neural Engine");
    reset();
    turn
}

/// Everything as at first, and an empty cache.
pub(crate) fn reset() {
    // SAFETY: the header declares it so.
    unsafe { function::<unsafe extern "C" fn()>(c"double_reset")() }
}

/// A function of the library that the framework was loaded from.
///
/// # Safety
/// It has this type.
unsafe fn function<F: Copy>(name: &CStr) -> F {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| format!("/{path}")));
    let path = paths.find(|path| path.contains("AppleNeuralEngine")).expect("the double is loaded");
    let path = CString::new(path).unwrap();
    // SAFETY: the library is loaded already, and stays so.
    let symbol = unsafe { libc::dlsym(libc::dlopen(path.as_ptr(), libc::RTLD_NOW), name.as_ptr()) };
    assert!(!symbol.is_null(), "the double has no {name:?}");
    // SAFETY: the caller knows the type, which is a pointer to a function.
    unsafe { std::mem::transmute_copy::<*mut c_void, F>(&symbol) }
}

fn string(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// Sets a number.
pub(crate) fn set(name: &str, value: i64) {
    // SAFETY: the header declares it so.
    unsafe { function::<unsafe extern "C" fn(*const c_char, c_long)>(c"double_set")(string(name).as_ptr(), value) }
}

/// A number.
pub(crate) fn get(name: &str) -> i64 {
    // SAFETY: the header declares it so.
    unsafe { function::<unsafe extern "C" fn(*const c_char) -> c_long>(c"double_get")(string(name).as_ptr()) }
}

/// Sets a text.
pub(crate) fn set_text(name: &str, value: &str) {
    type Function = unsafe extern "C" fn(*const c_char, *const c_char);
    // SAFETY: the header declares it so.
    unsafe { function::<Function>(c"double_set_text")(string(name).as_ptr(), string(value).as_ptr()) }
}

/// Objects of a class; `IOSurface` counts surfaces.
pub(crate) fn live(class: &str) -> i64 {
    // SAFETY: the header declares it so.
    unsafe { function::<unsafe extern "C" fn(*const c_char) -> c_long>(c"double_live")(string(class).as_ptr()) }
}

/// Messages with this selector.
pub(crate) fn calls(selector: &str) -> i64 {
    // SAFETY: the header declares it so.
    unsafe { function::<unsafe extern "C" fn(*const c_char) -> c_long>(c"double_calls")(string(selector).as_ptr()) }
}

/// The next message with this selector fails with an error of [`DOMAIN`] and [`TEXT`], below which there is another.
pub(crate) fn fail_next(selector: &str, code: i64) {
    type Fail = unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_long, *const c_char);
    type Underlying = unsafe extern "C" fn(*const c_char, c_long, *const c_char);
    let (selector, domain, text) = (string(selector), string(DOMAIN), string(TEXT));
    let (below, reason) = (string("com.apple.ane.compiler"), string("the reason below"));
    // SAFETY: the header declares them so; 1 is `DOUBLE_ERROR`.
    unsafe {
        function::<Fail>(c"double_fail_next")(selector.as_ptr(), 1, domain.as_ptr(), code, text.as_ptr());
        function::<Underlying>(c"double_underlying")(below.as_ptr(), -14, reason.as_ptr());
    }
}
