//! The framework: found, compared with what is known of it, and only then used.

mod device;

use crate::error::{Error, Stage};
use crate::guard::{guarded, taken};
use crate::methods::{self, client};
use crate::object::Object;
use crate::preflight::Finding;
use crate::staging;
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where the framework is. The file is not on the disk: the loader has it in its cache.
#[cfg(not(feature = "double"))]
const PATH: &CStr = c"/System/Library/PrivateFrameworks/AppleNeuralEngine.framework/AppleNeuralEngine";

/// The framework, loaded. There is one for the life of the process.
#[derive(Debug)]
pub struct Framework {
    findings: Vec<Finding>,
    client: Option<Object>,
}

impl Framework {
    /// Loads the framework and compares every method that is called with what is known of it, once for the process.
    ///
    /// # Errors
    /// [`Error::NoFramework`], or [`Error::Changed`] with the first method that is needed and is not there or is another.
    /// Nothing has been sent then.
    pub fn get() -> Result<&'static Framework, Error> {
        let loaded = LOADED.get_or_init(load);
        match loaded {
            Loaded::Ready(framework) => Ok(framework),
            Loaded::Missing { path, reason } => Err(Error::NoFramework { path: path.clone(), reason: reason.clone() }),
            Loaded::Changed(findings) => {
                let changed = findings.iter().find(|f| f.required && !f.usable());
                // There is one, or it would not have been set aside.
                Err(changed.map_or(Error::NoClass { class: "" }, |f| Error::Changed(Box::new(f.clone()))))
            }
        }
    }

    /// Every method that is called, as it is expected and as it is here; empty if there is no framework. Unlike
    /// [`Framework::get`] it also tells of a framework that cannot be used.
    pub fn preflight() -> &'static [Finding] {
        match LOADED.get_or_init(load) {
            Loaded::Ready(framework) => &framework.findings,
            Loaded::Changed(findings) => findings,
            Loaded::Missing { .. } => &[],
        }
    }

    /// Whether all methods of a class with these selectors can be called.
    pub(crate) fn has(&self, class: &str, selectors: &[&str]) -> bool {
        selectors.iter().all(|s| self.findings.iter().any(|f| f.class == class && f.selector == *s && f.usable()))
    }

    /// The connection that programs are loaded through.
    pub(crate) fn client(&self) -> Option<&Object> {
        self.client.as_ref()
    }
}

enum Loaded {
    Ready(Framework),
    Missing { path: String, reason: String },
    Changed(Vec<Finding>),
}

static LOADED: OnceLock<Loaded> = OnceLock::new();

fn load() -> Loaded {
    let path = path();
    // SAFETY: the path ends with a zero byte. Loading runs the framework's initialisers, as it does in every other program.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    let path = path.to_string_lossy().into_owned();
    if handle.is_null() {
        return Loaded::Missing { path, reason: loader_error() };
    }
    let findings: Vec<Finding> = methods::METHODS.iter().map(methods::Method::check).collect();
    findings.iter().filter(|f| !f.usable()).for_each(|f| tracing::warn!("{f}"));
    if findings.iter().any(|f| f.required && !f.usable()) {
        return Loaded::Changed(findings);
    }
    let mut framework = Framework { findings, client: None };
    if framework.has("_ANEClient", &["sharedConnection"]) {
        framework.client = shared_connection().map_err(|e| tracing::warn!("{e}")).ok();
    }
    // What processes that were killed left of their programs.
    if let Err(e) = staging::sweep(&temporary_directory()) {
        tracing::warn!("files of earlier processes stay where they are: {e}");
    }
    Loaded::Ready(framework)
}

fn shared_connection() -> Result<Object, Error> {
    guarded(Stage::Model, || {
        // SAFETY: the preflight has found the method; it gives an object or nil.
        unsafe { taken(client::shared_connection(client::class()?), Stage::Model, "sharedConnection") }.map(Object::new)
    })
}

/// What the loader says about its last failure.
fn loader_error() -> String {
    // SAFETY: the result is null or a string that lives until the next call of the loader on this thread.
    let message = unsafe { libc::dlerror().cast_const().as_ref() };
    // SAFETY: as above.
    message.map_or_else(|| "no reason is given".to_owned(), |m| unsafe { CStr::from_ptr(m) }.to_string_lossy().into())
}

#[cfg(not(feature = "double"))]
fn path() -> CString {
    PATH.to_owned()
}

/// The double that was built with this crate, or the one that a test names.
#[cfg(feature = "double")]
fn path() -> CString {
    let named = std::env::var("ANEMONE_DOUBLE").unwrap_or_else(|_| env!("ANEMONE_DOUBLE").to_owned());
    CString::new(named).unwrap_or_default()
}

/// The folder in which the compiler looks for a program's files.
pub(crate) fn temporary_directory() -> PathBuf {
    objc2::rc::autoreleasepool(|_| PathBuf::from(objc2_foundation::NSTemporaryDirectory().to_string()))
}
