//! Any bytes at all: see `driver::fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver::fuzz::frames(data));
