//! How a connection's task is reached, and what anybody may know of its connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{Close, CloseReason, Eio, Flags, Message, Post, Reply, TransportKind};
use sio_core::id::{RequestId, Sid};
use sio_core::packet::Encoded;
use sio_core::socket::{AckTicket, SocketKey};

use crate::endpoint::Endpoint;
use crate::error::{AckError, EmitError};
use crate::handle::Io;
use crate::handler::ack::Token;
use crate::mailbox::batch::Batch;
use crate::mailbox::local_queue;
use crate::mailbox::{Mailbox, Most, NotTaken, Perishable, Weight};
use crate::sync::one_shot::{Answer, Waiting};
use crate::websocket::Transport;

/// What a connection's task is told by others. Four words: a broadcast writes them into every mailbox, so
/// what is large and rare is boxed.
pub(crate) enum Command {
    /// A GET waits for packets.
    Poll {
        id: RequestId,
        revision: Eio,
        answer: Answer<Said>,
    },
    /// A POST began, arrived or failed. The answer comes with the first of these.
    Post {
        id: RequestId,
        revision: Eio,
        posted: Box<Posted>,
    },
    /// The client dropped that request.
    Aborted(RequestId),
    /// Somebody opened a WebSocket for this session.
    WebSocket {
        revision: Eio,
        base64: bool,
        transport: Box<dyn Transport>,
    },
    Deliver {
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
    },
    /// Packets that many get.
    Cast {
        socket: SocketKey,
        batch: Arc<Batch>,
        flags: Flags,
    },
    Request(Box<Request>),
    Respond {
        ticket: AckTicket,
        packet: Encoded,
    },
    Disconnect {
        socket: SocketKey,
        close: bool,
    },
    /// A message of plain Engine.IO.
    Send {
        data: Box<Message>,
        flags: Flags,
    },
    Close(Close),
    Become(Change),
    /// No handler is started any more until this has ended.
    Hold(Waiting<()>),
    /// A packet stood here that has given way to a later one.
    Evicted,
}

/// What becomes of a POST.
pub(crate) struct Posted {
    pub(crate) post: Post,
    pub(crate) answer: Option<Answer<Said>>,
}

/// What a session says to a request.
pub(crate) struct Said {
    pub(crate) reply: Reply,
    /// What its client is behind until this is written.
    pub(crate) owed: Option<Owed>,
}

/// Bytes that count among what waits for a client as long as this lives, but while it is paid.
pub(crate) struct Owed {
    task: Arc<TaskHandle>,
    bytes: usize,
    paid: bool,
}

impl Said {
    pub(crate) fn new(task: &Arc<TaskHandle>, reply: Reply) -> Self {
        let bytes = reply.backlog();
        let owed = (bytes > 0).then(|| Owed::new(task.clone(), bytes));
        Self { reply, owed }
    }
}

impl Owed {
    fn new(task: Arc<TaskHandle>, bytes: usize) -> Self {
        task.mailbox.owe(bytes);
        Self {
            task,
            bytes,
            paid: false,
        }
    }

    /// All of it may be with the client from now on.
    pub(crate) fn pay(&mut self) {
        if !std::mem::replace(&mut self.paid, true) {
            self.task.mailbox.settle(self.bytes);
        }
    }

    /// Some of it is not.
    pub(crate) fn take_back(&mut self) {
        if std::mem::replace(&mut self.paid, false) {
            self.task.mailbox.owe(self.bytes);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.pay();
    }
}

/// What is to become of a connection.
pub(crate) enum Change {
    /// One of a server that closes.
    ShutDown,
    /// One that speaks Socket.IO, after plain messages.
    Adopt(Io),
}

/// An emit that asks for an answer.
pub(crate) struct Request {
    pub(crate) socket: SocketKey,
    pub(crate) id: u64,
    pub(crate) packet: Encoded,
    pub(crate) flags: Flags,
    pub(crate) token: Token,
    pub(crate) timeout: Option<Duration>,
}

impl Command {
    /// Whether it is a request of the client's, on another connection than the WebSocket that there may be.
    pub(crate) const fn is_request(&self) -> bool {
        matches!(
            self,
            Self::Poll { .. } | Self::Post { .. } | Self::WebSocket { .. }
        )
    }

    /// Whether handlers have to hear of it before what was told next is carried out.
    pub(crate) const fn brings_events(&self) -> bool {
        match self {
            Self::Post { .. } | Self::Disconnect { .. } | Self::Close(_) | Self::Become(_) => true,
            Self::Poll { .. }
            | Self::Aborted(_)
            | Self::WebSocket { .. }
            | Self::Deliver { .. }
            | Self::Cast { .. }
            | Self::Request(_)
            | Self::Respond { .. }
            | Self::Send { .. }
            | Self::Hold(_)
            | Self::Evicted => false,
        }
    }
}

/// The shared half of a connection: everybody else's view of its task.
pub(crate) struct TaskHandle {
    mailbox: Mailbox<Command>,
    sid: Sid,
    revision: Eio,
    websocket: AtomicU8,
    open: AtomicBool,
    /// Whether the endpoint keeps watchers for it, which few connections have.
    watched: AtomicBool,
    endpoint: Arc<Endpoint>,
}

/// Who wants to know what becomes of a connection.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) upgrade: Vec<Arc<dyn Fn(TransportKind) + Send + Sync>>,
    pub(crate) close: Vec<Arc<dyn Fn(CloseReason) + Send + Sync>>,
}

impl TaskHandle {
    pub(crate) fn new(endpoint: Arc<Endpoint>, sid: Sid, revision: Eio, on: TransportKind) -> Self {
        Self {
            mailbox: Mailbox::new(),
            sid,
            revision,
            websocket: AtomicU8::new(u8::from(on == TransportKind::WebSocket)),
            open: AtomicBool::new(true),
            watched: AtomicBool::new(false),
            endpoint,
        }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox<Command> {
        &self.mailbox
    }

    /// What tells it from all others as long as it lives. Its session's id does not, where the application
    /// makes those: one may come back while handlers of the time before still run.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn sid(&self) -> &Sid {
        &self.sid
    }

    pub(crate) fn revision(&self) -> Eio {
        self.revision
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Tells the task. `false`: it has ended.
    pub(crate) fn tell(&self, command: Command) -> bool {
        let command = match local_queue::lay(self, command, None) {
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
        let most = Most::of(&self.endpoint.config, volatile);
        let mut command = match local_queue::lay(self, command, Some((weight, most))) {
            Ok(()) => return (None, Ok(())),
            Err(command) => command,
        };
        let policy = self.endpoint.config.backlog_policy;
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
        let watchers = self.endpoint.watchers.lock();
        watchers.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Perishable for Command {
    fn weight(&self) -> Option<Weight> {
        if let Self::Deliver { packet, flags, .. } = self {
            return flags.volatile.then(|| Weight::of(packet));
        }
        if let Self::Cast { batch, flags, .. } = self {
            return flags.volatile.then(|| batch.run().weight());
        }
        if let Self::Send { data, flags } = self {
            return flags.volatile.then(|| Weight::of_data(data));
        }
        None
    }

    fn hole() -> Self {
        Self::Evicted
    }

    fn is_hole(&self) -> bool {
        matches!(self, Self::Evicted)
    }

    fn seal(&self) -> Weight {
        if let Self::Cast { batch, .. } = self {
            return batch.run().growth();
        }
        Weight::default()
    }
}

impl Most {
    /// What may wait for one connection. Where the one who emits is told, what its session holds counts
    /// too; elsewhere the session judges that itself.
    pub(crate) fn of(config: &Config, volatile: bool) -> Self {
        Self {
            bytes: config.max_backlog_bytes,
            packets: config.max_backlog_packets,
            with_session: config.backlog_policy == BacklogPolicy::Refuse && !volatile,
        }
    }
}

impl Weight {
    pub(crate) fn of(packet: &Encoded) -> Self {
        Self {
            bytes: packet.size(),
            packets: packet.packets(),
        }
    }

    pub(crate) fn of_data(data: &Message) -> Self {
        Self {
            bytes: data_size(data),
            packets: 1,
        }
    }
}

/// The bytes of a message.
pub(crate) fn data_size(data: &Message) -> usize {
    match data {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
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

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Poll { .. } => "Poll",
            Self::Post { .. } => "Post",
            Self::Aborted(_) => "Aborted",
            Self::WebSocket { .. } => "WebSocket",
            Self::Deliver { .. } => "Deliver",
            Self::Cast { .. } => "Cast",
            Self::Request(_) => "Request",
            Self::Respond { .. } => "Respond",
            Self::Disconnect { .. } => "Disconnect",
            Self::Send { .. } => "Send",
            Self::Close(_) => "Close",
            Self::Become(Change::ShutDown) => "ShutDown",
            Self::Become(Change::Adopt(_)) => "Adopt",
            Self::Hold(_) => "Hold",
            Self::Evicted => "Evicted",
        })
    }
}

#[cfg(test)]
mod shape {
    use super::*;

    #[test]
    fn a_command_is_four_words() {
        assert!(size_of::<Command>() <= 32, "{}", size_of::<Command>());
    }
}
