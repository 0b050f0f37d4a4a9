//! Arbitrary bytes as a MIL text.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anemone_mil::fuzz::text(bytes));
