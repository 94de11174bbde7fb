//! The handles an application works with: cheap to clone, usable from any task or thread.

mod addressing;
mod conn;
mod data;
mod direct;
mod emitting;
mod endpoint;
mod engine;
mod engines;
mod into_rooms;
mod io;
mod left;
mod membership;
mod namespace;
mod room_events;
mod rooms;
mod socket;
mod to;

pub use conn::{Client, Conn};
pub use data::{DataError, SocketData};
pub use direct::Direct;
pub use endpoint::Engine;
pub(crate) use engine::EngineHandlers;
pub use engine::{EngineHandler, EngineServer, EngineSocket};
pub use into_rooms::IntoRooms;
pub use io::Io;
pub(crate) use namespace::Inner as NamespaceInner;
pub use namespace::Namespace;
#[cfg(test)]
pub(crate) use socket::socket_size;
pub use socket::{Incoming, Socket};
pub use to::To;
