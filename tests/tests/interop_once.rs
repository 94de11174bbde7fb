//! socket.io-client from npm with `retries`, whose lines are cut at places all over what they say, against the `interop`
//! servers: `tests/interop/once.js`, which cuts at each byte when it is told to.

use sio_tests::{on_each_binding, suite::Suite};

/// Bytes between two places.
const STEP: &str = "61";

on_each_binding! {
    orders_over_lines_that_are_cut: |binding| {
        Suite::node("once.js").server(binding, "interop").env("STEP", STEP).run();
    };
}
