//! Nothing of a server lasts because somebody does not act: each of its states is brought about, and then
//! nobody does anything.

use std::any::Any;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_driver::deadlines::{Ends, State, Wait};
use sio_sim::{Sim, Weather};
use sio_tokio::{Config, EngineServer, EngineSocket, Incoming, Io, Refusal, Server, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, Poller};
use crate::here::{Stream, Task, connect, sleep, spawn, until, within};
use crate::wire::{masked, opening, opening_at};
use crate::world::{Simulated, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// How long the wait takes that a state ends by.
const TIME: Duration = Duration::from_secs(10);

/// Bytes that a client who takes nothing has room for.
const WINDOW: usize = 64;

/// Counts itself while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What of the application's never ends by itself.
#[derive(Clone)]
struct Never {
    alive: Arc<AtomicUsize>,
    /// Closed when a test is over.
    gate: Arc<Semaphore>,
}

impl Never {
    fn new() -> Self {
        Self {
            alive: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    fn begin(&self) -> impl Future<Output = ()> + Send + use<> {
        let (alive, gate) = (Alive::new(&self.alive), self.gate.clone());
        async move {
            let _ = gate.acquire().await;
            drop(alive);
        }
    }

    /// The same, with what it comes to.
    fn then<T: Send>(&self, value: T) -> impl Future<Output = T> + Send + use<T> {
        let never = self.begin();
        async move {
            never.await;
            value
        }
    }

    fn count(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }
}

/// All takes an hour but what the state ends by.
fn config(state: State) -> Config {
    let mut config = Config::v4().connect_timeout(HOUR);
    for wait in Wait::ALL {
        wait.set(&mut config, HOUR);
    }
    let (Ends::By(wait) | Ends::With(_, wait)) = state.ends();
    wait.set(&mut config, TIME);
    if let State::Response | State::Joining = state {
        // What is left behind ends soon after.
        config.close_timeout = SECOND / 2;
    }
    if state == State::Paused {
        config.serving.max_running_handlers = 1;
        config.max_backlog_bytes = 1000;
    }
    config
}

/// A server in which what the state is about never ends.
fn server(state: State, never: &Never) -> (Io, Server) {
    let io = Io::new(config(state));
    let server = Server::new(io.clone());
    let its = never.clone();
    let server = match state {
        State::Establishing
        | State::FirstRequest
        | State::Head
        | State::NextRequest
        | State::Body
        | State::Farewell
        | State::Opening
        | State::Joining
        | State::Open
        | State::Closing
        | State::Deaf => server,
        State::FallbackBody | State::Fallback => {
            server.fallback(move |_| its.then(http::Response::new(Bytes::new())))
        }
        State::Response => {
            server.fallback(async |_| http::Response::new(Bytes::from(vec![b'x'; 1 << 20])))
        }
        State::Failed | State::Answered | State::Over => {
            let news = "x".repeat(100_000);
            io.on_connect(move |socket: Socket| socket.emit("news", &news));
            server
        }
        State::Echo => server.websocket_echo(config(state)),
        State::Before => server.before(move |_| its.begin()),
        State::Origin => {
            io.check_origin(move |_, _| its.then(Ok::<_, String>(true)));
            server
        }
        State::AllowRequest => {
            io.allow_request(move |_| its.then(Ok::<_, String>(())));
            server
        }
        State::SessionId => {
            io.generate_id(move |_| its.then(Ok::<_, String>("id".to_owned())));
            server
        }
        State::Parents => {
            io.of_where(move |_, _| its.then(true));
            server
        }
        State::Middlewares => {
            io.use_(move |_: Socket| its.then(Ok::<_, Refusal>(())));
            server
        }
        State::PacketMiddlewares => {
            io.on_connect(move |socket: Socket| {
                let its = its.clone();
                socket.use_async(move |packet: Incoming| its.then(Ok::<_, Refusal>(packet)));
            });
            server
        }
        State::Handler | State::Paused => {
            io.of("/").on("wait", move || its.begin());
            server
        }
        State::Plain => {
            let engine = EngineServer::new(config(state).path("/engine.io"));
            engine.on_connect(move |_: EngineSocket| its.begin());
            server.engine(engine)
        }
    };
    (io, server)
}

/// A state that was brought about.
struct Scene {
    lasts: Box<dyn Fn() -> bool>,
    /// The client's side of it.
    client: Vec<Box<dyn Any>>,
    reader: Option<Task<()>>,
}

impl Scene {
    fn new(client: impl Any, lasts: impl Fn() -> bool + 'static) -> Self {
        Self {
            lasts: Box::new(lasts),
            client: vec![Box::new(client)],
            reader: None,
        }
    }

    /// It is over when the client hears something, or of the end.
    fn until_heard(mut stream: Box<dyn Stream>) -> Self {
        let heard = Arc::<AtomicBool>::default();
        let tell = heard.clone();
        let reader = spawn(async move {
            let _ = stream.read(&mut [0; 64]).await;
            tell.store(true, Ordering::Relaxed);
            // It stays.
            pending::<()>().await;
        });
        Self {
            reader: Some(reader),
            ..Self::new((), move || !heard.load(Ordering::Relaxed))
        }
    }

    /// The client goes.
    fn leave(&mut self) {
        self.client.clear();
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

/// A client's connection on which this was said.
async fn said(world: &World, words: impl AsRef<[u8]>) -> Box<dyn Stream> {
    let mut stream = connect(world.address).await;
    stream.write_all(words.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Reads a head to its end, and nothing behind it.
async fn head(stream: &mut Box<dyn Stream>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        head.extend(byte);
    }
}

/// A request, whose headers begin with `headers` if there are any.
fn request(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n")
}

/// Tasks of the world.
fn tasks() -> usize {
    Sim::current().unwrap().left().len()
}

fn narrow(narrow: bool) {
    let usual = Weather::default();
    let window = if narrow {
        WINDOW..=WINDOW
    } else {
        usual.window.clone()
    };
    Sim::current().unwrap().weather(Weather { window, ..usual });
}

const HELLO: &str = "GET /socket.io/?EIO=4&transport=polling";

/// A client in `/` that takes nothing of what it is told, and has said this.
async fn deaf(world: &World, words: &[u8]) -> Box<dyn Stream> {
    narrow(true);
    let mut stream = connect(world.address).await;
    narrow(false);
    let opening = opening("");
    stream.write_all(opening.as_bytes()).await.unwrap();
    head(&mut stream).await;
    stream.write_all(&masked(0x81, b"40")).await.unwrap();
    stream.flush().await.unwrap();
    let io = world.io.clone();
    until("it is in", move || io.of("/").len() == 1).await;
    stream.write_all(words).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// The same client reads all it is told.
async fn member(world: &World) -> Client {
    let (client, _) = world.join().await;
    client
}

/// The same, once it is answered.
async fn answered(world: &World, request: String) -> Box<dyn Stream> {
    let mut stream = said(world, request).await;
    head(&mut stream).await;
    stream
}

/// Some of a body.
async fn begins_to_post(world: &World, target: &str) -> Box<dyn Stream> {
    let request = request(&format!("POST {target}"), "content-length: 10\r\n");
    said(world, request + "4").await
}

/// A connection that is not established yet, as over TLS.
fn establishing(world: &World) -> Task<()> {
    let (sim, server) = (Sim::current().unwrap(), Server::new(world.io.clone()));
    let address = world.address;
    spawn(async move {
        let never = pending::<io::Result<()>>();
        sio_driver::binding::establish(&sim, &server, address, never).await;
    })
}

/// Brings a server into a state.
async fn bring(state: State, world: &World, never: &Never) -> Scene {
    let base = tasks();
    let (io, its) = (world.io.clone(), never.clone());
    let alive = move || its.count() > 0;
    let has_session = move || io.engine_sessions() > 0;
    let scene = match state {
        State::Establishing => Scene::new(establishing(world), move || tasks() > base),
        State::FirstRequest => Scene::until_heard(connect(world.address).await),
        State::Head => {
            let mut stream = answered(world, request("GET /", "")).await;
            stream.write_all(b"GET / HT").await.unwrap();
            stream.flush().await.unwrap();
            Scene::until_heard(stream)
        }
        State::NextRequest => Scene::until_heard(answered(world, request("GET /", "")).await),
        State::Body => {
            let Poller { sid, .. } = world.poller().await;
            let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
            Scene::until_heard(begins_to_post(world, &target).await)
        }
        State::FallbackBody => Scene::until_heard(begins_to_post(world, "/nowhere").await),
        State::Response => {
            narrow(true);
            let stream = said(world, request("GET /nowhere", "")).await;
            Scene::new(stream, move || tasks() > base)
        }
        State::Farewell => {
            let stream = said(world, request("GET /", "connection: close\r\n")).await;
            Scene::new(stream, move || tasks() > base)
        }
        State::Opening => {
            narrow(true);
            Scene::new(said(world, opening("")).await, has_session)
        }
        State::Joining => {
            let Poller { sid, .. } = world.poller().await;
            Scene::until_heard(answered(world, opening(&format!("&sid={sid}"))).await)
        }
        State::Open => Scene::new(member(world).await, has_session),
        State::Paused => {
            let mut client = member(world).await;
            let event = format!(r#"42["wait","{}"]"#, "x".repeat(1000));
            client.send_at_once(vec![event; 5]).await;
            Scene::new(client, has_session)
        }
        State::Failed => Scene::new(deaf(world, &masked(0x83, b"")).await, has_session),
        State::Answered => {
            let stream = deaf(world, &masked(0x88, b"")).await;
            Scene::new(stream, move || tasks() > base)
        }
        State::Over => {
            let mut stream = deaf(world, b"").await;
            stream.close().await.unwrap();
            Scene::new(stream, move || tasks() > base)
        }
        State::Closing => {
            let client = member(world).await;
            world.io.disconnect_all();
            Scene::new(client, move || tasks() > base)
        }
        State::Deaf => {
            let mut client = member(world).await;
            client.wire.write(&masked(0x83, b"")).await;
            Scene::new(client, move || tasks() > base)
        }
        State::Echo => Scene::until_heard(answered(world, opening_at("/echo", "")).await),
        State::Before | State::Origin | State::AllowRequest | State::SessionId => {
            Scene::new(said(world, request(HELLO, "")).await, alive)
        }
        State::Fallback => Scene::new(said(world, request("GET /nowhere", "")).await, alive),
        State::Parents => {
            let mut client = world.open().await;
            client.send("40/asked,").await;
            Scene::new(client, alive)
        }
        State::Middlewares => {
            let mut client = world.open().await;
            client.send("40").await;
            Scene::new(client, alive)
        }
        State::PacketMiddlewares | State::Handler => {
            let mut client = member(world).await;
            client.send(r#"42["wait"]"#).await;
            Scene::new(client, alive)
        }
        State::Plain => {
            let stream = answered(world, opening_at("/engine.io", "")).await;
            Scene::new(stream, alive)
        }
    };
    // What was said arrives.
    sleep(Duration::from_millis(100)).await;
    narrow(false);
    scene
}

async fn play(state: State) {
    let never = Never::new();
    let (io, server) = server(state, &never);
    let world = World::serving(&Simulated, io, server.clone()).await;
    // The listener is waited at.
    sleep(SECOND).await;
    let mut scene = bring(state, &world, &never).await;
    assert!((scene.lasts)(), "{state:?} is not there");
    if let Ends::With(..) = state.ends() {
        sleep(HOUR / 4).await;
        assert!((scene.lasts)(), "{state:?} ends before its owner");
        scene.leave();
    }
    sleep(TIME - SECOND).await;
    assert!((scene.lasts)(), "{state:?} ends too early");
    sleep(2 * SECOND).await;
    assert!(!(scene.lasts)(), "{state:?} lasts");
    scene.leave();
    never.gate.close();
    sleep(SECOND).await;
    within("all to close", server.close()).await;
    world.ends().await;
}

#[test]
fn each_state_ends_by_what_the_table_says_and_not_before() {
    // faults: H3, H5, H7, H8
    for &state in State::ALL {
        for seed in 1..=2 {
            let sim = Sim::new(seed);
            sim.run(play(state));
            assert_eq!(sim.left(), Vec::<String>::new(), "{state:?}");
        }
    }
}
