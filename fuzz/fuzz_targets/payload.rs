//! See `sio_fuzz::payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::payload(input));
