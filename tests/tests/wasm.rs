//! The core and the driver are built for browsers: neither needs a runtime's clock, nor its sockets.
//!
//! It needs a compiler for `wasm32-unknown-unknown`. Where that cannot be had, nothing but the text of the core
//! is looked at, by the suite `layers`: it names no clock of the operating system.

use std::{
    fs,
    io::{self, Write},
};

use sio_tests::install::Wasm;

#[test]
fn the_core_and_the_driver_are_built_for_a_browser() {
    let compiler = match Wasm::installed() {
        Ok(compiler) => compiler,
        Err(why) => {
            // Past what the test runner keeps to itself.
            let _ = writeln!(
                io::stderr(),
                "NOT BUILT for wasm32-unknown-unknown, for which no compiler can be had here ({why}): only the \
                 text of the core was checked, by the suite `layers`"
            );
            return;
        }
    };
    for package in ["sio-core", "sio-driver"] {
        let library = compiler.build(package);
        let bytes = fs::read(&library).expect("the library");
        // The format of what is in it.
        let module = b"\0asm\x01\0\0\0";
        assert!(
            bytes.windows(module.len()).any(|bytes| bytes == module),
            "{} has a module of wasm in it",
            library.display()
        );
    }
}
