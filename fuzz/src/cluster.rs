//! What comes from the broker: each wire, and a node that is told anything.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use bytes::Bytes;
use sio_cluster::codec::classic::{Author, Place};
use sio_cluster::codec::streams::Entry;
use sio_cluster::codec::{Context, EncodeError, Received, classic, cluster, streams, v2};
use sio_cluster::entry::EntryId;
use sio_cluster::id::Uid;
use sio_cluster::message::{Message, Question, Reply, To};
use sio_cluster::node::{AckTicket, AppendToken, Asked, Node, Output, Ticket};
use sio_cluster::{Config, Dialect, Heartbeat, Limits, Subscription, Subscriptions};
use sio_core::packet::{Args, Call};
use sio_core::time::Instant;

const PLACES: [Place; 3] = [Place::Broadcasts, Place::Requests, Place::Answers];

fn of(limits: &Limits) -> Context<'_> {
    Context {
        namespace: "/",
        limits,
    }
}

/// What was read can be written, unless it is what msgpack cannot hold, and is read as the same.
fn again<W>(
    received: &Received,
    write: impl Fn(&Message, Author<'_>) -> Result<W, EncodeError>,
    read: impl Fn(W) -> Received,
) {
    let nobody = Uid::emitter();
    let by = Author {
        uid: received.from.as_ref().unwrap_or(&nobody),
        namespace: "/",
        to_ours: true,
    };
    match write(&received.message, by) {
        Ok(written) => assert_eq!(read(written).message, received.message),
        Err(EncodeError::Unwritten(_)) => {}
        Err(why) => panic!("{why}: {received:?}"),
    }
}

/// Reads bytes as each kind of channel may bring them, in classic.
pub fn classic(input: &[u8]) {
    let limits = Limits::default();
    for place in PLACES {
        let bytes = Bytes::copy_from_slice(input);
        let Ok(Some(received)) = classic::decode(place, &bytes, of(&limits)) else {
            continue;
        };
        again(&received, classic::encode, |(its, bytes)| {
            assert_eq!(its, place);
            let read = classic::decode(place, &bytes, of(&limits));
            read.expect("what we write")
                .expect("for the same namespace")
        });
    }
}

/// The same in the wire of the 2.x line.
pub fn old(input: &[u8]) {
    let limits = Limits::default();
    for place in PLACES {
        let bytes = Bytes::copy_from_slice(input);
        let Ok(Some(received)) = v2::decode(place, &bytes, of(&limits)) else {
            continue;
        };
        again(&received, v2::encode, |(its, bytes)| {
            assert_eq!(its, place);
            let read = v2::decode(place, &bytes, of(&limits));
            read.expect("what we write")
                .expect("for the same namespace")
        });
    }
}

/// A cluster message, in either notation.
pub fn message(input: &[u8]) {
    let limits = Limits::default();
    let bytes = Bytes::copy_from_slice(input);
    let Ok(Some(received)) = cluster::decode(&bytes, of(&limits)) else {
        return;
    };
    let read = |bytes: Bytes| {
        let read = cluster::decode(&bytes, of(&limits));
        read.expect("what we write")
            .expect("for the same namespace")
    };
    again(&received, cluster::encode, read);
}

/// An entry of a stream: its type in digits up to the first blank, then its data; and a session that is kept.
pub fn entry(input: &[u8]) {
    let limits = Limits::default();
    let bytes = Bytes::copy_from_slice(input);
    if let Ok(session) = streams::decode_session(&bytes, &limits)
        && let Ok(written) = streams::encode_session(&session)
    {
        assert_eq!(
            streams::decode_session(&written, &limits).as_ref(),
            Ok(&session)
        );
    }
    let end = input.iter().position(|byte| *byte == b' ');
    let end = end.unwrap_or(0);
    let entry = Entry {
        uid: Some("x".into()),
        nsp: Some("/".into()),
        kind: Some(bytes.slice(..end)),
        data: Some(bytes.slice(end..)).filter(|data| !data.is_empty()),
    };
    let Ok(Some(received)) = streams::decode(&entry, of(&limits)) else {
        return;
    };
    again(&received, streams::encode, |entry| {
        let read = streams::decode(&entry, of(&limits));
        read.expect("what we write")
            .expect("for the same namespace")
    });
}

/// A node that is told anything, in any order: each question ends once, nothing exceeds its limit, no connection adds
/// an entry twice, no deadline lies in the past, and when it is closed nothing remains.
///
/// Each byte is something that happens, some with those that follow; `0x1f` ends a message.
pub fn node(input: &[u8]) {
    let Some((how, input)) = input.split_first() else {
        return;
    };
    History::new(*how).run(input);
}

const MOST: usize = 3;

struct History {
    node: Node<u32>,
    now: Instant,
    tokens: BTreeSet<u32>,
    asked: Vec<(Ticket, Asked)>,
    acks: Vec<AckTicket>,
    subscriptions: Vec<Subscription>,
    /// By this connection.
    appended: BTreeSet<AppendToken>,
    next: u32,
    digest: DefaultHasher,
}

impl History {
    fn new(how: u8) -> Self {
        let dialect = [
            Dialect::Classic,
            Dialect::V2,
            Dialect::Sharded,
            Dialect::Streams,
        ];
        let mut config = Config::new(dialect[usize::from(how & 3)], "/");
        config.subscriptions = match how & 4 {
            0 => Subscriptions::All,
            _ => Subscriptions::RoomsAndIds,
        };
        let counted = how & 8 == 0 || how & 2 == 0;
        config.heartbeat = (!counted).then(Heartbeat::default);
        config.everything_in_stream = !counted && how & 16 != 0;
        config.max_open_questions = MOST;
        config.max_pending_answers = MOST;
        config.max_nodes = MOST;
        config.max_waiting_joins = MOST;
        config.outage_buffer = 300;
        Self {
            node: Node::new(config, Uid::from("me")),
            now: Instant::ORIGIN,
            tokens: BTreeSet::new(),
            asked: Vec::new(),
            acks: Vec::new(),
            subscriptions: Vec::new(),
            appended: BTreeSet::new(),
            next: 0,
            digest: DefaultHasher::new(),
        }
    }

    fn run(mut self, mut input: &[u8]) {
        while let Some((what, rest)) = input.split_first() {
            input = rest;
            let takes_more = matches!(what % 20, 0 | 1);
            let end = match takes_more {
                true => input.iter().position(|byte| *byte == 0x1f),
                false => Some(0),
            };
            let (message, rest) = input.split_at(end.unwrap_or(input.len()));
            input = match takes_more {
                true => rest.get(1..).unwrap_or_default(),
                false => rest,
            };
            self.step(*what, message);
            self.drain();
        }
        self.now += Duration::from_secs(1000);
        self.node.handle_timeout(self.now);
        self.drain();
        assert_eq!(self.node.status().questions, 0, "all have ended");
        self.node.close(self.now);
        self.drain();
        assert!(self.tokens.is_empty(), "{:?} never came back", self.tokens);
        let status = self.node.status();
        assert_eq!((status.buffered, status.pending, status.nodes), (0, 0, 0));
        assert_eq!(self.node.poll_timeout(), None, "nothing is due");
    }

    fn token(&mut self) -> u32 {
        self.next += 1;
        self.tokens.insert(self.next);
        self.next
    }

    fn step(&mut self, what: u8, message: &[u8]) {
        let now = self.now;
        let payload = Bytes::copy_from_slice(message);
        let room = if what & 32 == 0 { "a" } else { "b" };
        match what % 20 {
            0 => {
                let channels = [
                    "socket.io#/#",
                    "socket.io#/#a#",
                    "socket.io-request#/#",
                    "socket.io-response#/#",
                ];
                let channel = channels[usize::from(what / 20 & 3)];
                self.node.handle_message(now, channel, &payload);
            }
            1 => {
                let at = EntryId {
                    millis: u64::from(self.next),
                    sequence: u64::from(what),
                };
                let entry = Entry {
                    uid: Some(if what & 32 == 0 { "x" } else { "y" }.into()),
                    nsp: Some("/".into()),
                    kind: Some((what / 20 + 1).to_string().into()),
                    data: Some(payload).filter(|data| !data.is_empty()),
                };
                self.node.handle_entry(now, at, &entry);
            }
            2 => {
                self.appended.clear();
                self.node.handle_connected(now);
            }
            3 => self.node.handle_down(now),
            4 | 5 => {
                self.now += Duration::from_millis(u64::from(what) * 7);
                self.node.handle_timeout(self.now);
                let next = self.node.poll_timeout();
                assert!(next.is_none_or(|due| due.at > self.now), "{next:?} is past");
            }
            6 | 7 => {
                let there = what & 32 == 0;
                if let Some(it) = self.subscriptions.pop() {
                    match there {
                        true => self.node.handle_subscribed(now, &it),
                        false => self.node.handle_unsubscribed(now, &it),
                    }
                }
            }
            8 => self.broadcast(what),
            9 => {
                self.node.room_created(now, room, what & 64 != 0);
                let token = self.token();
                self.node.when_heard(now, &[room], token);
            }
            10 => self.node.room_deleted(now, room, what & 64 != 0),
            11..=13 => self.ask(what),
            14 | 15 => self.answer(what),
            16 => {
                if let Some(ticket) = self.acks.last() {
                    let from = (what & 32 == 0).then(|| room.to_owned());
                    let _ = self.node.ack(now, ticket, from, Args::default());
                }
            }
            17 => {
                let _ = self.node.join(now, To::default(), vec![room.to_owned()]);
            }
            18 => self.node.handle_recalled(now, &[], what & 32 == 0),
            _ => {
                let clone = self.node.clone();
                assert_eq!(digest(&clone), digest(&self.node));
            }
        }
    }

    fn broadcast(&mut self, what: u8) {
        let mut to = To::default();
        to.flags.volatile = what & 32 != 0;
        let call = Call {
            name: "event".into(),
            args: Args::default(),
        };
        let token = self.token();
        let said = self.node.broadcast(self.now, call, to, Some(token));
        said.expect("it can be written");
    }

    fn ask(&mut self, what: u8) {
        let call = Call {
            name: "question".into(),
            args: Args::default(),
        };
        let asked = match what / 20 % 4 {
            0 => Asked::Clients {
                call,
                to: To::default(),
            },
            1 => Asked::Servers(call),
            2 => Asked::Nodes(Question::Rooms),
            _ => Asked::Nodes(Question::Sockets(Vec::new())),
        };
        let token = self.token();
        // The same name now and then.
        let random = [what & 7; 8];
        let wait = (what & 32 == 0).then_some(Duration::from_secs(2));
        if self.node.ask(self.now, random, asked, wait, token).is_err() {
            // This wire cannot ask for it.
            self.tokens.remove(&token);
        }
    }

    fn answer(&mut self, what: u8) {
        let Some((ticket, asked)) = self.asked.pop() else {
            return;
        };
        match asked {
            Asked::Clients { .. } if what & 32 == 0 => {
                let ticket = self.node.count(self.now, ticket, 2);
                self.acks.push(ticket);
            }
            Asked::Nodes(Question::Sockets(_)) => {
                let reply = Reply::Ids(vec!["a".to_owned()]);
                let _ = self.node.answer(self.now, ticket, reply);
            }
            _ => {
                // Whether it is an answer to this or not.
                let _ = self.node.answer(self.now, ticket, Reply::Done);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Asked { ticket, what } => self.asked.push((ticket, what)),
                Output::Subscribe(it) | Output::Unsubscribe(it) => self.subscriptions.push(it),
                Output::Done { token, answers } => {
                    assert!(self.tokens.remove(&token), "{token} ended again");
                    assert!(answers.got.len() <= 100_000);
                }
                Output::Heard { token } | Output::Appended { token, .. } => {
                    assert!(self.tokens.remove(&token), "{token} came back again");
                }
                Output::Count { token, .. } if self.next % 2 == 0 => {
                    self.node
                        .handle_count(self.now, token, u64::from(self.next % 4));
                }
                Output::Append { token, .. } => {
                    assert!(self.appended.insert(token), "{token:?} is added again");
                    if self.next % 3 == 0 {
                        let at = EntryId {
                            millis: u64::from(self.next),
                            sequence: 0,
                        };
                        self.node.handle_appended(self.now, token, at);
                    }
                }
                Output::Publish(_)
                | Output::Count { .. }
                | Output::Recall { .. }
                | Output::Local(_)
                | Output::Notice(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let status = self.node.status();
        assert!(status.questions <= MOST && status.pending <= MOST && status.nodes <= MOST);
        assert!(status.buffered <= 300);
        self.node.digest(&mut self.digest);
    }
}

fn digest(node: &Node<u32>) -> u64 {
    let mut state = DefaultHasher::new();
    node.digest(&mut state);
    state.finish()
}
