//! What clients of other languages send, byte for byte: recordings in `tests/vectors/clients`, played on
//! each runtime. A step that is not answered as it was, or not at all, fails with its number.

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

mod application;
mod peer;
mod recording;
mod stories;
mod template;
