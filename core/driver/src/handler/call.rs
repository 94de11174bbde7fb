//! Handlers: closures, sync or async, that take what they name, and the tables they are kept in.

use std::fmt::{self, Display};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytestring::ByteString;
use smallvec::SmallVec;

use crate::error::{Failure, refusal};
use crate::handler::extract::{FromEvent, Invocation};
use crate::sync::BoxFuture;

/// A closure that can handle events.
///
/// Up to eight arguments of any types that implement [`FromEvent`], in any order; sync or async; the
/// result is `()` or `Result<(), E>` with `E: Display`, of which [`Io::on_error`](crate::app::Io::on_error) hears:
/// clients are told nothing of it, unless it is a [`Refusal`](crate::app::Refusal) and
/// [`Reaction::RefuseAck`](crate::app::Reaction::RefuseAck) is set. `M` only tells the compiler which of these a
/// closure is.
///
/// A sync handler runs to its end, an async one to its first await, before the next event of its
/// connection is looked at; after that, handlers interleave. Long work belongs on a task of its own.
#[diagnostic::on_unimplemented(
    message = "this is not a handler of events",
    label = "not a handler: its arguments or what it returns are not those of one",
    note = "arguments of the event are taken as `Data<T>`: `|Data(text): Data<String>|`, where `T: serde::de::DeserializeOwned` (`#[derive(serde::Deserialize)]`), so `String` and not `&str`",
    note = "handles are taken by value: `socket: Socket`, not `&Socket`",
    note = "what `Io::set_state` was given is taken as `State<T>`, where `T: Clone`: `State(app): State<Arc<App>>`",
    note = "at most eight arguments are taken: several of an event are one tuple, `Data<(A, B, C)>`",
    note = "`ack: Ack` is there whether the client has asked or not (`Ack::is_requested`): not `Option<Ack>`",
    note = "a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`",
    note = "what it captures is `Send + Sync + 'static`, and so is what its future holds (but for `Sync`)",
    note = "more of this: `sio_driver::app::Handler`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// Calls it.
    fn call(&self, event: &Invocation) -> Started;
}

/// A handler that was called.
pub struct Started(pub(crate) Progress);

pub(crate) enum Progress {
    Done(Result<(), Failure>),
    Pending(BoxFuture<Result<(), Failure>>),
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Progress::Done(_) => "Done",
            Progress::Pending(_) => "Pending",
        })
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`"
)]
pub trait Outcome {
    /// As a result, with the error in its own words.
    ///
    /// # Errors
    /// What the handler says went wrong.
    fn into_result(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Display + 'static> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(|error| match refusal(&error) {
            Some(refusal) => Failure::Refused(Box::new(refusal.clone())),
            None => Failure::Failed(error.to_string()),
        })
    }
}

/// Marks sync closures.
#[derive(Debug)]
pub struct Synchronous;

/// Marks async closures.
#[derive(Debug)]
pub struct Asynchronous;

macro_rules! handlers {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> Handler<(Synchronous, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Outcome,
            $($argument: FromEvent,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, event: &Invocation) -> Started {
                $(let $argument = match $argument::from_event(event) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                Started(Progress::Done(self($($argument),*).into_result()))
            }
        }

        impl<F, R, $($argument),*> Handler<(Asynchronous, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Outcome,
            $($argument: FromEvent,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, event: &Invocation) -> Started {
                event.lasts();
                $(let $argument = match $argument::from_event(event) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                let running = self($($argument),*);
                Started(Progress::Pending(Box::pin(async move {
                    running.await.into_result()
                })))
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
handlers!(A, B, C, D, E);
handlers!(A, B, C, D, E, G);
handlers!(A, B, C, D, E, G, H);
handlers!(A, B, C, D, E, G, H, I);

/// A handler without its type.
pub(crate) type Callback = Arc<dyn Fn(&Invocation) -> Started + Send + Sync>;

pub(crate) fn erase<M>(handler: impl Handler<M>) -> Callback {
    Arc::new(move |event| handler.call(event))
}

/// Names a registered handler, for [`Socket::off`](crate::app::Socket::off) and
/// [`Namespace::off`](crate::app::Namespace::off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// What a handler listens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Connect,
    Event(ByteString),
    AnyEvent,
    Disconnecting,
    Disconnect,
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

    fn name(&self) -> Option<&str> {
        match self {
            Self::Connect => Some("connection"),
            Self::Event(name) => Some(name),
            Self::AnyEvent => None,
            Self::Disconnecting => Some("disconnecting"),
            Self::Disconnect => Some("disconnect"),
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
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    table: Mutex<Option<Arc<Table>>>,
    version: AtomicU32,
    /// Whether nothing is taken in any more. Changed under the lock of the table.
    closed: AtomicBool,
}

/// A reader's copy of a table.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    version: u32,
    table: Option<Arc<Table>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Whether there are handlers of every event: most tables have none, and are asked each time.
    any: bool,
}

#[derive(Clone)]
struct Entry {
    id: ListenerId,
    topic: Topic,
    /// For handlers that run once: whether it has.
    once: Option<Arc<AtomicBool>>,
    callback: Callback,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Entry {
    fn new(topic: Topic, once: bool, callback: Callback) -> (ListenerId, Self) {
        let id = ListenerId(NEXT.fetch_add(1, Ordering::Relaxed));
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
pub(crate) type Found<'a> = SmallVec<[&'a Callback; 2]>;

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Listeners {
    pub(crate) fn add(&self, topic: Topic, once: bool, callback: Callback) -> ListenerId {
        let (id, entry) = Entry::new(topic, once, callback);
        let _ = self.change(|table| table.entries.push(entry));
        id
    }

    /// Before those that are there.
    pub(crate) fn put_first(&self, topic: Topic, callback: Callback) -> ListenerId {
        let (id, entry) = Entry::new(topic, false, callback);
        let _ = self.change(|table| table.entries.insert(0, entry));
        id
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
    /// holds this.
    pub(crate) fn close(&self) {
        let table = {
            let mut table = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            self.version.fetch_add(1, Ordering::Release);
            table.take()
        };
        // Dropped outside the lock: it is the application's code.
        drop(table);
    }

    /// The same, but readers keep the copies they have: handlers of those who have left may still be due.
    pub(crate) fn retire(&self) {
        let table = {
            let mut table = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            table.take()
        };
        drop(table);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Brings a reader's copy up to date.
    pub(crate) fn refresh(&self, cached: &mut Cached) {
        let version = self.version.load(Ordering::Acquire);
        if cached.version != version {
            let table = self.lock().clone();
            *cached = Cached { version, table };
        }
    }

    fn retain(&self, keep: impl Fn(&Entry) -> bool) -> bool {
        // Dropped outside the lock, as what they capture is the application's.
        let removed: Option<Vec<Entry>> = self.change(|table| {
            let entries = std::mem::take(&mut table.entries);
            let (kept, removed) = entries.into_iter().partition(keep);
            table.entries = kept;
            removed
        });
        removed.is_some_and(|removed| !removed.is_empty())
    }

    /// Copies the table if a reader holds it. `None`: it is closed.
    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> Option<T> {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Table>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    /// Adds the handlers of `topic` to `found`. `true`: one of them ran for the last time, and
    /// [`Listeners::sweep`] should be called.
    pub(crate) fn find<'a>(&'a self, topic: TopicRef<'_>, found: &mut Found<'a>) -> bool {
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

impl Listeners {
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
    Disconnecting,
    Disconnect,
    Error,
}

impl TopicRef<'_> {
    fn is(self, topic: &Topic) -> bool {
        match (self, topic) {
            (Self::Event(name), Topic::Event(its)) => its == name,
            (Self::Connect, Topic::Connect)
            | (Self::AnyEvent, Topic::AnyEvent)
            | (Self::Disconnecting, Topic::Disconnecting)
            | (Self::Disconnect, Topic::Disconnect)
            | (Self::Error, Topic::Error) => true,
            _ => false,
        }
    }
}
