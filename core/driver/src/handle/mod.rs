//! The handles an application works with: cheap to clone, usable from any task or thread.

mod addressing;
mod backlog;
mod children;
mod conn;
mod data;
mod direct;
mod drain;
mod emitting;
mod endpoint;
mod engine;
mod engines;
#[cfg(feature = "metrics")]
mod figures;
mod hearers;
mod here;
mod inner;
mod invocation;
mod io;
mod keeper;
mod kind;
mod left;
mod membership;
mod namespace;
mod nodes;
mod once;
mod parent;
mod ready;
mod recovery;
mod repeats;
mod replies;
mod room_events;
mod rooms;
mod socket;
mod to;
mod to_children;
mod watch;

pub use backlog::Backlogs;
pub(crate) use children::{Door, Sought};
pub use conn::{Client, Conn};
pub use direct::Direct;
pub use endpoint::Engine;
pub(crate) use engine::{EngineHandlers, OnMessage};
pub use engine::{EngineServer, EngineSocket};
pub(crate) use engines::HandedOver;
pub(crate) use hearers::Hear;
pub(crate) use inner::{Callback, NamespaceMiddleware};
pub use inner::{Incoming, Invocation, Io, Namespace, ParentNamespace, Socket};
pub use keeper::ExpiredSession;
pub(crate) use once::ReplyTo;
pub use ready::{EmitWhenReady, Ready};
pub use replies::{AckFuture, Replies, RepliesFuture};
#[cfg(test)]
pub(crate) use socket::socket_size;
pub use to::To;
pub use to_children::ToChildren;
