//! The Neural Engine through Apple's private framework.

pub mod layout;
#[cfg(unix)]
mod model_folder;
#[cfg(unix)]
pub mod reproduction;
#[cfg(unix)]
pub mod staging;
