//! What must hold, whatever happens.

use std::collections::BTreeSet;

use sio_cluster::Limits;
use sio_cluster::codec::classic::Place;
use sio_cluster::codec::streams::Entry;
use sio_cluster::codec::{Context, classic, cluster, streams, v2};
use sio_cluster::entry::EntryId;
use sio_cluster::message::{Message, Reply};
use sio_cluster::node::{Answers, End, Publication};
use sio_core::packet::Call;

use super::world::{Kind, Manners, Purpose, Way, World};

impl World {
    pub(crate) fn done(&mut self, token: u64, answers: &Answers) {
        let purpose = self.tokens.remove(&token);
        let Some(Purpose::Question { clients }) = purpose else {
            panic!("done, for {purpose:?}");
        };
        self.marks.extend(match answers.end {
            End::Counted => Some("all have answered"),
            End::Timeout => Some("a question's time was over"),
            End::Down => Some("a question met an outage"),
            _ => None,
        });
        if answers.end == End::Down {
            assert_eq!(answers.silent_nodes, None);
        }
        let named: Vec<_> = answers
            .got
            .iter()
            .filter_map(|it| it.from.as_ref())
            .collect();
        let different: BTreeSet<_> = named.iter().collect();
        if clients {
            assert!(
                answers
                    .got
                    .iter()
                    .all(|it| matches!(it.reply, Reply::Ack { .. }))
            );
        } else {
            assert_eq!(named.len(), different.len(), "a node answered twice");
            assert_eq!(answers.missing, 0);
        }
        assert!(answers.got.len() < self.hosts.len() * 4 + 1);
    }

    /// The number of an event, and the rooms that it is for.
    pub(crate) fn event(&self, message: Option<Message>) -> Option<(u64, Vec<String>)> {
        match message? {
            Message::Broadcast {
                call,
                to,
                ask: None,
            } => Some((call.args.get(0).ok()?, to.rooms)),
            _ => None,
        }
    }

    pub(crate) fn expect(&mut self, sender: usize, it: &Publication) {
        let limits = Limits::default();
        let of = Context {
            namespace: "/",
            limits: &limits,
        };
        let read = match self.kind {
            Kind::Classic | Kind::V2 if !it.channel.starts_with("socket.io#") => return,
            Kind::Classic => classic::decode(Place::Broadcasts, &it.payload, of),
            Kind::V2 => v2::decode(Place::Broadcasts, &it.payload, of),
            Kind::Static | Kind::Dynamic | Kind::Private | Kind::Streams => {
                cluster::decode(&it.payload, of)
            }
        };
        let read = read
            .expect("what nodes write can be read")
            .expect("it is for this namespace");
        if let Some((number, rooms)) = self.event(Some(read.message)) {
            self.owed(sender, number, &rooms, Way::Channel);
        }
    }

    pub(crate) fn expect_entry(&mut self, sender: usize, entry: &Entry) {
        let limits = Limits::default();
        let of = Context {
            namespace: "/",
            limits: &limits,
        };
        let read = streams::decode(entry, of).expect("what nodes write can be read");
        if let Some((number, rooms)) = self.event(read.map(|it| it.message)) {
            self.owed(sender, number, &rooms, Way::Stream);
        }
    }

    /// The broker has an event: those who listen must get it.
    pub(crate) fn owed(&mut self, sender: usize, number: u64, rooms: &[String], way: Way) {
        assert_eq!(self.senders[&number], sender);
        let times = self.published.entry(number).or_default();
        *times += 1;
        assert_eq!(*times, 1, "event {number} was published again");
        for (host, it) in self.hosts.iter().enumerate() {
            let listens = match way {
                Way::Stream => it.read.is_some(),
                Way::Channel => it.node.status().up && it.deaf.is_empty(),
            };
            let wanted = rooms.is_empty() || rooms.iter().any(|room| it.heard.contains(room));
            let kept = self.manners == Manners::Redis;
            if host != sender && kept && listens && wanted {
                self.due.insert((host, number), way);
            }
        }
    }

    pub(crate) fn deliver(&mut self, host: usize, call: &Call, at: Option<EntryId>) {
        let number: u64 = call.args.get(0).expect("each event has a number");
        let sender = self.senders[&number];
        assert_ne!(host, sender, "its own");
        self.due.remove(&(host, number));
        self.events += 1;
        let first = self.got.insert((host, number));
        if self.manners == Manners::None && at.is_none() {
            return;
        }
        assert!(first, "event {number} came twice to {host}");
        // In streams, what may be lost goes beside the stream.
        if self.kind != Kind::Streams || at.is_some() {
            let last = self.hosts[host].last_of.insert(sender, number);
            assert!(last < Some(number), "{number} after {last:?}");
        }
    }

    pub(crate) fn end(&mut self) {
        assert!(self.due.is_empty(), "silently missing: {:?}", self.due);
        assert!(self.tokens.is_empty(), "never ended: {:?}", self.tokens);
        for it in &self.hosts {
            let status = it.node.status();
            assert!(status.up, "it never came back");
            assert_eq!(
                (status.questions, status.pending, status.buffered),
                (0, 0, 0)
            );
        }
    }
}
