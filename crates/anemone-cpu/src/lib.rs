//! The CPU engine of anemone: plans a checked function once, then runs it without taking memory.
//!
//! Results are the same bytes for any number of threads, any vector instructions, fused or not: see `ARCHITECTURE.md`,
//! "Why results do not depend on the machine".
//!
//! The way of a function: [`Engine::new`] folds constants, asks each operation's kernel for its *form* (`kernels`), groups
//! what runs together (`plan/fuse`), gives every value its place (`plan/build`, `plan/arena`), and has the plan proved by a
//! checker that knows nothing of the planner (`plan/verify`). [`Engine::run`] binds the caller's memory and runs the steps.

mod chain;
mod engine;
mod gemm;
mod kernels;
mod memory;
mod peak;
mod plan;
mod pool;
mod report;
mod team;
mod views;

pub use engine::{Engine, EngineError, MAX_THREADS, Observer, Options, State};
pub use peak::{Peak, peak};
pub use report::{Report, StepReport};
pub use views::{Input, Output, Slice, SliceMut};
