//! Tasks with logic.
fn main() {}
