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
//! * **Others** hear of it at most once, and of what one server says to one namespace in its order.
//! * **Questions end**, once, and at the latest when their time is over: with what came, and with how many servers
//!   have said nothing ([`Gathered`](crate::adapter::Gathered)). What this server knows itself is always in it.
//! * **While the broker is away**, what is for others waits, up to a limit and for a while
//!   ([`outage_buffer`](sio_cluster::Config::outage_buffer), [`outage_age`](sio_cluster::Config::outage_age));
//!   what had to go is told by [`ClusterEvent::Overflow`](crate::adapter::ClusterEvent::Overflow).
//!
//! # Security
//!
//! Whoever can publish on the broker's channels *is* a server of the cluster: it can emit to anybody, disconnect
//! everybody, and ask for every socket's handshake. Let nobody else reach it, and give each application a
//! [`key`](sio_cluster::Config::key) of its own. Servers do not tell each other the headers by which clients prove who
//! they are, unless [`Options::share_headers`] says so.

mod broker;
mod desk;
mod handle;
mod join;
mod link;
mod listeners;
mod memory;
mod node;
mod options;
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
