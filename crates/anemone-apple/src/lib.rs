//! Apple's private framework for the Neural Engine: compiles MIL text, loads it, and runs it on IOSurfaces.
//!
//! Nobody but Apple documents this framework. What is written here follows what open projects have found, each fact with its
//! source; the table of methods in the module `methods` is what all of it stands on. Nothing in this crate has run
//! on a Mac: it is compiled and linked for one, and run on a test double of the framework, which repeats what is believed.
//!
//! There are a `Framework`, `Model`s loaded through it, and `Surface`s that they run on; those exist on Apple's systems,
//! and with the feature `double` on Linux. The rest, how ports lie in memory and how files are staged, is there everywhere.

#[cfg(objc)]
mod attributes;
#[cfg(objc)]
mod bindings;
pub mod device;
pub mod error;
#[cfg(objc)]
mod evaluate;
#[cfg(objc)]
mod framework;
#[cfg(objc)]
mod guard;
pub mod layout;
#[cfg(objc)]
mod lease;
#[cfg(objc)]
mod methods;
#[cfg(objc)]
mod model;
#[cfg(unix)]
mod model_folder;
#[cfg(objc)]
mod object;
pub mod preflight;
pub mod qos;
#[cfg(unix)]
pub mod reproduction;
#[cfg(objc)]
mod slots;
#[cfg(unix)]
pub mod staging;
#[cfg(objc)]
mod submit;
#[cfg(objc)]
mod surface;

#[cfg(objc)]
pub use attributes::{Port, Procedure};
pub use device::Device;
pub use error::{Error, NsError, Stage};
#[cfg(objc)]
pub use evaluate::{Evaluated, Path};
#[cfg(objc)]
pub use framework::Framework;
#[cfg(objc)]
pub use model::{MOST_COMPILED, Model, Options, Source, compiled};
pub use preflight::{Finding, Status};
pub use qos::Qos;
#[cfg(objc)]
pub use submit::Submission;
#[cfg(objc)]
pub use surface::{MIN_BYTES, ReadGuard, Reservation, Surface, WriteGuard};
