//! The protocols spoken by hand to the `conformance` example, with exact times, and what the
//! reference clients' own suites ask of the `client_suite` example.
//!
//! One test at a time: the times are tight, and a busy neighbour is not what is tested.

use std::sync::{Mutex, PoisonError};

use sio_tests::suite::Suite;

fn alone(suite: impl FnOnce()) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    suite();
}

fn protocol(suite: &str) {
    alone(|| {
        Suite::node("protocol.js")
            .server("conformance")
            .env("SUITE", suite)
            .run()
    });
}

fn client_suite(suite: &str, transport: &str) {
    alone(|| {
        Suite::node("client_suite.js")
            .server("client_suite")
            .env("SUITE", suite)
            .env("TRANSPORT", transport)
            .run();
    });
}

#[test]
fn engineio_by_hand() {
    protocol("engine");
}

#[test]
fn socketio_by_hand() {
    protocol("socket");
}

#[test]
fn engineio_client_suite() {
    client_suite("engine.io-client", "upgrade");
}

#[test]
fn socketio_client_suite_polling() {
    client_suite("socket.io-client", "polling");
}

#[test]
fn socketio_client_suite_websocket() {
    client_suite("socket.io-client", "websocket");
}

#[test]
fn socketio_client_suite_upgrade() {
    client_suite("socket.io-client", "upgrade");
}
