//! The contract of `client_bench` on rust_socketio, on tokio's current-thread runtime: `echo` with one in flight, since its
//! ids for answers collide where there are more, and `idle`.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rust_socketio::TransportType;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

fn variable<T: std::str::FromStr>(name: &str, default: T) -> T {
    let value = env::var(name).ok().and_then(|it| it.parse().ok());
    value.unwrap_or(default)
}

fn main() -> Result<(), Box<dyn Error>> {
    let scenario = env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let found = runtime.block_on(async {
        match scenario.as_str() {
            "echo" => echo().await,
            "idle" => idle().await,
            _ => Err("echo or idle".into()),
        }
    })?;
    println!("{found}");
    // Its clients end with their process.
    std::process::exit(0);
}

/// One client, and where it says that it is in, or has its answer.
struct One {
    client: Client,
    told: UnboundedReceiver<()>,
    tell: UnboundedSender<()>,
}

impl One {
    async fn new(url: &str) -> Result<Self, Box<dyn Error>> {
        let (tell, mut told) = unbounded_channel();
        let opened = tell.clone();
        let client = ClientBuilder::new(url)
            .transport_type(TransportType::Websocket)
            .on("open", move |_, _| {
                let _ = opened.send(());
                async {}.boxed()
            })
            .on("tick", |_, _| async {}.boxed())
            .connect()
            .await?;
        told.recv().await.ok_or("it is not let in")?;
        Ok(Self { client, told, tell })
    }

    async fn ask(&mut self, payload: &Value) -> Result<(), Box<dyn Error>> {
        let tell = self.tell.clone();
        let answered = move |_, _| {
            let _ = tell.send(());
            async {}.boxed()
        };
        let limit = Duration::from_secs(30);
        let event = payload.clone();
        self.client
            .emit_with_ack("echo", event, limit, answered)
            .await?;
        self.told.recv().await.ok_or("no answer")?;
        Ok(())
    }
}

async fn all(count: usize) -> Result<Vec<One>, Box<dyn Error>> {
    let url: String = variable("URL", "http://127.0.0.1:3000".to_owned());
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(One::new(&url).await?);
    }
    Ok(all)
}

async fn echo() -> Result<Value, Box<dyn Error>> {
    let clients = all(variable("CLIENTS", 50)).await?;
    let payload = json!({ "id": 1234567, "name": "somebody", "text": "sixty bytes of JSON, or so" });
    let warm = Duration::from_millis(variable("WARMUP", 500));
    let time = Duration::from_millis(variable("DURATION", 3000));
    let local = tokio::task::LocalSet::new();
    let begin = Instant::now() + warm;
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut one| {
            let payload = payload.clone();
            local.spawn_local(async move {
                let mut units = 0_u64;
                while Instant::now() < begin + time {
                    if one.ask(&payload).await.is_err() {
                        return Err(());
                    }
                    units += u64::from(Instant::now() >= begin);
                }
                Ok(units)
            })
        })
        .collect();
    let (mut units, mut before) = (0, 0.0);
    local
        .run_until(async {
            tokio::time::sleep(warm).await;
            before = cpu();
            for task in tasks {
                units += task.await?.map_err(|()| "a client has died")?;
            }
            Ok::<_, Box<dyn Error>>(())
        })
        .await?;
    Ok(json!({ "units": units, "cpu": cpu() - before }))
}

async fn idle() -> Result<Value, Box<dyn Error>> {
    let count = variable("CLIENTS", 2000);
    // What is made once is made for these.
    let first = all(20).await?;
    let before = resident()?;
    let clients = all(count).await?;
    tokio::time::sleep(Duration::from_millis(variable("SETTLE", 2000))).await;
    let after = resident()?;
    drop((first, clients));
    Ok(json!({ "units": count, "resident": after.saturating_sub(before) }))
}

/// CPU time of all threads of this process, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes: u64 = line.ok_or("no Rss")?.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}
