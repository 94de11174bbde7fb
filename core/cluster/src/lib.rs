//! What the nodes of a Socket.IO cluster tell each other, without IO.
//!
//! Servers made of this, servers of the JavaScript packages and programmes that only emit share one cluster: what
//! they write to Redis is the same. Nothing here knows of Redis but by the names of its channels; bytes go in and
//! come out.
//!
//! | | |
//! |---|---|
//! | [`node::Node`] | the machine of one namespace: what is published, what is done on receipt, who has answered what |
//! | [`message::Message`] | what any wire can say |
//! | [`emitter::Emitter`] | what a programme says that is no node |
//! | [`codec`] | the wires |
//! | [`reader::Reader`] | what of a stream was read, and what was lost |
//! | [`restore::Restore`] | what a client has missed that comes back, out of a stream |
//! | [`Config`] | which wire, and every limit |
//!
//! Two nodes and a broker that passes on what is published:
//!
//! ```
//! use sio_cluster::id::Uid;
//! use sio_cluster::message::To;
//! use sio_cluster::node::{Local, Node, Output};
//! use sio_cluster::{Config, Dialect};
//! use sio_core::packet::{Args, Call};
//! use sio_core::time::Instant;
//!
//! let now = Instant::ORIGIN;
//! let node = |random| {
//!     let mut node = Node::<u32>::new(Config::new(Dialect::Classic, "/"), Uid::classic(random));
//!     node.handle_connected(now);
//!     while let Some(output) = node.poll() {
//!         if let Output::Subscribe(subscription) = output {
//!             node.handle_subscribed(now, &subscription);
//!         }
//!     }
//!     node
//! };
//! let (mut here, mut there) = (node([1; 8]), node([2; 8]));
//!
//! // To the sockets here it was sent already; this is for those of the other nodes.
//! let to = To { rooms: vec!["lobby".to_owned()], ..To::default() };
//! let call = Call { name: "news".into(), args: Args::from_arguments(&("hello", 1))? };
//! here.broadcast(now, call.clone(), to.clone(), None)?;
//! let Some(Output::Publish(it)) = here.poll() else { panic!() };
//! assert_eq!(it.channel, "socket.io#/#lobby#");
//!
//! there.handle_message(now, &it.channel, &it.payload);
//! let Some(Output::Local(local)) = there.poll() else { panic!() };
//! assert_eq!(local, Local::Broadcast { call, to, at: None });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The wires by themselves, for a programme that only emits:
//!
//! ```
//! use sio_cluster::codec::classic::{self, Author, Place};
//! use sio_cluster::codec::Context;
//! use sio_cluster::id::Uid;
//! use sio_cluster::message::{Message, To};
//! use sio_cluster::Limits;
//! use sio_core::packet::{Args, Call};
//!
//! let news = Message::Broadcast {
//!     call: Call { name: "news".into(), args: Args::from_arguments(&("hello", 1))? },
//!     to: To { rooms: vec!["lobby".to_owned()], ..To::default() },
//!     ask: None,
//! };
//! let uid = Uid::classic([7; 8]);
//! let by = Author { uid: &uid, namespace: "/", to_ours: false };
//! let (place, bytes) = classic::encode(&news, by)?;
//! assert_eq!(place, Place::Broadcasts);
//!
//! // Another node, of ours or of Node's:
//! let of = Context { namespace: "/", limits: &Limits::default() };
//! let received = classic::decode(place, &bytes, of)?.expect("it is for this namespace");
//! assert_eq!(received.message, news);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, reason = "tests may panic")
)]

mod channels;
pub mod codec;
mod config;
mod digest;
pub mod emitter;
pub mod entry;
pub mod id;
mod limits;
pub mod message;
pub mod node;
pub mod reader;
pub mod restore;
mod wire;

pub use channels::Subscription;
pub use config::{Config, Dialect, Heartbeat, Subscriptions};
pub use limits::Limits;
