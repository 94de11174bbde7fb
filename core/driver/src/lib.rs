//! The async half of `sio`, written once: handlers, handles, connection tasks, HTTP and WebSocket.
//!
//! Bindings (`sio-tokio`) implement [`Runtime`] and accept streams; applications use a binding.

mod ack;
mod answer;
mod error;
mod extract;
mod fragments;
mod gauge;
mod handle;
mod handlers;
mod handshake;
mod hooks;
mod host;
mod link;
mod log;
mod mailbox;
mod peer;
mod registry;
mod runtime;
mod serve;
mod signal;
mod websocket;

pub use ack::{Ack, AckFuture, Replies, RepliesFuture};
pub use error::{AckError, ConnectionError, EmitError, Failure, HandlerError, Reaction};
pub use extract::{Data, EventName, FromEvent, Invocation, State, TryData};
pub use handle::{
    Conn, Direct, EngineHandler, EngineServer, EngineSocket, Incoming, IntoRooms, Io, Middleware,
    Namespace, Socket, To,
};
pub use handlers::{Handler, ListenerId, Outcome, Started};
pub use handshake::{Auth, Handshake, Headers};
pub use hooks::{Remote, RequestHead};
pub use runtime::{Runtime, Sleep, Stream};
pub use serve::{Server, respond, serve_stream};
pub use websocket::{Received, Transport, WebSocket};

pub use bytes::Bytes;
pub use http;
pub use http::HeaderMap;
pub use sio_core as core;
pub use sio_core::config::{BacklogPolicy, Config, Transports};
pub use sio_core::engine::{CloseReason, Data as Message, Query, Revision, TransportKind};
pub use sio_core::error::ConfigError;
pub use sio_core::http::{Cookie, Cors, CorsOrigin, HttpCompression, Origins, SameSite};
pub use sio_core::id::{Sid, SocketId};
pub use sio_core::packet::{Args, ArgumentError, Arguments, EncodeError, FromArgs, Raw, Value};
pub use sio_core::rooms::RoomError;
pub use sio_core::socket::{DisconnectReason, Refusal};
