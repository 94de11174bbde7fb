//! What the nodes of a Socket.IO cluster tell each other, without IO.
//!
//! Servers made of this, servers of the JavaScript packages and programmes that only emit share one cluster: what
//! they write to Redis is the same. Nothing here knows of Redis but by the names of its channels; bytes go in and
//! come out.
//!
//! A [`Message`](message::Message) is what any wire can say; [`codec`] has the wires.
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

pub mod codec;
pub mod id;
mod limits;
pub mod message;
mod wire;

pub use limits::Limits;
