//! What the other nodes have said.

use bytes::Bytes;
use sio_core::time::Instant;

use super::machine::{Link, Node};
use super::output::{Asked, End, Local, Notice, Output, Overflow, Ticket};
use super::pending::{Otherwise, Waiting};
use super::questions::{Room, Taken};
use crate::channels::Origin;
use crate::codec::classic::{self, Place};
use crate::codec::streams::{self, Entry};
use crate::codec::{Context, Odd, Received, cluster, v2};
use crate::config::Dialect;
use crate::entry::EntryId;
use crate::id::{RequestId, Uid};
use crate::message::{Message, Question, Reply};

impl<T> Node<T> {
    /// The one room that a message on this channel is for, if the channel tells: when nobody here is in it, the message
    /// need not be handed in.
    pub fn room_of<'a>(&self, channel: &'a str) -> Option<&'a str> {
        match self.channels.origin(channel) {
            Some(Origin::All(room)) => room,
            Some(Origin::Requests | Origin::Answers) | None => None,
        }
    }

    /// A message was published on a channel that is listened to.
    pub fn handle_message(&mut self, now: Instant, channel: &str, payload: &Bytes) {
        self.advance(now);
        if self.link == Link::Closed {
            return;
        }
        self.counts.receive(payload.len());
        let Some(origin) = self.channels.origin(channel) else {
            self.counts.elsewhere = self.counts.elsewhere.saturating_add(1);
            return;
        };
        let of = Context {
            namespace: &self.config.namespace,
            limits: &self.config.limits,
        };
        let place = match origin {
            Origin::All(_) => Place::Broadcasts,
            Origin::Requests => Place::Requests,
            Origin::Answers => Place::Answers,
        };
        let read = match self.config.dialect {
            Dialect::Classic | Dialect::V2
                if place == Place::Broadcasts && classic::is_own(payload, &self.uid) =>
            {
                self.counts.own = self.counts.own.saturating_add(1);
                return;
            }
            Dialect::Classic => classic::decode(place, payload, of),
            Dialect::V2 => v2::decode(place, payload, of),
            Dialect::Sharded | Dialect::Streams => cluster::decode(payload, of),
        };
        self.take(read, payload.len(), None);
    }

    /// An entry of another namespace was read from the stream: what this node adds from now on stands behind it, which
    /// counts where the broker goes before it says so ([`Output::Recall`]). It need not be told.
    pub fn handle_place(&mut self, at: EntryId) {
        self.appends.read(at);
    }

    /// An entry was read from the stream.
    pub fn handle_entry(&mut self, now: Instant, at: EntryId, entry: &Entry) {
        self.advance(now);
        if self.link == Link::Closed {
            return;
        }
        self.counts.receive(entry.size());
        // Before it is looked at: it must not be read again, whatever it is.
        if self.last_entry.is_some_and(|last| at <= last) {
            self.counts.late = self.counts.late.saturating_add(1);
            return;
        }
        self.last_entry = Some(at);
        self.appends.read(at);
        let of = Context {
            namespace: &self.config.namespace,
            limits: &self.config.limits,
        };
        let read = streams::decode(entry, of);
        if self.config.own_by_stream
            && let Ok(Some(Received { from, message })) = &read
            && from.as_ref() == Some(&self.uid)
            && let Message::Broadcast {
                call,
                to,
                ask: None,
            } = message
        {
            self.counts.own = self.counts.own.saturating_add(1);
            let (hears, untold) = self.own.read(at, entry);
            self.tell_own(&untold);
            if hears {
                let (call, to, at) = (call.clone(), to.clone(), Some(at));
                self.local(Local::Broadcast { call, to, at });
            }
            return;
        }
        self.take(read, entry.size(), Some(at));
    }

    fn take(&mut self, read: Result<Option<Received>, Odd>, size: usize, at: Option<EntryId>) {
        match read {
            Ok(Some(received)) => self.receive(received, size, at),
            Ok(None) => self.counts.elsewhere = self.counts.elsewhere.saturating_add(1),
            Err(Odd::Foreign(dialect)) => {
                self.counts.foreign = self.counts.foreign.saturating_add(1);
                if !std::mem::replace(&mut self.told_foreign, true) {
                    self.notice(Notice::Foreign(dialect));
                }
            }
            Err(why) => {
                self.counts.odd = self.counts.odd.saturating_add(1);
                self.notice(Notice::Odd(why));
            }
        }
    }

    fn receive(&mut self, received: Received, size: usize, at: Option<EntryId>) {
        let Received { from, message } = received;
        if from.as_ref() == Some(&self.uid) {
            self.counts.own = self.counts.own.saturating_add(1);
            return;
        }
        self.counts.heard.count(message.kind());
        if let Some(uid) = from.as_ref().filter(|uid| !uid.is_emitter()) {
            if message == Message::Bye {
                return self.gone(uid.clone());
            }
            self.peers.hear(uid, self.now, self.config.max_nodes);
        }
        match message {
            Message::Broadcast {
                call,
                to,
                ask: None,
            } => {
                self.local(Local::Broadcast { call, to, at });
            }
            Message::Broadcast {
                call,
                to,
                ask: Some(id),
            } => {
                let acks = to.flags.timeout;
                self.begin(
                    from,
                    id,
                    Otherwise::Clients,
                    Asked::Clients { call, to },
                    acks,
                );
            }
            Message::Join { of, rooms } => self.local(Local::Join { of, rooms }),
            Message::Leave { of, rooms } => self.local(Local::Leave { of, rooms }),
            Message::Disconnect { of, close } => self.local(Local::Disconnect { of, close }),
            Message::ServerSide { to: Some(uid), .. } if uid != self.uid => {
                self.counts.elsewhere = self.counts.elsewhere.saturating_add(1);
            }
            Message::ServerSide {
                call, ask: None, ..
            } => self.local(Local::ServerSide { call }),
            Message::ServerSide {
                call,
                ask: Some(id),
                ..
            } => {
                self.begin(from, id, Otherwise::Value, Asked::Servers(call), None);
            }
            Message::Ask { id, what } => {
                let otherwise = match &what {
                    Question::Fetch(_) => Otherwise::Sockets,
                    Question::Sockets(_) => Otherwise::Ids,
                    Question::Rooms => Otherwise::Rooms,
                    Question::RoomsOf(_) => Otherwise::Nothing,
                    Question::Custom(_) => Otherwise::Value,
                };
                self.begin(from, id, otherwise, Asked::Nodes(what), None);
            }
            Message::One { id, socket, act } => {
                self.begin(
                    from,
                    id,
                    Otherwise::Nothing,
                    Asked::One { socket, act },
                    None,
                );
            }
            Message::Answer { id, reply } => self.answered(&id, from, reply, size),
            Message::Hello if self.config.heartbeat.is_some() => self.tell(&Message::Beat),
            Message::Hello | Message::Beat | Message::Bye => {}
        }
    }

    fn local(&mut self, local: Local) {
        self.outputs.push_back(Output::Local(local));
    }

    /// A question of another node.
    fn begin(
        &mut self,
        from: Option<Uid>,
        id: RequestId,
        otherwise: Otherwise,
        what: Asked,
        acks: Option<u64>,
    ) {
        let most = self.config.max_pending_answers;
        if !self.pending.is_new(from.as_ref(), &id) {
            self.counts.late = self.counts.late.saturating_add(1);
            return;
        }
        if self.link == Link::Down {
            // It was on its way when the broker went: no answer would arrive.
            return self.pending.end(from, id);
        }
        let due = self.now.saturating_add(self.config.answer_timeout);
        let mut waiting = Waiting::new(id, from, otherwise, due);
        if self.pending.len() >= most {
            self.pending.end(waiting.to.clone(), waiting.id.clone());
            self.notice(Notice::Overflow(Overflow::Pending));
            return self.answer_otherwise(&waiting);
        }
        let wait = acks.map_or(
            self.config.request_timeout,
            std::time::Duration::from_millis,
        );
        waiting.acks_until = self.now.saturating_add(wait.min(self.config.max_ack_wait));
        let ticket = Ticket(self.pending.insert(waiting));
        self.outputs.push_back(Output::Asked { ticket, what });
    }

    fn answered(&mut self, id: &RequestId, from: Option<Uid>, reply: Reply, size: usize) {
        let room = Room {
            answers: self.config.max_answers,
            bytes: self.config.max_answer_bytes,
        };
        match self.questions.answer(id, from, reply, (size, room)) {
            Taken::Kept => {}
            Taken::Late => self.counts.late = self.counts.late.saturating_add(1),
            Taken::Over => self.notice(Notice::Overflow(Overflow::Answers)),
            Taken::Last(open) => self.done(*open, End::Counted),
        }
    }

    /// A node is not there any more.
    pub(super) fn gone(&mut self, uid: Uid) {
        self.peers.forget(&uid);
        for open in self.questions.strike_off(&uid) {
            self.done(open, End::Counted);
        }
        self.notice(Notice::NodeGone { uid });
    }
}
