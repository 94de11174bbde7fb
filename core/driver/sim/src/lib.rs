//! Socket.IO and Engine.IO servers in a simulation: virtual time, a network in memory, everything from one seed.
//!
//! A third binding, beside `sio-tokio` and `sio-smol`, with the same names. It runs the tasks that serve
//! production, and decides for them what else chance does. A [`Sim`] is one world: tasks, a clock, a network in
//! memory, and numbers that follow from a seed. Everything runs on the thread that called [`Sim::run`], and nothing
//! from outside decides anything, so the same seed gives the same [`Trace`], and another seed another order of events.
//!
//! * **Tasks.** Of those that were woken, the seed picks the next to be polled.
//! * **Time** is virtual. It passes only when no task can run, and then at once, to the next timer: a
//!   heartbeat of 25 s takes no time at all. [`Sim::block`] is for a task that takes its time.
//! * **Network.** [`Sim::connect`] reaches a [`Sim::listen`] by address. Bytes arrive in order and
//!   whole, but the seed decides how they are cut up, how long they take and how many may be under way
//!   ([`Weather`]). An end is closed and half-closed as with TCP; one that is dropped with unread bytes
//!   resets the connection.
//! * **Hosts.** A handle belongs to a host with an address, and what it spawns or connects does too;
//!   [`Sim::at`] is the same world seen from another host.
//! * **No progress.** If no task can run and no timer is set, the run panics and says which task waits
//!   for what. So it does if time does not pass any more.
//!
//! [`Sim::serve`] is what `serve` of another binding is. A run that panics prints its seed and the end of its trace.
//!
//! ```
//! use futures_util::io::{AsyncReadExt, AsyncWriteExt};
//! use sio_sim::{Config, Io, Runtime, Server, Sim};
//!
//! let sim = Sim::new(7);
//! let inner = sim.clone();
//! sim.run(async move {
//!     let io = Io::new(Config::v4());
//!     let host = inner.at([10, 0, 0, 2]);
//!     let listener = host.listen(([10, 0, 0, 2], 3000).into())?;
//!     let (serving, server) = (host.clone(), Server::new(io.clone()));
//!     host.spawn(async move { drop(serving.serve(listener, server).await) });
//!
//!     let mut stream = inner.connect(([10, 0, 0, 2], 3000).into()).await?;
//!     let hello = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
//!     stream.write_all(hello.as_bytes()).await?;
//!     let mut status = [0; 15];
//!     stream.read_exact(&mut status).await?;
//!     assert_eq!(&status, b"HTTP/1.1 200 OK");
//!     drop(stream);
//!     io.close().await;
//!     Ok::<_, std::io::Error>(())
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Testing an application
//!
//! [`test_your_handlers`] is a page about that: stories of clients and a server, by [`check`].
//!
//! # Features
//!
//! | feature | off by default | what it adds |
//! |---|---|---|
//! | `cluster` | yes | [`cluster`]: several servers that are one, by a broker in memory |
//! | `deflate` | yes | `permessage-deflate` on WebSockets ([`Config::per_message_deflate`]), by zlib-rs |
//! | `tokio` | yes | in [`check`], tokio's clock is the simulation's: what handlers do with `tokio::time`, `tokio::spawn` and channels takes no time outside |
//! | `tracing` | yes | spans and events; their names and levels are in the documentation of `sio_driver` |

mod chart;
mod check;
pub mod choices;
pub mod client;
mod clock;
mod dial;
mod faults;
mod history;
mod host;
mod hosts;
mod ids;
mod net;
#[cfg(feature = "tokio")]
mod paused;
mod sim;
mod stream;
mod tasks;
pub mod test_your_handlers;
mod timers;
mod trace;
mod world;

pub use chart::Chart;
pub use check::{Check, Error, Played, check};
pub use clock::Sleep;
pub use history::{Act, Deed, History};
pub use host::{Host, Served};
pub use hosts::Lookup;
pub use net::Weather;
pub use sim::{Sim, secs};
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
pub use sio_driver::binding::{Instant, Runtime};
#[cfg(feature = "cluster")]
pub use sio_driver::cluster;
pub use sio_driver::{adapter, contract, guide};
pub use stream::{Listener, Stream};
pub use trace::{End, Moved, Step, Trace};
