//! The program `anemone`, run as people run it.

#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

mod bench;
mod check;
mod compare;
mod convert;
mod doctor;
mod emit;
mod general;
mod images;
mod info;
mod inspect;
mod run;
mod shapes;
mod steps;
mod support;
