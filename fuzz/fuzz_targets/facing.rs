//! See `sio_fuzz::facing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::facing(input));
