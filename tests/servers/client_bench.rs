//! `client_bench`: many clients in one process, on one thread, and what they cost it. [`HELP`] says how it is used.

use std::error::Error;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::runtime;
use crate::sio::client::{Builder, Data, Handlers, Socket};
use crate::sio::{Recording, TransportKind};

#[cfg(feature = "heap")]
#[path = "client_bench_heap.rs"]
mod heap;

const HELP: &str = "\
client_bench echo | churn | idle

Clients of one process, on one thread, each with a connection of its own, against a server of the `bench` contract at URL
(http://127.0.0.1:3000). One line of JSON says what was measured; nothing is said meanwhile. Times are in milliseconds.

echo   CLIENTS (50) ask `echo` with 60 bytes of JSON, IN_FLIGHT (1) each, for DURATION (3000) after WARMUP (500), or
       until each has ECHOES answers. `units`: answers. `cpu`: seconds that this process has used meanwhile, without ECHOES.
churn  CLIENTS (64) at a time dial, enter /, and leave, for DURATION after WARMUP. `units`: clients that came and left.
idle   CLIENTS (10000) enter / and do nothing for SETTLE (2000), with one table of handlers and one configuration. `units`:
       those that are in, from as many addresses as their ports need; `resident`: by how much this process has grown;
       `end`: why there are no more, if there are fewer.

TRANSPORT: websocket (websocket), polling. RECORD: so many bytes of the log of each are kept (0: none is recorded).
Built with the feature `heap`, what is allocated is counted, which costs time: `heap` are the bytes that are held more
than before, `allocations` those of all units together.";

/// What is asked, and answered.
#[derive(Deserialize, PartialEq, Serialize)]
struct Said {
    id: u64,
    name: String,
    text: String,
}

type Failure = Box<dyn Error + Send + Sync>;

/// Measures what its first argument names.
pub(crate) fn main() -> ExitCode {
    let scenario = std::env::args().nth(1).unwrap_or_default();
    let found = match &*scenario {
        "echo" => runtime::block_on(echo()),
        "churn" => runtime::block_on(churn()),
        "idle" => runtime::block_on(idle()),
        other => {
            println!("{HELP}");
            return match other {
                "--help" | "help" => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            };
        }
    };
    match found {
        Ok(found) => {
            println!("{found}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("client_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok().and_then(|it| it.parse().ok());
    value.unwrap_or(default)
}

fn time(name: &str, default: u64) -> Duration {
    Duration::from_millis(number(name, default))
}

/// What all clients have in common.
fn builder() -> Result<Builder, Failure> {
    let url = std::env::var("URL");
    let url = url.unwrap_or_else(|_| "http://127.0.0.1:3000".to_owned());
    let transport = match std::env::var("TRANSPORT").as_deref() {
        Ok("polling") => TransportKind::Polling,
        Ok("websocket") | Err(_) => TransportKind::WebSocket,
        Ok(other) => return Err(format!("TRANSPORT cannot be {other}").into()),
    };
    let builder = runtime::builder(&url)?.transports([transport]);
    Ok(match usize::try_from(number("RECORD", 0))? {
        0 => builder,
        most => builder.record(Recording::new(drop).max_log_bytes(most)),
    })
}

/// A client's socket, which is in.
async fn enter(builder: Builder, handlers: Handlers) -> Result<Socket, Failure> {
    let socket = builder.build()?.socket_with("/", &handlers);
    socket.connect().within(PATIENCE).await?;
    Ok(socket)
}

fn handlers() -> Handlers {
    let handlers = Handlers::new();
    handlers.on("tick", |_: Data<u64>| {});
    handlers
}

/// What was spent from the end of the warm-up on.
async fn measured(tasks: Vec<runtime::Task<Result<u64, Failure>>>) -> Result<Json, Failure> {
    runtime::sleep(time("WARMUP", 500)).await;
    let before = Spent::now();
    let mut units = 0;
    for task in tasks {
        units += task.await?;
    }
    Ok(before.found(units))
}

/// When measuring begins, and when it ends.
fn window() -> (Instant, Instant) {
    let begin = Instant::now() + time("WARMUP", 500);
    (begin, begin + time("DURATION", 3000))
}

async fn echo() -> Result<Json, Failure> {
    let (builder, handlers) = (builder()?, handlers());
    let mut sockets = Vec::new();
    for _ in 0..number("CLIENTS", 50) {
        sockets.push(enter(builder.clone(), handlers.clone()).await?);
    }
    let (begin, end) = window();
    let mut tasks = Vec::new();
    for socket in &sockets {
        for _ in 0..number("IN_FLIGHT", 1) {
            tasks.push(runtime::spawn(ask(socket.clone(), begin, end)));
        }
    }
    if std::env::var_os("ECHOES").is_some() {
        // Its instructions are counted: of the clock that time is measured by valgrind knows nothing.
        let mut units = 0;
        for task in tasks {
            units += task.await?;
        }
        return Ok(json!({ "units": units }));
    }
    measured(tasks).await
}

async fn ask(socket: Socket, begin: Instant, end: Instant) -> Result<u64, Failure> {
    let said = Said {
        id: 1_234_567,
        name: "somebody".to_owned(),
        text: "sixty bytes of JSON, or so".to_owned(),
    };
    let mut units = 0;
    for _ in 0..number("ECHOES", u64::MAX) {
        if Instant::now() >= end {
            break;
        }
        let answer: Said = socket.emit_with_ack("echo", &said).await?;
        if answer != said {
            return Err("another answer".into());
        }
        units += u64::from(Instant::now() >= begin);
    }
    Ok(units)
}

async fn churn() -> Result<Json, Failure> {
    let (builder, handlers) = (builder()?, handlers());
    let (begin, end) = window();
    let visit = |(builder, handlers): (Builder, Handlers)| async move {
        let mut units = 0;
        while Instant::now() < end {
            let socket = enter(builder.clone(), handlers.clone()).await?;
            socket.close_client().await;
            units += u64::from(Instant::now() >= begin);
        }
        Ok(units)
    };
    let tasks = (0..number("CLIENTS", 64))
        .map(|_| runtime::spawn(visit((builder.clone(), handlers.clone()))))
        .collect();
    measured(tasks).await
}

async fn idle() -> Result<Json, Failure> {
    raise()?;
    let count = usize::try_from(number("CLIENTS", 10_000))?;
    let (builder, handlers) = (builder()?, handlers());
    // What is made once is made for these.
    let (first, end) = crowd(&builder, &handlers, 20).await;
    let before = Spent::now();
    let resident_before = resident()?;
    let (all, end) = match end {
        None => crowd(&builder, &handlers, count).await,
        end => (Vec::new(), end),
    };
    runtime::sleep(time("SETTLE", 2000)).await;
    let units = all.iter().filter(|socket| socket.connected()).count();
    let mut found = before.found(u64::try_from(units)?);
    let more = resident()?.saturating_sub(resident_before);
    found["resident"] = json!(more);
    if let Some(why) = end {
        found["end"] = json!(why.to_string());
    }
    drop((first, all));
    Ok(found)
}

/// So many clients that are in, or as many as there can be, and why there are no more.
async fn crowd(
    builder: &Builder,
    handlers: &Handlers,
    count: usize,
) -> (Vec<Socket>, Option<Failure>) {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let first = all.len();
        let coming: Vec<_> = (first..count.min(first + AT_A_TIME))
            .map(|n| {
                let address = [127, 0, 0, u8::try_from(1 + n / PORTS).unwrap_or(u8::MAX)];
                // Only where it matters: a port that is chosen for an address is looked for longer.
                let builder = match n / PORTS {
                    0 => builder.clone(),
                    _ => builder.clone().local_address(IpAddr::from(address)),
                };
                runtime::spawn(enter(builder.reconnection(None), handlers.clone()))
            })
            .collect();
        let mut why = None;
        for one in coming {
            match one.await {
                Ok(socket) => all.push(socket),
                Err(error) => why = Some(error),
            }
        }
        if why.is_some() {
            return (all, why);
        }
    }
    (all, None)
}

/// As many descriptors as this process may have.
fn raise() -> Result<(), Failure> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// What was spent until then.
struct Spent {
    cpu: f64,
    #[cfg(feature = "heap")]
    heap: heap::Counted,
}

impl Spent {
    fn now() -> Self {
        Self {
            cpu: cpu(),
            #[cfg(feature = "heap")]
            heap: heap::Counted::now(),
        }
    }

    /// What it is more by now.
    fn found(&self, units: u64) -> Json {
        let now = Self::now();
        let mut found = Map::new();
        found.insert("units".to_owned(), json!(units));
        found.insert("cpu".to_owned(), json!(now.cpu - self.cpu));
        #[cfg(feature = "heap")]
        now.heap.since(&self.heap, &mut found);
        Json::Object(found)
    }
}

/// CPU time of all threads of this process, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
    .as_secs_f64()
}

/// What this process has in memory, in bytes.
fn resident() -> Result<u64, Failure> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kilobytes: u64 = kilobytes
        .ok_or("smaps_rollup says no Rss")?
        .trim()
        .parse()?;
    Ok(kilobytes * 1024)
}

/// How long a client may take to be in: not a measure, only an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients that come at the same time.
const AT_A_TIME: usize = 64;

/// Clients from one address, which has 28 232 ports where nobody has changed that.
const PORTS: usize = 25_000;
