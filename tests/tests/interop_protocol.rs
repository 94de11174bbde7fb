//! The protocols spoken by hand to the `conformance` servers, with their own times where those are
//! what is looked at, and what the reference clients' own suites ask of the `client_suite` servers.
//!
//! One test at a time: the times are tight, and a busy neighbour is not what is tested.

use std::sync::{Mutex, PoisonError};

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn alone(suite: impl FnOnce()) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    suite();
}

fn protocol(binding: Binding, suite: &str) {
    alone(|| {
        let run = Suite::node("protocol.js")
            .server(binding, "conformance")
            .env("SUITE", suite);
        match suite {
            // Where the official server stands in, it has to be told.
            "engine_3" | "socket_4" => run.env("ALLOW_EIO3", "1").run(),
            "socket_msgpack" => run.env("PARSER", "msgpack").run(),
            _ => run.run(),
        }
    });
}

fn client_suite(binding: Binding, suite: &str, transport: &str) {
    alone(|| {
        Suite::node("client_suite.js")
            .server(binding, "client_suite")
            .env("SUITE", suite)
            .env("TRANSPORT", transport)
            .run();
    });
}

on_each_binding! {
    engineio_by_hand: |binding| protocol(binding, "engine");
    engineio_revision_3_by_hand: |binding| protocol(binding, "engine_3");
    socketio_by_hand: |binding| protocol(binding, "socket");
    socketio_revision_4_by_hand: |binding| protocol(binding, "socket_4");
    socketio_in_msgpack: |binding| protocol(binding, "socket_msgpack");
    engineio_client_suite: |binding| client_suite(binding, "engine.io-client", "upgrade");
    socketio_client_suite_polling: |binding| client_suite(binding, "socket.io-client", "polling");
    socketio_client_suite_websocket: |binding| client_suite(binding, "socket.io-client", "websocket");
    socketio_client_suite_upgrade: |binding| client_suite(binding, "socket.io-client", "upgrade");
}
