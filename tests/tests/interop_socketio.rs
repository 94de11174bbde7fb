//! socket.io-client from npm, five versions over three ways to connect, against the `interop`
//! servers: `tests/interop/socketio.js`.

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn client(binding: Binding, version: &str, transport: &str) {
    Suite::node("socketio.js")
        .server(binding, "interop")
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    v4_8_polling: |binding| client(binding, "4.8", "polling");
    v4_8_websocket: |binding| client(binding, "4.8", "websocket");
    v4_8_upgrade: |binding| client(binding, "4.8", "upgrade");
    v4_0_polling: |binding| client(binding, "4.0", "polling");
    v4_0_websocket: |binding| client(binding, "4.0", "websocket");
    v4_0_upgrade: |binding| client(binding, "4.0", "upgrade");
    v3_1_polling: |binding| client(binding, "3.1", "polling");
    v3_1_websocket: |binding| client(binding, "3.1", "websocket");
    v3_1_upgrade: |binding| client(binding, "3.1", "upgrade");
    v2_5_polling: |binding| client(binding, "2.5", "polling");
    v2_5_websocket: |binding| client(binding, "2.5", "websocket");
    v2_5_upgrade: |binding| client(binding, "2.5", "upgrade");
    v2_0_polling: |binding| client(binding, "2.0", "polling");
    v2_0_websocket: |binding| client(binding, "2.0", "websocket");
    v2_0_upgrade: |binding| client(binding, "2.0", "upgrade");
}
