//! See `sio_fuzz::cluster_classic`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sio_fuzz::cluster_classic(input));
