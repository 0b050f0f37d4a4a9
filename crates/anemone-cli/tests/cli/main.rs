//! The program `anemone`, run as people run it.

mod bench;
mod check;
mod emit;
mod general;
mod info;
mod inspect;
mod run;
mod support;
