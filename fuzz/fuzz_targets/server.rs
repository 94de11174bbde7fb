//! See `sio_fuzz::server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    sio_fuzz::server(input);
});
