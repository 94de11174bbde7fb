//! socket.io-client from npm over a line that is cut all the time, against the `interop` servers:
//! `tests/interop/recovery.js`.

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn client(binding: Binding, version: &str, transport: &str) {
    Suite::node("recovery.js")
        .server(binding, "interop")
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    v4_8_polling: |binding| client(binding, "4.8", "polling");
    v4_8_websocket: |binding| client(binding, "4.8", "websocket");
    v4_8_upgrade: |binding| client(binding, "4.8", "upgrade");
    v4_7_polling: |binding| client(binding, "4.7", "polling");
    v4_7_websocket: |binding| client(binding, "4.7", "websocket");
    v4_7_upgrade: |binding| client(binding, "4.7", "upgrade");
    v4_6_polling: |binding| client(binding, "4.6", "polling");
    v4_6_websocket: |binding| client(binding, "4.6", "websocket");
    v4_6_upgrade: |binding| client(binding, "4.6", "upgrade");
}
