//! Real clients whose packets are written and read by `socket.io-msgpack-parser` and `socket.io-json-parser`,
//! against the ready parser and one of the application's own (`tests/servers/json.rs`) in the `interop` servers: the
//! suites of the usual packets, and `tests/interop/suites/parser.js`.

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn client(binding: Binding, parser: &str, version: &str, transport: &str) {
    // The official server has the parsers of one line at a time.
    if version == "2.5" && std::env::var_os("SIO_INTEROP_REFERENCE").is_some() {
        return;
    }
    Suite::node("parser.js")
        .server(binding, "interop")
        .env("PARSER", parser)
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    msgpack_4_8_polling: |binding| client(binding, "msgpack", "4.8", "polling");
    msgpack_4_8_websocket: |binding| client(binding, "msgpack", "4.8", "websocket");
    msgpack_4_8_upgrade: |binding| client(binding, "msgpack", "4.8", "upgrade");
    msgpack_2_5_polling: |binding| client(binding, "msgpack", "2.5", "polling");
    msgpack_2_5_upgrade: |binding| client(binding, "msgpack", "2.5", "upgrade");
    json_4_8_upgrade: |binding| client(binding, "json", "4.8", "upgrade");
    json_2_5_polling: |binding| client(binding, "json", "2.5", "polling");
    json_2_5_websocket: |binding| client(binding, "json", "2.5", "websocket");
}
