//! Nodes to talk to.

#![allow(dead_code, reason = "each suite needs some of it")]

use sio_cluster::codec::classic::Author;
use sio_cluster::codec::streams::Entry;
use sio_cluster::codec::{classic, cluster, streams};
use sio_cluster::entry::EntryId;
use sio_cluster::id::{RequestId, Uid};
use sio_cluster::message::{Message, To};
use sio_cluster::node::{self, AppendToken, Asked, Output};
use sio_cluster::{Config, Dialect};
use sio_core::packet::{Args, Call};
use sio_core::time::Instant;

pub(crate) type Node = node::Node<u32>;

/// Some time after all has settled.
pub(crate) const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

pub(crate) fn down(config: Config) -> Node {
    let uid = match config.dialect {
        Dialect::Classic | Dialect::V2 => Uid::classic([99; 8]),
        Dialect::Sharded | Dialect::Streams => Uid::cluster([99; 8]),
    };
    Node::new(config, uid)
}

/// Up at `now`, all that was asked for confirmed; what came out besides.
pub(crate) fn connect(node: &mut Node, now: Instant) -> Vec<Output<u32>> {
    node.handle_connected(now);
    let mut rest = Vec::new();
    while let Some(output) = node.poll() {
        match output {
            Output::Subscribe(it) => node.handle_subscribed(now, &it),
            other => rest.push(other),
        }
    }
    assert!(node.status().up);
    rest
}

/// Up for a while.
pub(crate) fn up(config: Config) -> Node {
    let mut node = down(config);
    connect(&mut node, NOW);
    node
}

pub(crate) fn drain(node: &mut Node) -> Vec<Output<u32>> {
    std::iter::from_fn(|| node.poll()).collect()
}

pub(crate) fn at(millis: u64) -> EntryId {
    EntryId {
        millis,
        sequence: 0,
    }
}

/// Says it, and gives what is to be added to the stream.
pub(crate) fn says(node: &mut Node, name: &str) -> (AppendToken, Entry) {
    node.broadcast(NOW, call(name), To::default(), None)
        .unwrap();
    match drain(node).pop() {
        Some(Output::Append { token, entry }) => (token, entry),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn call(name: &str) -> Call {
    Call {
        name: name.into(),
        args: Args::from_arguments(&1).unwrap(),
    }
}

pub(crate) fn event(name: &str, to: To) -> Message {
    Message::Broadcast {
        call: call(name),
        to,
        ask: None,
    }
}

pub(crate) fn to_room(room: &str) -> To {
    To {
        rooms: vec![room.to_owned()],
        ..To::default()
    }
}

/// Asks by a token, which makes the question's name as well.
pub(crate) fn ask(node: &mut Node, token: u32, what: Asked) -> RequestId {
    let random = u64::from(token).to_le_bytes();
    node.ask(NOW, random, what, None, token).unwrap();
    RequestId::cluster(random)
}

pub(crate) fn entry(uid: &Uid, message: &Message) -> Entry {
    let by = Author {
        uid,
        namespace: "/",
        to_ours: true,
    };
    streams::encode(message, by).unwrap()
}

/// Another node says this to all, as a cluster message.
pub(crate) fn from(node: &mut Node, uid: &Uid, message: &Message) {
    let by = Author {
        uid,
        namespace: "/",
        to_ours: true,
    };
    let payload = cluster::encode(message, by).unwrap();
    node.handle_message(NOW, "socket.io#/#", &payload);
}

/// Another node says this, in classic, on the channel for it.
pub(crate) fn from_classic(node: &mut Node, uid: &Uid, message: &Message) {
    let by = Author {
        uid,
        namespace: "/",
        to_ours: true,
    };
    let (place, payload) = classic::encode(message, by).unwrap();
    let channel = match place {
        classic::Place::Broadcasts => "socket.io#/#",
        classic::Place::Requests => "socket.io-request#/#",
        classic::Place::Answers => "socket.io-response#/#",
    };
    node.handle_message(NOW, channel, &payload);
}
