//! What this node tells the others, and asks them.

use std::collections::BTreeSet;
use std::time::Duration;

use sio_core::packet::Call;
use sio_core::time::Instant;

use super::machine::{Link, Node, Written};
use super::output::{Answers, Asked, End, Local, Notice, Output, Overflow};
use super::questions::{Expected, Kind, Open};
use crate::channels::Subscription;
use crate::codec::streams::{self, Entry};
use crate::codec::{Context, EncodeError, Received};
use crate::config::{Dialect, Subscriptions};
use crate::id::{RequestId, Uid};
use crate::message::{Message, Question, To};

impl<T> Node<T> {
    /// An event for clients of the other nodes. With streams, `token` comes back with its place
    /// ([`Output::Appended`]); else at once, without one.
    ///
    /// While the broker is away it waits, unless it may be lost.
    ///
    /// # Errors
    /// A reserved name, or arguments that cannot be written. The token does not come back.
    pub fn broadcast(
        &mut self,
        now: Instant,
        call: Call,
        to: To,
        token: Option<T>,
    ) -> Result<(), EncodeError> {
        self.advance(now);
        let volatile = to.flags.volatile;
        let room = match &*to.rooms {
            [room] => Some(room.clone()),
            _ => None,
        };
        let message = Message::Broadcast {
            call,
            to,
            ask: None,
        };
        let payload = match self.written(&message, None)? {
            Written::Entry(entry) => {
                match self.config.own_by_stream {
                    true => self.append_own(entry, token),
                    false => self.append_or_hold(entry, token),
                }
                return Ok(());
            }
            Written::Payload(payload) => payload,
        };
        let channel = match room {
            Some(room) if !self.is_recent(&room) => self.channels.to_room(&room),
            Some(_) | None => self.channels.all().to_owned(),
        };
        match volatile {
            true => self.publish(channel, payload),
            false => self.publish_or_hold(channel, payload),
        }
        self.no_places(token.into_iter().collect());
        Ok(())
    }

    /// An event that those here hear when it is read, or now if that cannot be waited for.
    fn append_own(&mut self, entry: Entry, token: Option<T>) {
        if self.link != Link::Up {
            self.tell_own(std::slice::from_ref(&entry));
            return self.append_or_hold(entry, token);
        }
        let number = self.append(entry.clone(), token);
        let gone = self.own.push(number, entry, false, self.window);
        self.tell_own(&gone);
    }

    /// Those here hear what this node has said, and have no place to come back to.
    pub(super) fn tell_own(&mut self, entries: &[Entry]) {
        for entry in entries {
            let of = Context {
                namespace: &self.config.namespace,
                limits: &self.config.limits,
            };
            if let Ok(Some(Received {
                message: Message::Broadcast { call, to, .. },
                ..
            })) = streams::decode(entry, of)
            {
                let at = None;
                self.outputs
                    .push_back(Output::Local(Local::Broadcast { call, to, at }));
            }
        }
    }

    /// Whether other nodes may not listen to this room yet, since their sockets were put into it just now.
    fn is_recent(&self, room: &str) -> bool {
        self.listens_by_room()
            && (self.now < self.all_joined
                || self.joined.get(room).is_some_and(|until| self.now < *until))
    }

    /// Whether nodes listen to rooms by themselves, and so a moment after somebody has joined them.
    fn listens_by_room(&self) -> bool {
        match self.config.dialect {
            Dialect::Classic | Dialect::Sharded => self.config.subscriptions != Subscriptions::All,
            Dialect::V2 | Dialect::Streams => false,
        }
    }

    /// Sockets of the other nodes join rooms.
    ///
    /// # Errors
    /// [`EncodeError::Unsaid`] in v2.
    pub fn join(&mut self, now: Instant, of: To, rooms: Vec<String>) -> Result<(), EncodeError> {
        let now = self.advance(now);
        if self.listens_by_room() {
            let until = now.saturating_add(self.config.recent_join);
            self.joined.retain(|_, until| now < *until);
            for room in &rooms {
                if self.joined.len() >= self.config.max_recent_joins {
                    self.all_joined = until;
                    break;
                }
                self.joined.insert(room.clone(), until);
            }
        }
        self.say(&Message::Join { of, rooms })
    }

    /// Sockets of the other nodes leave rooms.
    ///
    /// # Errors
    /// [`EncodeError::Unsaid`] in v2.
    pub fn leave(&mut self, now: Instant, of: To, rooms: Vec<String>) -> Result<(), EncodeError> {
        self.advance(now);
        self.say(&Message::Leave { of, rooms })
    }

    /// Sockets of the other nodes are disconnected.
    ///
    /// # Errors
    /// [`EncodeError::Unsaid`] in v2.
    pub fn disconnect(&mut self, now: Instant, of: To, close: bool) -> Result<(), EncodeError> {
        self.advance(now);
        self.say(&Message::Disconnect { of, close })
    }

    /// An event for the other servers.
    ///
    /// # Errors
    /// A reserved name, arguments that cannot be written, or [`EncodeError::Unsaid`] in v2.
    pub fn server_side(&mut self, now: Instant, call: Call) -> Result<(), EncodeError> {
        self.advance(now);
        let (ask, to) = (None, None);
        self.say(&Message::ServerSide { call, ask, to })
    }

    /// An event for the server of one other node, which may not be there.
    ///
    /// # Errors
    /// A reserved name, arguments that cannot be written, or [`EncodeError::Unsaid`]: in v2, and in classic and
    /// sharded to a node of Node's.
    pub fn server_side_to(
        &mut self,
        now: Instant,
        node: &Uid,
        call: Call,
    ) -> Result<(), EncodeError> {
        self.advance(now);
        let channel = self.channels.alone(node).ok_or(EncodeError::Unsaid)?;
        let message = Message::ServerSide {
            call,
            ask: None,
            to: Some(node.clone()),
        };
        if let Written::Payload(payload) = self.written(&message, Some(node))? {
            self.publish_or_hold(channel, payload);
        }
        Ok(())
    }

    /// To all nodes, now or when the broker is back.
    fn say(&mut self, message: &Message) -> Result<(), EncodeError> {
        match self.written(message, None)? {
            Written::Entry(entry) => self.append_or_hold(entry, None),
            Written::Payload(payload) => {
                self.publish_or_hold(self.channels.requests().to_owned(), payload);
            }
        }
        Ok(())
    }

    /// Asks the other nodes. `token` comes back once, with what they have answered ([`Output::Done`]), at the latest
    /// when `timeout` is over ([`request_timeout`](crate::Config::request_timeout) by default). `random` bytes make
    /// the question's name.
    ///
    /// Where the wire cannot ask for ids or rooms, it asks for sockets.
    ///
    /// # Errors
    /// A reserved name, arguments that cannot be written, or [`EncodeError::Unsaid`]: so it is, too, with one node alone
    /// where [`server_side_to`](Self::server_side_to) would say it. The token does not come back.
    pub fn ask(
        &mut self,
        now: Instant,
        random: [u8; 8],
        what: Asked,
        timeout: Option<Duration>,
        token: T,
    ) -> Result<(), EncodeError> {
        let now = self.advance(now);
        let id = match self.config.dialect {
            Dialect::Classic | Dialect::V2 => RequestId::classic(random),
            Dialect::Sharded | Dialect::Streams => RequestId::cluster(random),
        };
        let wait = timeout.unwrap_or(self.config.request_timeout);
        let alone = match &what {
            Asked::Server { node, .. } => Some(node.clone()),
            Asked::Nodes(_) | Asked::Clients { .. } | Asked::Servers(_) | Asked::One { .. } => None,
        };
        let channel = match &alone {
            Some(uid) => self.channels.alone(uid).ok_or(EncodeError::Unsaid)?,
            None => self.channels.requests().to_owned(),
        };
        let (kind, message) = self.question(&id, what, wait);
        let written = self.written(&message, None)?;
        if let Some(end) = self.refusal(&id) {
            let answers = Answers {
                got: Vec::new(),
                missing: 0,
                silent_nodes: None,
                end,
                took: std::time::Duration::ZERO,
            };
            self.outputs.push_back(Output::Done { token, answers });
            return Ok(());
        }
        // In v2 it comes back without a name of this node.
        if self.pending.is_new(None, &id) {
            self.pending.end(None, id.clone());
        }
        match written {
            Written::Entry(entry) => drop(self.append(entry, None)),
            Written::Payload(payload) => self.publish(channel.clone(), payload),
        }
        let time = (now, now.saturating_add(wait));
        let expected = match alone.as_ref() == Some(&self.uid) {
            // What is for itself it does not hear.
            true => Expected::Others(0),
            false => self.expected(kind),
        };
        let open = Open::new(token, kind, time, expected).of(alone);
        let known = self.questions.insert(id.clone(), open);
        if let Some(token) = known {
            let sharded = self.channels.is_sharded();
            self.outputs.push_back(Output::Count {
                token,
                channel,
                sharded,
            });
        }
        if let Some(open) = self.questions.take_complete(&id) {
            self.done(open, End::Counted);
        }
        Ok(())
    }

    /// Why a question cannot be asked.
    fn refusal(&mut self, id: &RequestId) -> Option<End> {
        match self.link {
            Link::Closed => Some(End::Closed),
            Link::Down | Link::Joining => Some(End::Down),
            Link::Up => {
                let full = self.questions.len() >= self.config.max_open_questions;
                if full {
                    self.notice(Notice::Overflow(Overflow::Questions));
                }
                (full || self.questions.contains(id)).then_some(End::Refused)
            }
        }
    }

    /// What is said, and what is waited for.
    fn question(&self, id: &RequestId, what: Asked, wait: Duration) -> (Kind, Message) {
        let messages = matches!(self.config.dialect, Dialect::Sharded | Dialect::Streams);
        let id = id.clone();
        match what {
            Asked::Nodes(what) => {
                let (kind, sockets) = match &what {
                    Question::Fetch(_) => (Kind::Sockets, None),
                    Question::Sockets(rooms) => (Kind::Ids, Some(rooms.clone())),
                    Question::Rooms => (Kind::Rooms, Some(Vec::new())),
                    Question::RoomsOf(socket) => (Kind::RoomsOf, Some(vec![socket.clone()])),
                    Question::Custom(_) => (Kind::Value, None),
                };
                let classic_has = !matches!(kind, Kind::RoomsOf);
                let substitute =
                    messages || self.config.dialect == Dialect::Classic && !classic_has;
                let what = match sockets.filter(|_| substitute) {
                    Some(rooms) => Question::Fetch(To {
                        rooms,
                        ..To::default()
                    }),
                    None => what,
                };
                (kind, Message::Ask { id, what })
            }
            Asked::Clients { call, mut to } => {
                let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                to.flags.timeout.get_or_insert(millis);
                (
                    Kind::Clients,
                    Message::Broadcast {
                        call,
                        to,
                        ask: Some(id),
                    },
                )
            }
            Asked::Servers(call) => (
                Kind::Value,
                Message::ServerSide {
                    call,
                    ask: Some(id),
                    to: None,
                },
            ),
            Asked::Server { node, call } => (
                Kind::Node,
                Message::ServerSide {
                    call,
                    ask: Some(id),
                    to: Some(node),
                },
            ),
            Asked::One { socket, act } => (Kind::One, Message::One { id, socket, act }),
        }
    }

    /// Somebody here is in this room now, the first one. `is_id`: it is the room of a socket's own id.
    pub fn room_created(&mut self, now: Instant, room: &str, is_id: bool) {
        self.advance(now);
        let Some(subscription) = self.channels.for_room(room, is_id) else {
            return;
        };
        if self.link == Link::Closed {
            return;
        }
        let rooms = self.subscriptions.len().saturating_sub(self.base);
        // One that is being left takes no more than it had.
        if rooms >= self.config.dynamic_subscriptions && !self.subscriptions.contains(&subscription)
        {
            let what = Overflow::Subscriptions(room.to_owned());
            self.notice(Notice::Overflow(what));
            return;
        }
        if let Some(change) = self.subscriptions.want(subscription, true) {
            self.change(change);
        }
    }

    /// Nobody here is in this room any more.
    pub fn room_deleted(&mut self, now: Instant, room: &str, is_id: bool) {
        self.advance(now);
        if let Some(subscription) = self.channels.for_room(room, is_id)
            && let Some(change) = self.subscriptions.want(subscription, false)
        {
            self.change(change);
        }
    }

    /// In these rooms somebody is here, and in no others, whatever was said before. Each with whether it is the room of
    /// a socket's own id.
    pub fn set_rooms(&mut self, now: Instant, rooms: &[(&str, bool)]) {
        self.advance(now);
        let wanted: BTreeSet<_> = rooms
            .iter()
            .filter_map(|(room, is_id)| self.channels.for_room(room, *is_id))
            .collect();
        let base = self.channels.base();
        let gone = self.subscriptions.wanted();
        let gone = gone.filter(|it| !wanted.contains(*it) && !base.contains(it));
        let gone: Vec<Subscription> = gone.cloned().collect();
        for subscription in gone {
            if let Some(change) = self.subscriptions.want(subscription, false) {
                self.change(change);
            }
        }
        for (room, is_id) in rooms {
            self.room_created(now, room, *is_id);
        }
    }

    /// `token` comes back ([`Output::Heard`]) once what other nodes say to these rooms is heard here; at once, if there
    /// is nothing to wait for.
    pub fn when_heard(&mut self, now: Instant, rooms: &[&str], token: T) {
        self.advance(now);
        let full = self.subscriptions.waiting() >= self.config.max_waiting_joins;
        let wanted = rooms.iter().filter(|_| !full);
        let wanted = wanted.filter_map(|room| self.channels.for_room(room, false));
        if let Some(token) = self.subscriptions.wait(wanted, token) {
            self.outputs.push_back(Output::Heard { token });
        }
    }
}
