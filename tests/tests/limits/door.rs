//! How many connections may wait to be accepted.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    pin::pin,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use futures_util::poll;
use sio_tests::{
    port::free_address,
    wire::{POLLING, Polling, Response, Wire, request},
};
use sio_tokio::{Config, Io};

/// What is dropped at the door knocks again after a second.
const BEFORE_IT_KNOCKS_AGAIN: Duration = Duration::from_millis(900);

/// Linux lets one more wait than it is told.
const AT_THE_LIMIT: usize = 5;

fn four() -> Io {
    Io::new(Config::default().listen_backlog(AT_THE_LIMIT - 1))
}

/// Listens, says so, and accepts nobody before it is told to.
async fn busy(
    listening: impl Future<Output = io::Result<()>>,
    listens: Sender<()>,
    go: Receiver<()>,
) -> io::Result<()> {
    let mut listening = pin!(listening);
    assert!(poll!(&mut listening).is_pending());
    listens.send(()).expect("the test waits for it");
    let _ = go.recv();
    listening.await
}

type Serve = fn(SocketAddr, Io, Sender<()>, Receiver<()>) -> io::Result<()>;

fn on_tokio(address: SocketAddr, io: Io, listens: Sender<()>, go: Receiver<()>) -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(busy(sio_tokio::listen(address, io), listens, go))
}

fn on_smol(address: SocketAddr, io: Io, listens: Sender<()>, go: Receiver<()>) -> io::Result<()> {
    smol::block_on(busy(sio_smol::listen(address, io), listens, go))
}

/// Clients of a server that does not come to accept them, until the story tells it to.
fn before_the_door(serve: Serve, story: impl FnOnce(SocketAddr, Sender<()>)) {
    let io = four();
    let (listens, told) = channel();
    let (go, waits) = channel();
    let address = free_address();
    let closing = io.clone();
    let server = thread::spawn(move || serve(address, io, listens, waits));
    told.recv().expect("it listens");
    story(address, go);
    smol::block_on(closing.close());
    server.join().expect("it ends").expect("it was closed");
}

fn knock(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, BEFORE_IT_KNOCKS_AGAIN)
}

fn crowd(address: SocketAddr) -> Vec<TcpStream> {
    let knock = |_| knock(address).expect("there is room at the door");
    (0..AT_THE_LIMIT).map(knock).collect()
}

/// Asks for a session.
fn enter(stream: TcpStream) -> Response {
    let mut wire = Wire::over(stream);
    wire.write(request("GET", POLLING, "", ""));
    wire.response().expect("a response")
}

fn at(serve: Serve) {
    before_the_door(serve, |address, go| {
        let waiting = crowd(address);
        go.send(()).expect("it waits");
        for stream in waiting {
            drop(Polling::opened(address, &enter(stream)));
        }
    });
}

fn past(serve: Serve) {
    before_the_door(serve, |address, go| {
        let waiting = crowd(address);
        let refused = knock(address).expect_err("nobody makes room");
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        go.send(()).expect("it waits");
        // Whoever knocks again is let in, and so are those that waited.
        let late = TcpStream::connect(address).expect("there is room again");
        for stream in waiting.into_iter().chain([late]) {
            drop(Polling::opened(address, &enter(stream)));
        }
    });
}

#[test]
fn listen_backlog_at_the_limit() {
    at(on_tokio);
    at(on_smol);
}

#[test]
fn listen_backlog_past_the_limit_has_to_knock_again() {
    past(on_tokio);
    past(on_smol);
}
