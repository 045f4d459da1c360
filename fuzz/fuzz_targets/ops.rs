//! Placeholder until the operation vocabulary lands.
#![no_main]
libfuzzer_sys::fuzz_target!(|_bytes: &[u8]| {});
