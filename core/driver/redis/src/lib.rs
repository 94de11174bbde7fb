//! Clusters over Redis: several servers, of Rust and of Node, that are one.
//!
//! ```no_run
//! # use sio_driver::binding::Runtime;
//! # async fn example(runtime: impl Runtime, io: sio_driver::app::Io) -> Result<(), Box<dyn std::error::Error>> {
//! // `&Tokio` of sio-tokio, or `&Smol::new()` of sio-smol.
//! let cluster = sio_redis::connect(&runtime, "redis://127.0.0.1/").await?;
//! io.set_adapter(cluster.adapter())?;
//! io.to("lobby").emit("heard on all", &())?;
//! # Ok(())
//! # }
//! ```
//!
//! That speaks the wire of `@socket.io/redis-adapter`. [`Redis`] has the others, and all that can be chosen.
//!
//! # Behind a proxy
//!
//! A client that polls makes a request for each message, and all of them belong to one session, which one server has:
//! the others answer that it is not known (`400`, `{"code":1,"message":"Session ID unknown"}`). So a proxy before
//! several servers has to bring all requests of one client to one server (*sticky sessions*), by a cookie or by a hash
//! of the client's address. Without that, clients have to be told to begin by WebSocket, which is one request:
//! `transports: ["websocket"]`. What servers tell each other needs neither.
//!
//! The example `cluster` of `sio-tokio` has configurations of nginx and HAProxy that do it, which tests try with both:
//! `nginx-sticky.conf` and `haproxy.cfg` by a cookie, `nginx-hash.conf` by a hash. A proxy must also pass `Upgrade` on,
//! and leave connections open for longer than [`ping_interval`](sio_driver::app::Config::ping_interval) and
//! [`ping_timeout`](sio_driver::app::Config::ping_timeout) together.
//!
//! # From a programme that is no server
//!
//! An [`Emitter`] says to the servers of a cluster, ours and Node's, what to tell their clients. It awaits Redis on
//! tokio or on smol, or blocks where there is neither:
//!
//! ```no_run
//! use sio_redis::{Dialect, Options, Redis};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let emitter = Redis::new("redis://127.0.0.1/")?.emitter(Options::new(Dialect::Classic));
//! emitter.to("lobby").emit("news", &("hello", 1)).wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run -p sio-redis --example emit` is such a programme.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `tokio` | connections by tokio: with `sio-tokio`. On by default |
//! | `smol` | connections by smol: with `sio-smol`, and `default-features = false` |
//! | `tokio-rustls`, `smol-rustls` | TLS (`rediss://`) by rustls, with its ring provider where a URL says `rediss` and the process has chosen none |
//!
//! One of the first two is needed. With both, whoever is called within tokio's runtime connects by it.
//!
//! # What it needs of Redis
//!
//! Redis 6 or later (RESP3: one connection publishes and listens); [`Dialect::Sharded`] Redis 7. A user of its own
//! needs `+hello +auth +client|setinfo +client|setname +ping +publish +subscribe +unsubscribe +psubscribe
//! +punsubscribe +pubsub` (`client|setinfo` from 7.2 on, before it there is none) and the channels `&<key>*`, and
//!
//! - in [`Dialect::Classic`] and [`Dialect::V2`] the pattern of each namespace, which Redis wants word for word:
//!   `&<key>#<namespace>#*`, as `&socket.io#/#*`;
//! - in [`Dialect::Sharded`] `+spublish +ssubscribe +sunsubscribe`;
//! - in [`Dialect::Streams`] `+xadd +xread +xrange +xinfo` and the keys `~<key>*`; where clients come back, also
//!   `+set +getdel` and the keys `~sio:session:*`, and Redis 6.2;
//! - `+client|info +client|kill`, from Redis 6.2 on, so that a connection that was given up is ended before the next one
//!   is used. Without them, what was on its way by the first (a Redis that stood still, a line that carried one
//!   direction) may come late: behind what was said since, and by a stream twice. In a Redis Cluster that may happen with
//!   them, too, by a master that was none yet when the connection was made.
//!
//! In a [Redis Cluster](Redis::cluster) all of them need `+cluster|slots +cluster|info +multi +exec`, too.
//!
//! An emitter needs `+hello +auth +client|setinfo +client|setname +ping` and, by its dialect, `+publish`, `+spublish` or
//! `+xadd` (with `+publish` for what is volatile), and the same channels and keys.
//!
//! Whoever else can publish on these channels, or add to these streams, *is* a server of the cluster.
//!
//! # When it is away
//!
//! The connection is taken for broken when it is, and when for [`ping_timeout`](Redis::ping_timeout) nothing has come
//! of it; it is made again, for ever, first at once and then ever more seldom, up to every 2 s. What becomes of messages
//! meanwhile is the cluster's: [`sio_driver::cluster`].
//!
//! # Why the `redis` crate, and how much of it
//!
//! It connects (TCP, TLS, names, credentials), writes commands and reads replies, and knows which shard of a Redis Cluster
//! has a slot. When to connect, what is kept meanwhile and what is subscribed to again is not left to its connection
//! manager, whose publishes wait or fail by rules of its own, nor to its client for Redis Clusters, which would say again
//! what may have arrived. With `smol` it brings the package `smol-timeout`, under the Mozilla Public License 2.0, which asks
//! nothing of those who use it unchanged, and of tokio the traits for IO and its channels, but no runtime.

mod broker;
#[cfg(feature = "rustls")]
mod certificates;
mod command;
mod emitter;
mod error;
mod identity;
mod inbox;
mod lane;
mod line;
mod lines;
mod outlet;
mod place;
mod policy;
mod redis;
mod stream;
mod traffic;
mod undone;
mod way;

pub use broker::RedisBroker;
#[cfg(feature = "rustls")]
pub use certificates::Certificates;
pub use emitter::{Emission, Emitter};
pub use error::{EmitterError, RedisError};
pub use redis::{Redis, connect};
pub use sio_driver::cluster::{Cluster, Dialect, Options, Subscriptions};
