//! See `sio_fuzz::packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::packet(input));
