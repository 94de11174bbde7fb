//! How a connection's task is reached, and what anybody may know of its connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{CloseReason, Eio, TransportKind};
use sio_core::id::Sid;

use crate::error::{AckError, EmitError};
use crate::mailbox::command::{Change, Command};
use crate::mailbox::reply::Unwritten;
use crate::mailbox::weight::{Most, Weight};
use crate::mailbox::{Mailbox, NotTaken, local_queue};

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
    common: Arc<Common>,
}

/// What the handles of all tasks of one endpoint share.
pub(crate) struct Common {
    pub(crate) config: Arc<Config>,
    /// Who watches single connections, by [`TaskHandle::address`].
    watchers: Mutex<HashMap<usize, Watchers>>,
}

impl Common {
    pub(crate) fn new(config: Arc<Config>) -> Arc<Self> {
        Arc::new(Self {
            config,
            watchers: Mutex::default(),
        })
    }
}

/// Who wants to know what becomes of a connection.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) upgrade: Vec<Arc<dyn Fn(TransportKind) + Send + Sync>>,
    pub(crate) close: Vec<Arc<dyn Fn(CloseReason) + Send + Sync>>,
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
        volatile: bool,
    ) -> Result<(), EmitError> {
        let (waker, result) = self.hold_packet(command, weight, volatile);
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
        volatile: bool,
    ) -> (Option<Waker>, Result<(), EmitError>) {
        let most = Most::of(self.config(), volatile);
        let mut command = match local_queue::lay(&self.mailbox, command, Some((weight, most))) {
            Ok(()) => return (None, Ok(())),
            Err(command) => command,
        };
        let policy = self.config().backlog_policy;
        loop {
            command = match self.mailbox.push_packet(command, weight, most) {
                Ok(waker) => return (waker, Ok(())),
                Err((NotTaken::Closed, _)) => return (None, Err(EmitError::Disconnected)),
                Err((NotTaken::Full, command)) if volatile => {
                    if let Command::Request(request) = command {
                        request.token.settle(Err(AckError::NotSent));
                    }
                    return (None, Ok(()));
                }
                Err((NotTaken::Full, command)) => command,
            };
            if policy == BacklogPolicy::Refuse {
                return (None, Err(EmitError::Full));
            }
            if policy != BacklogPolicy::DropVolatile || !self.mailbox.evict() {
                return (self.mailbox.overflow(), Err(EmitError::Full));
            }
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

    /// Who wants to know of an upgrade.
    pub(crate) fn upgrade_watchers(&self) -> Vec<Arc<dyn Fn(TransportKind) + Send + Sync>> {
        if !self.watched.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let watchers = self.watchers();
        let found = watchers.get(&self.address());
        found.map_or_else(Vec::new, |watchers| watchers.upgrade.clone())
    }

    fn watchers(&self) -> MutexGuard<'_, HashMap<usize, Watchers>> {
        let watchers = self.common.watchers.lock();
        watchers.unwrap_or_else(PoisonError::into_inner)
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
