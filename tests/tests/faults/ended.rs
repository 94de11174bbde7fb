//! Clients that end their stream right behind a whole request: it is handled, and answered where somebody
//! can still read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sio_tokio::{Data, Io, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Poller, calm};
use crate::here::{Task, spawn, until, within};
use crate::world::{On, World};

/// How a client ends its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing more comes, and nothing is read.
    Fin,
    /// Nothing more comes.
    Half,
    /// The connection is gone.
    Reset,
}

const ENDS: [End; 3] = [End::Fin, End::Half, End::Reset];

/// Sessions at a time; each sends `ROUNDS` requests.
const CLIENTS: usize = 12;
const ROUNDS: usize = 10;

/// Events of each: over a thousand, of all clients by all ends.
const EVENTS: usize = 28;

/// Clients that keep a server busy meanwhile, and what each asks for in one go.
const NEIGHBOURS: usize = 3;
const BURST: usize = 50;

/// Sends this and ends the stream; what is answered, where that is read.
async fn send(address: SocketAddr, request: &str, end: End) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    if end == End::Reset {
        stream.set_zero_linger().unwrap();
    }
    stream.write_all(request.as_bytes()).await.unwrap();
    if end != End::Half {
        return None;
    }
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within("the answer", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    Some(String::from_utf8(answer).unwrap())
}

fn post(sid: &str, body: &str) -> String {
    format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn get(sid: &str) -> String {
    format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// What was heard from each client.
type Heard = Arc<Vec<AtomicUsize>>;

/// A server that counts what clients say, and answers what they ask.
fn counting() -> (Io, Heard) {
    let io = Io::new(calm());
    let heard: Heard = Arc::new((0..CLIENTS).map(|_| AtomicUsize::new(0)).collect());
    let count = heard.clone();
    io.of("/").on("say", move |Data(whose): Data<usize>| {
        count[whose].fetch_add(1, Ordering::Relaxed);
    });
    io.of("/")
        .on("ask", |socket: Socket| socket.emit("told", &true));
    (io, heard)
}

fn say(sid: &str, whose: usize) -> String {
    post(sid, &format!(r#"42["say",{whose}]"#))
}

/// All clients at once, each in a session of its own.
async fn at_once<F, R>(clients: usize, each: F)
where
    F: Fn(usize) -> R,
    R: Future<Output = ()>,
{
    futures_util::future::join_all((0..clients).map(each)).await;
}

/// Clients that ask all the time, until they are told to stop.
async fn neighbours(world: &World, stop: &Arc<AtomicBool>) -> Vec<Task<()>> {
    let mut tasks = Vec::new();
    for _ in 0..NEIGHBOURS {
        let (mut client, _) = world.join().await;
        let stop = stop.clone();
        tasks.push(spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client.send_at_once([r#"42["ask"]"#; BURST]).await;
                for _ in 0..BURST {
                    client.expect(r#"42["told",true]"#).await;
                }
            }
        }));
    }
    tasks
}

async fn events_behind_which_the_stream_ends_are_handled(on: On) {
    // faults: F1
    for end in ENDS {
        let (io, heard) = counting();
        let world = World::new(on, io).await;
        let stop = Arc::new(AtomicBool::new(false));
        let neighbours = neighbours(&world, &stop).await;
        at_once(CLIENTS, async |whose| {
            let poller = world.poller().await;
            poller.enter().await;
            for round in 1..=EVENTS {
                let answer = send(world.address, &say(&poller.sid, whose), end).await;
                assert!(
                    answer.is_none_or(|it| it.ends_with("\r\n\r\nok")),
                    "{end:?}"
                );
                // A session takes one POST at a time.
                until("an event", || heard[whose].load(Ordering::Relaxed) == round).await;
            }
        })
        .await;
        stop.store(true, Ordering::Relaxed);
        for neighbour in neighbours {
            assert!(neighbour.end().await.is_some(), "one was not answered");
        }
        world.ends().await;
    }
}

async fn a_close_packet_behind_which_the_stream_ends_is_obeyed(on: On) {
    // faults: F1
    for end in ENDS {
        let (io, _) = counting();
        let world = World::new(on, io.clone()).await;
        at_once(CLIENTS * ROUNDS / 2, async |_| {
            let poller = world.poller().await;
            send(world.address, &post(&poller.sid, "1"), end).await;
        })
        .await;
        until("the sessions to end", || io.engine_sessions() == 0).await;
        world.ends().await;
    }
}

async fn a_poll_that_is_half_closed_gets_what_waits(on: On) {
    // faults: F1
    let (io, _) = counting();
    let world = World::new(on, io).await;
    at_once(CLIENTS, async |_| {
        let poller = world.poller().await;
        poller.enter().await;
        for _ in 0..ROUNDS {
            poller.post(r#"42["ask"]"#).await;
            let answer = send(world.address, &get(&poller.sid), End::Half).await;
            let answer = answer.unwrap();
            assert!(answer.ends_with(r#"42["told",true]"#), "{answer}");
        }
    })
    .await;
    world.ends().await;
}

async fn a_handshake_that_is_half_closed_is_answered(on: On) {
    // faults: F1
    let (io, _) = counting();
    let world = World::new(on, io).await;
    at_once(CLIENTS * ROUNDS / 2, async |_| {
        let hello = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = send(world.address, hello, End::Half).await.unwrap();
        assert!(answer.contains(r#"0{"sid":""#), "{answer}");
    })
    .await;
    world.ends().await;
}

async fn requests_behind_each_other_are_all_handled(on: On) {
    // faults: F1
    for end in ENDS {
        let (io, heard) = counting();
        let world = World::new(on, io).await;
        at_once(CLIENTS, async |whose| {
            let poller = world.poller().await;
            poller.enter().await;
            let all = say(&poller.sid, whose).repeat(ROUNDS);
            let answer = send(world.address, &all, end).await;
            assert!(answer.is_none_or(|it| it.matches("\r\n\r\nok").count() == ROUNDS));
            until("the events", || {
                heard[whose].load(Ordering::Relaxed) == ROUNDS
            })
            .await;
        })
        .await;
        world.ends().await;
    }
}

/// It waits for nothing that could be said to it: its client has left (§9.4).
async fn a_poll_that_waits_ends_with_its_stream(on: On) {
    for end in ENDS {
        let (io, _) = counting();
        let world = World::new(on, io.clone()).await;
        let poller = Poller::open(world.address).await;
        poller.enter().await;
        send(world.address, &get(&poller.sid), end).await;
        until("the session to end", || io.engine_sessions() == 0).await;
        world.ends().await;
    }
}

/// Half of a request is none.
async fn a_post_of_which_a_part_is_missing_ends_the_session(on: On) {
    for end in ENDS {
        let (io, heard) = counting();
        let world = World::new(on, io.clone()).await;
        let poller = Poller::open(world.address).await;
        poller.enter().await;
        let post = say(&poller.sid, 0);
        send(world.address, &post[..post.len() - 1], end).await;
        until("the session to end", || io.engine_sessions() == 0).await;
        assert_eq!(heard[0].load(Ordering::Relaxed), 0);
        world.ends().await;
    }
}

on_each_real_runtime! {
    events_behind_which_the_stream_ends_are_handled,
    a_close_packet_behind_which_the_stream_ends_is_obeyed,
    a_poll_that_is_half_closed_gets_what_waits,
    a_handshake_that_is_half_closed_is_answered,
    requests_behind_each_other_are_all_handled,
    a_poll_that_waits_ends_with_its_stream,
    a_post_of_which_a_part_is_missing_ends_the_session,
}
