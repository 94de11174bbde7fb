//! What carries messages between nodes.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use sio_cluster::Subscription;
use sio_cluster::codec::streams::Entry;
use sio_cluster::entry::EntryId;
use sio_cluster::id::Uid;
use sio_cluster::node::{AppendToken, CountToken, Publication};

/// What carries messages between nodes: the connection of one server to Redis, or its like in memory.
///
/// It is owned by one task, which gives it orders and takes events from it. All that needs thought (who is asked,
/// who has answered, what is kept while it is away) is done above it: a broker carries out, and says what has
/// happened.
///
/// * It never blocks, and carries orders out in their order.
/// * It connects by itself, and again for ever when it has lost its connection. Each time it is there it says
///   [`Up`](Event::Up), and knows nothing of what was subscribed to before; each time it has gone,
///   [`Down`](Event::Down). What it is told while it is away it forgets.
/// * What was not confirmed when it went is not done again, and is done before it says `Up` or never: what is still on
///   its way by a connection that was given up may not come behind what is ordered later.
/// * Each order that has a ticket it answers once, or says `Down`. Nothing above it counts that time: one whose server
///   says nothing any more gives it up by itself.
pub trait Broker: Send + 'static {
    /// Does this, in its turn.
    fn order(&mut self, order: Order);

    /// What has happened next.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event>;
}

/// What a [`Broker`] is to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Order {
    /// Publish.
    Publish(Publication),
    /// Listen. Said again for what is listened to already, it is confirmed again.
    Subscribe(Subscription),
    /// Listen no more.
    Unsubscribe(Subscription),
    /// Say how many connections listen to a channel.
    Count {
        /// Names the question.
        ticket: Ticket,
        /// The channel.
        channel: String,
        /// It is a sharded one.
        sharded: bool,
    },
    /// Read a stream, from its end on.
    Read {
        /// Its name.
        stream: String,
    },
    /// Add an entry to a stream.
    Append {
        /// Names the entry.
        ticket: Ticket,
        /// The stream.
        stream: String,
        /// The entry.
        entry: Entry,
    },
    /// Find a node's entries behind this one, all of them, and whether this one is there still: of those behind it none
    /// can have been thrown away then.
    Recall {
        /// Names the question.
        ticket: Ticket,
        /// The stream.
        stream: String,
        /// Whose entries.
        uid: Uid,
        /// Behind which, of whichever node. `None`: from the first on, and whether none was ever thrown away.
        behind: Option<EntryId>,
    },
    /// Keep this under that key, for so long, in the place of what is there.
    Store {
        /// Its name.
        key: String,
        /// What is kept.
        value: Bytes,
        /// For how long.
        keep: Duration,
    },
    /// Give what is kept under a key, and keep it no longer: of two who ask one gets it.
    Take {
        /// Names the question.
        ticket: Ticket,
        /// Its name.
        key: String,
    },
    /// Give the entries of a stream from this one on, itself among them: no more than so many.
    Range {
        /// Names the question.
        ticket: Ticket,
        /// The stream.
        stream: String,
        /// The first.
        from: EntryId,
        /// How many at most.
        most: usize,
    },
    /// Say when all that was ordered before is done.
    Flush {
        /// Names the question.
        ticket: Ticket,
    },
}

/// What has happened to a [`Broker`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// It is there, and nothing is listened to.
    Up,
    /// It has gone.
    Down {
        /// Why.
        why: String,
        /// So many publications were on their way, or waited to be: nobody knows which of them have arrived.
        unsure: usize,
    },
    /// This is listened to.
    Subscribed(Subscription),
    /// This is listened to no more, since it was ordered or by the broker's own doing.
    Unsubscribed(Subscription),
    /// A message was published.
    Message {
        /// What it was heard by.
        by: Subscription,
        /// Where it was published.
        channel: String,
        /// The message.
        payload: Bytes,
    },
    /// So many listen.
    Counted {
        /// What was asked.
        ticket: Ticket,
        /// How many connections.
        nodes: u64,
    },
    /// An entry is in its stream.
    Appended {
        /// Which.
        ticket: Ticket,
        /// Its place.
        at: EntryId,
    },
    /// An entry was read, the node's own among them.
    Entry {
        /// The stream.
        stream: String,
        /// Its place.
        at: EntryId,
        /// The entry.
        entry: Entry,
    },
    /// What was added to a stream between these cannot be read any more.
    Lost {
        /// The stream.
        stream: String,
        /// The last that was read.
        from: EntryId,
        /// Where reading goes on.
        to: EntryId,
    },
    /// The node's entries that were found, in their order.
    Recalled {
        /// What was asked.
        ticket: Ticket,
        /// The entries, without the one behind which they were looked for.
        found: Vec<(EntryId, Entry)>,
        /// That one is there still; or, where none was named, no entry of the stream was ever thrown away. Where the
        /// broker cannot tell, `false`: what is not found may have been there then, and is not added again.
        whole: bool,
    },
    /// What was kept.
    Taken {
        /// What was asked.
        ticket: Ticket,
        /// What it was, if there was anything.
        value: Option<Bytes>,
    },
    /// Entries of a stream, in their order.
    Ranged {
        /// What was asked.
        ticket: Ticket,
        /// The entries.
        found: Vec<(EntryId, Entry)>,
    },
    /// It was asked whether it is there, and has answered.
    RoundTrip {
        /// How long that took.
        took: Duration,
    },
    /// All before is done.
    Flushed {
        /// What was asked.
        ticket: Ticket,
    },
}

/// Names what a broker was asked, for its answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(super) Of);

/// What it is, and of which namespace's node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Question(u32, CountToken),
    Entry(u32, AppendToken),
    Recall(u32),
    /// Who comes back, by number.
    Session(u32, u64),
    /// How many nodes there are, and when all was sent: by number.
    Nodes(u64),
    Flush(u64),
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}
