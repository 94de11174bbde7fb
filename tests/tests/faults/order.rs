//! What arrives on several connections is taken in the order in which it came, as far as it can be known.

use std::net::SocketAddr;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
use sio_tokio::{Config, Io};

use crate::client::{Client, calm};
use crate::here::{Stream, connect, within};
use crate::wire::masked;
use crate::world::{On, World};

/// What the connection was before on which the request comes.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// It is made for it.
    Nothing,
    /// It was there, and nothing was said on it.
    Silent,
    /// It had another request.
    Used,
}

/// How often each is tried: there are four runtimes, two of each binding.
const ROUNDS: usize = 70;

/// The client's thread stays where it is. What a processor sends to its own machine arrives there in the
/// order in which it was sent, whatever connections it goes over; two have no order among each other.
fn stay() {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here).unwrap();
}

async fn used(address: SocketAddr) -> Box<dyn Stream> {
    let mut stream = connect(address).await;
    let hello = b"OPTIONS /socket.io/ HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(hello).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        within("an answer", stream.read_exact(&mut byte))
            .await
            .unwrap();
        head.extend(byte);
    }
    stream
}

/// Once it was said on the WebSocket that it takes over, there is nothing for a poll that comes behind it.
async fn polls_behind_an_upgrade(on: On, config: Config) {
    let world = World::new(on, Io::new(config)).await;
    stay();
    for before in [Before::Nothing, Before::Silent, Before::Used].repeat(ROUNDS) {
        let poller = world.poller().await;
        poller.enter().await;
        let mut beside = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
        let there = match before {
            Before::Nothing => None,
            Before::Silent => Some(connect(world.address).await),
            Before::Used => Some(used(world.address).await),
        };
        let said = [masked(0x81, b"2probe"), masked(0x81, b"5")].concat();
        beside.wire.write(&said).await;
        let mut stream = match there {
            None => connect(world.address).await,
            Some(there) => there,
        };
        let request = format!(
            "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
             connection: close\r\n\r\n",
            poller.sid
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        within("the answer", stream.read_to_end(&mut answer))
            .await
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{before:?}: {answer}");
        beside.expect("3probe").await;
        beside.send("41").await;
    }
    world.ends().await;
}

async fn a_poll_behind_an_upgrade_is_refused(on: On) {
    // faults: C5
    polls_behind_an_upgrade(on, calm()).await;
}

/// What an option says of the first packet of a new session is none of this one's business.
async fn so_it_is_where_first_packets_leave_alone(on: On) {
    // faults: C5
    let apart = calm().open_packet_apart(true);
    polls_behind_an_upgrade(on, apart).await;
}

/// A WebSocket that has gone is in nobody's way.
async fn a_second_websocket_behind_the_end_of_the_first_is_taken(on: On) {
    // faults: C5
    let world = World::new(on, Io::new(calm())).await;
    stay();
    for _ in 0..ROUNDS {
        let poller = world.poller().await;
        let query = format!("&sid={}", poller.sid);
        let mut first = Client::raw(world.address, &query).await;
        first.wire.shut().await;
        let mut second = Client::raw(world.address, &query).await;
        second.send("2probe").await;
        second.expect("3probe").await;
        second.send("5").await;
        second.enter("").await;
        second.send("41").await;
    }
    world.ends().await;
}

on_each_real_runtime! {
    a_poll_behind_an_upgrade_is_refused,
    so_it_is_where_first_packets_leave_alone,
    a_second_websocket_behind_the_end_of_the_first_is_taken,
}
