//! `interop`: everything that an application does, for the clients of the interop tests.
//!
//! Its variables are those of [`application`], and `HOST` and `PORT` (127.0.0.1, 3100).

use crate::sio::{Io, Server};

#[path = "application.rs"]
pub(crate) mod application;

/// Where to listen.
pub(crate) fn address() -> (String, u16) {
    application::common::address(3100)
}

/// Both servers and the plain routes, ready to be served on one listener.
pub(crate) fn server() -> Server {
    let io = Io::new(application::config(100_000));
    application::furnish(&io, |_| {});
    application::routed(io, |_, _| None)
}
