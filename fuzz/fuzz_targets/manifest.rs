//! Arbitrary bytes as a `Manifest.json`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anemone_mil::fuzz::manifest(bytes));
