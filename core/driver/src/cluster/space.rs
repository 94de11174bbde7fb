//! One namespace of a link: its machine, and what the machine wants done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sio_cluster::codec::streams::{self, Entry};
use sio_cluster::entry::EntryId;
use sio_cluster::id::Uid;
use sio_cluster::message::{Act, Question, Reply, To};
use sio_cluster::node::{AckTicket, Asked, Local, Node, Notice, Output, Overflow, Ticket as Asker};
use sio_cluster::{Config, Dialect, Limits};
use sio_core::id::SocketId;
use sio_core::packet::{Args, Call};
use sio_core::time::Instant;

use super::broker::{Broker, Of, Order, Ticket};
use super::desk::{Desk, Known, What};
use super::listeners::Listeners;
use super::sessions::{Claimant, Place, Sessions};
use super::told;
use super::waiter::Waiter;
use crate::adapter::{
    AdapterError, Broadcast, ClusterEvent, InMemory, KeptSession, Recipients, SessionClaim,
};
use crate::log::{debug, error, warn};
use crate::metrics::SpaceTally;
use crate::sync::guard::guarded;

/// The one question to servers that the 2.x line has, as an event.
pub(super) const CUSTOM_REQUEST: &str = "customRequest";

/// A namespace, as its link has it.
pub(super) struct Space {
    number: u32,
    pub(super) local: InMemory,
    pub(super) known: Arc<Known>,
    pub(super) node: Node<Waiter>,
    desk: Arc<Desk>,
    share_headers: bool,
    session_prefix: String,
    max_returning: usize,
    /// How long sessions are kept, if clients come back at all.
    keep: Option<Duration>,
    limits: Limits,
    sessions: Sessions,
    max_ack_wait: Duration,
    /// Where its events go, in that dialect.
    stream: Option<String>,
    /// Questions of other nodes that clients here answer: by number, with how many are still to.
    acks: BTreeMap<u64, (AckTicket, usize)>,
    asked: u64,
    tally: SpaceTally,
    /// Whose child it is.
    pub(super) parent: Option<usize>,
    pub(super) due: Option<Instant>,
}

/// What a namespace's wishes are carried out by.
pub(super) struct Wire<'a, B> {
    pub(super) broker: &'a mut B,
    pub(super) listeners: &'a mut Listeners,
    /// Why the broker went, when it did last.
    pub(super) why: &'a str,
    pub(super) wall: SystemTime,
    pub(super) now: Instant,
}

impl Space {
    pub(super) fn new(
        (number, tally): (u32, SpaceTally),
        (local, known): (InMemory, Arc<Known>),
        mut config: Config,
        (desk, share_headers): (Arc<Desk>, bool),
        (session_prefix, max_returning): (String, usize),
        random: [u8; 8],
    ) -> Self {
        let recovery = local.recovery();
        config.own_by_stream = recovery.is_some();
        local.namespace().clone_into(&mut config.namespace);
        let uid = match config.dialect {
            Dialect::Classic | Dialect::V2 => Uid::classic(random),
            Dialect::Sharded | Dialect::Streams => Uid::cluster(random),
        };
        let streams = config.dialect == Dialect::Streams;
        known.name(&uid);
        let stream = streams.then(|| streams::stream(&config.key, 1, local.namespace()));
        Self {
            number,
            parent: local.parent(),
            local,
            known,
            stream: stream.and_then(Result::ok),
            max_ack_wait: config.max_ack_wait,
            session_prefix,
            max_returning,
            keep: recovery.map(|it| it.max_disconnection_duration),
            limits: config.limits,
            sessions: Sessions::default(),
            node: Node::new(config, uid),
            desk,
            share_headers,
            acks: BTreeMap::new(),
            asked: 0,
            tally,
            due: None,
        }
    }

    pub(super) fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// A message, unless it is for a room that is not here.
    pub(super) fn hear(&mut self, now: Instant, channel: &str, payload: &Bytes) {
        if let Some(room) = self.node.room_of(channel)
            && !self.local.has_room(room)
        {
            self.tally.no_room();
            return;
        }
        self.node.handle_message(now, channel, payload);
    }

    /// Carries out all that its machine wants.
    pub(super) fn carry_out<B: Broker>(&mut self, wire: &mut Wire<'_, B>) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Publish(it) => wire.broker.order(Order::Publish(it)),
                Output::Subscribe(to) => {
                    wire.listeners.add(self.number, &to);
                    wire.broker.order(Order::Subscribe(to));
                }
                Output::Unsubscribe(to) => match wire.listeners.remove(self.number, &to) {
                    true => wire.broker.order(Order::Unsubscribe(to)),
                    false => self.node.handle_unsubscribed(wire.now, &to),
                },
                Output::Count {
                    token,
                    channel,
                    sharded,
                } => {
                    let ticket = Ticket(Of::Question(self.number, token));
                    wire.broker.order(Order::Count {
                        ticket,
                        channel,
                        sharded,
                    });
                }
                Output::Append { token, entry } => {
                    if let Some(stream) = self.stream.clone() {
                        let ticket = Ticket(Of::Entry(self.number, token));
                        wire.broker.order(Order::Append {
                            ticket,
                            stream,
                            entry,
                        });
                    }
                }
                Output::Recall { behind } => {
                    if let Some(stream) = self.stream.clone() {
                        wire.broker.order(Order::Recall {
                            ticket: Ticket(Of::Recall(self.number)),
                            stream,
                            uid: self.node.uid().clone(),
                            behind,
                        });
                    }
                }
                Output::Local(local) => self.act(local),
                Output::Asked { ticket, what } => self.answer(wire.now, ticket, what),
                Output::Done { token, answers } => {
                    self.tally.answered(&answers);
                    token.end(self.local.namespace(), answers, self.known.others());
                }
                Output::Heard {
                    token: Waiter::Heard(answer),
                } => answer.give(()),
                Output::Notice(notice) => self.notice(notice, wire.why, wire.wall),
                // Nobody asks for a place in the stream, and there is nothing else.
                Output::Heard { .. } | Output::Appended { .. } | _ => {}
            }
        }
        self.tally.measure(&self.node);
    }

    /// Calls what may be the application's code.
    fn guarded(&self, act: impl FnOnce(&InMemory)) {
        if let Err(_panic) = guarded(|| act(&self.local)) {
            error!(namespace = self.local.namespace(), why = %_panic.0, "hook panicked");
        }
    }

    fn broadcast(&self, call: Call) -> Option<Broadcast> {
        let Call { name, args } = call;
        match Broadcast::new(self.local.namespace(), name.as_str(), args) {
            Ok(broadcast) => Some(broadcast),
            Err(_why) => {
                warn!(namespace = self.local.namespace(), event = %name.as_str(), why = %_why, "not written");
                None
            }
        }
    }

    /// What another node has done to all sockets.
    fn act(&self, local: Local) {
        match local {
            Local::Broadcast { call, to, at } => {
                let Some(broadcast) = self.broadcast(call) else {
                    return;
                };
                let of = told::recipients(&to);
                let kept = self.keep.is_some() && self.stream.is_some();
                self.guarded(|local| match kept && !to.flags.volatile {
                    true => local.broadcast_at(&broadcast, &of, at),
                    false => local.broadcast(&broadcast, &of),
                });
            }
            Local::Join { of, rooms } => {
                self.guarded(|local| local.add_sockets(&told::recipients(&of), &strs(&rooms)));
            }
            Local::Leave { of, rooms } => {
                self.guarded(|local| local.del_sockets(&told::recipients(&of), &strs(&rooms)));
            }
            Local::Disconnect { of, close } => {
                self.guarded(|local| local.disconnect_sockets(&told::recipients(&of), close));
            }
            Local::ServerSide { call } => {
                self.guarded(|local| local.hear_server_side(call.name.as_str(), &call.args));
            }
            _ => {}
        }
    }

    /// What another node asks.
    fn answer(&mut self, now: Instant, ticket: Asker, what: Asked) {
        let reply = match what {
            Asked::Nodes(Question::Fetch(of)) => {
                let sockets = self.local.fetch_sockets(&told::recipients(&of));
                let sockets = sockets.iter();
                let sockets = sockets.map(|it| told::remote(it, self.share_headers));
                Reply::Sockets(sockets.collect())
            }
            Asked::Nodes(Question::Sockets(rooms)) => {
                let of = To {
                    rooms,
                    ..To::default()
                };
                let ids = self.local.sockets(&told::recipients(&of));
                Reply::Ids(ids.iter().map(|id| id.as_str().to_owned()).collect())
            }
            Asked::Nodes(Question::Rooms) => Reply::Rooms(self.local.rooms()),
            Asked::Nodes(Question::RoomsOf(id)) => {
                match self.local.socket_rooms(&SocketId::told(&id)) {
                    Some(rooms) => Reply::Rooms(rooms),
                    None => return,
                }
            }
            Asked::Nodes(Question::Custom(args)) => {
                let name = CUSTOM_REQUEST.into();
                return self.ask_server(ticket, Call { name, args });
            }
            Asked::Nodes(_) => return,
            Asked::One { socket, act } => match self.one(&socket, act) {
                true => Reply::Done,
                false => return,
            },
            Asked::Servers(call) => return self.ask_server(ticket, call),
            Asked::Clients { call, to } => return self.ask_clients(now, ticket, call, &to),
            // It is for one to ask, and comes as what all are asked.
            Asked::Server { .. } | _ => return,
        };
        if let Err(_why) = self.node.answer(now, ticket, reply) {
            debug!(namespace = self.local.namespace(), why = %_why, "not answered");
        }
    }

    /// Does something with a socket, if it is here.
    fn one(&self, socket: &str, act: Act) -> bool {
        let here = self.local.socket_rooms(&SocketId::told(socket)).is_some();
        if here {
            let of = Recipients::default().to(socket);
            self.guarded(|local| match &act {
                Act::Join(room) => local.add_sockets(&of, &[room]),
                Act::Leave(room) => local.del_sockets(&of, &[room]),
                Act::Disconnect { close } => local.disconnect_sockets(&of, *close),
            });
        }
        here
    }

    /// The application answers, some time or not at all.
    fn ask_server(&self, ticket: Asker, call: Call) {
        let waits = Waits {
            of: self.number,
            ticket: Some(ticket),
            desk: self.desk.clone(),
        };
        self.guarded(|local| {
            let answer = move |args| waits.answer(args);
            local.hear_server_side_ask(call.name.as_str(), &call.args, answer);
        });
    }

    fn ask_clients(&mut self, now: Instant, ticket: Asker, call: Call, to: &To) {
        let Some(broadcast) = self.broadcast(call) else {
            // So many clients are asked.
            let _ = self.node.count(now, ticket, 0);
            return;
        };
        let mut of = told::recipients(to);
        if let Some(millis) = to.flags.timeout {
            of = of.timeout(Duration::from_millis(millis).min(self.max_ack_wait));
        }
        self.asked = self.asked.wrapping_add(1);
        let (number, space, desk) = (self.asked, self.number, self.desk.clone());
        let mut clients = 0;
        self.guarded(|local| {
            local.ask(
                &broadcast,
                &of,
                |count| clients = count,
                move |id, answer| {
                    let answer = answer.ok().map(|args| (id.as_str().to_owned(), args));
                    // The link may have ended.
                    let _ = desk.push(space, What::Ack(number, answer));
                },
            );
        });
        let ticket = self
            .node
            .count(now, ticket, u64::try_from(clients).unwrap_or(u64::MAX));
        if clients > 0 {
            self.acks.insert(number, (ticket, clients));
        }
    }

    /// Somebody has left who may come back.
    pub(super) fn persist(&self, session: &KeptSession) -> Option<Order> {
        self.coming_at()?.store(session)
    }

    /// Somebody comes back.
    pub(super) fn claim(&mut self, claim: SessionClaim, waits: Claimant) -> Option<Order> {
        self.with_sessions(|sessions, place| sessions.claim(place, claim, waits))
    }

    pub(super) fn taken(&mut self, number: u64, value: Option<&Bytes>) -> Option<Order> {
        self.with_sessions(|sessions, place| sessions.taken(place, number, value))
    }

    pub(super) fn ranged(&mut self, number: u64, found: &[(EntryId, Entry)]) -> Option<Order> {
        self.with_sessions(|sessions, place| sessions.ranged(place, number, found))
    }

    /// The broker has gone.
    pub(super) fn down(&mut self, now: Instant) {
        self.sessions.clear();
        self.node.handle_down(now);
    }

    /// Its link has ended, for this reason: whoever waits hears so, and those here of what they were to hear with all
    /// others.
    pub(super) fn end(&mut self, now: Instant, wall: SystemTime, why: &AdapterError) {
        self.sessions.clear();
        self.node.handle_down(now);
        self.node.close(now);
        let words = why.to_string();
        while let Some(output) = self.node.poll() {
            match output {
                Output::Local(local) => self.act(local),
                Output::Notice(notice) => self.notice(notice, &words, wall),
                Output::Heard { token } => token.lost(why, self.known.others()),
                Output::Done { token, answers } if answers.got.is_empty() => {
                    token.lost(why, self.known.others());
                }
                Output::Done { token, answers } => {
                    token.end(self.local.namespace(), answers, self.known.others());
                }
                // Nobody carries it out.
                Output::Publish(_)
                | Output::Append { .. }
                | Output::Recall { .. }
                | Output::Subscribe(_)
                | Output::Unsubscribe(_)
                | Output::Count { .. }
                | Output::Asked { .. }
                | Output::Appended { .. }
                | _ => {}
            }
        }
    }

    /// Which rooms there are was not told: it is looked at.
    pub(super) fn look_at_rooms(&mut self, now: Instant) {
        let rooms = self.local.rooms();
        let is_id = |name: &String| self.local.socket_rooms(&SocketId::told(name)).is_some();
        let rooms = rooms.iter().map(|name| (&**name, is_id(name)));
        let rooms: Vec<(&str, bool)> = rooms.collect();
        self.node.set_rooms(now, &rooms);
    }

    fn with_sessions(
        &mut self,
        tell: impl FnOnce(&mut Sessions, &Place<'_>) -> Option<Order>,
    ) -> Option<Order> {
        let mut sessions = std::mem::take(&mut self.sessions);
        let order = self
            .coming_at()
            .and_then(|place| tell(&mut sessions, &place));
        self.sessions = sessions;
        order
    }

    /// Where clients come back, if they do.
    fn coming_at(&self) -> Option<Place<'_>> {
        Some(Place {
            of: self.number,
            namespace: self.local.namespace(),
            stream: self.stream.as_deref()?,
            prefix: &self.session_prefix,
            most: self.max_returning,
            keep: self.keep?,
            limits: &self.limits,
        })
    }

    /// A client here has answered another node's question, or will not.
    pub(super) fn acked(&mut self, now: Instant, number: u64, answer: Option<(String, Args)>) {
        if let Some((ticket, _)) = self.acks.get_mut(&number)
            && let Some((id, args)) = answer
            && let Err(_why) = self.node.ack(now, ticket, Some(id), args)
        {
            debug!(namespace = self.local.namespace(), why = %_why, "not answered");
        }
        self.tick_off(number, 1);
    }

    /// So many clients are not waited for any more.
    pub(super) fn tick_off(&mut self, number: u64, clients: usize) {
        if let Some((_, left)) = self.acks.get_mut(&number) {
            *left = left.saturating_sub(clients);
            if *left == 0 {
                self.acks.remove(&number);
            }
        }
    }

    fn notice(&self, notice: Notice, why: &str, wall: SystemTime) {
        let event = match notice {
            Notice::Up => {
                self.known.turn(true, wall);
                ClusterEvent::Up
            }
            Notice::Down => {
                self.known.turn(false, wall);
                let why = why.to_owned();
                ClusterEvent::Down { why }
            }
            Notice::Lost { from, to } => {
                warn!(namespace = self.local.namespace(), %from, %to, "cluster stream cut");
                self.tally.gap();
                self.guarded(InMemory::lose_track);
                ClusterEvent::Lost {
                    from: from.to_string(),
                    to: to.to_string(),
                }
            }
            Notice::NodeGone { uid } => ClusterEvent::NodeGone {
                node: uid.as_str().to_owned(),
            },
            Notice::Foreign(dialect) => {
                let dialect = dialect.name();
                warn!(
                    namespace = self.local.namespace(),
                    dialect, "another cluster dialect"
                );
                ClusterEvent::Foreign {
                    dialect: dialect.to_owned(),
                }
            }
            Notice::Overflow(why @ (Overflow::Outage(count) | Overflow::Unsure(count))) => {
                self.tally.over(&why);
                ClusterEvent::Overflow {
                    dropped: usize::try_from(count).unwrap_or(usize::MAX),
                }
            }
            Notice::Overflow(_why) => {
                self.tally.over(&_why);
                warn!(namespace = self.local.namespace(), what = ?_why, "cluster limit met");
                return;
            }
            Notice::Odd(_why) => {
                self.tally.odd(&_why);
                debug!(namespace = self.local.namespace(), why = ?_why, "odd cluster message");
                return;
            }
            _ => return,
        };
        self.tell(&event);
    }

    pub(super) fn tell(&self, event: &ClusterEvent) {
        self.guarded(|local| local.tell(event));
    }
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// Another node waits for the application's answer. Dropped, it hears that there is none, and need not wait longer.
struct Waits {
    of: u32,
    ticket: Option<Asker>,
    desk: Arc<Desk>,
}

impl Waits {
    fn answer(mut self, args: Args) {
        self.settle(args);
    }

    fn settle(&mut self, args: Args) {
        if let Some(ticket) = self.ticket.take() {
            // The link may have ended.
            let _ = self
                .desk
                .push(self.of, What::Reply(ticket, Reply::Value(args)));
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.settle(Args::default());
    }
}
