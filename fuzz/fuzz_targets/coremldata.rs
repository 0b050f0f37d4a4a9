//! Arbitrary bytes as a `coremldata.bin`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anemone_mil::fuzz::coremldata(bytes));
