//! `client_suite`: what the reference clients' own test suites connect to.
//!
//! `SUITE` chooses: `socket.io-client` (the default; `PORT` 3210) or `engine.io-client` (`PORT` 3000).

use crate::sio::Server;

#[path = "common.rs"]
mod common;
#[path = "date.rs"]
mod date;
#[path = "client_suite_engine.rs"]
mod engine;
#[path = "client_suite_socket.rs"]
mod socket;

enum Suite {
    SocketIo,
    EngineIo,
}

fn suite() -> Suite {
    match common::option("SUITE", "socket.io-client".to_owned()).as_str() {
        "socket.io-client" => Suite::SocketIo,
        "engine.io-client" => Suite::EngineIo,
        other => {
            eprintln!("SUITE={other}: socket.io-client or engine.io-client");
            std::process::exit(2)
        }
    }
}

/// Where to listen.
pub(crate) fn address() -> (String, u16) {
    common::address(match suite() {
        Suite::SocketIo => 3210,
        Suite::EngineIo => 3000,
    })
}

/// The server of the chosen suite.
pub(crate) fn server() -> Server {
    match suite() {
        Suite::SocketIo => socket::server(),
        Suite::EngineIo => engine::server(),
    }
}
