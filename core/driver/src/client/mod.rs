//! The other end: clients, on any runtime that can dial.
//!
//! A [`Client`] is a connection to a server, which dials again when it is lost, and carries any number of
//! namespaces: a [`Socket`] for each. What the protocol says is decided in [`sio_core::client`]; one task of the
//! runtime carries it out, with one timer, and keeps no buffer while nothing comes.
//!
//! ```text
//!  your handles ──► lock ──► sio_core::client::Connection ◄── lock ◄── task ◄─► requests, WebSockets
//!                                                                       │
//!                                                                       └──► your handlers, streams
//! ```
//!
//! The lock is held for a few instructions at a time, and never while code of the application's runs: so an emit
//! says at once whether there was room for it.

#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod clocks;
mod connect;
mod credentials;
mod dialer;
mod echo;
mod emitter;
pub mod engine;
mod error;
mod event;
mod events;
mod extract;
mod first;
mod flushed;
mod handles;
mod http;
mod inner;
mod io;
mod listening;
pub mod no_tls;
mod queue;
mod race;
mod socket;
mod status;
mod task;
mod tunnel;

pub use builder::Builder;
pub use connect::{Connect, FirstError, connect_on};
pub use dialer::{BoxStream, Connector, Dialer};
pub use echo::websocket_echo_on;
pub use emitter::{Emitter, Retry, Sent};
pub use error::{BuildError, ConnectError};
pub use event::{Attempt, Connected, Decision, Disconnected, Happening};
pub use events::Events;
pub use flushed::Flushed;
pub use handles::{Client, Handlers};
pub use inner::{Event, First, Socket};
pub use queue::{Inbox, Overflow};
pub use socket::Ready;
pub use status::{Status, Watch};

pub use sio_core::config::PerMessageDeflate;

pub use sio_core::client::{
    Backoff, Config, ConfigError, Dial, DisconnectReason, Failure as TransportFailure,
    OfflinePolicy, Proxies, Proxy, ProxyVariableError, SocketState, TransportError, UrlError,
};

/// A server's wish for an answer to its event.
pub type Ack = crate::handler::answer::Ack<Socket>;
