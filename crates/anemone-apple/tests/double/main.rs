//! The back end on the test double of Apple's framework.
#![cfg(feature = "double")]

mod smoke;
