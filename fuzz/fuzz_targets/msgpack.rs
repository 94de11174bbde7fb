//! See `sio_fuzz::msgpack`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::msgpack(input));
