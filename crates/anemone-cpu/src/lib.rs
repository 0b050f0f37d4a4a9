//! The CPU engine.
mod gemm;
mod memory;
mod pool;
mod team;
mod views;
