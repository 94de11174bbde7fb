//! Socket.IO and Engine.IO servers on tokio.
//!
//! ```no_run
//! use sio_tokio::{Ack, Config, Data, Io, Socket};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     // As 4.x has it; `Config::v2()` is for pages and devices with a client of 2.x.
//!     let io = Io::new(Config::v4());
//!     io.of("/").on_connect(|socket: Socket| {
//!         socket.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
//!     });
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     sio_tokio::serve(listener, io).await
//! }
//! ```
//!
//! # Finding one's way
//!
//! | I want to | |
//! |---|---|
//! | listen | [`serve`]; with TLS `serve_tls`; inside axum or hyper `layer` and `service`; several servers or a fallback on one port [`Server`] |
//! | group sockets | [`Io::of`] gives a [`Namespace`]; [`Socket::join`] a room; [`Io::of_pattern`] lets clients name namespaces |
//! | let in or refuse | [`Io::allow_request`] (requests), [`Namespace::use_`] (sockets), [`Socket::use_`] (events) |
//! | handle events | [`Namespace::on`] for all sockets, [`Socket::on`] for one; `once`, `off`, `on_any` |
//! | emit | [`Socket::emit`], [`Namespace::emit`], [`To`] for rooms and flags |
//! | say what both ends may say | [`mod@contract`]: events as types, and as TypeScript |
//! | ask | [`Socket::emit_with_ack`], [`To::emit_with_ack`]; answer with [`Ack::send`] |
//! | keep data with a socket | [`Socket::set_data`]; for all handlers [`Io::set_state`] |
//! | end | [`Socket::disconnect`], [`Conn::close`], [`Io::close`]; [`Io::drain`] and [`Io::send_away`] to be replaced without a jolt |
//! | speak Engine.IO alone | [`EngineServer`] |
//!
//! # Handlers
//!
//! are closures, sync or async, that name what they want among their arguments, in any order:
//! [`Socket`], [`Data<T>`](Data) and [`TryData<T>`](TryData) (the event's arguments as serde types),
//! [`Args`] (as they came), [`Ack`], [`EventName`], [`Params<T>`](Params), [`State<T>`](State), [`Io`], [`Namespace`],
//! [`DisconnectReason`] and `Option<`[`Details`]`>`, [`Refusal`]. They return nothing, or a `Result` whose error is reported to
//! [`Io::on_error`].
//!
//! ```
//! # use std::sync::Arc;
//! # use sio_tokio::{Ack, Bytes, Config, Data, Io, Socket, State};
//! # #[derive(serde::Deserialize)] struct Picture { name: String, data: Bytes }
//! # #[derive(Clone)] struct Gallery; impl Gallery { async fn keep(&self, _: Picture) -> Result<u64, std::io::Error> { Ok(1) } }
//! # let io = Io::new(Config::v4());
//! io.set_state(Arc::new(Gallery));
//! // Bytes are attachments, wherever they stand.
//! io.of("/").on(
//!     "picture",
//!     async |Data(picture): Data<Picture>, State(gallery): State<Arc<Gallery>>, ack: Ack| {
//!         let number = gallery.keep(picture).await.map_err(|error| error.to_string())?;
//!         ack.send(&number).map_err(|error| error.to_string())
//!     },
//! );
//! // A closure that captures gives its future what it needs.
//! let greeting = Arc::new(String::from("hello"));
//! io.of("/").on_connect(move |socket: Socket| {
//!     let greeting = greeting.clone();
//!     async move { socket.emit("greeting", &*greeting) }
//! });
//! ```
//!
//! Handlers of one socket start in the order of its events and interleave after their first await;
//! [`Socket::sequential`] and [`Namespace::sequential`] make them run strictly one after another. A
//! handler must not block its thread; long work belongs on `tokio::spawn` or `spawn_blocking`. A panic
//! closes the connection it happened on, and no other.
//!
//! # Features
//!
//! | feature | off by default | what it adds |
//! |---|---|---|
//! | `tower` | yes | `layer` and `service`: a tower layer and service, for axum and hyper |
//! | `regex` | yes | `Io::of_regex`: namespaces by regular expressions |
//! | `cluster` | yes | [`cluster`]: several servers that are one |
//! | `deflate` | yes | `permessage-deflate` on WebSockets ([`Config::per_message_deflate`]), by zlib-rs |
//! | `msgpack` | yes | [`parser::Msgpack`](sio_driver::app::parser), packets as `socket.io-msgpack-parser` has them |
//! | `rustls` | yes | `serve_tls`, and `https` and `wss` for clients, by rustls with the ring provider |
//! | `platform-verifier` | yes | clients trust whom the platform trusts, if nothing else is said |
//! | `metrics` | yes | figures for a recorder of the `metrics` crate (`Io::record_metrics`); they are listed in the documentation of `sio_driver` |
//! | `blocking` | yes | `client::blocking`: clients whose calls wait, each with a thread of its own |
//! | `typescript` | yes | `contract::typescript`: a contract as TypeScript, by `ts-rs` |
//! | `tracing` | yes | spans and events; their names and levels are in the documentation of `sio_driver` |
//!
//! # When something does not work
//!
//! [`guide::not_called`] says why a handler may not be called, and where to look; [`guide::shapes`] what each
//! Rust value becomes on the wire, and which type takes what.
//!
//! # From Node
//!
//! [`guide::node`] has every method of Socket.IO's server for Node (2.x and 4.x) on one side and ours on the
//! other, and the differences that bite.
//!
//! # Clients
//!
//! The other end is in [`client`]. [`guide::client`] is for those who come from socket.io-client or rust_socketio.
//!
//! # Another runtime
//!
//! There are bindings for tokio (`sio-tokio`) and for smol (`sio-smol`), with the same names.
//! [`guide::binding`] says how to write one for what else there is.
//!
//! # Limits
//!
//! All are options of [`Config`] with their defaults; these are the ones that are met first. Where one ends a
//! connection, its [`Details`] name it: for handlers of `disconnect` that ask for `Option<Details>`, and
//! for [`Io::on_connection_error`].
//!
//! | what | option | default | past it |
//! |---|---|---|---|
//! | a body, a WebSocket message | `max_http_buffer_size` | 1 MB | 413 or close 1009 |
//! | attachments of an event | `max_attachments` | 10 | the connection is closed |
//! | waiting to be written to one client | `max_backlog_bytes` | 1 MiB | `backlog_policy`: closed |
//! | sessions, and those without a namespace | `max_sessions`, `max_pending_sessions` | none, 10 000 | 503 |
//! | connections that wait to be accepted | `listen_backlog` | 1 024 | they knock again |
//! | rooms of a socket | `max_rooms_per_socket` | 4 096 | [`RoomError`] |
//! | open acks of a socket | `max_pending_acks` | 1 024 | [`AckError::TooMany`] |
//! | time for an ack | `ack_timeout` | 10 s | [`AckError::Timeout`] |
//! | handlers of a connection that wait, and what they hold | `max_running_handlers`, `max_running_bytes` | 1 024, 4 MiB | its events wait |
//! | time in which nothing is read from it for that | `pause_timeout` | 5 min | closed |
//! | handlers whose client has gone, and what all of them hold | `departed_timeout`, `max_departed_bytes` | 60 s, 64 MiB | dropped |
//! | namespaces that clients bring into being | `max_child_namespaces`, `max_child_namespaces_per_connection` | 10 000, 1 000 | `Invalid namespace` |
//! | credentials of a connection | `max_auth_bytes` | 1 MB | the client is refused |
//! | time to join a namespace | `connect_timeout` | 45 s | closed |
//! | time for a request's head, its body | `request_head_timeout`, `request_body_timeout` | 10 s, 20 s | 408 |
//! | time between two requests | `keep_alive_timeout` | 75 s | the connection ends |

pub mod client;
#[cfg(feature = "rustls")]
mod client_tls;
mod listen;
mod runtime;
mod stream;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tower")]
mod tower;

pub use listen::{listen, serve};
pub use runtime::{Sleep, Tokio};
#[cfg(feature = "regex")]
pub use sio_driver::app::RegexError;
pub use sio_driver::app::{
    Ack, AckError, AckFuture, Adapter, AdapterError, Args, ArgumentError, Auth, Backlog,
    BacklogPolicy, Backlogs, Broadcast, Bytes, Client, ClientFiles, CloseReason, ClusterEvent,
    Codec, Config, ConfigError, Conn, ConnectionError, ConnectionStateRecovery, Cookie, Cors,
    CorsDelegate, CorsOrigin, Data, DataError, Decision, Details, Direct, DisconnectReason, Eio,
    EmitError, EmitWhenReady, EncodeError, Engine, EngineHandler, EngineServer, EngineSocket,
    ErrorContext, ErrorSource, EventName, ExactlyOnce, ExpiredSession, Expiry, Failure, Flushed,
    FromArgs, FromEvent, Gathered, Group, Handler, HandlerError, Handshake, HeaderMap, Headers,
    HttpCompression, InMemory, Incoming, IntoArgs, IntoRooms, Invocation, Io, Later, ListenerId,
    Message, Method, Methods, Middleware, Namespace, OnceFigures, Origins, Outcome, Packet,
    Parameters, ParametersError, Params, ParentNamespace, Parsers, PatternError, PerMessageDeflate,
    Query, Raw, Reaction, Ready, Recipients, Recording, RecoveryFigures, Refusal, Remote,
    RemoteSocket, Replies, RepliesFuture, RequestHead, RoomError, RoomEvent, SameSite, Server,
    ServerAck, ServerAnswer, Serving, SetupError, Sid, Socket, SocketData, SocketId, SocketIds,
    Started, State, To, ToChildren, ToNode, TransportKind, Transports, TryData, Value, Verdict,
    Waves, client_files, core, http, parser, respond,
};
#[cfg(feature = "cluster")]
pub use sio_driver::cluster;
pub use sio_driver::{adapter, contract, guide};
#[cfg(feature = "rustls")]
pub use tls::serve_tls;
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
#[cfg(feature = "tower")]
pub use tower::{NotFound, SioLayer, SioService, layer, service};
