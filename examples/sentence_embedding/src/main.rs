//! Sentence embeddings.
fn main() {}
