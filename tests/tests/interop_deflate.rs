//! Real clients whose WebSockets compress their messages (`permessage-deflate`), against the `interop`
//! servers: the suites that they pass without it, and `tests/interop/deflate.js`, in which `ws` looks at
//! what is agreed on and plants bombs.

use sio_tests::{example::Binding, on_each_binding, suite::Suite};

fn client(binding: Binding, script: &str, version: &str, deflate: &str) {
    Suite::node(script)
        .example(binding, "interop")
        .env("CLIENT", version)
        .env("TRANSPORT", "websocket")
        .env("DEFLATE", deflate)
        .run();
}

on_each_binding! {
    socketio_4_8: |binding| client(binding, "socketio.js", "4.8", "alone");
    socketio_4_8_with_context: |binding| client(binding, "socketio.js", "4.8", "context");
    socketio_2_5_with_context: |binding| client(binding, "socketio.js", "2.5", "context");
    engineio_6_6_with_context: |binding| client(binding, "engineio.js", "6.6", "context");
    engineio_3_5: |binding| client(binding, "engineio.js", "3.5", "alone");
    ws: |binding| client(binding, "deflate.js", "", "alone");
    ws_with_context: |binding| client(binding, "deflate.js", "", "context");
}
