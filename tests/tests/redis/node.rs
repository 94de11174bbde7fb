//! A server of ours in a cluster, with its clients.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use sio_driver::cluster::Cluster;
use sio_redis::{Dialect, Options, Redis};
use sio_tokio::{Ack, ClusterEvent, Config, Data, Io, ServerAck, Socket, Value};
use tokio::sync::oneshot;

use crate::client::{Client, calm};
use crate::here::{in_time, sleep, until};
use crate::world::{On, Smol, Tokio, World};

/// Which binding.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Binding {
    Tokio,
    Smol,
}

impl Binding {
    pub(crate) fn on(self) -> On {
        match self {
            Self::Tokio => &Tokio { workers: 2 },
            Self::Smol => &Smol,
        }
    }

    /// Joins on a thread of its own, which ends when the other end is dropped.
    pub(crate) fn join(self, redis: Redis, options: Options) -> (Cluster, oneshot::Sender<()>) {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || match self {
            Self::Tokio => {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_all().build().unwrap().block_on(async {
                    tell.send(redis.join(&sio_tokio::Tokio, options)).unwrap();
                    let _ = stopped.await;
                });
            }
            Self::Smol => {
                let executor = Arc::new(smol::Executor::new());
                let runtime = sio_smol::Smol::on(&executor);
                tell.send(redis.join(&runtime, options)).unwrap();
                let _ = smol::block_on(executor.run(stopped));
            }
        });
        (told.recv().unwrap(), stop)
    }
}

/// A server, with a client in `/` that is in `x`, and one that is not.
pub(crate) struct Node {
    pub(crate) world: World,
    pub(crate) first: Client,
    pub(crate) second: Client,
    pub(crate) ids: [String; 2],
    events: Arc<Mutex<Vec<ClusterEvent>>>,
    _link: oneshot::Sender<()>,
}

/// Options in which nothing is counted late.
pub(crate) fn options(dialect: Dialect, key: &str) -> Options {
    let mut options = Options::new(dialect).key(key);
    options.node.settle = Duration::ZERO;
    options
}

impl Node {
    pub(crate) async fn new(binding: Binding, redis: Redis, options: Options) -> Self {
        Self::with(binding, redis, options, calm()).await
    }

    pub(crate) async fn with(
        binding: Binding,
        redis: Redis,
        options: Options,
        config: Config,
    ) -> Self {
        let io = Io::new(config);
        let (cluster, link) = binding.join(redis, options);
        io.set_adapter(cluster.adapter()).unwrap();
        let main = io.of("/");
        main.on(
            "join",
            async |socket: Socket, Data(room): Data<String>, ack: Ack| {
                socket.joined(&room).await.map_err(|why| why.to_string())?;
                ack.send(&()).map_err(|why| why.to_string())
            },
        );
        let (events, told) = (Arc::new(Mutex::new(Vec::new())), io.clone());
        let see: Arc<Mutex<Vec<ClusterEvent>>> = events.clone();
        main.on_cluster(move |event| see.lock().unwrap().push(event.clone()));
        main.on_server_side(move |event, args| {
            if event == "told" {
                let args: Vec<Value> = args.values().unwrap_or_default();
                let _ = told.local().emit("server told", &(args,));
            }
        });
        main.on_server_side_ask(|event, args, ack: ServerAck| {
            // The one is what servers of the 2.x line ask.
            if event == "load" || event == "customRequest" {
                let word: String = args.get(0).unwrap_or_default();
                let _ = ack.send(&format!("rust heard {word}"));
            }
        });
        let world = World::new(binding.on(), io).await;
        let io = world.io.clone();
        until("the cluster", || io.adapter().status().up).await;
        let ((mut first, a), (second, b)) = (world.join().await, world.join().await);
        join(&mut first, "x").await;
        Self {
            world,
            first,
            second,
            ids: [a, b],
            events,
            _link: link,
        }
    }

    pub(crate) fn io(&self) -> &Io {
        &self.world.io
    }

    pub(crate) fn socket(&self) -> Socket {
        self.io().of("/").get(&self.ids[0]).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<ClusterEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// Waits until so many nodes are counted, and this one, which is counted by one channel, listens to all of them.
    pub(crate) async fn counts(&self, nodes: usize) {
        // Servers of other processes may just be started, on a machine that has much to do.
        in_time("all nodes", Duration::from_secs(60), async {
            let adapter = self.io().adapter();
            while adapter.server_count().await != Ok(nodes) || !adapter.status().up {
                crate::here::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    pub(crate) async fn ends(self) {
        self.world.ends().await;
    }
}

/// Joins a room, and waits until other nodes can reach it there.
pub(crate) async fn join(client: &mut Client, room: &str) {
    client.send(&format!(r#"421["join","{room}"]"#)).await;
    client.expect("431[]").await;
}

/// What a client hears, in order.
pub(crate) async fn hears(client: &mut Client, events: &[&str]) {
    for event in events {
        client.expect(&format!(r#"42["{event}"]"#)).await;
    }
}

/// Says what may be lost on its way, or overtake and be overtaken, until everybody has heard it: the last that is said.
pub(crate) async fn heard_at_last<'a>(
    clients: impl IntoIterator<Item = &'a mut Client>,
    event: &str,
    mut say: impl AsyncFnMut(),
) {
    let hearing = async {
        for client in clients {
            hears(client, &[event]).await;
        }
    };
    let saying = async {
        for _ in 0..1000 {
            say().await;
            sleep(Duration::from_millis(50)).await;
        }
    };
    let (hearing, saying) = (pin!(hearing), pin!(saying));
    let first = select(hearing, saying).await;
    assert!(matches!(first, Either::Left(_)), "somebody hears nothing");
}

/// Answers a question whose event has no arguments.
pub(crate) async fn answers(client: &mut Client, event: &str, word: &str) {
    let question = client.text().await;
    let id = question.strip_prefix("42").unwrap();
    let id = id.strip_suffix(&format!(r#"["{event}"]"#));
    let id: u64 = id.unwrap_or_else(|| panic!("{question}")).parse().unwrap();
    client.send(&format!(r#"43{id}["{word}"]"#)).await;
}
