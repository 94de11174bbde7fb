//! What a node is told before it starts.

use std::time::Duration;

use crate::id::Uid;
use crate::limits::Limits;

/// Which wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `@socket.io/redis-adapter`, and `socket.io-redis` 6.
    Classic,
    /// `socket.io-redis` of the 2.x line. Not under one key with classic: neither understands the other.
    V2,
    /// The sharded adapter of `@socket.io/redis-adapter`; Redis 7.
    Sharded,
    /// `@socket.io/redis-streams-adapter`.
    Streams,
}

impl Dialect {
    /// `classic`, `v2`, `sharded` or `streams`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V2 => "v2",
            Self::Sharded => "sharded",
            Self::Streams => "streams",
        }
    }

    /// Whether this node can be told something that the others are not. Node's servers take answers alone on the
    /// channel that is theirs, and drop all else; those on streams read there what they read anywhere.
    pub fn reaches_alone(self, node: &Uid) -> bool {
        match self {
            Self::Classic | Self::Sharded => node.is_ours(),
            Self::V2 => false,
            Self::Streams => true,
        }
    }
}

/// What a node listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subscriptions {
    /// Everything, and throws away what is for rooms in which nobody is here. In classic and v2 by a pattern; in
    /// sharded this is `static`.
    All,
    /// The rooms in which somebody is here. In classic and v2 no publisher has to change for it; in sharded this is
    /// `dynamic`, and all nodes must be of one mind.
    Rooms,
    /// The same with the rooms that are ids of sockets: `dynamic-private`. In classic and v2 there is no difference.
    RoomsAndIds,
}

/// Whether nodes tell that they are there, and when one that does not is taken for gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// A node that has said nothing for so long says that it is there. At least 1 ms. Default: 5 s.
    pub interval: Duration,
    /// A node that was not heard for so long is gone. Default: 10 s.
    pub timeout: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Everything about a node that can be chosen. What says with which dialects it goes means nothing with others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Which wire.
    pub dialect: Dialect,
    /// What is listened to. Default: [`Subscriptions::All`], in sharded [`Subscriptions::Rooms`].
    pub subscriptions: Subscriptions,
    /// What the names of all channels begin with. One for each application. Default: `socket.io`.
    pub key: String,
    /// The namespace, with its `/`.
    pub namespace: String,
    /// With streams: questions and answers go by sharded channels. Default: `false`.
    pub sharded_pub_sub: bool,
    /// With streams: all goes through the stream, questions, answers and heartbeats too, as it does for
    /// `@socket.io/redis-streams-adapter` 0.2; wants a heartbeat. Default: `false`.
    pub everything_in_stream: bool,
    /// With streams: what this node says to clients is told to those here when it is read in the stream, among what
    /// others have said ([`Local::Broadcast`](crate::node::Local::Broadcast)), so that all nodes hear of all of it in
    /// one order; at once, and without a place, while the broker is away. Default: `false`.
    pub own_by_stream: bool,
    /// With cluster messages: nodes are counted by their heartbeats and not by the broker, as those of
    /// `@socket.io/redis-streams-adapter` 0.2 and of the adapter for Postgres are. Default: `None`.
    pub heartbeat: Option<Heartbeat>,
    /// What a message may hold.
    pub limits: Limits,
    /// How long answers are waited for, unless the question says. Default: 5 s.
    pub request_timeout: Duration,
    /// A question of another node for which nobody here has an answer by then is answered with nothing, so that it
    /// can be complete in time. Default: 4 s.
    pub answer_timeout: Duration,
    /// So long after the broker came back its count of nodes may be too small. Default: 2 s.
    pub settle: Duration,
    /// A node that was heard within this time should answer, counted or not. Default: 30 s.
    pub heard: Duration,
    /// Questions that wait for answers. One more is refused. Default: 10 000.
    pub max_open_questions: usize,
    /// Answers to one question, and nodes that answer it. More are not kept, and count as missing. Default: 100 000.
    pub max_answers: usize,
    /// Bytes of the answers that are kept for all open questions. What is over is not kept, and counts as missing.
    /// Default: 64 MiB.
    pub max_answer_bytes: usize,
    /// Questions of other nodes that wait for an answer from here. One more is answered with nothing. As many that
    /// were answered are remembered, so as not to be answered twice. Default: 10 000.
    pub max_pending_answers: usize,
    /// How long the acks of clients are passed on to a node that asked for them, whatever it says. Default: 10 min.
    pub max_ack_wait: Duration,
    /// Nodes that are remembered. Default: 1 000.
    pub max_nodes: usize,
    /// Bytes of messages that are kept while the broker is away. Over it the oldest go. The children of one parent, which
    /// clients bring into being, keep as much together. Default: 1 MiB.
    pub outage_buffer: usize,
    /// Messages that waited longer for the broker are not sent. Default: 10 s.
    pub outage_age: Duration,
    /// Bytes of entries whose places in the stream are not known yet. Over it the oldest is told to have none, and is
    /// not sent again should the broker go away: what has not arrived then is told
    /// ([`Overflow::Unsure`](crate::node::Overflow::Unsure)). The children of one parent have as much together. Default: 16 MiB.
    pub append_window: usize,
    /// Rooms that are listened to by themselves. One more is not. Default: 100 000.
    pub dynamic_subscriptions: usize,
    /// Joins that wait until other nodes can reach the room. One more does not wait. Default: 10 000.
    pub max_waiting_joins: usize,
    /// Rooms in which other nodes' sockets were put from here a moment ago, and to which they may not listen yet. With
    /// more of them, what is for any room goes where all nodes listen, for that moment. Default: 1 000.
    pub max_recent_joins: usize,
    /// How long that moment is. Default: 1 s.
    pub recent_join: Duration,
}

impl Config {
    /// The defaults for a namespace.
    pub fn new(dialect: Dialect, namespace: &str) -> Self {
        Self {
            dialect,
            subscriptions: match dialect {
                Dialect::Sharded => Subscriptions::Rooms,
                Dialect::Classic | Dialect::V2 | Dialect::Streams => Subscriptions::All,
            },
            key: "socket.io".to_owned(),
            namespace: namespace.to_owned(),
            sharded_pub_sub: false,
            everything_in_stream: false,
            own_by_stream: false,
            heartbeat: None,
            limits: Limits::default(),
            request_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(4),
            settle: Duration::from_secs(2),
            heard: Duration::from_secs(30),
            max_open_questions: 10_000,
            max_answers: 100_000,
            max_answer_bytes: 64 << 20,
            max_pending_answers: 10_000,
            max_ack_wait: Duration::from_secs(600),
            max_nodes: 1000,
            outage_buffer: 1 << 20,
            outage_age: Duration::from_secs(10),
            append_window: 16 << 20,
            dynamic_subscriptions: 100_000,
            max_waiting_joins: 10_000,
            max_recent_joins: 1000,
            recent_join: Duration::from_secs(1),
        }
    }

    /// Without what its dialect has no words for: a deadline for what cannot be said would never pass.
    pub(crate) fn heeded(mut self) -> Self {
        let (heartbeats, streams) = match self.dialect {
            Dialect::Classic | Dialect::V2 => (false, false),
            Dialect::Sharded => (true, false),
            Dialect::Streams => (true, true),
        };
        self.heartbeat = self.heartbeat.filter(|_| heartbeats);
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.interval = heartbeat.interval.max(LEAST_INTERVAL);
        }
        self.sharded_pub_sub &= streams;
        self.everything_in_stream &= streams;
        self.own_by_stream &= streams;
        self
    }
}

/// A node that told at all times that it is there would do nothing else.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);
