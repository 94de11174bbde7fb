//! A namespace: its sockets, its rooms, its handlers.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sio_core::config::Config;
use sio_core::id::HashKey;
use sio_core::packet::{Args, Arguments};
use sio_core::rooms::Rooms;
use sio_core::socket::Refusal;

use super::{IntoRooms, Socket, To};
use crate::ack::RepliesFuture;
use crate::error::EmitError;
use crate::handlers::{BoxFuture, Handler, ListenerId, Listeners, Topic, erase};

/// A namespace of a server. Cheap to clone; all clones are the same namespace.
///
/// ```
/// # use sio_driver::{Args, Config, Data, EventName, Io, Refusal, Socket};
/// # let io = Io::new(Config::default());
/// let admin = io.of("/admin");
/// admin.use_(|socket: Socket| {
///     let token: Option<(String,)> = socket.handshake().auth.decode().ok();
///     token.map(drop).ok_or_else(|| Refusal::new("no token").data("E_TOKEN"))
/// });
/// admin.on("restart", |Data(what): Data<String>| println!("restarting {what}"));
/// admin.on_any(|name: EventName, args: Args| println!("{name}: {} arguments", args.len()));
/// admin.to("watchers").except("muted").emit("ready", &())?;
/// # Ok::<(), sio_driver::EmitError>(())
/// ```
#[derive(Clone)]
pub struct Namespace {
    inner: Arc<Inner>,
}

struct Inner {
    name: Box<str>,
    rooms: RwLock<Rooms<Socket>>,
    listeners: Listeners,
    gates: RwLock<Arc<[Gate]>>,
    outgoing: RwLock<Arc<[Outgoing]>>,
    has_outgoing: AtomicBool,
    sequential: AtomicBool,
    /// Namespaces draw even ids, sockets odd ones: a broadcast shares one encoding.
    next_ack: AtomicU64,
}

/// A middleware without its type.
pub(crate) type Gate = Arc<dyn Fn(Socket) -> Decision + Send + Sync>;

pub(crate) type Outgoing = Arc<dyn Fn(&str, &Args) + Send + Sync>;

/// What a middleware says, now or later.
pub struct Decision(pub(crate) BoxFuture<Result<(), Refusal>>);

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decision")
    }
}

/// A closure that decides whether a socket may enter: `Fn(Socket) -> Result<(), E>`, sync or async.
pub trait Middleware<M>: Send + Sync + 'static {
    /// Asks it.
    fn ask(&self, socket: Socket) -> Decision;
}

impl<F, E> Middleware<(crate::handlers::Synchronous, E)> for F
where
    F: Fn(Socket) -> Result<(), E> + Send + Sync + 'static,
    E: Into<Refusal>,
{
    fn ask(&self, socket: Socket) -> Decision {
        let decision = self(socket).map_err(Into::into);
        Decision(Box::pin(std::future::ready(decision)))
    }
}

impl<F, R, E> Middleware<(crate::handlers::Asynchronous, R, E)> for F
where
    F: Fn(Socket) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Refusal>,
{
    fn ask(&self, socket: Socket) -> Decision {
        let decision = self(socket);
        Decision(Box::pin(async move { decision.await.map_err(Into::into) }))
    }
}

impl Namespace {
    pub(super) fn new(name: &str, config: &Config) -> Self {
        // The standard library's source of keys is a cryptographic one.
        let key = RandomState::new();
        let key = HashKey([key.hash_one(0), key.hash_one(1)]);
        Self {
            inner: Arc::new(Inner {
                name: name.into(),
                rooms: RwLock::new(Rooms::new(key, config.max_rooms_per_socket)),
                listeners: Listeners::default(),
                gates: RwLock::new(Arc::new([])),
                outgoing: RwLock::new(Arc::new([])),
                has_outgoing: AtomicBool::new(false),
                sequential: AtomicBool::new(false),
                next_ack: AtomicU64::new(0),
            }),
        }
    }

    /// Its name, with the `/` at its beginning.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn rooms(&self) -> &RwLock<Rooms<Socket>> {
        &self.inner.rooms
    }

    pub(crate) fn listeners(&self) -> &Listeners {
        &self.inner.listeners
    }

    pub(crate) fn gates(&self) -> Arc<[Gate]> {
        self.inner
            .gates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn outgoing(&self) -> Option<Arc<[Outgoing]>> {
        self.inner.has_outgoing.load(Ordering::Acquire).then(|| {
            self.inner
                .outgoing
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        })
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.inner.sequential.load(Ordering::Relaxed)
    }

    pub(crate) fn next_ack(&self) -> u64 {
        self.inner.next_ack.fetch_add(2, Ordering::Relaxed)
    }

    /// Adds a middleware: it decides over each socket before it enters, in the order of registration;
    /// the first error refuses, and reaches the client as `connect_error`.
    ///
    /// Nothing remains of a refused socket; rooms joined in a middleware count once it is accepted.
    /// After `middleware_timeout` the client is refused with `timed out`.
    #[doc(alias = "use")]
    pub fn use_<M>(&self, middleware: impl Middleware<M>) {
        let gate: Gate = Arc::new(move |socket| middleware.ask(socket));
        let mut gates = self
            .inner
            .gates
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *gates = gates.iter().cloned().chain([gate]).collect();
    }

    /// Handles sockets that have entered. The handler runs, up to its first await, before any event of
    /// the socket is looked at: what it registers misses nothing.
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners().add(Topic::Connect, false, erase(handler))
    }

    /// Handles an event of all its sockets. Several handlers run in the order of registration; those
    /// of the namespace before those of the socket.
    pub fn on<M>(&self, event: impl Into<String>, handler: impl Handler<M>) -> ListenerId {
        let topic = Topic::Event(event.into().into());
        self.listeners().add(topic, false, erase(handler))
    }

    /// Handles the next event of that name, of whichever of its sockets.
    pub fn once<M>(&self, event: impl Into<String>, handler: impl Handler<M>) -> ListenerId {
        let topic = Topic::Event(event.into().into());
        self.listeners().add(topic, true, erase(handler))
    }

    /// Handles every event of all its sockets, before the handlers for the event itself.
    #[doc(alias = "onAny")]
    pub fn on_any<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners().add(Topic::AnyEvent, false, erase(handler))
    }

    /// Hears of every event emitted to its sockets, once for each emit, with its arguments.
    #[doc(alias = "onAnyOutgoing")]
    pub fn on_any_outgoing(&self, hook: impl Fn(&str, &Args) + Send + Sync + 'static) {
        let mut hooks = self
            .inner
            .outgoing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let hook: Outgoing = Arc::new(hook);
        *hooks = hooks.iter().cloned().chain([hook]).collect();
        self.inner.has_outgoing.store(true, Ordering::Release);
    }

    /// Handles sockets that are about to leave, while they are still in their rooms.
    pub fn on_disconnecting<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners()
            .add(Topic::Disconnecting, false, erase(handler))
    }

    /// Handles sockets that have left.
    pub fn on_disconnect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners()
            .add(Topic::Disconnect, false, erase(handler))
    }

    /// Takes a handler away. `false`: it was gone.
    pub fn off(&self, listener: ListenerId) -> bool {
        self.listeners().remove(listener)
    }

    /// Takes the namespace's own handlers of one event away, or those of all events.
    #[doc(alias = "removeAllListeners")]
    pub fn off_all(&self, event: Option<&str>) {
        self.listeners().clear(event);
    }

    /// From now on each socket's handlers run strictly one after another: the next event waits until
    /// the handlers of the one before have ended. Those of its disconnection wait too, and find it gone
    /// from its rooms if they had to.
    pub fn sequential(&self) {
        self.inner.sequential.store(true, Ordering::Relaxed);
    }

    /// Emits to everybody.
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        self.everybody().emit(event, args)
    }

    /// Emits the event `message` to everybody.
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn send(&self, args: &(impl Arguments + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Emits to everybody and gathers their answers: [`To::emit_with_ack`].
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl Arguments + ?Sized),
    ) -> RepliesFuture<T> {
        self.everybody().emit_with_ack(event, args)
    }

    /// Names rooms to emit to: [`To::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> To {
        self.everybody().to(rooms)
    }

    /// The same as [`to`](Self::to), by the name it has in JavaScript.
    pub fn r#in(&self, rooms: impl IntoRooms) -> To {
        self.everybody().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn within(&self, rooms: impl IntoRooms) -> To {
        self.everybody().to(rooms)
    }

    /// Names rooms not to emit to: [`To::except`].
    pub fn except(&self, rooms: impl IntoRooms) -> To {
        self.everybody().except(rooms)
    }

    /// Emits on this node only: [`To::local`].
    pub fn local(&self) -> To {
        self.everybody().local()
    }

    /// Emits what may be lost: [`To::volatile`].
    pub fn volatile(&self) -> To {
        self.everybody().volatile()
    }

    /// Decides over compression: [`To::compress`].
    pub fn compress(&self, compress: bool) -> To {
        self.everybody().compress(compress)
    }

    /// Sets the time for answers: [`To::timeout`].
    pub fn timeout(&self, timeout: Duration) -> To {
        self.everybody().timeout(timeout)
    }

    /// Its sockets, as of now.
    #[doc(alias = "fetchSockets")]
    pub fn sockets(&self) -> Vec<Socket> {
        self.everybody().sockets()
    }

    /// All its sockets join these rooms.
    #[doc(alias = "socketsJoin")]
    pub fn join(&self, rooms: impl IntoRooms) {
        self.everybody().join(rooms);
    }

    /// All its sockets leave these rooms.
    #[doc(alias = "socketsLeave")]
    pub fn leave(&self, rooms: impl IntoRooms) {
        self.everybody().leave(rooms);
    }

    /// Disconnects all its sockets: [`Socket::disconnect`].
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect(&self, close: bool) {
        self.everybody().disconnect(close);
    }

    /// The socket with this id, if it is here.
    pub fn get(&self, id: impl AsRef<str>) -> Option<Socket> {
        let rooms = self.rooms().read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(id.as_ref()).cloned()
    }

    /// How many sockets are here.
    pub fn len(&self) -> usize {
        self.rooms()
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn everybody(&self) -> To {
        To::new(self.clone())
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Namespace {}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name()).finish()
    }
}
