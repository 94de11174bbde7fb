//! See `sio_fuzz::recovery`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::recovery(input));
