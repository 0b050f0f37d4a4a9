//! Arbitrary bytes as a `weight.bin`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anemone_mil::fuzz::blob(bytes));
