//! Socket.IO and Engine.IO servers on smol and async-io.
//!
//! ```no_run
//! use sio_smol::{Ack, Config, Data, Io, Socket};
//!
//! fn main() -> std::io::Result<()> {
//!     smol::block_on(async {
//!         // As 4.x has it; `Config::v2()` is for pages and devices with a client of 2.x.
//!         let io = Io::new(Config::v4());
//!         io.of("/").on_connect(|socket: Socket| {
//!             socket.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
//!         });
//!         let listener = smol::net::TcpListener::bind("127.0.0.1:3000").await?;
//!         sio_smol::serve(listener, io).await
//!     })
//! }
//! ```
//!
//! # Finding one's way
//!
//! Everything is as in `sio-tokio`, by the same names: handlers, rooms, acks and limits are the
//! driver's, which both re-export. What differs is who runs it:
//!
//! | I want to | |
//! |---|---|
//! | listen, on smol's global executor | [`serve`]; with TLS `serve_tls`; several servers or a fallback on one port [`Server`] |
//! | run on an executor of my own | [`Smol::on`], then [`Smol::serve`] |
//! | end | [`Io::close`]: everybody is told, then `serve` returns |
//!
//! # Threads
//!
//! There are those that smol itself starts and no others: the thread of async-io's reactor, and, for
//! the global executor, as many as the variable `SMOL_THREADS` says (one by default). On an executor
//! of your own, connections run wherever you run it.
//!
//! # tokio
//!
//! No runtime of tokio is started or needed. You will nevertheless find the `tokio` crate among the
//! dependencies: hyper, which reads and writes HTTP here, uses its channels (the feature `sync`,
//! which has neither IO nor timers nor tasks). A test keeps it at that.
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
//! # Features
//!
//! | feature | off by default | what it adds |
//! |---|---|---|
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

#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;
pub use listen::{listen, serve};
pub use runtime::{Sleep, Smol};
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
