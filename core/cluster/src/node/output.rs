//! What a node wants done, and what it tells.

use std::time::Duration;

use bytes::Bytes;
use sio_core::packet::Call;
use sio_core::time::Instant;

use crate::channels::Subscription;
use crate::codec::Odd;
use crate::codec::streams::Entry;
use crate::config::Dialect;
use crate::entry::EntryId;
use crate::id::Uid;
use crate::message::{Act, MessageKind, Question, Reply, To};

/// What is to be done about what a [`Node`](super::Node) was told. `T` is the caller's own.
#[derive(Debug, Hash)]
#[non_exhaustive]
pub enum Output<T> {
    /// Publish this.
    Publish(Publication),
    /// Add this to the stream, and tell its id by [`handle_appended`](super::Node::handle_appended).
    Append {
        /// Names it for the answer.
        token: AppendToken,
        /// What is added.
        entry: Entry,
    },
    /// Find the entries of this node behind that one, all of them, see whether that one is there still, and tell by
    /// [`handle_recalled`](super::Node::handle_recalled): the broker went away before it answered.
    Recall {
        /// The last entry, of whichever node, that is known to stand before them. `None`: none is. Then look for them
        /// from the first on, and see whether none was ever thrown away.
        behind: Option<EntryId>,
    },
    /// Listen, and tell when it is so by [`handle_subscribed`](super::Node::handle_subscribed).
    Subscribe(Subscription),
    /// Listen no more, and tell when it is so by [`handle_unsubscribed`](super::Node::handle_unsubscribed).
    Unsubscribe(Subscription),
    /// Count who is subscribed to this channel, and tell by [`handle_count`](super::Node::handle_count).
    Count {
        /// Names it for the answer.
        token: CountToken,
        /// The channel.
        channel: String,
        /// It is a sharded one.
        sharded: bool,
    },
    /// Do this with the sockets of this node.
    Local(Local),
    /// Another node asks this. Answer with the ticket, or let it be.
    Asked {
        /// For the answer.
        ticket: Ticket,
        /// What is asked.
        what: Asked,
    },
    /// A question of this node has ended.
    Done {
        /// What it was asked with.
        token: T,
        /// What came.
        answers: Answers,
    },
    /// The rooms are listened to, or nothing has to be waited for.
    Heard {
        /// What was waited with.
        token: T,
    },
    /// An event is in the stream, or will not be known to be.
    Appended {
        /// What it was sent with.
        token: T,
        /// Its place there. `None`: none is known, since the broker was away, or too much was on its way
        /// ([`append_window`](crate::Config::append_window)), or it did not go by a stream; it is with the sockets here
        /// all the same.
        at: Option<EntryId>,
    },
    /// For whoever looks after the cluster.
    Notice(Notice),
}

impl<T: Clone> Output<T> {
    /// The same, the ticket in it included: only for a node that is cloned with what it has not told yet.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Publish(it) => Self::Publish(it.clone()),
            Self::Append { token, entry } => Self::Append {
                token: *token,
                entry: entry.clone(),
            },
            Self::Recall { behind } => Self::Recall { behind: *behind },
            Self::Subscribe(it) => Self::Subscribe(it.clone()),
            Self::Unsubscribe(it) => Self::Unsubscribe(it.clone()),
            Self::Count {
                token,
                channel,
                sharded,
            } => Self::Count {
                token: *token,
                channel: channel.clone(),
                sharded: *sharded,
            },
            Self::Local(it) => Self::Local(it.clone()),
            Self::Asked { ticket, what } => Self::Asked {
                ticket: Ticket(ticket.0),
                what: what.clone(),
            },
            Self::Done { token, answers } => Self::Done {
                token: token.clone(),
                answers: answers.clone(),
            },
            Self::Heard { token } => Self::Heard {
                token: token.clone(),
            },
            Self::Appended { token, at } => Self::Appended {
                token: token.clone(),
                at: *at,
            },
            Self::Notice(it) => Self::Notice(it.clone()),
        }
    }
}

/// Something to be published.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publication {
    /// Where.
    pub channel: String,
    /// By `SPUBLISH`.
    pub sharded: bool,
    /// What.
    pub payload: Bytes,
}

/// Names a count that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountToken(pub(super) u64);

/// Names an entry that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendToken(pub(super) u64);

/// Another node waits for an answer to its question. If this is dropped, it gets an empty one when
/// [`answer_timeout`](crate::Config::answer_timeout) is over; what only one node can answer gets none.
#[derive(Debug, Hash)]
#[must_use = "another node waits for the answer"]
pub struct Ticket(pub(super) u64);

/// Another node waits for the acks of clients here, as many as were counted.
#[derive(Debug, Hash)]
#[must_use = "another node waits for the acks"]
pub struct AckTicket(pub(super) u64);

/// What another node has done to all sockets, and so to those of this one.
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Local {
    /// An event for clients.
    Broadcast {
        /// What they are told.
        call: Call,
        /// Which clients.
        to: To,
        /// Its place in the stream, if it came by one.
        at: Option<EntryId>,
    },
    /// Sockets join rooms.
    Join {
        /// Which sockets.
        of: To,
        /// Which rooms.
        rooms: Vec<String>,
    },
    /// Sockets leave rooms.
    Leave {
        /// Which sockets.
        of: To,
        /// Which rooms.
        rooms: Vec<String>,
    },
    /// Sockets are disconnected.
    Disconnect {
        /// Which sockets.
        of: To,
        /// With the connection below them.
        close: bool,
    },
    /// An event for the server.
    ServerSide {
        /// What it is told.
        call: Call,
    },
}

/// A question to the other nodes, or of one of them.
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Asked {
    /// What each node has.
    Nodes(Question),
    /// An event for clients, each of which is to answer it.
    Clients {
        /// What they are told.
        call: Call,
        /// Which clients.
        to: To,
    },
    /// An event for the servers, each of which is to answer it.
    Servers(Call),
    /// An event for the server of one node, which is to answer it. Never asked by another.
    Server {
        /// The node.
        node: Uid,
        /// What it is told.
        call: Call,
    },
    /// Something to be done with one socket, by whoever has it.
    One {
        /// The socket's id.
        socket: String,
        /// What is to be done.
        act: Act,
    },
}

/// What the other nodes have answered. This node's own part is not in it: who asks has it at hand.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Answers {
    /// In the order in which they came. How many clients were asked is not among them.
    pub got: Vec<Answer>,
    /// Clients that were asked, and whose acks have not come.
    pub missing: u64,
    /// Nodes that should have answered and have not. `None`: nobody knows how many there are.
    pub silent_nodes: Option<u64>,
    /// Why it ended.
    pub end: End,
    /// How long it took.
    pub took: Duration,
}

impl Answers {
    /// Whether all who are known to have been asked have answered.
    pub fn is_complete(&self) -> bool {
        self.missing == 0 && self.silent_nodes == Some(0)
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Answer {
    /// The node, if it says.
    pub from: Option<Uid>,
    /// What it said.
    pub reply: Reply,
}

/// Why a question has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// As many have answered as were counted.
    Counted,
    /// The time was over.
    Timeout,
    /// The broker is away, or went.
    Down,
    /// There were too many questions already.
    Refused,
    /// The node was closed.
    Closed,
}

/// What happened to the cluster, as far as this node can see.
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// All that was wanted when the broker came is listened to; others can be reached. For what was wanted since,
    /// [`when_heard`](super::Node::when_heard) waits.
    Up,
    /// Others cannot be reached, nor hear this node.
    Down,
    /// Something in the stream between these was not read, and is there no more.
    Lost {
        /// The last that was read.
        from: EntryId,
        /// Where reading goes on, or up to where something is missing: [`Gap::to`](crate::reader::Gap::to).
        to: EntryId,
    },
    /// A node has left, or was not heard for too long.
    NodeGone {
        /// Which.
        uid: Uid,
    },
    /// Nodes of another dialect use the same key: told once, of the first.
    Foreign(Dialect),
    /// A limit was met.
    Overflow(Overflow),
    /// A message was none.
    Odd(Odd),
}

/// Which limit was met.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// So many messages were not sent after all: [`outage_buffer`](crate::Config::outage_buffer) and
    /// [`outage_age`](crate::Config::outage_age).
    Outage(u64),
    /// [`max_open_questions`](crate::Config::max_open_questions).
    Questions,
    /// [`max_answers`](crate::Config::max_answers) or [`max_answer_bytes`](crate::Config::max_answer_bytes).
    Answers,
    /// [`max_pending_answers`](crate::Config::max_pending_answers): a question was answered with nothing.
    Pending,
    /// [`dynamic_subscriptions`](crate::Config::dynamic_subscriptions): this room is not listened to.
    Subscriptions(String),
    /// So many entries were on their way as the broker went, and the stream was cut short before it was back: nobody knows
    /// whether they have arrived. They are not said again.
    Unsure(u64),
}

/// Something due, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Why,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A question of another node is answered with nothing.
    Answer,
    /// It is time to tell that this node is there.
    Beat,
    /// A question has waited long enough.
    Question,
    /// A node was not heard for too long.
    Silence,
}

/// What was counted since the node began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Messages that were read, of all kinds below.
    pub received: u64,
    /// The node's own, come back.
    pub own: u64,
    /// Those for other namespaces, whose channels look alike.
    pub elsewhere: u64,
    /// What was no message.
    pub odd: u64,
    /// Those of another dialect.
    pub foreign: u64,
    /// Answers that nobody waited for, and questions and entries that came twice.
    pub late: u64,
    /// Those of other nodes that were understood, by kind.
    pub heard: ByKind,
    /// Bytes of all that was read.
    pub received_bytes: u64,
    /// Messages that were written for other nodes, by kind.
    pub said: ByKind,
    /// Messages that were published or added.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that were not, for the broker was away too long; or may not have been ([`Overflow::Unsure`]).
    pub dropped: u64,
}

impl Counts {
    pub(super) fn receive(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(1);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received_bytes = self.received_bytes.saturating_add(bytes);
    }

    pub(super) fn send(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(1);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.sent_bytes = self.sent_bytes.saturating_add(bytes);
    }
}

/// A number of messages of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByKind([u64; MessageKind::ALL.len()]);

impl ByKind {
    /// How many there are of a kind.
    pub fn of(&self, kind: MessageKind) -> u64 {
        let place = MessageKind::ALL.iter().position(|its| *its == kind);
        place.and_then(|at| self.0.get(at)).copied().unwrap_or(0)
    }

    pub(super) fn count(&mut self, kind: MessageKind) {
        let place = MessageKind::ALL.iter().position(|its| *its == kind);
        if let Some(count) = place.and_then(|at| self.0.get_mut(at)) {
            *count = count.saturating_add(1);
        }
    }
}
