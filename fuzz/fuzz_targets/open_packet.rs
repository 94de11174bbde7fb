//! See `sio_fuzz::open_packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::open_packet(input));
