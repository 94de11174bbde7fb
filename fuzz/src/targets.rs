//! What there is to be fuzzed.

use std::collections::BTreeSet;

use sio_sim::choices::Choices;
use sio_worlds::{Cells, Marks};

/// A property, by the name of its binary, and of its folder in `corpus` where something is kept.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What runs it, and panics where it does not hold.
    pub run: fn(&[u8]),
    /// How often it has to run in a second of processor time.
    pub least: u32,
}

impl Target {
    /// What a run has reached, by names, where that can be told without instrumented code: which packets have met
    /// which namespaces, which inputs which sessions, and what else worlds mark.
    pub fn reached(&self, input: &[u8]) -> BTreeSet<String> {
        match self.name {
            "server" => {
                let cells = crate::server(input);
                without(&Cells::default().missing_mux(), &cells.missing_mux())
            }
            "session" => {
                let mut all = BTreeSet::new();
                crate::session::run(input, |(cell, what)| {
                    all.insert(format!("{cell:08b} meets {what}"));
                });
                all
            }
            "world" => {
                let world = sio_worlds::outcome(Choices::from_bytes(input), false);
                let mut all = without(&Cells::default().missing(), &world.cells.missing());
                all.extend(without(&Marks::default().missing(), &world.marks.missing()));
                all
            }
            "driver" => {
                let world = sio_worlds::driver::outcome(Choices::from_bytes(input));
                world.marks.into_iter().map(str::to_owned).collect()
            }
            _ => BTreeSet::new(),
        }
    }
}

fn without(all: &[String], missing: &[String]) -> BTreeSet<String> {
    let seen = all.iter().filter(|name| !missing.contains(name));
    seen.cloned().collect()
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("packet", crate::packet, 60_000),
    target("head", crate::head, 60_000),
    target("websocket", crate::websocket, 60_000),
    target("parser", crate::parser, 60_000),
    target("payload", crate::payload, 150_000),
    target("value", crate::value, 150_000),
    target("server", server, 5_000),
    target("session", crate::session, 20_000),
    target("client", crate::client, 20_000),
    target("world", crate::world, 200),
    target("driver", crate::driver, 100),
    target("deflate", crate::deflate, 5_000),
    // Of these nothing is asked but that they are not slow.
    target("connection", crate::connection, 5_000),
    target("msgpack", crate::msgpack, 5_000),
    target("facing", crate::facing, 200),
    target("recovery", crate::recovery, 5_000),
    target("open_packet", crate::open_packet, 5_000),
    target("response", crate::response, 5_000),
    target("cookies", crate::cookies, 5_000),
    target("proxy", crate::proxy, 5_000),
    target("cluster_classic", crate::cluster_classic, 5_000),
    target("cluster_v2", crate::cluster_v2, 5_000),
    target("cluster_message", crate::cluster_message, 5_000),
    target("streams_entry", crate::streams_entry, 5_000),
    target("cluster_node", crate::cluster_node, 5_000),
];

const fn target(name: &'static str, run: fn(&[u8]), least: u32) -> Target {
    Target { name, run, least }
}

fn server(input: &[u8]) {
    crate::server(input);
}
