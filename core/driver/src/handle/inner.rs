//! What is behind the handles. They know each other, so what each consists of stands in one place; what can be done
//! with them has files of its own.

use std::any::{Any, TypeId};
#[cfg(feature = "metrics")]
use std::collections::BTreeSet;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};

use sio_core::config::BacklogPolicy;
use sio_core::id::SocketId;
use sio_core::namespaces::{NamespaceKey, Namespaces, Parameters, Pattern};
use sio_core::packet::Args;
use sio_core::recovery::{Claim, Holder, KeptSession};
use sio_core::rooms::Rooms;
use sio_core::socket::{AckTicket, SocketKey};

use super::afar::{Coming, Seat};
use super::engines::Engines;
use super::hearers::Hearers;
use super::keeper::{ExpiryHook, KeptOnce};
use super::left::Left;
use super::membership::Membership;
use super::recording::Recording;
use super::repeats::Repeats;
use super::room_events::RoomEvents;
use crate::adapter::{Adapters, MakeAdapter, NodeHooks, Values};
use crate::endpoint::handshake::Handshake;
use crate::endpoint::setup::Setup;
use crate::error::{Denial, HandlerError};
use crate::event::{Event, SocketKind, Started};
use crate::listeners::Listeners;
use crate::mailbox::batch::Opened;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::BoxFuture;
use crate::sync::hook::Hook;
use crate::sync::wait_group::WaitGroup;

/// One client in one namespace. Cheap to clone; all clones are the same socket, and any of them may
/// be used from any task or thread, as long as anybody likes.
///
/// ```
/// # use sio_driver::app::{Ack, Config, Data, Io, Socket, DisconnectReason};
/// # let io = Io::new(Config::default());
/// io.of("/").on_connect(|socket: Socket| {
///     socket.set_data(Vec::<String>::new());
///     socket.on("say", |socket: Socket, Data((room, text)): Data<(String, String)>, ack: Ack| {
///         socket.update_data(|said: &mut Vec<String>| said.push(text.clone()));
///         socket.to(&room).emit("said", &text)?;
///         ack.send(&"delivered")
///     });
///     socket.on_disconnect(|socket: Socket, reason: DisconnectReason| {
///         println!("{} left: {reason}", socket.id());
///     });
/// });
/// ```
#[derive(Clone)]
pub struct Socket {
    pub(super) inner: Arc<SocketInner>,
}

pub(super) struct SocketInner {
    pub(super) id: SocketId,
    pub(super) key: SocketKey,
    pub(super) io: Io,
    pub(super) namespace: Namespace,
    pub(super) task: Arc<TaskHandle>,
    pub(super) handshake: Arc<Handshake>,
    pub(super) membership: Mutex<Membership>,
    pub(super) connected: AtomicBool,
    pub(super) sequential: AtomicBool,
    pub(super) next_ack: AtomicU64,
    pub(super) listeners: Listeners<Callback>,
    /// What few sockets have.
    pub(super) extras: Mutex<Option<Box<Extras>>>,
    pub(super) has_middlewares: AtomicBool,
    pub(super) has_outgoing: AtomicBool,
    pub(super) recovered: AtomicBool,
}

#[derive(Default)]
pub(super) struct Extras {
    pub(super) data: Values,
    pub(super) packet_middlewares: Vec<PacketMiddleware>,
    pub(super) outgoing: Hearers,
    /// Of one in a child of a parent, until it leaves.
    pub(super) guest: Option<Guest>,
    /// Its session, if its client may come back as this socket.
    pub(super) session: Option<Holder>,
    /// As whom its client comes back, as long as middlewares decide over that.
    pub(super) claim: Option<Box<Claim>>,
    /// The same of one that other nodes can bring back, and who it is about to be.
    pub(super) seat: Option<Box<Seat>>,
    pub(super) coming: Option<Box<Coming>>,
    /// What it had when it left, until no lock is held any more.
    pub(super) left: Values,
    /// It has left, and this is to be kept for its client.
    pub(super) parting: Option<Box<KeptSession>>,
}

/// An event on its way in, before the handlers: a packet middleware may change or refuse it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The socket.
    pub socket: Socket,
    /// The event's name.
    pub name: String,
    /// Its arguments.
    pub args: Args,
    /// Whether the client waits for an answer.
    pub wants_ack: bool,
}

/// A client that waits for the answer to an event that is handled once.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) socket: Socket,
    pub(super) ticket: AckTicket,
}

/// A namespace of a server. Cheap to clone; all clones are the same namespace.
///
/// ```
/// # use sio_driver::app::{Args, Config, Data, EventName, Io, Refusal, Socket};
/// # let io = Io::new(Config::default());
/// let admin = io.of("/admin");
/// admin.use_(|socket: Socket| {
///     let token: Option<(String,)> = socket.handshake().auth.decode().ok();
///     token.map(drop).ok_or_else(|| Refusal::new("no token").data("E_TOKEN"))
/// });
/// admin.on("restart", |Data(what): Data<String>| println!("restarting {what}"));
/// admin.on_any(|name: EventName, args: Args| println!("{name}: {} arguments", args.len()));
/// admin.to("watchers").except("muted").emit("ready", &())?;
/// # Ok::<(), sio_driver::app::EmitError>(())
/// ```
#[derive(Clone)]
pub struct Namespace {
    pub(super) inner: Arc<NamespaceInner>,
}

pub(super) struct NamespaceInner {
    pub(super) name: Arc<str>,
    /// Which of this process's namespaces it is: of several servers each has some.
    pub(super) number: u64,
    pub(super) setup: Arc<Setup>,
    pub(super) rooms: RwLock<Rooms<Socket>>,
    /// What was broadcast last. Looked at with the rooms locked, and cleared whenever they may change.
    pub(super) opened: Mutex<Opened>,
    pub(super) adapters: Adapters,
    pub(super) listeners: Listeners<Callback>,
    pub(super) nodes: NodeHooks,
    pub(super) room_events: RoomEvents,
    /// What is kept for those that may come back, from the first client on, if that is on.
    pub(super) keeper: KeptOnce,
    pub(super) expired: Arc<Hook<ExpiryHook>>,
    /// What was handled of what is handled once, if anything is.
    pub(super) repeats: OnceLock<Arc<Repeats<Waiter>>>,
    pub(super) middlewares: RwLock<Arc<[NamespaceMiddleware]>>,
    pub(super) outgoing: RwLock<Hearers>,
    pub(super) has_outgoing: AtomicBool,
    pub(super) sequential: AtomicBool,
    /// What happens where there is no room, if it says that itself.
    pub(super) policy: AtomicU8,
    /// Of a child of a parent.
    pub(super) origin: Option<Origin>,
    /// Whether it is there no more. Set with the rooms locked.
    pub(super) removed: AtomicBool,
    /// Namespaces draw even ids, sockets odd ones: a broadcast shares one encoding.
    pub(super) next_ack: AtomicU64,
}

/// Whose child a namespace is.
pub(super) struct Origin {
    pub(super) parent: ParentNamespace,
    pub(super) parameters: Parameters,
}

/// What says which namespaces clients may bring into being by asking for them, and what all of these have alike:
/// handlers and middlewares, those too that are registered when children are there already. Nobody is in a parent
/// itself. Cheap to clone; all clones are the same parent.
///
/// [`Io::of_pattern`] makes one, and so do [`Io::of_where`] and `Io::of_regex` (feature `regex`).
///
/// ```
/// # use sio_driver::app::{Config, Data, Io, Namespace, Params, PatternError, Socket};
/// # let io = Io::new(Config::v4());
/// let games = io.of_pattern("/game/{id}")?;
/// games.on_connect(|socket: Socket, Params(id): Params<u32>| {
///     println!("{} plays game {id}", socket.id());
/// });
/// games.on("move", |socket: Socket, namespace: Namespace, Data(to): Data<String>| {
///     // To the others in this game.
///     socket.broadcast().emit("moved", &to)?;
///     namespace.to("watchers").emit("moved", &to)
/// });
/// // To everybody in every game.
/// games.emit("news", "the server restarts at ten")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What a child is to have by itself, [`Io::on_new_namespace`] may give it.
#[derive(Clone)]
pub struct ParentNamespace {
    pub(super) inner: Arc<ParentInner>,
}

pub(super) struct ParentInner {
    pub(super) rule: NameRule,
    /// What children begin with.
    pub(super) listeners: Listeners<Callback>,
    pub(super) shared: Mutex<Shared>,
}

/// By what a parent knows its children's names.
pub(super) enum NameRule {
    Pattern(Pattern),
    #[cfg(feature = "regex")]
    Regex(regex_lite::Regex),
    Predicate(Hook<Predicate>),
}

/// Says whether a client may bring a namespace of a name into being.
pub(crate) type Predicate = dyn Fn(String, Arc<Handshake>) -> BoxFuture<bool> + Send + Sync;

/// The children of a parent, and what each of them begins with.
pub(super) struct Shared {
    /// By their numbers, in the order in which they came.
    pub(super) children: BTreeMap<u64, Weak<NamespaceInner>>,
    pub(super) middlewares: Arc<[NamespaceMiddleware]>,
    pub(super) outgoing: Hearers,
    pub(super) sequential: bool,
    pub(super) policy: Option<BacklogPolicy>,
}

/// Somebody who has asked for a child, and has not left or been turned away.
pub(crate) struct Guest {
    pub(super) io: Io,
    pub(super) key: NamespaceKey,
}

/// A Socket.IO server: its namespaces, its options, its hooks.
///
/// Cheap to clone; all clones are the same server. It does nothing until a binding serves it
/// (`sio_tokio::serve`).
///
/// ```
/// use sio_driver::app::{Config, Data, Io, Socket};
///
/// let io = Io::new(Config::v4());
/// io.of("/").on_connect(|socket: Socket| {
///     socket.join("lobby");
///     socket.on("say", async |socket: Socket, Data(text): Data<String>| {
///         socket.to("lobby").emit("said", &text)
///     });
/// });
/// ```
#[derive(Clone)]
pub struct Io {
    pub(super) inner: Arc<IoInner>,
}

pub(super) struct IoInner {
    pub(super) setup: Arc<Setup>,
    /// `/`, which is always there.
    pub(super) main: Namespace,
    /// In the order of their names, in which their adapters are made and closed.
    pub(super) namespaces: RwLock<Namespaces<Namespace, ParentNamespace>>,
    /// Who hears of each namespace that comes into being.
    pub(super) on_namespace: Hook<dyn Fn(&Namespace) + Send + Sync>,
    /// Makes the adapters of namespaces.
    pub(super) adapters: Hook<MakeAdapter>,
    /// Whose connections speak Socket.IO to this one, besides its own.
    pub(super) engines: Arc<Engines>,
    /// Who closes it and is not done yet.
    pub(super) closers: Arc<WaitGroup>,
    /// Adapters whose end nobody waits for any more.
    pub(super) left: Left,
    pub(super) state: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(super) on_error: Hook<dyn Fn(&HandlerError) + Send + Sync>,
    pub(super) on_mistyped: AtomicU8,
    /// Whether connections are recorded: each that comes asks.
    pub(super) records: AtomicBool,
    pub(super) recording: Hook<Recording>,
    /// Whether no more clients are let in.
    pub(super) draining: AtomicBool,
    /// The namespaces of which the recorder of the `metrics` crate was told last.
    #[cfg(feature = "metrics")]
    pub(super) measured: Mutex<BTreeSet<String>>,
}

/// An event on its way to the handlers: what extractors take from.
pub struct Invocation<S: SocketKind = Socket> {
    pub(crate) socket: S,
    pub(crate) event: Event<S>,
}

/// A handler without its type.
pub(crate) type Callback<S = Socket> = Arc<dyn Fn(&Invocation<S>) -> Started + Send + Sync>;

/// A middleware of a namespace without its type.
pub(crate) type NamespaceMiddleware =
    Arc<dyn Fn(&Invocation) -> BoxFuture<Result<(), Denial>> + Send + Sync>;

/// A middleware for the packets of a socket without its type.
pub(crate) type PacketMiddleware =
    Arc<dyn Fn(Incoming) -> BoxFuture<Result<Incoming, Denial>> + Send + Sync>;
