//! socket.io-client from npm over lines that are cut all the time, against the `interop` servers:
//! `tests/interop/recovery.js`, which cuts thousands of times when it is told to.

use sio_tests::{on_each_binding, suite::Suite};

on_each_binding! {
    clients_of_three_lines_on_lines_that_break: |binding| {
        Suite::node("recovery.js").server(binding, "interop").run();
    };
}
