//! What goes wrong around a server: clients that vanish, stall or say half of something, handlers that
//! panic, ports and descriptors that are taken. The answers are the same on every runtime.
//!
//! Tests are written as those in `behaviour` are, with its servers and clients.

#[macro_use]
#[path = "../behaviour/runtimes.rs"]
mod runtimes;

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

mod alone;
mod arguments;
mod bare;
mod connections;
mod descriptors;
mod dropped;
mod ended;
mod endpoints;
mod half_open;
mod left_behind;
mod logs;
mod marked;
mod opening;
mod order;
mod owners;
mod panics;
mod ports;
mod reached;
mod slow_bodies;
mod spent;
mod stopped;
mod table;
mod thread_ends;
mod threads;
mod tls;
mod told;
mod undecided;
mod unfair;
mod unread;
mod unwritten;
