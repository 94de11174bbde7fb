//! Several servers that are one: [`Cluster`].
//!
//! What the servers tell each other is what those of JavaScript do, so that both can be in one cluster:
//! [`Dialect`] says which adapter's wire it is. What carries it is a [`Broker`]: Redis, by the crate `sio-redis`, or
//! [`Memory`] within one process.
//!
//! ```
//! # use sio_driver::binding::Runtime;
//! use sio_driver::app::{Config, Io};
//! use sio_driver::cluster::{Cluster, Dialect, Memory, Options};
//!
//! # fn example(runtime: impl Runtime) -> Result<(), sio_driver::app::SetupError> {
//! let memory = Memory::new();
//! for _ in 0..2 {
//!     let io = Io::new(Config::v4());
//!     let cluster = Cluster::join(&runtime, memory.broker(), Options::new(Dialect::Classic));
//!     io.set_adapter(cluster.adapter())?;
//!     // What is emitted on one is heard by the clients of both.
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! * **This server first.** What is emitted, joined or left takes effect on its own sockets at once and in its order,
//!   whether the broker is there or not.
//! * **Others** hear of it at most once, and of what one server says to one namespace in its order. What was on its way
//!   by a stream as the broker went is said again where it is certain not to be in the stream. Where that was cut short
//!   meanwhile, so far that nobody can know, it is not, which is told by
//!   [`ClusterEvent::Overflow`](crate::adapter::ClusterEvent::Overflow).
//! * **Questions end**, once, and at the latest when their time is over: with what came, and with how many servers
//!   have said nothing ([`Gathered`](crate::adapter::Gathered)). What this server knows itself is always in it.
//! * **While the broker is away**, what is for others waits, up to a limit and for a while
//!   ([`outage_buffer`](sio_cluster::Config::outage_buffer), [`outage_age`](sio_cluster::Config::outage_age));
//!   what had to go is told by [`ClusterEvent::Overflow`](crate::adapter::ClusterEvent::Overflow).
//!
//! # Clients that come back
//!
//! With [`Dialect::Streams`] and [`connection_state_recovery`](crate::app::Config::connection_state_recovery) a client
//! that was cut off comes back at any server of the cluster, of ours or of Node's, also when the one where it was has been
//! closed meanwhile. Then
//!
//! * an event, one for a single socket too, comes to the sockets of this server when it is read in the stream, one round
//!   trip later, among those of the others: all servers hear of all of them in one order. Who is in a room is decided
//!   then. What may be lost, is `local` or is to be answered goes as it always does, and may overtake it;
//! * a session is kept by the broker under its private id ([`Options::session_prefix`]), for
//!   [`max_disconnection_duration`](crate::app::ConnectionStateRecovery::max_disconnection_duration), with what it was
//!   given by [`set_data`](crate::app::Socket::set_data), which the next server has by
//!   [`recovered_data`](crate::app::Socket::recovered_data). `max_kept_sessions` means nothing, and nobody hears of those
//!   that expire;
//! * one client is told of
//!   [`max_backlog_packets`](crate::app::Config::max_backlog_packets) and
//!   [`max_backlog_bytes`](crate::app::Config::max_backlog_bytes) at most. `max_kept_packets` and `max_kept_bytes` bound
//!   what is said while somebody comes back, until it has;
//! * nobody comes back as who it was (`recovered` is false at both ends) who may have missed something: the stream holds
//!   what its client has read last no more (it is cut at some 10 000 entries), more was missed than may be told, the
//!   broker was away while it was here or does not know its session, or it was told nothing yet by a server that had read
//!   nothing of the stream when it came. One whose connection hangs at another server is
//!   taken for a new one; at its own it gives way;
//! * while the broker is away those here hear at once, and those elsewhere when it is back. What had to go
//!   meanwhile ([`ClusterEvent::Overflow`](crate::adapter::ClusterEvent::Overflow)), or was said by a server that died
//!   before it could send it, those who were away then do not hear of.
//!
//! Whoever can read the broker's keys can take sessions over: the private id stands in their names.
//!
//! What Node's servers keep does not say of which namespace it is. Ours take a session of theirs for one of the namespace
//! of the event that its client says it has read last, so that nobody gets from one namespace into another past its
//! middlewares by naming an event of its own; who knows the place of an event of the other in the stream might, once for
//! each session, and does so at Node's servers with any. Where that is not enough, have the middlewares asked again
//! ([`skip_middlewares`](crate::app::ConnectionStateRecovery::skip_middlewares)). What ours keep says so itself.
//!
//! # Security
//!
//! Whoever can publish on the broker's channels *is* a server of the cluster: it can emit to anybody, disconnect
//! everybody, and ask for every socket's handshake. Let nobody else reach it, and give each application a
//! [`key`](sio_cluster::Config::key) of its own. Servers do not tell each other the headers by which clients prove who
//! they are, unless [`Options::share_headers`] says so.

mod broker;
mod desk;
mod families;
mod handle;
mod join;
mod link;
mod listeners;
mod memory;
mod node;
mod options;
mod sessions;
mod space;
mod told;
mod waiter;

pub use broker::{Broker, Event, Order, Ticket};
pub use join::Cluster;
pub use memory::{InMemoryBroker, Line, Memory};
pub use node::ClusterAdapter;
pub use options::Options;
pub use sio_cluster::{Config, Dialect, Heartbeat, Limits, Subscription, Subscriptions, codec};
pub use sio_cluster::{emitter, entry, id, message, node as machine, reader};
