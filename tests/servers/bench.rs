//! `bench`: the server that is measured. Namespace `/`, `PORT` (3000), `THREADS`, no logging.
//!
//! What costs something when it is on, and is off unless it is asked for: `RECORD`, so many bytes of the log of each
//! connection; `RECOVERY`, so many seconds for which sessions may come back; `METRICS`, with that feature; `ADAPTER`, by which it
//! meets others at `REDIS_URL`: those that `cluster` has.

use crate::sio::{
    Ack, Args, Config, ConnectionStateRecovery, Data, EmitError, Io, Recording, Server, Socket,
    Value,
};
use sio_redis::{Cluster, Options, Redis};
use std::time::Duration;

#[path = "adapters.rs"]
mod adapters;

#[path = "common.rs"]
mod common;

/// The port if `PORT` is not set.
pub(crate) const PORT: u16 = 3000;

/// Where to listen.
pub(crate) fn address() -> (String, u16) {
    common::address(PORT)
}

/// How many threads to run on, `None` for as many as there are processors. With one the runtime is
/// a current-thread one.
pub(crate) fn threads() -> Option<usize> {
    match common::option("THREADS", 0) {
        0 => None,
        threads => Some(threads),
    }
}

/// The server with its four events. What is asked for joins a cluster.
pub(crate) fn server(join: impl FnOnce(Redis, Options) -> Cluster) -> Server {
    let mut config = Config::v4()
        .ping_interval(Duration::from_secs(25))
        .ping_timeout(Duration::from_secs(20))
        .max_http_buffer_size(1_000_000)
        .cors(Config::default().cors)
        // A blast is larger than what a client of a real application may leave unread.
        .max_backlog_bytes(256 << 20)
        .max_backlog_packets(1 << 20);
    let seconds = common::option("RECOVERY", 0);
    if seconds > 0 {
        let time = Duration::from_secs(seconds);
        let recovery = ConnectionStateRecovery::default().max_disconnection_duration(time);
        config = config.connection_state_recovery(recovery);
    }
    #[cfg(feature = "metrics")]
    if common::option("METRICS", 0) > 0 {
        metrics_exporter_prometheus::PrometheusBuilder::new()
            .install_recorder()
            .expect("it is the only one");
    }
    let io = Io::new(config);
    let most = common::option("RECORD", 0);
    if most > 0 {
        io.record(Recording::new(drop).max_log_bytes(most));
    }
    if let Some((redis, options)) = adapters::wanted() {
        io.set_adapter(join(redis, options).adapter())
            .unwrap_or_else(|why| common::refuse("ADAPTER", &why));
    }
    let root = io.of("/");
    root.on("echo", |args: Args, ack: Ack| ack.send(&args));
    root.on("message", |socket: Socket, args: Args| {
        socket.emit("message-back", &args)
    });
    root.on(
        "join",
        |socket: Socket, Data(room): Data<String>, ack: Ack| {
            // Past the limit of rooms there is no answer.
            socket.join(room)?;
            ack.send(&())?;
            Ok::<(), Box<dyn std::error::Error>>(())
        },
    );
    let namespace = io.of("/");
    root.on(
        "blast",
        move |Data((room, n, payload)): Data<(String, u64, Value)>| -> Result<(), EmitError> {
            let to = namespace.to(room);
            for _ in 0..n {
                to.emit("tick", &(&payload,))?;
            }
            Ok(())
        },
    );
    Server::new(io)
}
