//! How a connection's task is reached, and what anybody may know of its connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{Backlog, CloseReason, Eio, Flags, Seen, TransportKind};
use sio_core::id::Sid;
use sio_core::socket::SocketKey;

use crate::error::{AckError, EmitError};
use crate::mailbox::command::{Change, Command, Wait};
use crate::mailbox::reply::Unwritten;
use crate::mailbox::weight::{Most, Weight};
use crate::mailbox::{Mailbox, NotTaken, local_queue};
use crate::metrics::Meter;
use crate::sync::one_shot::{Waiting, answer};

/// The shared half of a connection: everybody else's view of its task.
pub(crate) struct TaskHandle {
    mailbox: Mailbox<Command>,
    sid: Sid,
    revision: Eio,
    websocket: AtomicU8,
    open: AtomicBool,
    /// Whether there are watchers for it, which few connections have.
    watched: AtomicBool,
    /// Whether its client was told to go.
    sent_away: AtomicBool,
    /// Which of the parsers of the server that it speaks to it has.
    parser: AtomicU8,
    /// How many wait for room, or until something has left.
    waits: AtomicU16,
    common: Arc<Common>,
}

/// Which of its server's parsers a connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParserNumber(pub(crate) u8);

impl ParserNumber {
    /// The one that what is for many is written by.
    pub(crate) const COMMON: Self = Self(0);
}

/// What the handles of all tasks of one endpoint share.
pub(crate) struct Common {
    pub(crate) config: Arc<Config>,
    /// Who watches single connections, by [`TaskHandle::address`].
    watchers: Mutex<HashMap<usize, Watchers>>,
    pub(crate) meter: Meter,
}

impl Common {
    pub(crate) fn new(config: Arc<Config>) -> Arc<Self> {
        Arc::new(Self {
            config,
            watchers: Mutex::default(),
            meter: Meter::default(),
        })
    }
}

/// Something that looks at each packet.
pub(crate) type Look = dyn Fn(&Seen) + Send + Sync;

/// Who wants to know what becomes of a connection.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) upgrade: Vec<Arc<dyn Fn(TransportKind) + Send + Sync>>,
    pub(crate) close: Vec<Arc<dyn Fn(CloseReason) + Send + Sync>>,
    pub(crate) packets: Vec<Arc<Look>>,
    /// Something was handed to its transport.
    pub(crate) flush: Vec<Arc<dyn Fn(Backlog) + Send + Sync>>,
    /// What the application said when it closed it.
    pub(crate) farewell: Option<Box<str>>,
    /// All of that has left.
    pub(crate) drain: Vec<Arc<dyn Fn() + Send + Sync>>,
}

impl TaskHandle {
    pub(crate) fn new(common: Arc<Common>, sid: Sid, revision: Eio, on: TransportKind) -> Self {
        Self {
            mailbox: Mailbox::new(),
            sid,
            revision,
            websocket: AtomicU8::new(u8::from(on == TransportKind::WebSocket)),
            open: AtomicBool::new(true),
            watched: AtomicBool::new(false),
            sent_away: AtomicBool::new(false),
            parser: AtomicU8::new(ParserNumber::COMMON.0),
            waits: AtomicU16::new(0),
            common,
        }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox<Command> {
        &self.mailbox
    }

    /// What tells it from all others as long as it lives. Its session's id does not, where the application
    /// makes those: one may come back while handlers of the time before still run.
    pub(crate) fn address(&self) -> usize {
        self.mailbox.address()
    }

    pub(crate) fn sid(&self) -> &Sid {
        &self.sid
    }

    pub(crate) fn revision(&self) -> Eio {
        self.revision
    }

    /// Which parser it has. Told before there are sockets.
    #[inline]
    pub(crate) fn parser(&self) -> ParserNumber {
        ParserNumber(self.parser.load(Ordering::Relaxed))
    }

    pub(crate) fn set_parser(&self, number: ParserNumber) {
        self.parser.store(number.0, Ordering::Relaxed);
    }

    /// Tells the client to go, once. `false`: it was told before.
    pub(crate) fn send_away(&self) -> bool {
        let told = self.sent_away.swap(true, Ordering::Relaxed);
        if !told {
            self.tell(Command::Become(Change::ShutDown));
        }
        !told
    }

    /// Whether its client was told to go.
    pub(crate) fn is_sent_away(&self) -> bool {
        self.sent_away.load(Ordering::Relaxed)
    }

    /// The options of its endpoint.
    pub(crate) fn config(&self) -> &Config {
        &self.common.config
    }

    /// Whether its endpoint is the one with this.
    pub(crate) fn shares(&self, common: &Arc<Common>) -> bool {
        Arc::ptr_eq(&self.common, common)
    }

    /// Tells the task. `false`: it has ended.
    pub(crate) fn tell(&self, command: Command) -> bool {
        let command = match local_queue::lay(&self.mailbox, command, None) {
            Ok(()) => return true,
            Err(command) => command,
        };
        match self.mailbox.push(command) {
            Ok(waker) => {
                wake(waker);
                true
            }
            Err(_) => false,
        }
    }

    /// Hands the task a packet to send, and wakes it.
    pub(crate) fn push_packet(
        &self,
        command: Command,
        weight: Weight,
        flags: Flags,
    ) -> Result<(), EmitError> {
        let (waker, result) = self.hold_packet(command, weight, flags);
        wake(waker);
        result
    }

    /// Hands the task a packet to send. The waker is to be woken when no lock is held
    /// any more.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn hold_packet(
        &self,
        command: Command,
        weight: Weight,
        flags: Flags,
    ) -> (Option<Waker>, Result<(), EmitError>) {
        let most = Most::of(self.config(), flags);
        let mut command = match local_queue::lay(&self.mailbox, command, Some((weight, most))) {
            Ok(()) => return (None, Ok(())),
            Err(command) => command,
        };
        let policy = flags.policy.unwrap_or(self.config().backlog_policy);
        loop {
            let (why, refused) = match self.mailbox.push_packet(command, weight, most) {
                Ok(waker) => return (waker, Ok(())),
                Err(refused) => refused,
            };
            if why == NotTaken::Closed {
                return (None, Err(EmitError::Disconnected));
            }
            command = refused;
            if flags.volatile {
                // One more of its name waits in the place of the last.
                if flags.latest && self.mailbox.supersede(&command) {
                    continue;
                }
                if let Command::Request(request) = command {
                    request.token.settle(Err(AckError::NotSent));
                }
                return (None, Ok(()));
            }
            if policy == BacklogPolicy::Refuse {
                return (None, Err(EmitError::Full));
            }
            if policy != BacklogPolicy::DropVolatile || !self.mailbox.evict() {
                return (self.mailbox.overflow(), Err(EmitError::Full));
            }
        }
    }

    /// Whether there is room for so much as far as can be seen from here, so that nobody has to wait for it.
    fn has_room(&self, weight: Weight) -> bool {
        let mut held = self.mailbox.held();
        held.add(local_queue::held(&self.mailbox));
        self.mailbox
            .has_room(held, weight, Most::half(self.config()))
    }

    /// All that waits to be written, as far as can be seen from here.
    pub(crate) fn waiting(&self) -> Backlog {
        let mut held = self.mailbox.held();
        held.add(local_queue::held(&self.mailbox));
        self.mailbox.all(held).into()
    }

    /// How many wait for room, or until something has left.
    pub(crate) fn waits(&self) -> usize {
        self.waits.load(Ordering::Relaxed).into()
    }

    /// Waits for room for so much, for the client of a socket or of all. `None`: there is some.
    ///
    /// # Errors
    /// As many wait as may, or it has ended.
    pub(crate) fn wait(
        self: &Arc<Self>,
        socket: Option<SocketKey>,
        weight: Weight,
    ) -> Result<Option<(Waiting<()>, Counted)>, EmitError> {
        if !self.is_open() {
            return Err(EmitError::Disconnected);
        }
        // Who comes later goes behind those that wait.
        if self.waits() == 0 && self.has_room(weight) {
            return Ok(None);
        }
        let counted = Counted::new(self).ok_or(EmitError::Full)?;
        let (answer, waiting) = answer();
        let wait = Wait {
            socket,
            weight,
            answer,
        };
        match self.tell(Command::Wait(Box::new(wait))) {
            true => Ok(Some((waiting, counted))),
            false => Err(EmitError::Disconnected),
        }
    }

    pub(crate) fn transport(&self) -> TransportKind {
        if self.websocket.load(Ordering::Relaxed) == 0 {
            TransportKind::Polling
        } else {
            TransportKind::WebSocket
        }
    }

    /// Bytes that waited in the session when its task last looked.
    pub(crate) fn backlog(&self) -> usize {
        self.mailbox.session_bytes()
    }

    pub(crate) fn set_upgraded(&self) {
        self.websocket.store(1, Ordering::Relaxed);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// It has ended. What comes back wants to know why: call it, then let it go, with no lock held.
    #[must_use = "what is in it is the application's"]
    pub(crate) fn set_closed(&self) -> Option<Watchers> {
        self.open.store(false, Ordering::SeqCst);
        // Either this sees the mark, or whoever sets it sees that the connection has ended.
        if !self.watched.load(Ordering::SeqCst) {
            return None;
        }
        self.watchers().remove(&self.address())
    }

    /// Adds watchers, unless it has ended.
    pub(crate) fn watch(&self, add: impl FnOnce(&mut Watchers)) {
        let mut watchers = self.watchers();
        add(watchers.entry(self.address()).or_default());
        self.watched.store(true, Ordering::SeqCst);
        let late = match self.open.load(Ordering::SeqCst) {
            true => None,
            false => watchers.remove(&self.address()),
        };
        drop(watchers);
        // Outside the lock: it is the application's code.
        drop(late);
    }

    /// What the application said when it closed it, if it did, until it is over.
    pub(crate) fn farewell(&self) -> Option<Box<str>> {
        if !self.watched.load(Ordering::Relaxed) {
            return None;
        }
        self.watchers().get(&self.address())?.farewell.clone()
    }

    /// Those of one kind.
    pub(crate) fn watchers_of<W: Clone>(&self, which: impl Fn(&Watchers) -> &Vec<W>) -> Vec<W> {
        if !self.watched.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let watchers = self.watchers();
        let found = watchers.get(&self.address());
        found.map_or_else(Vec::new, |watchers| which(watchers).clone())
    }

    /// Waits until what was sent until now has left.
    ///
    /// # Errors
    /// As many wait as may, or it has ended.
    pub(crate) fn follow(self: &Arc<Self>) -> Result<(Waiting<()>, Counted), EmitError> {
        if !self.is_open() {
            return Err(EmitError::Disconnected);
        }
        let counted = Counted::new(self).ok_or(EmitError::Full)?;
        let (answer, waiting) = answer();
        match self.tell(Command::Follow(answer)) {
            true => Ok((waiting, counted)),
            false => Err(EmitError::Disconnected),
        }
    }

    fn watchers(&self) -> MutexGuard<'_, HashMap<usize, Watchers>> {
        let watchers = self.common.watchers.lock();
        watchers.unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those that wait for room, or until something has left, as long as it does.
pub(crate) struct Counted(Arc<TaskHandle>);

impl Counted {
    /// `None`: as many wait as may.
    fn new(task: &Arc<TaskHandle>) -> Option<Self> {
        let most = u16::try_from(task.config().serving.max_ready_waits).unwrap_or(u16::MAX);
        let more = |waits: u16| (waits < most).then(|| waits.saturating_add(1));
        let counted = task
            .waits
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.is_ok().then(|| Self(task.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.waits.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Unwritten for TaskHandle {
    fn owe(&self, bytes: usize) {
        self.mailbox.owe(bytes);
    }

    fn settle(&self, bytes: usize) {
        self.mailbox.settle(bytes);
    }

    fn lose(&self) {
        self.tell(Command::AnswerLost);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl std::fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskHandle")
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}
