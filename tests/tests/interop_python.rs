//! python-socketio, its threaded and its asyncio client, against the `interop` example:
//! `tests/interop/python/suite.py`.

use sio_tests::suite::Suite;

fn client(kind: &str, transport: &str) {
    Suite::python("python/suite.py")
        .server("interop")
        .env("CLIENT", kind)
        .env("TRANSPORT", transport)
        .run();
}

#[test]
fn threads_polling() {
    client("threads", "polling");
}

#[test]
fn threads_websocket() {
    client("threads", "websocket");
}

#[test]
fn threads_upgrade() {
    client("threads", "upgrade");
}

#[test]
fn asyncio_polling() {
    client("asyncio", "polling");
}

#[test]
fn asyncio_websocket() {
    client("asyncio", "websocket");
}

#[test]
fn asyncio_upgrade() {
    client("asyncio", "upgrade");
}
