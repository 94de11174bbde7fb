//! The conversation of `interop_client` with a server that no test builds, by polling, by WebSocket and with an upgrade:
//! its program is the argument, which listens at `$PORT`. For socketioxide:
//!
//! ```text
//! cargo build --manifest-path tests/peers/socketioxide/Cargo.toml --target-dir target/peers
//! cargo run -p sio-tests --example converse -- target/peers/debug/peer-socketioxide
//! ```

use sio_core::protocol::TransportKind::{Polling, WebSocket};
use sio_tests::conversation::{client, converse, start};
use sio_tests::reference::Kind;

fn main() {
    let program = std::env::args().nth(1).expect("the path of a program");
    let server = start(Kind::Program(program.leak()), &[]);
    for transports in [&[Polling][..], &[WebSocket], &[Polling, WebSocket]] {
        converse(client(&server, transports), transports);
        println!("{transports:?}: all as it should be");
    }
}
