//! See `sio_fuzz::deflate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::deflate(input));
