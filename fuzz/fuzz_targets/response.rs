//! See `sio_fuzz::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::response(input));
