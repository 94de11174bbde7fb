//! The part of this node.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sio_core::config::ConnectionStateRecovery;
use sio_core::id::SocketId;
use sio_core::packet::Args;

use super::{
    Adapter, Answers, Broadcast, ClusterEvent, Place, Recipients, RemoteSocket, ServerAck,
};
use crate::error::AckError;

/// The sockets and rooms of one namespace on this node: the adapter that there is by default, and the part
/// of this node in any other. Does nothing once the namespace has gone.
///
/// What an adapter is told by another node it does by these methods: they are about this node alone, and no
/// adapter hears of what they do but of rooms that are joined and left.
#[derive(Clone)]
pub struct InMemory {
    name: Arc<str>,
    /// The namespace holds its adapter.
    here: Weak<dyn Here>,
}

/// What a namespace does for its [`InMemory`].
pub(crate) trait Here: Send + Sync {
    fn ack_timeout(&self) -> Duration;
    fn broadcast(&self, message: &Broadcast, to: &Recipients);
    fn broadcast_at(&self, message: &Broadcast, to: &Recipients, at: Option<Place>);
    fn lose_track(&self);
    fn recovery(&self) -> Option<ConnectionStateRecovery>;
    /// How many are asked is told before any of them is.
    fn broadcast_with_ack(
        &self,
        message: &Broadcast,
        to: &Recipients,
        answers: &Answers,
        asked: &mut dyn FnMut(usize),
    );
    fn sockets(&self, of: &Recipients) -> Vec<SocketId>;
    fn count(&self, of: &Recipients) -> usize;
    fn fetch_sockets(&self, of: &Recipients) -> Vec<RemoteSocket>;
    fn rooms(&self) -> Vec<String>;
    fn has_room(&self, room: &str) -> bool;
    fn socket_rooms(&self, id: &SocketId) -> Option<Vec<String>>;
    fn add_sockets(&self, of: &Recipients, rooms: &[&str]);
    fn del_sockets(&self, of: &Recipients, rooms: &[&str]);
    fn disconnect_sockets(&self, of: &Recipients, close: bool);
    fn server_side(&self, event: &str, args: &Args, ack: Option<ServerAck>);
    fn cluster(&self, event: &ClusterEvent);
    #[cfg(feature = "cluster")]
    fn parent(&self) -> Option<usize>;
}

impl InMemory {
    pub(crate) fn new(name: Arc<str>, here: Weak<dyn Here>) -> Self {
        Self { name, here }
    }

    fn here(&self) -> Option<Arc<dyn Here>> {
        self.here.upgrade()
    }

    fn of_here<T: Default>(&self, ask: impl FnOnce(Arc<dyn Here>) -> T) -> T {
        self.here().map(ask).unwrap_or_default()
    }

    /// The name of the namespace.
    pub fn namespace(&self) -> &str {
        &self.name
    }

    /// Of a child: what is equal for those of one parent, and for no others as long as that is there.
    #[cfg(feature = "cluster")]
    pub(crate) fn parent(&self) -> Option<usize> {
        self.here()?.parent()
    }

    /// Whether it is the same namespace of the same node.
    pub fn is(&self, other: &Self) -> bool {
        self.here.ptr_eq(&other.here)
    }

    /// The time for answers, where nobody has given one.
    pub fn ack_timeout(&self) -> Duration {
        self.of_here(|here| here.ack_timeout())
    }

    /// [`Adapter::broadcast`] on this node.
    pub fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        if let Some(here) = self.here() {
            here.broadcast(message, to);
        }
    }

    /// [`Adapter::broadcast`] on this node, of an adapter that [recovers](Adapter::recovers): at its place, behind all
    /// that was said before. `None`: it has none, and those who hear it do not come back as who they were.
    pub fn broadcast_at(&self, message: &Broadcast, to: &Recipients, at: Option<Place>) {
        if let Some(here) = self.here() {
            here.broadcast_at(message, to, at);
        }
    }

    /// Something that was said cannot be read: who is here does not come back as who it was, for it may have missed
    /// that.
    pub fn lose_track(&self) {
        if let Some(here) = self.here() {
            here.lose_track();
        }
    }

    /// How clients of this server come back, if they do.
    pub fn recovery(&self) -> Option<ConnectionStateRecovery> {
        self.here()?.recovery()
    }

    /// [`Adapter::broadcast_with_ack`] on this node. Clients have their time from now on, whoever holds
    /// `answers`.
    pub fn broadcast_with_ack(&self, message: &Broadcast, to: &Recipients, answers: &Answers) {
        if let Some(here) = self.here() {
            here.broadcast_with_ack(message, to, answers, &mut |_| {});
        }
    }

    /// Asks the clients of this node for another one. `asked` is told how many they are, before any of them is
    /// asked; `hear` of each answer as it comes, and of each that does not. It is called on the task of
    /// whoever answers.
    pub fn ask(
        &self,
        message: &Broadcast,
        to: &Recipients,
        asked: impl FnOnce(usize),
        hear: impl Fn(SocketId, Result<Args, AckError>) + Send + Sync + 'static,
    ) {
        let mut asked = Some(asked);
        let mut asked = |count| asked.take().map_or((), |asked| asked(count));
        match self.here() {
            Some(here) => {
                here.broadcast_with_ack(message, to, &Answers::told_to(hear), &mut asked);
            }
            None => asked(0),
        }
    }

    /// [`Adapter::sockets`] on this node.
    pub fn sockets(&self, of: &Recipients) -> Vec<SocketId> {
        self.of_here(|here| here.sockets(of))
    }

    /// [`Adapter::count`] on this node.
    pub fn count(&self, of: &Recipients) -> usize {
        self.of_here(|here| here.count(of))
    }

    /// [`Adapter::fetch_sockets`] on this node.
    pub fn fetch_sockets(&self, of: &Recipients) -> Vec<RemoteSocket> {
        self.of_here(|here| here.fetch_sockets(of))
    }

    /// [`Adapter::rooms`] on this node.
    pub fn rooms(&self) -> Vec<String> {
        self.of_here(|here| here.rooms())
    }

    /// Whether a socket of this node is in a room: an adapter that subscribes to the rooms that are here
    /// need not look at what is for others.
    pub fn has_room(&self, room: &str) -> bool {
        self.of_here(|here| here.has_room(room))
    }

    /// The rooms of a socket of this node.
    #[doc(alias = "socketRooms")]
    pub fn socket_rooms(&self, id: &SocketId) -> Option<Vec<String>> {
        self.of_here(|here| here.socket_rooms(id))
    }

    /// [`Adapter::add_sockets`] on this node. Those that are in too many rooms already do not join.
    pub fn add_sockets(&self, of: &Recipients, rooms: &[&str]) {
        if let Some(here) = self.here() {
            here.add_sockets(of, rooms);
        }
    }

    /// [`Adapter::del_sockets`] on this node.
    pub fn del_sockets(&self, of: &Recipients, rooms: &[&str]) {
        if let Some(here) = self.here() {
            here.del_sockets(of, rooms);
        }
    }

    /// [`Adapter::disconnect_sockets`] on this node.
    pub fn disconnect_sockets(&self, of: &Recipients, close: bool) {
        if let Some(here) = self.here() {
            here.disconnect_sockets(of, close);
        }
    }

    /// The server of another node has emitted: `Namespace::on_server_side` hears of it.
    pub fn hear_server_side(&self, event: &str, args: &Args) {
        if let Some(here) = self.here() {
            here.server_side(event, args, None);
        }
    }

    /// The server of another node has asked: `Namespace::on_server_side_ask` hears of it. The answer may come
    /// at any time, once; dropped, there is none.
    pub fn hear_server_side_ask(
        &self,
        event: &str,
        args: &Args,
        answer: impl FnOnce(Args) + Send + 'static,
    ) {
        if let Some(here) = self.here() {
            here.server_side(event, args, Some(ServerAck::new(answer)));
        }
    }

    /// Tells the application of what becomes of the cluster: `Namespace::on_cluster`.
    pub fn tell(&self, event: &ClusterEvent) {
        if let Some(here) = self.here() {
            here.cluster(event);
        }
    }
}

impl Adapter for InMemory {
    fn local(&self) -> &InMemory {
        self
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InMemory").field(&self.name).finish()
    }
}
