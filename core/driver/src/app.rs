//! What applications see.
//!
//! The bindings re-export all of it, name by name. What stands here stays; what does not, applications do not name.

pub use crate::adapter::{
    Adapter, AdapterError, Broadcast, ClusterEvent, DataError, Gathered, InMemory, IntoRooms,
    Recipients, RemoteSocket, ServerAck, ServerAnswer, SocketData,
};
pub use crate::endpoint::handshake::{Auth, Handshake, Headers};
pub use crate::endpoint::request::{Remote, RequestHead};
pub use crate::endpoint::setup::SetupError;
pub use crate::error::{AckError, ConnectionError, EmitError, Failure, HandlerError, Reaction};
pub use crate::event::{ErrorSource, Started};
pub use crate::handle::{
    AckFuture, Backlogs, Client, Conn, Direct, EmitWhenReady, Engine, EngineServer, EngineSocket,
    ExpiredSession, Flushed, Incoming, Invocation, Io, Namespace, ParentNamespace, Ready,
    Recording, Replies, RepliesFuture, Socket, To, ToChildren, ToNode,
};
pub use crate::handler::answer::Ack;
pub use crate::handler::call::{Handler, Outcome};
pub use crate::handler::engine::EngineHandler;
pub use crate::handler::extract::{Data, EventName, FromEvent, Params, State, TryData};
pub use crate::handler::group::{Group, Method, Methods};
pub use crate::handler::middleware::{Decision, Middleware, Verdict};
#[cfg(feature = "regex")]
pub use crate::handler::parent::RegexError;
pub use crate::listeners::ListenerId;
pub use crate::serve::{Server, client_files, respond};
pub use crate::sync::later::Later;

pub use bytes::Bytes;
pub use http;
pub use http::HeaderMap;
pub use sio_core as core;
pub use sio_core::config::{
    BacklogPolicy, ClientFiles, Config, ConfigError, ConnectionStateRecovery, Cookie, Cors,
    CorsDelegate, CorsOrigin, ExactlyOnce, HttpCompression, Origins, Parsers, PerMessageDeflate,
    SameSite, Serving, SocketIds, Transports,
};
pub use sio_core::details::Details;
pub use sio_core::engine::{
    Backlog, CloseReason, Eio, ErrorContext, Message, Packet, Query, TransportKind,
};
pub use sio_core::id::{Sid, SocketId};
pub use sio_core::namespaces::{Parameters, ParametersError, PatternError};
pub use sio_core::once::Figures as OnceFigures;
pub use sio_core::packet::parser;
pub use sio_core::packet::{
    Args, ArgumentError, Codec, EncodeError, FromArgs, IntoArgs, Raw, Value,
};
pub use sio_core::recovery::{Expiry, Figures as RecoveryFigures};
pub use sio_core::rooms::{RoomError, RoomEvent};
pub use sio_core::socket::{DisconnectReason, Refusal};
pub use sio_core::waves::Waves;
