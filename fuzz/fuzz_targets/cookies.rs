//! See `sio_fuzz::cookies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::cookies(input));
