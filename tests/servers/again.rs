//! `again`: a server that listens to each of its rooms by itself loses its connections to Redis, and one line of JSON says
//! how long it took until it listened to all of them again.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `ADAPTER`, `REDIS_URL`, `KEY` | redis | as `cluster` has them, one Redis |
//! | `NAMESPACES` | 100 | |
//! | `ROOMS` | 100 | in each of them |
//!
//! `channels` are those that it listens to; `wall` and `cpu` the seconds, and the processor seconds of this process, from the
//! first word that the connection has gone to the last that it is there, with the pause before it is dialled again.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sio_redis::{Dialect, Subscriptions};

use crate::runtime;
use crate::sio::client::Handlers;
use crate::sio::{ClusterEvent, Config, Io, Server, Socket};

#[path = "adapters.rs"]
mod adapters;
#[path = "common.rs"]
mod common;

type Failure = Box<dyn Error + Send + Sync>;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection is in so many namespaces at most.
const ON_A_CONNECTION: usize = 50;

pub(crate) fn main() -> ExitCode {
    match runtime::block_on(again()) {
        Ok(found) => {
            println!("{found}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("again: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A word of the cluster to a namespace.
struct Word {
    is_up: bool,
    at: Instant,
    spent: Duration,
}

async fn again() -> Result<serde_json::Value, Failure> {
    let (namespaces, rooms): (usize, usize) = (
        common::option("NAMESPACES", 100),
        common::option("ROOMS", 100),
    );
    let (redis, options) = adapters::wanted().ok_or("ADAPTER has to say which")?;
    let is_sharded = options.node.dialect == Dialect::Sharded;
    let io = Io::new(Config::default());
    let cluster = runtime::join(redis, options.subscriptions(Subscriptions::Rooms));
    io.set_adapter(cluster.adapter())?;
    let (tell, told) = mpsc::channel();
    for number in 0..namespaces {
        let namespace = io.of(&format!("/n{number}"));
        let tell = tell.clone();
        namespace.on_cluster(move |event| {
            let is_up = matches!(event, ClusterEvent::Up);
            if is_up || matches!(event, ClusterEvent::Down { .. }) {
                let (at, spent) = (Instant::now(), spent());
                // Nobody listens any more at the end.
                let _ = tell.send(Word { is_up, at, spent });
            }
        });
        namespace.on_connect(move |socket: Socket| {
            let rooms: Vec<String> = (0..rooms).map(|room| format!("room {room}")).collect();
            async move { socket.joined(rooms).await }
        });
    }
    let address = runtime::serve(Server::new(io)).await?;
    let builder = runtime::builder(&format!("http://{address}"))?;
    let mut sockets = Vec::new();
    for first in (0..namespaces).step_by(ON_A_CONNECTION) {
        let client = builder.clone().build()?;
        for number in first..namespaces.min(first + ON_A_CONNECTION) {
            let socket = client.socket_with(format!("/n{number}"), &Handlers::new());
            socket.connect().within(PATIENCE).await?;
            sockets.push(socket);
        }
    }
    let wanted = namespaces * rooms;
    until("the rooms", || Ok(channels(is_sharded)? > wanted)).await?;
    runtime::sleep(Duration::from_millis(500)).await;
    let before = channels(is_sharded)?;
    while told.try_recv().is_ok() {}
    say("CLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE normal")?;
    let mut words: Vec<Word> = Vec::new();
    until("all of them", || {
        words.extend(told.try_iter());
        Ok(words.iter().filter(|word| word.is_up).count() >= namespaces)
    })
    .await?;
    let after = channels(is_sharded)?;
    if after != before {
        return Err(format!("{before} channels before, {after} after").into());
    }
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return Err("nothing was told".into());
    };
    Ok(json!({
        "channels": before,
        "wall": (last.at - first.at).as_secs_f64(),
        "cpu": (last.spent - first.spent).as_secs_f64(),
    }))
}

/// Waits for something, and uses little of the processor meanwhile.
async fn until(what: &str, mut is: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let end = Instant::now() + PATIENCE;
    while !is()? {
        if Instant::now() > end {
            return Err(format!("{what} did not come").into());
        }
        runtime::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Processor time of this process.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.try_into().unwrap_or_default()
}

/// The channels that somebody listens to.
fn channels(is_sharded: bool) -> Result<usize, Failure> {
    let command = if is_sharded {
        "SHARDCHANNELS"
    } else {
        "CHANNELS"
    };
    let told = say(&format!("PUBSUB {command}"))?;
    let count = told.strip_prefix('*').and_then(|it| it.lines().next());
    Ok(count.ok_or("no list of channels")?.parse()?)
}

/// What Redis answers.
fn say(command: &str) -> Result<String, Failure> {
    let url = common::option("REDIS_URL", "redis://127.0.0.1:6379".to_owned());
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "{command}\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
