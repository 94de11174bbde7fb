//! Who listens for which events: tables of handlers, whatever those are.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytestring::ByteString;
use smallvec::SmallVec;

use crate::sync::guard::let_go;

/// Names a registered handler, for [`Socket::off`](crate::app::Socket::off) and
/// [`Namespace::off`](crate::app::Namespace::off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

impl ListenerId {
    pub(crate) fn new() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a handler listens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Connect,
    Event(ByteString),
    AnyEvent,
    /// An event that nobody else listens for.
    Unhandled,
    Disconnecting,
    Disconnect,
    /// Of a client's socket alone.
    ConnectError,
    Error,
}

impl Topic {
    /// What a name of JavaScript's means.
    pub(crate) fn named(name: String) -> Self {
        match &*name {
            "connect" | "connection" => Self::Connect,
            "disconnecting" => Self::Disconnecting,
            "disconnect" => Self::Disconnect,
            _ => Self::Event(name.into()),
        }
    }

    /// What a name of a client's in JavaScript means.
    pub(crate) fn of_client(name: String) -> Self {
        match &*name {
            "connect" => Self::Connect,
            "disconnect" => Self::Disconnect,
            "connect_error" => Self::ConnectError,
            _ => Self::Event(name.into()),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Connect => Some("connection"),
            Self::Event(name) => Some(name),
            Self::AnyEvent | Self::Unhandled => None,
            Self::Disconnecting => Some("disconnecting"),
            Self::Disconnect => Some("disconnect"),
            Self::ConnectError => Some("connect_error"),
            Self::Error => Some("error"),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name() == Some(name) || (*self == Self::Connect && name == "connect")
    }
}

/// The handlers of a namespace or of one socket.
///
/// Readers keep a [`Cached`] copy and look at a number to see whether it still holds: an event costs
/// no lock.
#[derive(Debug)]
pub(crate) struct Listeners<C> {
    table: Mutex<Option<Arc<Table<C>>>>,
    version: AtomicU32,
    /// Whether nothing is taken in any more. Changed under the lock of the table.
    closed: AtomicBool,
}

/// A reader's copy of a table.
#[derive(Debug)]
pub(crate) struct Cached<C> {
    version: u32,
    table: Option<Arc<Table<C>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Table<C> {
    entries: Vec<Entry<C>>,
    /// Whether there are handlers of every event: most tables have none, and are asked each time.
    any: bool,
}

/// A handler, and what it listens for.
#[derive(Clone)]
pub(crate) struct Entry<C> {
    id: ListenerId,
    topic: Topic,
    /// For handlers that run once: whether it has.
    once: Option<Arc<AtomicBool>>,
    callback: C,
}

impl<C> fmt::Debug for Entry<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl<C> Entry<C> {
    pub(crate) fn new(topic: Topic, once: bool, callback: C) -> (ListenerId, Self) {
        let id = ListenerId::new();
        let once = once.then(Arc::default);
        let entry = Self {
            id,
            topic,
            once,
            callback,
        };
        (id, entry)
    }
}

/// The handlers found for one event.
pub(crate) type Found<'a, C> = SmallVec<[&'a C; 2]>;

static NEXT: AtomicU64 = AtomicU64::new(0);

impl<C> Default for Listeners<C> {
    fn default() -> Self {
        Self {
            table: Mutex::default(),
            version: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        }
    }
}

impl<C> Default for Cached<C> {
    fn default() -> Self {
        Self {
            version: 0,
            table: None,
        }
    }
}

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            any: false,
        }
    }
}

impl<C: Clone> Listeners<C> {
    pub(crate) fn add(&self, topic: Topic, once: bool, callback: C) -> ListenerId {
        let (id, entry) = Entry::new(topic, once, callback);
        let _ = self.change(|table| table.entries.push(entry));
        id
    }

    /// Before those that are there.
    pub(crate) fn put_first(&self, topic: Topic, callback: C) -> ListenerId {
        let (id, entry) = Entry::new(topic, false, callback);
        let _ = self.change(|table| table.entries.insert(0, entry));
        id
    }

    /// One that others have, too: behind those that are there, or before them; not twice.
    pub(crate) fn share(&self, entry: &Entry<C>, first: bool) {
        let _ = self.change(|table| {
            if table.entries.iter().all(|its| its.id != entry.id) {
                let at = if first { 0 } else { table.entries.len() };
                table.entries.insert(at, entry.clone());
            }
        });
    }

    /// Begins with the handlers of another.
    pub(crate) fn begin_as(&self, other: &Self) {
        let table = other.lock().clone();
        let mut own = self.lock();
        if !self.closed.load(Ordering::Relaxed) && own.is_none() {
            *own = table;
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    pub(crate) fn remove(&self, id: ListenerId) -> bool {
        self.retain(|entry| entry.id != id)
    }

    /// Removes the handlers of one event, or all there are.
    pub(crate) fn clear(&self, name: Option<&str>) {
        self.retain(|entry| name.is_some_and(|name| !entry.topic.is_called(name)));
    }

    /// Removes the handlers of every event.
    pub(crate) fn clear_any(&self) {
        self.retain(|entry| entry.topic != Topic::AnyEvent);
    }

    /// The names that are listened for, each once, in order of registration.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        if let Some(table) = &*self.lock() {
            for name in table.entries.iter().filter_map(|entry| entry.topic.name()) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// All handlers.
    pub(crate) fn all(&self) -> Vec<ListenerId> {
        let table = self.lock();
        let entries = table.iter().flat_map(|table| &table.entries);
        entries.map(|entry| entry.id).collect()
    }

    /// The handlers of one topic.
    pub(crate) fn of(&self, topic: &Topic) -> Vec<ListenerId> {
        let table = self.lock();
        let entries = table.iter().flat_map(|table| &table.entries);
        let error = *topic == Topic::Event("error".into());
        entries
            .filter(|entry| entry.topic == *topic || (error && entry.topic == Topic::Error))
            .map(|entry| entry.id)
            .collect()
    }

    /// Lets go of all handlers, and of those that are still to come: what they capture may be what
    /// holds this. A destructor that panics keeps nobody from what is behind this.
    pub(crate) fn close(&self) {
        let table = {
            let mut table = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            self.version.fetch_add(1, Ordering::Release);
            table.take()
        };
        // Dropped outside the lock: it is the application's code.
        let _ = let_go(table);
    }

    /// The same, but readers keep the copies they have: handlers of those who have left may still be due.
    pub(crate) fn retire(&self) {
        let table = {
            let mut table = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            table.take()
        };
        let _ = let_go(table);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Brings a reader's copy up to date.
    pub(crate) fn refresh(&self, cached: &mut Cached<C>) {
        let version = self.version.load(Ordering::Acquire);
        if cached.version != version {
            let table = self.lock().clone();
            *cached = Cached { version, table };
        }
    }

    fn retain(&self, keep: impl Fn(&Entry<C>) -> bool) -> bool {
        // Dropped outside the lock, as what they capture is the application's.
        let removed: Option<Vec<Entry<C>>> = self.change(|table| {
            let entries = std::mem::take(&mut table.entries);
            let (kept, removed) = entries.into_iter().partition(keep);
            table.entries = kept;
            removed
        });
        removed.is_some_and(|removed| !removed.is_empty())
    }

    /// Copies the table if a reader holds it. `None`: it is closed.
    fn change<T>(&self, change: impl FnOnce(&mut Table<C>) -> T) -> Option<T> {
        let mut table = self.lock();
        if self.closed.load(Ordering::Relaxed) {
            // Before `change` is, which may own a handler.
            drop(table);
            return None;
        }
        let changed = Arc::make_mut(table.get_or_insert_default());
        let result = change(changed);
        changed.any = changed
            .entries
            .iter()
            .any(|entry| entry.topic == Topic::AnyEvent);
        self.version.fetch_add(1, Ordering::Release);
        Some(result)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Table<C>>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Cached<C> {
    /// Adds the handlers of `topic` to `found`. `true`: one of them ran for the last time, and
    /// [`Listeners::sweep`] should be called.
    pub(crate) fn find<'a>(&'a self, topic: TopicRef<'_>, found: &mut Found<'a, C>) -> bool {
        let Some(table) = &self.table else {
            return false;
        };
        if matches!(topic, TopicRef::AnyEvent) && !table.any {
            return false;
        }
        let mut spent = false;
        for entry in &table.entries {
            if !topic.is(&entry.topic) {
                continue;
            }
            if let Some(done) = &entry.once {
                if done.swap(true, Ordering::Relaxed) {
                    continue;
                }
                spent = true;
            }
            found.push(&entry.callback);
        }
        spent
    }
}

impl<C: Clone> Listeners<C> {
    /// Removes the handlers that were to run once and did.
    pub(crate) fn sweep(&self) {
        self.retain(|entry| {
            entry
                .once
                .as_ref()
                .is_none_or(|done| !done.load(Ordering::Relaxed))
        });
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicRef<'a> {
    Connect,
    Event(&'a str),
    AnyEvent,
    Unhandled,
    Disconnecting,
    Disconnect,
    ConnectError,
    Error,
}

impl TopicRef<'_> {
    fn is(self, topic: &Topic) -> bool {
        match (self, topic) {
            (Self::Event(name), Topic::Event(its)) => its == name,
            (Self::Connect, Topic::Connect)
            | (Self::AnyEvent, Topic::AnyEvent)
            | (Self::Unhandled, Topic::Unhandled)
            | (Self::Disconnecting, Topic::Disconnecting)
            | (Self::Disconnect, Topic::Disconnect)
            | (Self::ConnectError, Topic::ConnectError)
            | (Self::Error, Topic::Error) => true,
            _ => false,
        }
    }
}
