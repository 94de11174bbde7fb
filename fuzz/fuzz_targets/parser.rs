//! See `sio_fuzz::parser`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::parser(input));
