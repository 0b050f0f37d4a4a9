//! The Neural Engine through Apple's private framework.
