//! What there is on tokio alone.

#[allow(dead_code, reason = "shared with the suites of all runtimes")]
#[path = "../behaviour/client.rs"]
mod client;
#[allow(dead_code, reason = "shared with the suites of all runtimes")]
#[path = "../behaviour/here.rs"]
mod here;
#[allow(dead_code, reason = "shared with the suites of all runtimes")]
#[path = "../behaviour/wire.rs"]
mod wire;

mod tasks;
mod tower;
