//! See `sio_fuzz::cluster_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::cluster_message(input));
