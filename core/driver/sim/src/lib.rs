//! Socket.IO and Engine.IO servers in a simulation: virtual time, a network in memory, everything from one seed.
//!
//! A third binding, beside `sio-tokio` and `sio-smol`, with the same names. It runs the tasks that serve
//! production, and decides for them what else chance does: who runs next, how bytes are cut up and how long they
//! take. A number says all of it, and says it again when it is given again.
//!
//! # Features
//!
//! | feature | off by default | what it adds |
//! |---|---|---|
//! | `deflate` | yes | `permessage-deflate` on WebSockets ([`Config::per_message_deflate`]), by zlib-rs |
//! | `tracing` | yes | spans and events; their names and levels are in the documentation of `sio_driver` |

pub mod choices;

pub use sio_driver::app::{
    Ack, AckError, AckFuture, Adapter, AdapterError, Args, ArgumentError, Auth, BacklogPolicy,
    Broadcast, Bytes, Client, ClientFiles, CloseReason, ClusterEvent, Codec, Config, ConfigError,
    Conn, ConnectionError, Cookie, Cors, CorsOrigin, Data, DataError, Decision, Details, Direct,
    DisconnectReason, Eio, EmitError, EncodeError, Engine, EngineHandler, EngineServer,
    EngineSocket, ErrorSource, EventName, Failure, FromArgs, FromEvent, Gathered, Handler,
    HandlerError, Handshake, HeaderMap, Headers, HttpCompression, InMemory, Incoming, IntoArgs,
    IntoRooms, Invocation, Io, Later, ListenerId, Message, Middleware, Namespace, Origins, Outcome,
    PerMessageDeflate, Query, Raw, Reaction, Recipients, Refusal, Remote, RemoteSocket, Replies,
    RepliesFuture, RequestHead, RoomError, RoomEvent, SameSite, Server, ServerAck, ServerAnswer,
    Serving, SetupError, Sid, Socket, SocketData, SocketId, SocketIds, Started, State, To,
    TransportKind, Transports, TryData, Value, Verdict, client_files, core, http, parser, respond,
};
pub use sio_driver::{adapter, guide};
