//! Any bytes at all: see `driver::fuzz::registers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver::fuzz::registers(data));
