//! A namespace: its sockets, its rooms, its handlers.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard, Weak};

use sio_core::id::HashKey;
use sio_core::namespaces::Parameters;
use sio_core::packet::Codec;
use sio_core::rooms::{RoomEvent, Rooms, Target};

use super::hearers::Hearers;
use super::inner::{
    Callback, Namespace, NamespaceInner, NamespaceMiddleware, Origin, ParentNamespace, Socket,
};
use super::keeper::KeptOnce;
use super::room_events::{RoomEvents, RoomHook};
use crate::adapter::{Adapter, Adapters, Here, InMemory, MakeAdapter, NodeHooks, Road};
use crate::endpoint::setup::{Setup, SetupError};
use crate::listeners::Listeners;
use crate::mailbox::batch::Opened;
use crate::mailbox::task_handle::TaskHandle;
use crate::sync::guard::let_go;

/// How many namespaces there have been.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl NamespaceInner {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Looks at who is where.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Rooms<Socket>) -> T) -> T {
        look(&self.rooms.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was broadcast last, and to whom.
    pub(super) fn opened(&self) -> &Mutex<Opened> {
        &self.opened
    }

    pub(super) fn in_memory(&self) -> &InMemory {
        self.adapters.local()
    }

    pub(crate) fn nodes(&self) -> &NodeHooks {
        &self.nodes
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn next_ack(&self) -> u64 {
        self.next_ack.fetch_add(2, Ordering::Relaxed)
    }
}

impl Namespace {
    pub(super) fn new(
        name: &str,
        setup: Arc<Setup>,
        most_rooms: usize,
        origin: Option<Origin>,
    ) -> Self {
        // The standard library's source of keys is a cryptographic one.
        let key = RandomState::new();
        let key = HashKey([key.hash_one(0), key.hash_one(1)]);
        let name: Arc<str> = name.into();
        Self {
            inner: Arc::new_cyclic(|here: &Weak<NamespaceInner>| NamespaceInner {
                adapters: Adapters::new(InMemory::new(
                    name.clone(),
                    here.clone() as Weak<dyn Here>,
                )),
                name,
                number: NUMBERS.fetch_add(1, Ordering::Relaxed),
                setup,
                rooms: RwLock::new(Rooms::new(key, most_rooms)),
                opened: Mutex::default(),
                listeners: Listeners::default(),
                nodes: NodeHooks::default(),
                room_events: RoomEvents::default(),
                keeper: KeptOnce::default(),
                expired: Arc::default(),
                repeats: OnceLock::new(),
                middlewares: RwLock::new(Arc::new([])),
                outgoing: RwLock::default(),
                has_outgoing: AtomicBool::new(false),
                sequential: AtomicBool::new(false),
                policy: AtomicU8::new(0),
                origin,
                removed: AtomicBool::new(false),
                next_ack: AtomicU64::new(0),
            }),
        }
    }

    /// Its name, with the `/` at its beginning.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The parent whose child it is, if it is one.
    pub fn parent(&self) -> Option<ParentNamespace> {
        let origin = self.inner.origin.as_ref();
        origin.map(|origin| origin.parent.clone())
    }

    pub(super) fn is_child(&self) -> bool {
        self.inner.origin.is_some()
    }

    /// What its parent has found in its name, for [`Params`](crate::app::Params): none, if it has no parent.
    pub fn parameters(&self) -> &Parameters {
        static NONE: LazyLock<Parameters> = LazyLock::new(Parameters::default);
        let origin = self.inner.origin.as_ref();
        origin.map_or(&NONE, |origin| &origin.parameters)
    }

    /// Whether it is there no more: it was removed ([`Io::remove_namespace`](crate::app::Io::remove_namespace)), or
    /// was a child that nobody was in any more. Nobody enters it, and what is emitted to it reaches nobody.
    pub fn is_removed(&self) -> bool {
        self.inner.removed.load(Ordering::Acquire)
    }

    /// It is there no more. Who is in it.
    pub(super) fn set_removed(&self) -> Vec<Socket> {
        self.change_rooms(|rooms| {
            self.inner.removed.store(true, Ordering::Release);
            rooms.select(&Target::default()).cloned().collect()
        })
    }

    /// How packets for many of its sockets are written.
    pub(crate) fn common_codec(&self) -> Cow<'_, Codec> {
        self.inner.setup.common_codec()
    }

    /// How packets of a connection are written.
    #[inline]
    pub(crate) fn codec_of(&self, task: &TaskHandle) -> &Codec {
        self.inner.setup.codec_of(task.parser())
    }

    /// Who is where, to be read. To change it, [`change_rooms`](Self::change_rooms).
    pub(crate) fn members(&self) -> &RwLock<Rooms<Socket>> {
        &self.inner.rooms
    }

    /// Changes who is in the rooms: what is emitted from now on is for others than before. Once no lock is
    /// held, whoever watches rooms is to be told ([`RoomEvents::tell`]).
    pub(super) fn change_rooms<T>(&self, change: impl FnOnce(&mut Rooms<Socket>) -> T) -> T {
        let rooms = self.inner.rooms.write();
        let mut rooms = rooms.unwrap_or_else(PoisonError::into_inner);
        let opened = self.inner.opened.lock();
        opened.unwrap_or_else(PoisonError::into_inner).clear();
        let result = change(&mut rooms);
        self.inner.room_events.note(&mut rooms);
        result
    }

    pub(super) fn limit_rooms(&self, most: usize) {
        self.change_rooms(|rooms| rooms.set_most(most));
    }

    pub(super) fn number(&self) -> u64 {
        self.inner.number
    }

    /// The adapter: the application's, or the one in memory.
    pub fn adapter(&self) -> Arc<dyn Adapter> {
        let custom = self.inner.adapters.custom();
        custom.unwrap_or_else(|| Arc::new(self.in_memory().clone()))
    }

    /// The adapter, to be called.
    pub(super) fn road(&self) -> Road<'_> {
        let custom = self.inner.adapters.custom();
        custom.map_or_else(|| self.road_here(), Road::There)
    }

    /// The part of this node, to be called.
    pub(super) fn road_here(&self) -> Road<'_> {
        Road::Here(&*self.inner)
    }

    fn in_memory(&self) -> &InMemory {
        self.inner.in_memory()
    }

    /// Gives it an adapter that `make` makes around the in-memory one.
    ///
    /// # Errors
    /// The server is attached.
    pub fn set_adapter<A: Adapter>(
        &self,
        make: impl FnOnce(InMemory) -> A,
    ) -> Result<(), SetupError> {
        self.inner.setup.must_be_open()?;
        self.keep_adapter(Arc::new(make(self.in_memory().clone())));
        Ok(())
    }

    pub(super) fn put_adapter(&self, make: &MakeAdapter) {
        self.keep_adapter(make(self.in_memory().clone()));
    }

    fn keep_adapter(&self, adapter: Arc<dyn Adapter>) {
        self.inner.adapters.set(adapter.clone());
        let its = adapter.clone();
        let hook: Option<Arc<RoomHook>> = adapter
            .wants_room_events()
            .then(|| Arc::new(move |event: &RoomEvent| its.room_event(event)) as _);
        self.inner.room_events.set_adapter(hook);
        self.watch_rooms();
        adapter.init();
    }

    /// Takes the application's adapter out, to be closed.
    pub(super) fn take_adapter(&self) -> Option<Arc<dyn Adapter>> {
        self.inner.room_events.set_adapter(None);
        self.watch_rooms();
        self.inner.adapters.take()
    }

    /// Its server is closed: lets go of what the application gave it, which may hold the server itself.
    /// Handlers of sockets that have left and are still due keep what they need.
    pub(super) fn release(&self) {
        self.listeners().retire();
        self.inner.adapters.close();
        self.inner.nodes.close();
        self.inner.expired.close();
        if let Some(keeper) = self.inner.keeper.here() {
            keeper.close();
        }
        if let Some(repeats) = self.inner.repeats.get() {
            repeats.close();
        }
        self.inner.room_events.close();
        self.watch_rooms();
        self.inner.room_events.clear();
        let middlewares = std::mem::take(&mut *write(&self.inner.middlewares));
        let outgoing = std::mem::take(&mut *write(&self.inner.outgoing));
        // Dropped outside the locks, and each by itself: a destructor that panics is the application's.
        let _ = let_go(middlewares).and(let_go(outgoing));
    }

    pub(crate) fn nodes(&self) -> &NodeHooks {
        &self.inner.nodes
    }

    /// Has a hook told of rooms, besides those that are there.
    pub(crate) fn add_room_hook(&self, hook: Arc<RoomHook>) {
        self.inner.room_events.add(hook);
        self.watch_rooms();
    }

    /// Has the rooms say what becomes of them, if anybody wants to hear of it.
    fn watch_rooms(&self) {
        self.change_rooms(|rooms| rooms.watch(self.inner.room_events.are_wanted()));
    }

    pub(super) fn room_events(&self) -> &RoomEvents {
        &self.inner.room_events
    }

    pub(crate) fn listeners(&self) -> &Listeners<Callback> {
        &self.inner.listeners
    }

    pub(crate) fn middlewares(&self) -> Arc<[NamespaceMiddleware]> {
        self.inner
            .middlewares
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn outgoing(&self) -> Option<Hearers> {
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
        self.inner.next_ack()
    }

    /// Adds a middleware behind those that are there.
    pub(crate) fn add_middleware(&self, middleware: NamespaceMiddleware) {
        self.append(&self.inner.middlewares, middleware);
    }

    /// Those of its parent hear of what is emitted to its sockets, before anybody else may be added.
    pub(super) fn begin_outgoing(&self, hearers: &Hearers) {
        let has = !hearers.is_empty();
        self.inner.has_outgoing.store(has, Ordering::Release);
        *write(&self.inner.outgoing) = hearers.clone();
    }

    /// Changes who hears of what is emitted to its sockets. `None`: they stay as they are.
    pub(crate) fn change_outgoing(&self, change: impl FnOnce(&Hearers) -> Option<Hearers>) -> bool {
        let mut outgoing = write(&self.inner.outgoing);
        // As in `append`.
        if self.listeners().is_closed() {
            return false;
        }
        let Some(changed) = change(&outgoing) else {
            return false;
        };
        let has = !changed.is_empty();
        self.inner.has_outgoing.store(has, Ordering::Release);
        let before = std::mem::replace(&mut *outgoing, changed);
        drop(outgoing);
        // Dropped outside the lock.
        drop(before);
        true
    }

    /// Adds to a list, unless the server is closed.
    fn append<T: Clone>(&self, list: &RwLock<Arc<[T]>>, item: T) {
        let mut list = write(list);
        // Asked under this lock, which `release` takes after it has closed the listeners.
        if !self.listeners().is_closed() {
            *list = list.iter().cloned().chain([item]).collect();
        }
    }

    /// From now on each socket's handlers run strictly one after another: the next event waits until
    /// the handlers of the one before have ended. Those of its disconnection wait too, and find it gone
    /// from its rooms if they had to.
    pub fn sequential(&self) {
        self.inner.sequential.store(true, Ordering::Relaxed);
    }

    /// Its sockets on this node, as of now.
    #[doc(alias = "connected")]
    pub fn sockets(&self) -> Vec<Socket> {
        let rooms = self
            .members()
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        rooms.select(&Target::default()).cloned().collect()
    }

    /// The same as [`sockets`](Self::sockets), by its name in Socket.IO 2.x. For one of them,
    /// [`get`](Self::get); for their number, [`len`](Self::len).
    pub fn connected(&self) -> Vec<Socket> {
        self.sockets()
    }

    /// Shows each of its sockets on this node, as of now, to `visit`. No lock is held: it may do anything.
    pub fn visit(&self, visit: impl FnMut(&Socket)) {
        self.sockets().iter().for_each(visit);
    }

    /// The socket with this id, if it is here.
    pub fn get(&self, id: impl AsRef<str>) -> Option<Socket> {
        let rooms = self
            .members()
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        rooms.get(id.as_ref()).cloned()
    }

    /// How many sockets are here.
    pub fn len(&self) -> usize {
        self.members()
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
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
