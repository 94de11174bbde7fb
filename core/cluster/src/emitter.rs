//! A programme that is no node, and tells the nodes of a cluster what to do.

use sio_core::time::Instant;

use crate::channels::Channels;
use crate::codec::classic::Author;
use crate::codec::streams::{self, Entry};
use crate::codec::{self, EncodeError};
use crate::config::{Config, Dialect};
use crate::id::Uid;
use crate::message::Message;
use crate::node::Publication;

/// What a programme that is no server says to those of a cluster: events for their clients, joins, leaves and ends, and
/// events for the servers. It asks nothing, since nobody would hear the answers.
///
/// ```
/// use sio_cluster::emitter::{Emitter, Said};
/// use sio_cluster::message::{Message, To};
/// use sio_cluster::{Config, Dialect};
/// use sio_core::packet::{Args, Call};
/// use sio_core::time::Instant;
///
/// let mut emitter = Emitter::new(Config::new(Dialect::Classic, "/"));
/// let news = Message::Broadcast {
///     call: Call { name: "news".into(), args: Args::from_arguments(&("hello", 1))? },
///     to: To { rooms: vec!["lobby".to_owned()], ..To::default() },
///     ask: None,
/// };
/// let Said::Publish(it) = emitter.say(Instant::ORIGIN, "/chat", &news)? else { panic!() };
/// assert_eq!(it.channel, "socket.io#/chat#lobby#");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Emitter {
    config: Config,
    uid: Uid,
    /// Until then nodes may not listen yet to rooms into which it has put sockets.
    joined: Option<Instant>,
}

/// How it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Publish this.
    Publish(Publication),
    /// Add this to the stream.
    Append {
        /// The stream's name.
        stream: String,
        /// The entry.
        entry: Entry,
    },
}

impl Emitter {
    /// One for the cluster of this configuration: its namespace does not matter, nor do its limits.
    pub fn new(config: Config) -> Self {
        Self {
            config: config.heeded(),
            uid: Uid::emitter(),
            joined: None,
        }
    }

    /// How this is said to the nodes of a namespace. An event for one room goes, within
    /// [`recent_join`](Config::recent_join) after a join, where all nodes listen.
    ///
    /// # Errors
    /// A reserved name, arguments that cannot be written, or [`EncodeError::Unsaid`]: it wants an answer, or the
    /// dialect has no words for it (v2 has them for events for clients alone).
    pub fn say(
        &mut self,
        now: Instant,
        namespace: &str,
        message: &Message,
    ) -> Result<Said, EncodeError> {
        let (kept, room) = match message {
            Message::Broadcast { to, ask: None, .. } => (!to.flags.volatile, one(&to.rooms)),
            Message::Join { .. }
            | Message::Leave { .. }
            | Message::Disconnect { .. }
            | Message::ServerSide {
                ask: None,
                to: None,
                ..
            } => (true, None),
            Message::Broadcast { .. }
            | Message::ServerSide { .. }
            | Message::Ask { .. }
            | Message::One { .. }
            | Message::Answer { .. }
            | Message::Hello
            | Message::Beat
            | Message::Bye => return Err(EncodeError::Unsaid),
        };
        let by = Author {
            uid: &self.uid,
            namespace,
            to_ours: false,
        };
        let dialect = self.config.dialect;
        // What may be lost is not told to clients who come back: it does not belong into the stream.
        if dialect == Dialect::Streams && (kept || self.config.everything_in_stream) {
            return Ok(Said::Append {
                stream: self.config.key.clone(),
                entry: streams::encode(message, by)?,
            });
        }
        let payload = codec::payload(dialect, message, by)?;
        if matches!(message, Message::Join { .. }) {
            self.handle_joined(now);
        }
        let mut config = self.config.clone();
        namespace.clone_into(&mut config.namespace);
        let channels = Channels::new(&config, &self.uid);
        let channel = match (message, room) {
            (Message::Broadcast { .. }, Some(room)) if self.is_by_room(now) => channels.room(room),
            (Message::Broadcast { .. }, _) => channels.all().to_owned(),
            _ => channels.requests().to_owned(),
        };
        Ok(Said::Publish(Publication {
            channel,
            sharded: channels.is_sharded(),
            payload,
        }))
    }

    /// A join has been taken, as late as that may be: rooms are listened to from then on, not from when it was said.
    pub fn handle_joined(&mut self, now: Instant) {
        self.joined = Some(now.saturating_add(self.config.recent_join));
    }

    /// Whether an event for one room goes to that room's own channel.
    fn is_by_room(&self, now: Instant) -> bool {
        match self.config.dialect {
            Dialect::Classic | Dialect::V2 => self.joined.is_none_or(|until| until <= now),
            // Whether sharded nodes listen there is theirs to choose, but all of them listen to the other.
            Dialect::Sharded | Dialect::Streams => false,
        }
    }
}

fn one(rooms: &[String]) -> Option<&str> {
    match rooms {
        [room] => Some(room),
        _ => None,
    }
}
