//! See `sio_fuzz::driver`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::driver(input));
