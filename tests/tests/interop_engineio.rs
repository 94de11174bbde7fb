//! engine.io-client from npm against the plain Engine.IO echo of the `interop` example:
//! `tests/interop/engineio.js`.

use sio_tests::suite::Suite;

fn client(transport: &str) {
    Suite::node("engineio.js")
        .server("interop")
        .env("TRANSPORT", transport)
        .run();
}

#[test]
fn polling() {
    client("polling");
}

#[test]
fn websocket() {
    client("websocket");
}

#[test]
fn upgrade() {
    client("upgrade");
}
