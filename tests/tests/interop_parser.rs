//! Real clients whose packets are written and read by `socket.io-msgpack-parser` and `socket.io-json-parser`,
//! against the ready parser and one of the application's own (`tests/servers/json.rs`) in the `interop` servers: the
//! suites of the usual packets, and `tests/interop/suites/parser.js`. Where they ask for them, clients of several share a
//! server: `tests/interop/suites/parsers.js`.

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

/// The same with a parser that the clients ask for.
fn asking(binding: Binding, parser: &str, version: &str, transport: &str) {
    if std::env::var_os("SIO_INTEROP_REFERENCE").is_some() {
        return;
    }
    Suite::node("parser.js")
        .server(binding, "interop")
        .env("PARSER", parser)
        .env("ASKED", "1")
        .env("CLIENT", version)
        .env("TRANSPORT", transport)
        .run();
}

/// Clients of both lines, those that ask for a parser and those that do not. The official server has one for all.
fn several(binding: Binding, transport: &str) {
    if std::env::var_os("SIO_INTEROP_REFERENCE").is_some() {
        return;
    }
    Suite::node("parsers.js")
        .server(binding, "interop")
        .env("TRANSPORT", transport)
        .run();
}

on_each_binding! {
    several_polling: |binding| several(binding, "polling");
    several_websocket: |binding| several(binding, "websocket");
    several_upgrade: |binding| several(binding, "upgrade");
    asked_msgpack_4_8_upgrade: |binding| asking(binding, "msgpack", "4.8", "upgrade");
    asked_msgpack_2_5_polling: |binding| asking(binding, "msgpack", "2.5", "polling");
    asked_json_4_8_websocket: |binding| asking(binding, "json", "4.8", "websocket");
    msgpack_4_8_polling: |binding| client(binding, "msgpack", "4.8", "polling");
    msgpack_4_8_websocket: |binding| client(binding, "msgpack", "4.8", "websocket");
    msgpack_4_8_upgrade: |binding| client(binding, "msgpack", "4.8", "upgrade");
    msgpack_2_5_polling: |binding| client(binding, "msgpack", "2.5", "polling");
    msgpack_2_5_upgrade: |binding| client(binding, "msgpack", "2.5", "upgrade");
    json_4_8_upgrade: |binding| client(binding, "json", "4.8", "upgrade");
    json_2_5_polling: |binding| client(binding, "json", "2.5", "polling");
    json_2_5_websocket: |binding| client(binding, "json", "2.5", "websocket");
}
