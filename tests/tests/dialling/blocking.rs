//! Clients whose calls wait, on a thread of their own that is run by each binding.

use std::cell::RefCell;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures_util::FutureExt;
use sio_driver::client::blocking::{
    Client, InHandler, NextError, OwnThread, Socket, WaitError, connect_on,
};
use sio_driver::client::{
    BoxStream, BuildError, Client as Dialling, ConnectError, Connector, FirstError, Inbox, Status,
};
use sio_tokio::{AckError, Data, EmitError, Message, Refusal, TransportKind};

use crate::here::PATIENCE;
use crate::server::{Heard, builder, served};
use crate::world::{On, World};

sio_tokio::contract! {
    Echoes

    server to client {}

    client to server {
        Echo = "echo"(n: u64) -> u64;
    }
}

/// A server, and what it hears; nothing of the test's own thread runs it.
fn begin(on: On) -> (World, Heard) {
    served(on).now_or_never().expect("nothing is waited for")
}

fn end(world: World) {
    crate::world::run(world.ends());
}

/// A client of this server, and its socket in `/`.
fn joined<R: OwnThread>(world: &World, runtime: R) -> (Client<R>, Socket) {
    let client = builder(world, runtime).build_blocking().unwrap();
    let socket = client.socket("/");
    socket.connect_within(PATIENCE).unwrap();
    (client, socket)
}

/// A whole conversation, on the thread that calls.
fn converse<R: OwnThread>(world: &World, heard: &Heard, runtime: R) {
    let before = heard.len();
    let client = builder(world, runtime).build_blocking().unwrap();
    let mut status = client.status();
    assert_eq!(status.next(), Some(Status::Idle));
    let socket = client.socket("/chat");
    assert_eq!(socket, client.socket("chat"));
    let (tell, told) = channel();
    socket.on("back", move |Data(n): Data<u64>| tell.send(n).unwrap());
    let mut events = socket.events(Inbox::default());
    socket.emit("say", "kept").unwrap();
    socket.connect().unwrap();
    assert!(socket.connected() && socket.id().is_some());
    assert!(matches!(status.current(), Status::Connected { .. }));

    for n in 0..20_u64 {
        let (answer,): (u64,) = socket.emit_with_ack("echo", &(n,)).unwrap();
        assert_eq!(answer, n);
        assert_eq!(socket.ask::<Echo>(&(n,)), Ok(n));
        socket.emit("back", &n).unwrap();
        let event = events.next().unwrap();
        assert_eq!((&*event.name, event.args::<u64>().unwrap()), ("back", n));
        assert_eq!(told.recv_timeout(PATIENCE), Ok(n));
    }
    let nothing = Duration::from_millis(1);
    assert_eq!(events.next_within(nothing).err(), Some(NextError::TimedOut));
    let patient = socket.timeout(PATIENCE).compress(false);
    assert_eq!(patient.emit_with_ack("echo", &7_u64), Ok(7_u64));
    assert_eq!(patient.ask::<Echo>(&(8,)), Ok(8));
    let repeated = socket.retry(2).timeout(PATIENCE);
    assert_eq!(repeated.emit_with_ack("echo", &9_u64), Ok(9_u64));
    socket.flushed().unwrap();
    socket.ready().unwrap();

    for n in 0..100 {
        socket.emit("say", &n.to_string()).unwrap();
    }
    client.close().unwrap();
    client.close().unwrap();
    socket.close_client().unwrap();
    assert!(events.next().is_none());
    assert_eq!(
        events.next_within(PATIENCE).map(drop),
        Err(NextError::Ended)
    );
    assert_eq!(status.by_ref().last(), Some(Status::Closed));
    let late = socket.emit_with_ack::<u64>("echo", &7_u64);
    assert_eq!(late, Err(WaitError::Failed(AckError::Disconnected)));
    let closed = Err(WaitError::Failed(ConnectError::Closed));
    assert_eq!(socket.connect_within(PATIENCE), closed);
    // What was said before has left.
    crate::world::run(crate::here::until("all is heard", || {
        heard.len() == before + 101
    }));
}

fn calls_wait<R: OwnThread + Default>(on: On) {
    let (world, heard) = begin(on);
    converse(&world, &heard, R::default());
    end(world);
}

/// On a thread of a runtime they wait as elsewhere: who does it for them runs on another.
fn a_runtime_may_be_around<R: OwnThread + Default>(on: On) {
    let (world, heard) = begin(on);
    smol::block_on(async { converse(&world, &heard, R::default()) });
    // Where tokio wants nothing to wait: neither the call, nor what is dropped, nor what cannot begin.
    crate::world::run(async {
        let (client, socket) = joined(&world, R::default());
        assert_eq!(socket.emit_with_ack("echo", &1_u64), Ok(1_u64));
        drop((client, socket));
        drop(builder(&world, R::default()).build_blocking().unwrap());
        let mut wrong = sio_driver::client::Config::v4();
        wrong.max_namespaces = 0;
        let wrong = builder(&world, R::default()).config(wrong);
        assert!(matches!(wrong.build_blocking(), Err(BuildError::Config(_))));
        // The time of the call is its own, where a task of this runtime would have had its turn.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let client = Dialling::builder_on(R::default(), &url).unwrap();
        let socket = client.build_blocking().unwrap().socket("/");
        for _ in 0..200 {
            tokio::task::consume_budget().await;
        }
        let outcome = socket.connect_within(Duration::from_millis(20));
        assert_eq!(outcome, Err(WaitError::Failed(ConnectError::Timeout)));
    });
    end(world);
}

fn what_goes_wrong_is_told<R: OwnThread + Default>(on: On) {
    let (world, _) = begin(on);
    world
        .io
        .of("/closed")
        .use_(|| Err::<(), _>(Refusal::new("no entry")));
    world.io.of("/").on("no answer", || {});
    let (client, socket) = joined(&world, R::default());
    match client.socket("/closed").connect() {
        Err(WaitError::Failed(ConnectError::Refused(why))) => assert_eq!(why.message, "no entry"),
        other => panic!("{other:?}"),
    }
    let short = socket.timeout(Duration::from_millis(20));
    let outcome = short.emit_with_ack::<()>("no answer", &());
    assert_eq!(outcome, Err(WaitError::Failed(AckError::Timeout)));
    let outcome = socket.emit_with_ack::<u64>("echo", "no number");
    assert!(matches!(
        outcome,
        Err(WaitError::Failed(AckError::Mistyped(_)))
    ));
    client.close().unwrap();
    // Nothing is dialled, and still it ends.
    let idle = builder(&world, R::default()).build_blocking().unwrap();
    let short = idle.socket("/").timeout(Duration::from_millis(20));
    let outcome = short.emit_with_ack::<()>("no answer", &());
    assert_eq!(outcome, Err(WaitError::Failed(AckError::Timeout)));
    drop(idle);

    let url = |path: &str| format!("http://{}{path}", world.address);
    let socket = connect_on(R::default(), &url("/chat")).unwrap();
    assert_eq!(socket.namespace(), "/chat");
    socket.close_client().unwrap();
    let refused = connect_on(R::default(), &url("/closed")).map(drop);
    assert!(matches!(
        refused,
        Err(WaitError::Failed(FirstError::Connect(
            ConnectError::Refused(_)
        )))
    ));
    let nowhere = connect_on(R::default(), "no://where").map(drop);
    assert!(matches!(
        nowhere,
        Err(WaitError::Failed(FirstError::Build(BuildError::Url(_))))
    ));
    // Nobody accepts.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let client = Dialling::builder_on(R::default(), &url).unwrap();
    let client = client.build_blocking().unwrap();
    let socket = client.socket("/");
    let outcome = socket.connect_within(Duration::from_millis(20));
    assert_eq!(outcome, Err(WaitError::Failed(ConnectError::Timeout)));
    assert!(!socket.active());
    client.close().unwrap();
    end(world);
}

/// A handler is told so, nothing is done, and the connection stays as it is.
fn a_handler_does_not_wait<R: OwnThread + Default>(on: On) {
    let (world, _) = begin(on);
    let (client, socket) = joined(&world, R::default());
    let (tell, told) = channel();
    let (its, socket_of) = (client.clone(), socket.clone());
    socket.on("back", move || {
        let mut events = socket_of.events(Inbox::default());
        let next = events.next_within(PATIENCE).map(drop);
        let answer = socket_of.emit_with_ack::<u64>("echo", &1_u64);
        let entered = its.socket("/chat").connect();
        let left = socket_of.flushed();
        let closed = (its.close(), socket_of.close_client());
        let first = connect_on(R::default(), "http://127.0.0.1:9").map(drop);
        let first = matches!(first, Err(WaitError::InHandler));
        tell.send((next, answer, entered, left, closed, first))
            .unwrap();
    });
    socket.emit("back", &()).unwrap();
    let (next, answer, entered, left, closed, first) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next, Err(NextError::InHandler));
    assert_eq!(answer, Err(WaitError::InHandler));
    assert_eq!(entered, Err(WaitError::InHandler));
    assert_eq!(left, Err(WaitError::InHandler));
    assert_eq!(closed, (Err(InHandler), Err(InHandler)));
    assert!(first);
    assert!(!client.socket("/chat").active());
    assert_eq!(socket.emit_with_ack("echo", &2_u64), Ok(2_u64));
    client.close().unwrap();
    end(world);
}

/// A plain client's calls wait, too; a server of Socket.IO answers its packets.
fn a_plain_client_waits<R: OwnThread + Default>(on: On) {
    let (world, _) = begin(on);
    for way in [TransportKind::WebSocket, TransportKind::Polling] {
        let (tell, ended) = channel();
        let plain = builder(&world, R::default()).transports([way]);
        let plain = plain.connector(Last(R::default(), tell));
        let mut plain = plain.connect_engine_blocking().unwrap();
        assert!(plain.is_open() && plain.sid().is_some());
        assert_eq!(plain.transport(), way);
        let nothing = Duration::from_millis(1);
        assert_eq!(plain.next_within(nothing), Err(NextError::TimedOut));
        plain.send("0").unwrap();
        assert!(matches!(plain.next(), Some(Message::Text(text)) if text.starts_with("0{")));
        let sender = plain.sender();
        sender.send(r#"21["echo",7]"#).unwrap();
        assert_eq!(plain.next_within(PATIENCE), Ok("31[7]".into()));
        plain.close().unwrap();
        assert_eq!(ended.try_recv(), Ok(()));
        assert_eq!(sender.send("late"), Err(EmitError::Disconnected));
        // One that is dropped, and one whose server ends it.
        let (tell, ended) = channel();
        let plain = builder(&world, R::default()).transports([way]);
        let plain = plain.connector(Last(R::default(), tell));
        drop(plain.connect_engine_blocking().unwrap());
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
        let plain = builder(&world, R::default()).transports([way]);
        let mut plain = plain.connect_engine_blocking().unwrap();
        plain.send("0").unwrap();
        plain.send(r#"2["drop me"]"#).unwrap();
        assert_eq!(plain.by_ref().count(), 1);
        assert_eq!(plain.next_within(PATIENCE), Err(NextError::Ended));
        assert!(plain.closed().is_some());
        plain.close().unwrap();
    }
    let nowhere = sio_driver::client::blocking::engine::connect_on(R::default(), "no://where");
    assert!(matches!(
        nowhere,
        Err(WaitError::Failed(FirstError::Build(BuildError::Url(_))))
    ));
    // There is nothing of the kind.
    let url = format!("http://{}", world.address);
    let missing = sio_driver::client::blocking::engine::connect_on(R::default(), &url);
    assert!(matches!(
        missing,
        Err(WaitError::Failed(FirstError::Connect(
            ConnectError::Transport(_)
        )))
    ));
    // A handler of another client does not wait for it.
    let (client, socket) = joined(&world, R::default());
    let (tell, told) = channel();
    let its = builder(&world, R::default());
    socket.on("back", move || {
        let plain = its.clone().connect_engine_blocking();
        tell.send(plain.map(drop)).unwrap();
    });
    socket.emit("back", &()).unwrap();
    let told = told.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(told, Err(WaitError::InHandler)));
    client.close().unwrap();
    end(world);
}

thread_local! {
    /// Says that its thread has ended, when it has.
    static END: RefCell<Option<Ended>> = const { RefCell::new(None) };
}

struct Ended(Sender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Makes connections as they usually are. Its client's thread has it, and drops it last.
struct Last<R>(R, Sender<()>);

impl<R: OwnThread> Connector for Last<R> {
    fn connect(
        &self,
        _secure: bool,
        host: &str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
        let address = format!("{host}:{port}").parse().expect("an address");
        Box::pin(self.0.connect(address, None))
    }
}

impl<R> Drop for Last<R> {
    fn drop(&mut self) {
        assert_eq!(std::thread::current().name(), Some("sio-client"));
        let ended = Ended(self.1.clone());
        END.with(|end| *end.borrow_mut() = Some(ended));
    }
}

fn watched<R: OwnThread + Default>(world: &World) -> (Client<R>, Receiver<()>) {
    let (tell, told) = channel();
    let client = builder(world, R::default()).connector(Last(R::default(), tell));
    (client.build_blocking().unwrap(), told)
}

/// Whoever does not need it any more has no thread of it.
fn its_thread_ends<R: OwnThread + Default>(on: On) {
    let (world, _) = begin(on);
    // One that was never told to do anything.
    let (client, ended) = watched::<R>(&world);
    let socket = client.socket("/");
    drop(client);
    assert!(ended.try_recv().is_err());
    drop(socket);
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
    // One that is dropped where it is, a handle after the other.
    let (client, ended) = watched::<R>(&world);
    let socket = client.socket("/");
    socket.on("back", |_: sio_driver::client::Socket| {});
    socket.connect_within(PATIENCE).unwrap();
    drop(client);
    assert_eq!(socket.emit_with_ack("echo", &1_u64), Ok(1_u64));
    drop(socket);
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
    // Those that are closed have none left when that is said.
    for started in [false, true] {
        let (client, ended) = watched::<R>(&world);
        let socket = client.socket("/");
        if started {
            socket.connect_within(PATIENCE).unwrap();
        }
        client.close().unwrap();
        assert_eq!(ended.try_recv(), Ok(()), "{started}");
    }
    // One whose last handle is dropped by its own handler.
    let (client, ended) = watched::<R>(&world);
    let socket = client.socket("/");
    let (tell, last) = channel::<Client<R>>();
    let last = std::sync::Mutex::new(last);
    socket.on("back", move || drop(last.lock().unwrap().recv()));
    socket.connect_within(PATIENCE).unwrap();
    socket.emit("back", &()).unwrap();
    drop(socket);
    tell.send(client).unwrap();
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
    end(world);
}

/// One test for each binding of these functions.
macro_rules! on_each_binding {
    ($($name:ident,)*) => {
        mod tokio_runtime {$(
            #[test]
            fn $name() {
                super::$name::<sio_tokio::Tokio>(&crate::world::Tokio { workers: 2 });
            }
        )*}
        mod smol_runtime {$(
            #[test]
            fn $name() {
                super::$name::<sio_smol::Smol>(&crate::world::Smol);
            }
        )*}
    };
}

on_each_binding! {
    calls_wait,
    a_runtime_may_be_around,
    what_goes_wrong_is_told,
    a_handler_does_not_wait,
    a_plain_client_waits,
    its_thread_ends,
}
