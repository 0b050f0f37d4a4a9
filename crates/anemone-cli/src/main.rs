//! The command line of anemone.
fn main() {}
