//! See `sio_fuzz::proxy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::proxy(input));
