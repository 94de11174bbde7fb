//! Adapters: how what is for a namespace's sockets reaches other nodes (§19). [`Adapter`] is the page to read.
//!
//! A namespace has one adapter, the one [in memory](InMemory) unless the application brings another, and calls
//! it for everything that is for several sockets, wherever they are.

mod answers;
mod broadcast;
mod cluster;
mod data;
mod error;
mod in_memory;
mod into_rooms;
mod recipients;
mod remote;
mod road;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use sio_core::id::SocketId;
use sio_core::packet::Args;
use sio_core::rooms::RoomEvent;

pub use crate::endpoint::handshake::Told;
pub use crate::mailbox::gather::Answers;
pub use crate::sync::later::Later;
pub use answers::Gathered;
pub use broadcast::Broadcast;
pub(crate) use cluster::NodeHooks;
pub use cluster::{ClusterEvent, ClusterStatus, ServerAck, ServerAnswer};
pub use data::{DataError, SocketData};
pub(crate) use data::{Slot, Values, Write, write};
pub use error::AdapterError;
pub(crate) use in_memory::Here;
pub use in_memory::InMemory;
pub use into_rooms::IntoRooms;
pub(crate) use into_rooms::{as_strs, names};
pub use recipients::Recipients;
pub use remote::RemoteSocket;
pub(crate) use road::{Adapters, Road};
pub use sessions::{RestoredSession, SessionClaim};
pub use sio_core::recovery::{Claim, KeptSession, Place, Stay};

/// Makes the adapter of one namespace around the in-memory one.
pub(crate) type MakeAdapter = dyn Fn(InMemory) -> Arc<dyn Adapter> + Send + Sync;

/// How what is for a namespace's sockets reaches other nodes.
///
/// An adapter is made around the part of this node ([`InMemory`]), as a JavaScript adapter extends the one in
/// memory: what it does not change is that one's doing, by the default methods here, which know one node. One
/// that spans several
///
/// * lets [`local`](Self::local) do the part of this node, then publishes what it was told. It must not be the
///   other way round: what is done on this node takes effect at once and in the order of the calls, whatever
///   becomes of the broker;
/// * on receipt calls the same methods of [`InMemory`], never its own;
/// * answers a question about all nodes with as much as it has learnt in time, and with how many nodes were
///   silent ([`Gathered`], [`Answers`]). An error is only for what nobody could be asked;
/// * need not care for rooms: sockets join and leave in memory, and an adapter hears of it.
///
/// Its methods are called with no lock held, on the task of whoever emits or joins: they must not block, and not
/// call the [`Namespace`](crate::app::Namespace) in return. What takes time goes into the [`Later`] that they
/// return, which nobody needs to await: what must be done belongs on a task. None is called for
/// [nobody](Recipients::is_nobody), nor where the sender said `local`.
///
/// # Example
/// Two servers of one process, which tell each other of broadcasts and know each other's rooms:
///
/// ```
/// use std::sync::{Arc, Mutex, PoisonError};
///
/// use sio_driver::adapter::{Adapter, AdapterError, Broadcast, Gathered, InMemory, Later, Recipients};
/// use sio_driver::app::{Config, Io};
///
/// /// The nodes of all namespaces.
/// #[derive(Clone, Default)]
/// struct Bus(Arc<Mutex<Vec<InMemory>>>);
///
/// struct Joined {
///     local: InMemory,
///     bus: Bus,
/// }
///
/// impl Joined {
///     /// The same namespace's other nodes. What is called is never called with the lock held.
///     fn others(&self) -> Vec<InMemory> {
///         let all = self.bus.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let same = all.iter().filter(|it| it.namespace() == self.local.namespace());
///         same.filter(|it| !it.is(&self.local)).cloned().collect()
///     }
/// }
///
/// impl Adapter for Joined {
///     fn local(&self) -> &InMemory {
///         &self.local
///     }
///
///     fn init(&self) {
///         let mut all = self.bus.0.lock().unwrap_or_else(PoisonError::into_inner);
///         all.push(self.local.clone());
///     }
///
///     fn broadcast(&self, message: &Broadcast, to: &Recipients) {
///         self.local.broadcast(message, to);
///         for node in self.others() {
///             node.broadcast(message, to);
///         }
///     }
///
///     fn count(&self, of: &Recipients) -> Later<Result<Gathered<usize>, AdapterError>> {
///         let there: usize = self.others().iter().map(|node| node.count(of)).sum();
///         Later::ready(Ok(Gathered::here(self.local.count(of) + there)))
///     }
/// }
///
/// let bus = Bus::default();
/// let [one, other] = [(); 2].map(|()| Io::new(Config::default()));
/// for io in [&one, &other] {
///     let bus = bus.clone();
///     io.set_adapter(move |local| Joined { local, bus: bus.clone() })?;
/// }
/// one.to("lobby").emit("heard on both", &())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Adapter: Send + Sync + 'static {
    /// The sockets and rooms of this node.
    fn local(&self) -> &InMemory;

    /// It has become the adapter of its namespace.
    fn init(&self) {}

    /// The server closes; its sockets have gone. Ends when the other nodes know that.
    fn close(&self) -> Later<()> {
        Later::ready(())
    }

    /// Ends when everything that was published so far has been taken by the broker.
    fn flush(&self) -> Later<Result<(), AdapterError>> {
        Later::ready(Ok(()))
    }

    /// What is known of the cluster. Of what becomes of it [`InMemory::tell`] tells the application.
    fn status(&self) -> ClusterStatus {
        ClusterStatus::alone()
    }

    /// How many nodes there are, this one included.
    #[doc(alias = "serverCount")]
    fn server_count(&self) -> Later<Result<usize, AdapterError>> {
        Later::ready(Ok(1))
    }

    /// A socket of this node has joined rooms. When it has entered its namespace, the first of them is its
    /// own. The `Later` ends when what other nodes emit to them from then on comes here:
    /// [`Socket::joined`](crate::app::Socket::joined) awaits it.
    ///
    /// Two threads that change one room may be told of in either order:
    /// [`has_room`](InMemory::has_room) is what holds.
    #[doc(alias = "addAll")]
    fn joined(&self, id: &SocketId, rooms: &[&str]) -> Later<()> {
        let _ = (id, rooms);
        Later::ready(())
    }

    /// A socket of this node has left rooms, those that it was not in among them.
    #[doc(alias = "del")]
    fn left(&self, id: &SocketId, rooms: &[&str]) -> Later<()> {
        let _ = (id, rooms);
        Later::ready(())
    }

    /// A socket of this node has left its namespace, and with it all rooms.
    #[doc(alias = "delAll")]
    fn gone(&self, id: &SocketId) {
        let _ = id;
    }

    /// Whether it wants to hear of rooms as they come and go on this node, by
    /// [`room_event`](Self::room_event). Asked once, when it becomes the adapter.
    fn wants_room_events(&self) -> bool {
        false
    }

    /// What has become of a room on this node, in the order in which it happened, which
    /// [`joined`](Self::joined) and [`left`](Self::left) need not be told in.
    #[doc(alias = "create-room")]
    #[doc(alias = "delete-room")]
    fn room_event(&self, event: &RoomEvent) {
        let _ = event;
    }

    /// Whether clients that were cut off come back at any node: what is said to them goes by something that all nodes
    /// read in one order, and comes to those of this node out of it, with its [`Place`]
    /// ([`InMemory::broadcast_at`]); sessions are kept where all nodes find them. Asked when the first client may come
    /// back. If not, a node keeps those of its own.
    fn recovers(&self) -> bool {
        false
    }

    /// A socket was cut off whose client may come back: its session is to be kept for as long as
    /// [`InMemory::recovery`] says.
    #[doc(alias = "persistSession")]
    fn persist(&self, session: KeptSession) {
        let _ = session;
    }

    /// A client claims to be who it was. What is found is this client's from then on: nobody else finds it. `None`: it
    /// comes as a new one.
    #[doc(alias = "restoreSession")]
    fn restore(&self, claim: SessionClaim) -> Later<Option<RestoredSession>> {
        let _ = claim;
        Later::ready(None)
    }

    /// An event for whom it may concern.
    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        self.local().broadcast(message, to);
    }

    /// An event that everybody is to answer, on all nodes. Whoever asked is told once `answers` is dropped, and
    /// those asked on this node have answered.
    #[doc(alias = "broadcastWithAck")]
    fn broadcast_with_ack(&self, message: &Broadcast, to: &Recipients, answers: Answers) {
        self.local().broadcast_with_ack(message, to, &answers);
    }

    /// The ids of those it would be for, on all nodes.
    #[doc(alias = "allSockets")]
    fn sockets(&self, of: &Recipients) -> Later<Result<Gathered<Vec<SocketId>>, AdapterError>> {
        Later::ready(Ok(Gathered::here(self.local().sockets(of))))
    }

    /// How many they are, on all nodes.
    fn count(&self, of: &Recipients) -> Later<Result<Gathered<usize>, AdapterError>> {
        Later::ready(Ok(Gathered::here(self.local().count(of))))
    }

    /// Those it would be for, on all nodes.
    #[doc(alias = "fetchSockets")]
    fn fetch_sockets(
        &self,
        of: &Recipients,
    ) -> Later<Result<Gathered<Vec<RemoteSocket>>, AdapterError>> {
        Later::ready(Ok(Gathered::here(self.local().fetch_sockets(of))))
    }

    /// The names of all rooms of all nodes, each once; the sockets' own ones among them.
    #[doc(alias = "allRooms")]
    fn rooms(&self) -> Later<Result<Gathered<Vec<String>>, AdapterError>> {
        Later::ready(Ok(Gathered::here(self.local().rooms())))
    }

    /// They join rooms, on all nodes. On this one they have, at return.
    #[doc(alias = "addSockets")]
    fn add_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.local().add_sockets(of, rooms);
        Later::ready(Ok(()))
    }

    /// They leave rooms, on all nodes. On this one they have, at return.
    #[doc(alias = "delSockets")]
    fn del_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.local().del_sockets(of, rooms);
        Later::ready(Ok(()))
    }

    /// They are disconnected, on all nodes: [`Socket::disconnect`](crate::app::Socket::disconnect).
    #[doc(alias = "disconnectSockets")]
    fn disconnect_sockets(&self, of: &Recipients, close: bool) -> Later<Result<(), AdapterError>> {
        self.local().disconnect_sockets(of, close);
        Later::ready(Ok(()))
    }

    /// The rooms of one socket, whichever node has it; its own among them.
    #[doc(alias = "clientRooms")]
    fn client_rooms(&self, id: &SocketId) -> Later<Result<Vec<String>, AdapterError>> {
        let rooms = self.local().socket_rooms(id);
        Later::ready(rooms.ok_or(AdapterError::Nowhere))
    }

    /// One socket joins a room, whichever node has it. Ends when that node has said that it did, where nodes say
    /// that; else, as by default, at once.
    #[doc(alias = "remoteJoin")]
    fn remote_join(&self, id: &SocketId, room: &str) -> Later<Result<(), AdapterError>> {
        self.add_sockets(&Recipients::default().to(id.as_str()), &[room])
    }

    /// One socket leaves a room: as [`remote_join`](Self::remote_join).
    #[doc(alias = "remoteLeave")]
    fn remote_leave(&self, id: &SocketId, room: &str) -> Later<Result<(), AdapterError>> {
        self.del_sockets(&Recipients::default().to(id.as_str()), &[room])
    }

    /// One socket is disconnected: as [`remote_join`](Self::remote_join).
    #[doc(alias = "remoteDisconnect")]
    fn remote_disconnect(&self, id: &SocketId, close: bool) -> Later<Result<(), AdapterError>> {
        self.disconnect_sockets(&Recipients::default().to(id.as_str()), close)
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

    /// An event that the servers of the other nodes are to answer, each once. They hear of it by
    /// [`InMemory::hear_server_side_ask`].
    #[doc(alias = "serverSideEmitWithAck")]
    fn server_side_ask(
        &self,
        event: &str,
        args: &Args,
        timeout: Option<Duration>,
    ) -> Later<Result<Gathered<Vec<ServerAnswer>>, AdapterError>> {
        let _ = (event, args, timeout);
        Later::ready(Err(AdapterError::Alone))
    }

    /// As [`server_side_emit`](Self::server_side_emit), for the server of one other node alone. Whether there is one is
    /// not told.
    ///
    /// # Errors
    /// It cannot be sent; by default, because there are no other nodes.
    fn server_side_emit_to(
        &self,
        node: &str,
        event: &str,
        args: &Args,
    ) -> Result<(), AdapterError> {
        let _ = (node, event, args);
        Err(AdapterError::Alone)
    }

    /// As [`server_side_ask`](Self::server_side_ask), for the server of one other node alone: its answer.
    fn server_side_ask_to(
        &self,
        node: &str,
        event: &str,
        args: &Args,
        timeout: Option<Duration>,
    ) -> Later<Result<Args, AdapterError>> {
        let _ = (node, event, args, timeout);
        Later::ready(Err(AdapterError::Alone))
    }
}
