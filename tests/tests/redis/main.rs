//! Clusters over a real Redis: servers of ours on both bindings, servers of Node's beside them, and a Redis that
//! goes and comes back.

#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/client.rs"]
mod client;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/here.rs"]
mod here;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/wire.rs"]
mod wire;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/world.rs"]
mod world;

mod away;
mod back;
mod contract;
mod emitter;
mod faults;
mod figures;
mod libraries;
mod load;
mod mixed;
mod node;
mod ours;
mod refused;
mod secured;
mod sentinel;
mod server;
mod shards;
mod sticky;
