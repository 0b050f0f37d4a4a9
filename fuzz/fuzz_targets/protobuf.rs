//! Arbitrary bytes as a protobuf model.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anemone_mil::fuzz::protobuf(bytes));
