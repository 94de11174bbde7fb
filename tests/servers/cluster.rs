//! `cluster`: the `interop` server in a cluster, run two or three at a time on one Redis, beside servers of Node's.
//!
//! The variables, namespaces and events are those of `interop`, over all nodes; and besides:
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `HOST`, `PORT` | 127.0.0.1, 3200 | |
//! | `ADAPTER` | none | `redis`, `redis-sharded`, `redis-streams` or `redis-v2`: the adapter whose wire it is |
//! | `REDIS_URL` | `redis://127.0.0.1:6379` | with commas between them, nodes of a Redis Cluster |
//! | `KEY` | socket.io | what the names of channels begin with, and the stream's name |
//! | `NODE_NAME` | node | |
//! | `MAX_PAYLOAD` | 1000000 | |
//!
//! It is ready once it hears the others, or after 5 s without them. `GET /cluster` tells whether it does.

use std::time::{Duration, Instant};

use sio_redis::{Cluster, Options, Redis};

use crate::sio::http::Method;
use crate::sio::{Io, Server, Value};
use application::common::{self, option, refuse};

#[path = "adapters.rs"]
mod adapters;
#[path = "application.rs"]
pub(crate) mod application;
#[path = "cluster_events.rs"]
mod events;

/// Where to listen.
pub(crate) fn address() -> (String, u16) {
    application::common::address(3200)
}

/// The server, ready to be served on one listener.
pub(crate) fn server(join: impl FnOnce(Redis, Options) -> Cluster) -> (Server, Io) {
    let node = Node {
        name: option("NODE_NAME", "node".to_owned()),
        adapter: option("ADAPTER", "none".to_owned()),
    };
    let io = Io::new(application::config(1_000_000));
    if let Some((redis, mut options)) = adapters::wanted() {
        // `question_never` is answered by nobody, not even with nothing, as long as anybody waits.
        options.node.answer_timeout = Duration::from_secs(6);
        options.node.settle = SETTLE;
        let cluster = join(redis, options);
        io.set_adapter(cluster.adapter())
            .unwrap_or_else(|why| refuse("ADAPTER", &why));
    }
    let known = node.clone();
    application::furnish(&io, move |namespace| events::register(namespace, &known));
    let server = application::routed(io.clone(), move |request, io| {
        let asked = (request.method(), request.uri().path());
        (asked == (&Method::GET, "/cluster")).then(|| {
            let members = [
                ("node", node.name.as_str().into()),
                ("adapter", node.adapter.as_str().into()),
                ("connected", Value::from(io.adapter().status().up)),
            ];
            members.into_iter().collect()
        })
    });
    (server, io)
}

/// Ends when the others are heard and the broker's count of them is believed, or when that takes too long.
pub(crate) async fn settled(io: &Io) {
    let end = Instant::now() + Duration::from_secs(5);
    while !io.adapter().status().up && Instant::now() < end {
        crate::support::sleep(Duration::from_millis(5)).await;
    }
    if io.adapter().status().up {
        crate::support::sleep(SETTLE).await;
    }
}

/// So long a count may be too small, as questions are told that are asked before.
const SETTLE: Duration = Duration::from_millis(500);

/// Who this is.
#[derive(Clone)]
struct Node {
    name: String,
    adapter: String,
}
