//! Adapters: who keeps a namespace's rooms, and how its broadcasts reach other nodes (§19).

use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::{Args, Codec, Encoded};
use sio_core::rooms::{RoomError, Target};

use crate::endpoint::handshake::Handshake;
use crate::error::{AckError, EmitError};
use crate::handle::RepliesFuture;
use crate::handle::{Namespace, NamespaceInner, Socket, SocketData};
use crate::log::warn;
use crate::sync::later::Later;

/// Makes the adapter of one namespace around the in-memory one.
pub(crate) type MakeAdapter = dyn Fn(InMemory) -> Arc<dyn Adapter> + Send + Sync;

/// Who keeps the rooms of one namespace, and how its broadcasts reach other nodes.
///
/// Without one, everything goes straight to the sockets of this process, and costs no detour. An adapter
/// is made around the in-memory one, as a JavaScript adapter extends it: what it does not change is that
/// one's doing, by the default methods here. One that spans several nodes publishes what it is told and
/// lets [`local`](Self::local) do the part of this node, and on receipt calls the same methods of
/// [`InMemory`]. Its methods are called with no lock held, on the task of whoever emits or joins: they must
/// not block; what takes time goes into the [`Later`] that they return, which nobody needs to await.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use sio_driver::app::{Adapter, Broadcast, Config, InMemory, Io, Recipients};
///
/// /// Counts broadcasts.
/// struct Counting {
///     local: InMemory,
///     count: AtomicUsize,
/// }
///
/// impl Adapter for Counting {
///     fn local(&self) -> &InMemory {
///         &self.local
///     }
///
///     fn broadcast(&self, message: &Broadcast, to: &Recipients) {
///         self.count.fetch_add(1, Ordering::Relaxed);
///         self.local.broadcast(message, to);
///     }
/// }
///
/// let io = Io::new(Config::default());
/// io.set_adapter(|local| Counting { local, count: AtomicUsize::new(0) })?;
/// io.to("lobby").emit("counted", &())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Adapter: Send + Sync + 'static {
    /// The sockets and rooms of this node.
    fn local(&self) -> &InMemory;

    /// It has become the adapter of its namespace.
    fn init(&self) {}

    /// The server closes; its sockets have gone.
    fn close(&self) -> Later<()> {
        Later::ready(())
    }

    /// How many nodes there are, this one included.
    #[doc(alias = "serverCount")]
    fn server_count(&self) -> Later<Result<usize, AdapterError>> {
        Later::ready(Ok(1))
    }

    /// A socket of this node joins rooms. Their effect here is there at return; the `Later` ends when
    /// other nodes know of it.
    ///
    /// # Errors
    /// The socket has gone, or is in too many rooms.
    #[doc(alias = "addAll")]
    fn add_all(&self, id: &SocketId, rooms: &[&str]) -> Result<Later<()>, RoomError> {
        self.local().add_all(id, rooms)
    }

    /// A socket of this node leaves a room.
    fn del(&self, id: &SocketId, room: &str) -> Later<()> {
        self.local().del(id, room)
    }

    /// A socket of this node has left its namespace, and with it all rooms.
    #[doc(alias = "delAll")]
    fn del_all(&self, id: &SocketId) {
        self.local().del_all(id);
    }

    /// An event for whom it may concern. Never called where the sender said `local`.
    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        self.local().broadcast(message, to);
    }

    /// An event that everybody is to answer: one entry for each recipient, on all nodes.
    #[doc(alias = "broadcastWithAck")]
    fn broadcast_with_ack(
        &self,
        message: &Broadcast,
        to: &Recipients,
    ) -> Later<Vec<(SocketId, Result<Args, AckError>)>> {
        self.local().broadcast_with_ack(message, to)
    }

    /// The ids of those it would be for, on all nodes.
    #[doc(alias = "allSockets")]
    fn sockets(&self, of: &Recipients) -> Later<Result<Vec<SocketId>, AdapterError>> {
        Later::ready(Ok(self.local().sockets(of)))
    }

    /// The rooms of a socket of this node.
    #[doc(alias = "socketRooms")]
    fn socket_rooms(&self, id: &SocketId) -> Option<Vec<String>> {
        self.local().socket_rooms(id)
    }

    /// Those it would be for, on all nodes.
    #[doc(alias = "fetchSockets")]
    fn fetch_sockets(&self, of: &Recipients) -> Later<Result<Vec<RemoteSocket>, AdapterError>> {
        Later::ready(Ok(self.local().fetch_sockets(of)))
    }

    /// They join rooms, on all nodes.
    #[doc(alias = "addSockets")]
    fn add_sockets(&self, of: &Recipients, rooms: &[&str]) {
        self.local().add_sockets(of, rooms);
    }

    /// They leave rooms, on all nodes.
    #[doc(alias = "delSockets")]
    fn del_sockets(&self, of: &Recipients, rooms: &[&str]) {
        self.local().del_sockets(of, rooms);
    }

    /// They are disconnected, on all nodes: [`Socket::disconnect`].
    #[doc(alias = "disconnectSockets")]
    fn disconnect_sockets(&self, of: &Recipients, close: bool) {
        self.local().disconnect_sockets(of, close);
    }

    /// An event for the servers of the other nodes. They hear of it by
    /// [`InMemory::hear_server_side`].
    ///
    /// # Errors
    /// It cannot be sent; by default, because there are no other nodes.
    #[doc(alias = "serverSideEmit")]
    fn server_side_emit(&self, event: &str, args: &Args) -> Result<(), AdapterError> {
        let _ = (event, args);
        Err(AdapterError::Alone)
    }
}

/// Why an adapter could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdapterError {
    /// This adapter knows no other nodes.
    Alone,
    /// Not all nodes have answered in time.
    Timeout,
    /// The other nodes cannot be reached, for this reason.
    Unreachable(String),
    /// The arguments cannot be written.
    Emit(EmitError),
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("this adapter knows no other nodes"),
            Self::Timeout => f.write_str("not all nodes have answered in time"),
            Self::Unreachable(why) => write!(f, "the other nodes cannot be reached: {why}"),
            Self::Emit(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for AdapterError {}

/// An event on its way to many, encoded once.
#[derive(Clone, Debug)]
pub struct Broadcast {
    event: String,
    args: Args,
    packet: Encoded,
    /// What the packet was written by.
    codec: Codec,
}

impl Broadcast {
    /// An event for the sockets of a namespace.
    ///
    /// # Errors
    /// The event's name is reserved, or the arguments cannot be written.
    pub fn new(namespace: &str, event: &str, args: Args) -> Result<Self, EmitError> {
        Self::by(Codec::BUILT_IN, namespace, event, args)
    }

    /// The same for one whose parser is known.
    pub(crate) fn to(namespace: &Namespace, event: &str, args: Args) -> Result<Self, EmitError> {
        Self::by(namespace.codec(), namespace.name(), event, args)
    }

    fn by(codec: Codec, namespace: &str, event: &str, args: Args) -> Result<Self, EmitError> {
        Ok(Self {
            packet: codec.event(namespace, None, event, &args)?,
            event: event.to_owned(),
            args,
            codec,
        })
    }

    /// The event's name.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Its arguments.
    pub fn args(&self) -> &Args {
        &self.args
    }
}

/// Whom something is for, and how it is to be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recipients {
    /// The members of these rooms, each once. `None`: everybody in the namespace. Never an empty list, which
    /// would be for nobody: who emits to that is done before an adapter is asked. (Adapters of Node write
    /// an empty list where everybody is meant.)
    pub rooms: Option<Vec<String>>,
    /// Without the members of these.
    pub except: Vec<String>,
    /// Without the sender. On its own node it is left out by this id, even if it has left the room of that
    /// name; other nodes do not know it.
    pub sender: Option<SocketId>,
    /// It may be lost.
    pub volatile: bool,
    /// It may be compressed.
    pub compress: bool,
    /// The time for answers, if not `ack_timeout`.
    pub timeout: Option<Duration>,
}

impl Default for Recipients {
    fn default() -> Self {
        let flags = Flags::default();
        Self {
            rooms: None,
            except: Vec::new(),
            sender: None,
            volatile: flags.volatile,
            compress: flags.compress,
            timeout: None,
        }
    }
}

impl Recipients {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            volatile: self.volatile,
            compress: self.compress,
        }
    }

    fn target(&self, namespace: &Namespace) -> Target {
        let sender = self.sender.as_ref().and_then(|id| namespace.get(id));
        Target {
            rooms: (self.rooms.as_ref()).map(|rooms| rooms.iter().map(Into::into).collect()),
            except: self.except.iter().map(Into::into).collect(),
            skip: sender.and_then(|sender| sender.member()),
        }
    }
}

/// A socket, here or on another node, as it was when it was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteSocket {
    /// Its id.
    pub id: SocketId,
    /// The name of its namespace.
    pub namespace: String,
    /// The rooms it was in.
    pub rooms: Vec<String>,
    /// The first request of its connection.
    pub handshake: Arc<Handshake>,
    /// What it was given by [`Socket::set_data`].
    pub data: SocketData,
}

impl From<&Socket> for RemoteSocket {
    fn from(socket: &Socket) -> Self {
        Self {
            id: socket.id().clone(),
            namespace: socket.namespace().name().to_owned(),
            rooms: socket.rooms(),
            handshake: socket.shared_handshake().clone(),
            data: socket.shared_data(),
        }
    }
}

/// The sockets and rooms of one namespace on this node: the adapter that there is by default, and the part
/// of this node in any other. Does nothing once the namespace has gone.
#[derive(Clone)]
pub struct InMemory {
    /// The namespace holds its adapter.
    namespace: Weak<NamespaceInner>,
}

impl InMemory {
    pub(crate) fn new(namespace: &Namespace) -> Self {
        Self {
            namespace: namespace.downgrade(),
        }
    }

    /// The namespace, while there is one.
    pub fn namespace(&self) -> Option<Namespace> {
        Namespace::upgrade(&self.namespace)
    }

    fn chosen(&self, of: &Recipients) -> Vec<Socket> {
        self.namespace().map_or_else(Vec::new, |namespace| {
            let target = of.target(&namespace);
            let rooms = namespace.rooms();
            let rooms = rooms.read().unwrap_or_else(PoisonError::into_inner);
            rooms.select(&target).cloned().collect()
        })
    }

    fn get(&self, id: &SocketId) -> Option<Socket> {
        self.namespace()?.get(id)
    }

    /// [`Adapter::add_all`] on this node.
    ///
    /// # Errors
    /// The socket has gone, or is in too many rooms.
    pub fn add_all(&self, id: &SocketId, rooms: &[&str]) -> Result<Later<()>, RoomError> {
        let socket = self.get(id).ok_or(RoomError::Gone)?;
        socket.join_here(rooms.iter().copied())?;
        Ok(Later::ready(()))
    }

    /// [`Adapter::del`] on this node.
    pub fn del(&self, id: &SocketId, room: &str) -> Later<()> {
        if let Some(socket) = self.get(id) {
            socket.leave_here([room]);
        }
        Later::ready(())
    }

    /// [`Adapter::del_all`] on this node.
    pub fn del_all(&self, id: &SocketId) {
        if let Some(socket) = self.get(id) {
            let rooms = socket.rooms();
            socket.leave_here(rooms.iter().map(String::as_str));
        }
    }

    /// [`Adapter::broadcast`] on this node.
    pub fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        let Some(namespace) = self.namespace() else {
            return;
        };
        let (target, flags) = (to.target(&namespace), to.flags());
        let codec = namespace.codec();
        if codec.is(&message.codec) {
            namespace.deliver(&target, flags, &message.packet);
            return;
        }
        match codec.event(namespace.name(), None, &message.event, &message.args) {
            Ok(packet) => namespace.deliver(&target, flags, &packet),
            Err(_why) => {
                warn!(namespace = namespace.name(), event = %message.event, why = %_why, "not written");
            }
        }
    }

    /// [`Adapter::broadcast_with_ack`] on this node.
    pub fn broadcast_with_ack(
        &self,
        message: &Broadcast,
        to: &Recipients,
    ) -> Later<Vec<(SocketId, Result<Args, AckError>)>> {
        let Some(namespace) = self.namespace() else {
            return Later::ready(Vec::new());
        };
        let target = to.target(&namespace);
        let asked = namespace.ask(
            &target,
            to.flags(),
            to.timeout,
            &message.event,
            &message.args,
        );
        match asked {
            Ok(gather) => Later::when(async move {
                let replies = RepliesFuture::<Args>::new(gather).await;
                replies.map_or_else(|_| Vec::new(), |replies| replies.answers)
            }),
            // It was encoded before, so it can be again.
            Err(_) => Later::ready(Vec::new()),
        }
    }

    /// [`Adapter::sockets`] on this node.
    pub fn sockets(&self, of: &Recipients) -> Vec<SocketId> {
        let chosen = self.chosen(of);
        chosen.iter().map(|socket| socket.id().clone()).collect()
    }

    /// [`Adapter::socket_rooms`] on this node.
    pub fn socket_rooms(&self, id: &SocketId) -> Option<Vec<String>> {
        self.get(id).map(|socket| socket.rooms())
    }

    /// [`Adapter::fetch_sockets`] on this node.
    pub fn fetch_sockets(&self, of: &Recipients) -> Vec<RemoteSocket> {
        self.chosen(of).iter().map(RemoteSocket::from).collect()
    }

    /// [`Adapter::add_sockets`] on this node.
    pub fn add_sockets(&self, of: &Recipients, rooms: &[&str]) {
        for socket in self.chosen(of) {
            // Those that are in too many rooms already do not.
            let _ = socket.join(rooms);
        }
    }

    /// [`Adapter::del_sockets`] on this node.
    pub fn del_sockets(&self, of: &Recipients, rooms: &[&str]) {
        for socket in self.chosen(of) {
            socket.leave(rooms);
        }
    }

    /// [`Adapter::disconnect_sockets`] on this node.
    pub fn disconnect_sockets(&self, of: &Recipients, close: bool) {
        for socket in self.chosen(of) {
            socket.disconnect(close);
        }
    }

    /// The server of another node has emitted: [`Namespace::on_server_side`] hears of it.
    pub fn hear_server_side(&self, event: &str, args: &Args) {
        if let Some(namespace) = self.namespace() {
            namespace.hear_server_side(event, args);
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
        f.debug_tuple("InMemory").field(&self.namespace()).finish()
    }
}
