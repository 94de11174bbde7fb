//! A world: hosts with a node each, links to the broker, and what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use sio_cluster::entry::EntryId;
use sio_cluster::id::Uid;
use sio_cluster::node::{AckTicket, Asked, Local, Node, Notice, Output, Overflow, Ticket};
use sio_cluster::{Config, Dialect, Subscription, Subscriptions};
use sio_core::time::Instant;

use super::broker::{Broker, Command, Word};
use super::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Classic,
    V2,
    Static,
    Dynamic,
    Private,
    Streams,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manners {
    Redis,
    None,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A connection to the broker breaks.
    Cut,
    /// A process ends, and another takes its place.
    Restart,
    /// A subscription is taken away.
    TakenAway,
    /// What is published is lost, comes twice, or is overtaken.
    Lost,
    Twice,
    Overtaken,
}

/// What comes next, and when.
#[derive(Debug)]
pub(crate) enum Item {
    ToBroker(usize, u64, Command),
    ToHost(usize, u64, Word),
    Wake(usize),
    Connect(usize, u64),
    Act,
    Answer(usize, u64, Ticket, Asked),
    Acks(usize, u64, AckTicket, u64),
}

pub(crate) struct Host {
    pub(crate) node: Node<u64>,
    /// Counts connections, so that nothing of an old one arrives by a new one; and lives.
    pub(crate) epoch: u64,
    pub(crate) life: u64,
    pub(crate) connected: bool,
    /// Rooms in which somebody is, and those of them that are known to be heard.
    pub(crate) rooms: BTreeSet<String>,
    pub(crate) heard: BTreeSet<String>,
    /// What was read of the stream, once that has begun.
    pub(crate) read: Option<EntryId>,
    /// Nothing overtakes anything on a link.
    pub(crate) sent: Instant,
    pub(crate) told: Instant,
    pub(crate) last_of: BTreeMap<usize, u64>,
    /// What the broker took away, and has not given back.
    pub(crate) deaf: BTreeSet<Subscription>,
}

/// How an event travels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// To whoever listens just now.
    Channel,
    /// To whoever reads, sooner or later.
    Stream,
}

/// What a token was given for.
#[derive(Debug)]
pub(crate) enum Purpose {
    Question { clients: bool },
    Room(usize, String),
    Place,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) kind: Kind,
    pub(crate) manners: Manners,
    pub(crate) now: Instant,
    pub(crate) items: BTreeMap<(Instant, u64), Item>,
    pub(crate) next: u64,
    pub(crate) hosts: Vec<Host>,
    pub(crate) broker: Broker,
    pub(crate) digest: DefaultHasher,
    pub(crate) tokens: BTreeMap<u64, Purpose>,
    /// Events by number: who sent them; who must get them; who has.
    pub(crate) senders: BTreeMap<u64, usize>,
    pub(crate) due: BTreeMap<(usize, u64), Way>,
    pub(crate) got: BTreeSet<(usize, u64)>,
    pub(crate) published: BTreeMap<u64, u32>,
    pub(crate) asked: BTreeSet<(usize, u64)>,
    /// Those that are answered late, or never: for longer than anything is on its way.
    pub(crate) owed: BTreeSet<(usize, u64)>,
    pub(crate) acting: bool,
    /// What was done to somebody.
    pub(crate) did: BTreeSet<Fault>,
    /// What it has reached, and what came to somebody.
    pub(crate) marks: BTreeSet<&'static str>,
    pub(crate) steps: u64,
    pub(crate) events: u64,
    pub(crate) drained: u64,
}

pub(crate) const ROOMS: [&str; 5] = ["a", "b", "c#d", "12345678901234567890", "räum"];
const ACTS: u64 = 120;

/// Questions that may be open, answers that may be owed, and bytes that are kept for an outage.
const QUESTIONS: usize = 4;
const ANSWERS: usize = 3;
const OUTAGE: usize = 2000;

impl World {
    pub(crate) fn new(seed: u64, kind: Kind, manners: Manners) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            kind,
            manners,
            now: Instant::ORIGIN,
            items: BTreeMap::new(),
            next: 0,
            hosts: Vec::new(),
            broker: Broker::default(),
            digest: DefaultHasher::new(),
            tokens: BTreeMap::new(),
            senders: BTreeMap::new(),
            due: BTreeMap::new(),
            got: BTreeSet::new(),
            published: BTreeMap::new(),
            asked: BTreeSet::new(),
            owed: BTreeSet::new(),
            acting: true,
            did: BTreeSet::new(),
            marks: BTreeSet::new(),
            steps: 0,
            events: 0,
            drained: 0,
        };
        for host in 0..2 + world.random.index(3) {
            let node = world.node();
            world.hosts.push(Host {
                node,
                epoch: 0,
                life: 0,
                connected: false,
                rooms: BTreeSet::new(),
                heard: BTreeSet::new(),
                read: None,
                sent: Instant::ORIGIN,
                told: Instant::ORIGIN,
                last_of: BTreeMap::new(),
                deaf: BTreeSet::new(),
            });
            world.later(50, Item::Connect(host, 0));
        }
        for _ in 0..ACTS {
            world.later(20_000, Item::Act);
        }
        world
    }

    pub(crate) fn config(&mut self) -> Config {
        let (dialect, subscriptions) = match self.kind {
            // Each as it likes: publishers do the same.
            Kind::Classic | Kind::V2 => {
                let dialect = if self.kind == Kind::V2 {
                    Dialect::V2
                } else {
                    Dialect::Classic
                };
                (
                    dialect,
                    *self
                        .random
                        .pick(&[Subscriptions::All, Subscriptions::Rooms]),
                )
            }
            Kind::Static => (Dialect::Sharded, Subscriptions::All),
            Kind::Dynamic => (Dialect::Sharded, Subscriptions::Rooms),
            Kind::Private => (Dialect::Sharded, Subscriptions::RoomsAndIds),
            Kind::Streams => (Dialect::Streams, Subscriptions::All),
        };
        let mut config = Config::new(dialect, "/");
        config.subscriptions = subscriptions;
        // Small enough to be met now and then.
        config.outage_buffer = OUTAGE;
        config.max_open_questions = QUESTIONS;
        config.max_pending_answers = ANSWERS;
        config
    }

    pub(crate) fn node(&mut self) -> Node<u64> {
        let config = self.config();
        let random = self.random.next().to_be_bytes();
        let uid = match config.dialect {
            Dialect::Classic | Dialect::V2 => Uid::classic(random),
            Dialect::Sharded | Dialect::Streams => Uid::cluster(random),
        };
        Node::new(config, uid)
    }

    pub(crate) fn later(&mut self, most: u64, item: Item) {
        let at = self.now + Duration::from_micros(self.random.below(most * 1000));
        self.at(at, item);
    }

    pub(crate) fn at(&mut self, at: Instant, item: Item) {
        self.next += 1;
        self.items.insert((at, self.next), item);
    }

    /// Plays it to its end.
    pub(crate) fn play(&mut self) {
        while let Some(((at, _), item)) = self.items.pop_first() {
            self.now = at;
            if self.acting && at > Instant::ORIGIN + Duration::from_secs(25) {
                self.acting = false;
            }
            self.step(item);
            self.steps += 1;
            assert!(self.steps < 200_000, "it never ends");
        }
        self.end();
    }

    /// What has happened, as a number.
    pub(crate) fn hash(&self) -> u64 {
        self.digest.finish()
    }

    pub(crate) fn step(&mut self, item: Item) {
        match item {
            Item::Act => self.act(),
            Item::Connect(host, life) if self.hosts[host].life == life => self.connect(host),
            Item::Connect(..) => {}
            Item::Wake(host) => {
                let node = &mut self.hosts[host].node;
                if node.poll_timeout().is_some_and(|due| due.at <= self.now) {
                    node.handle_timeout(self.now);
                    let next = node.poll_timeout();
                    assert!(next.is_none_or(|due| due.at > self.now), "{next:?} is past");
                    self.drain(host);
                }
            }
            Item::ToBroker(host, epoch, command) => {
                if self.hosts[host].epoch == epoch && self.hosts[host].connected {
                    self.command(host, command);
                }
            }
            Item::ToHost(host, epoch, word) => {
                if self.hosts[host].epoch == epoch && self.hosts[host].connected {
                    self.tell(host, word);
                }
            }
            Item::Answer(host, life, ticket, what) => {
                if self.hosts[host].life == life {
                    self.answer(host, ticket, &what);
                }
            }
            Item::Acks(host, life, ticket, left) => {
                if self.hosts[host].life == life {
                    self.ack(host, &ticket);
                    if left > 1 && self.random.chance(80) {
                        self.later(800, Item::Acks(host, life, ticket, left - 1));
                    }
                }
            }
        }
    }

    pub(crate) fn connect(&mut self, host: usize) {
        let it = &mut self.hosts[host];
        if it.connected {
            return;
        }
        it.connected = true;
        it.epoch += 1;
        it.node.handle_connected(self.now);
        if self.kind == Kind::Streams {
            let command = Command::Read(it.read);
            self.send(host, command);
        }
        self.drain(host);
    }

    /// The connection breaks: what is on its way, either way, is lost with it.
    pub(crate) fn cut(&mut self, host: usize) {
        let it = &mut self.hosts[host];
        if !it.connected {
            return;
        }
        it.connected = false;
        self.did.insert(Fault::Cut);
        it.deaf.clear();
        it.node.handle_down(self.now);
        let life = it.life;
        self.broker.cut(host);
        self.due
            .retain(|(receiver, _), way| *receiver != host || *way == Way::Stream);
        self.later(3000, Item::Connect(host, life));
        self.drain(host);
    }

    /// The process ends, and another takes its place.
    pub(crate) fn restart(&mut self, host: usize) {
        self.did.insert(Fault::Restart);
        self.cut(host);
        let node = self.node();
        let it = &mut self.hosts[host];
        it.node = node;
        it.life += 1;
        it.rooms.clear();
        it.heard.clear();
        it.read = None;
        it.last_of.clear();
        let life = it.life;
        self.due.retain(|(receiver, _), _| *receiver != host);
        // Who waited there is not there any more.
        let gone = move |token: &u64| (*token >> 48) == host as u64;
        self.tokens.retain(|token, _| !gone(token));
        self.later(1000, Item::Connect(host, life));
    }

    pub(crate) fn send(&mut self, host: usize, command: Command) {
        let delay = Duration::from_micros(200 + self.random.below(20_000));
        let it = &mut self.hosts[host];
        if !it.connected {
            return;
        }
        it.sent = it.sent.max(self.now + delay);
        let item = Item::ToBroker(host, it.epoch, command);
        let at = it.sent;
        self.at(at, item);
    }

    pub(crate) fn command(&mut self, host: usize, command: Command) {
        match &command {
            Command::Publish(it) => self.expect(host, it),
            Command::Append(_, entry) => self.expect_entry(host, entry),
            Command::Count(..)
            | Command::Subscribe(_)
            | Command::Unsubscribe(_)
            | Command::Recall(_)
            | Command::Read(_) => {}
        }
        let uid = self.hosts[host].node.uid().as_str().to_owned();
        for (to, word) in self.broker.handle(host, &uid, command) {
            self.post(to, word);
        }
    }

    /// A word on its way to a host.
    pub(crate) fn post(&mut self, host: usize, word: Word) {
        let mut delay = Duration::from_micros(200 + self.random.below(20_000));
        let rude = self.manners == Manners::None
            && matches!(word, Word::Message(..) | Word::Entry(..) | Word::Count(..));
        if rude && !matches!(word, Word::Entry(..)) && self.random.chance(8) {
            self.did.insert(Fault::Lost);
            return;
        }
        if rude && self.random.chance(8) {
            self.did.insert(Fault::Twice);
            let epoch = self.hosts[host].epoch;
            self.later(300, Item::ToHost(host, epoch, word.clone()));
        }
        let it = &mut self.hosts[host];
        let at = if rude && !matches!(word, Word::Entry(..)) {
            self.did.insert(Fault::Overtaken);
            delay *= 10;
            self.now + delay
        } else {
            it.told = it.told.max(self.now + delay);
            it.told
        };
        let item = Item::ToHost(host, it.epoch, word);
        self.at(at, item);
    }

    pub(crate) fn tell(&mut self, host: usize, word: Word) {
        let now = self.now;
        let it = &mut self.hosts[host];
        match word {
            Word::Subscribed(subscription) => {
                // It may have been taken away again since that was said.
                if self.broker.has(host, &subscription) {
                    it.deaf.remove(&subscription);
                }
                it.node.handle_subscribed(now, &subscription);
            }
            Word::Unsubscribed(subscription) => it.node.handle_unsubscribed(now, &subscription),
            Word::Message(channel, payload) => it.node.handle_message(now, &channel, &payload),
            Word::Appended(token, at) => it.node.handle_appended(now, token, at),
            Word::Recalled(found, whole) => it.node.handle_recalled(now, &found, whole),
            Word::Count(token, nodes) => it.node.handle_count(now, token, nodes),
            Word::Reading(behind) => it.read = it.read.max(Some(behind)),
            Word::Entry(at, entry) => {
                it.read = it.read.max(Some(at));
                it.node.handle_entry(now, at, &entry);
            }
        }
        self.drain(host);
    }

    pub(crate) fn token(&mut self, host: usize, purpose: Purpose) -> u64 {
        self.next += 1;
        let token = (host as u64) << 48 | self.next;
        self.tokens.insert(token, purpose);
        token
    }

    pub(crate) fn drain(&mut self, host: usize) {
        while let Some(output) = self.hosts[host].node.poll() {
            self.carry_out(host, output);
        }
        let node = &self.hosts[host].node;
        self.drained += 1;
        if self.drained.is_multiple_of(16) {
            node.digest(&mut self.digest);
        }
        let status = node.status();
        assert!(status.questions <= QUESTIONS, "{status:?}");
        assert!(status.pending <= ANSWERS, "{status:?}");
        assert!(status.buffered <= OUTAGE, "{status:?}");
        if let Some(due) = node.poll_timeout() {
            self.at(due.at.max(self.now), Item::Wake(host));
        }
    }

    pub(crate) fn carry_out(&mut self, host: usize, output: Output<u64>) {
        match output {
            Output::Publish(it) => self.send(host, Command::Publish(it)),
            Output::Append { token, entry } => self.send(host, Command::Append(token, entry)),
            Output::Recall { behind } => self.send(host, Command::Recall(behind)),
            Output::Subscribe(it) => self.send(host, Command::Subscribe(it)),
            Output::Unsubscribe(it) => self.send(host, Command::Unsubscribe(it)),
            Output::Count { token, channel, .. } => {
                self.send(host, Command::Count(token, channel));
            }
            Output::Local(Local::Broadcast { call, at, .. }) => self.deliver(host, &call, at),
            Output::Local(_) => {}
            Output::Asked { ticket, what } => self.consider(host, ticket, what),
            Output::Done { token, answers } => self.done(token, &answers),
            Output::Heard { token } => match self.tokens.remove(&token) {
                Some(Purpose::Room(host, room)) => {
                    let it = &mut self.hosts[host];
                    // What is waited for may have been given up, or the broker away.
                    if it.node.status().up && it.rooms.contains(&room) {
                        it.heard.insert(room);
                    }
                }
                other => panic!("heard, for {other:?}"),
            },
            Output::Appended { token, .. } => {
                let purpose = self.tokens.remove(&token);
                assert!(
                    matches!(purpose, Some(Purpose::Place)),
                    "a place, for {purpose:?}"
                );
            }
            Output::Notice(Notice::Down) => self.hosts[host].heard.clear(),
            Output::Notice(Notice::Up) => {
                // All that was wanted when the broker came is heard now; what was since, is waited for by itself.
                let waits = |room: &&String| {
                    let mut all = self.tokens.values();
                    all.any(|it| matches!(it, Purpose::Room(its, name) if *its == host && name == *room))
                };
                let rooms = self.hosts[host].rooms.iter();
                let heard = rooms.filter(|room| !waits(room)).cloned().collect();
                self.hosts[host].heard = heard;
            }
            Output::Notice(Notice::Overflow(what)) => self.marks.extend(match what {
                Overflow::Outage(_) => Some("more was said than an outage keeps"),
                Overflow::Questions => Some("a question was one too many"),
                Overflow::Pending => Some("an answer was one too many"),
                Overflow::Unsure(_) => panic!("nothing is thrown away here"),
                _ => None,
            }),
            Output::Notice(Notice::Odd(why)) => panic!("odd: {why}"),
            Output::Notice(Notice::Foreign(_)) => panic!("foreign"),
            Output::Notice(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
