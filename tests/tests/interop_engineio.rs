//! engine.io-client from npm, for both revisions, against the plain Engine.IO echo of the `interop`
//! servers: `tests/interop/engineio.js`.

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn client(binding: Binding, version: &str, transport: &str) {
    Suite::node("engineio.js")
        .server(binding, "interop")
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    v6_6_polling: |binding| client(binding, "6.6", "polling");
    v6_6_websocket: |binding| client(binding, "6.6", "websocket");
    v6_6_upgrade: |binding| client(binding, "6.6", "upgrade");
    v3_5_polling: |binding| client(binding, "3.5", "polling");
    v3_5_websocket: |binding| client(binding, "3.5", "websocket");
    v3_5_upgrade: |binding| client(binding, "3.5", "upgrade");
}
