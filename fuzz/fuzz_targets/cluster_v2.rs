//! See `sio_fuzz::cluster_v2`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::cluster_v2(input));
