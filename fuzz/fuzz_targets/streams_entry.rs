//! See `sio_fuzz::streams_entry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::streams_entry(input));
