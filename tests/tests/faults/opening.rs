//! How WebSockets open, as clients in the field see it, and how a server that ends closes them.

use std::sync::{Arc, Mutex};

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::Io;

use crate::client::{Client, calm, exchange};
use crate::here::{connect, within};
use crate::wire::opening;
use crate::world::{On, World};

/// The head of the answer to a request, as it is written.
async fn head(world: &World, request: &str) -> String {
    let mut stream = connect(world.address).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        within("a head", stream.read_exact(&mut byte))
            .await
            .unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn offering(query: &str, offered: &str) -> String {
    let opening = opening(query);
    let (head, _) = opening.split_once("\r\n\r\n").unwrap();
    format!("{head}\r\nSec-WebSocket-Protocol: {offered}\r\n\r\n")
}

async fn a_websocket_speaks_what_is_offered(on: On) {
    // faults: F2
    for (config, named) in [
        (calm(), Some("x")),
        (
            calm().websocket_protocols(Some(vec!["y".into()])),
            Some("y"),
        ),
        (calm().websocket_protocols(Some(Vec::new())), None),
    ] {
        let world = World::new(on, Io::new(config)).await;
        let poller = world.poller().await;
        for query in ["", &format!("&sid={}", poller.sid)] {
            let head = head(&world, &offering(query, "x, y")).await;
            let line = |name| format!("\r\nSec-WebSocket-Protocol: {name}\r\n");
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            assert!(
                named.is_none_or(|name| head.contains(&line(name))),
                "{head}"
            );
            assert!(named.is_some() || !head.contains("Protocol:"), "{head}");
        }
        let head = head(&world, &offering("", "x, <y>")).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        world.ends().await;
    }
}

/// There are clients that compare their names as they stand.
async fn the_headers_that_open_a_websocket_are_spelled_as_usual(on: On) {
    // faults: F9
    for apart in [false, true] {
        let config = calm().open_packet_apart(apart);
        let world = World::new(on, Io::new(config)).await;
        let poller = world.poller().await;
        for query in ["", &format!("&sid={}", poller.sid)] {
            let head = head(&world, &opening(query)).await;
            for line in [
                "\r\nUpgrade: websocket\r\n",
                "\r\nConnection: Upgrade\r\n",
                "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
            ] {
                assert!(head.contains(line), "{head}");
            }
        }
        world.ends().await;
    }
}

/// The open packet comes, whichever way.
async fn what_follows_the_opening_may_leave_by_itself(on: On) {
    // faults: C6
    for apart in [false, true] {
        let config = calm().open_packet_apart(apart);
        let world = World::new(on, Io::new(config)).await;
        let (mut client, _) = world.join().await;
        // One that has polled before gets no open packet.
        let poller = world.poller().await;
        let mut beside = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
        beside.send("2probe").await;
        beside.expect("3probe").await;
        client.send("41").await;
        drop((client, beside));
        world.ends().await;
    }
}

async fn a_server_that_ends_goes_away(on: On) {
    // faults: C3
    let world = World::new(on, Io::new(calm())).await;
    let (client, _) = world.join().await;
    let io = world.io.clone();
    let (rest, ()) = futures_util::future::join(client.rest(), io.close()).await;
    assert_eq!(rest.1, Some(1001), "{rest:?}");
    world.ends().await;
}

async fn a_refused_upgrade_has_a_code(on: On) {
    // faults: C8
    let io = Io::new(calm());
    let codes = Arc::<Mutex<Vec<_>>>::default();
    let heard = codes.clone();
    io.on_connection_error(move |error| {
        let mut heard = heard.lock().unwrap();
        heard.push((error.status.as_u16(), error.code, error.message.clone()));
    });
    io.allow_request(
        async |head: Arc<sio_tokio::RequestHead>| match head.query("no").is_some() {
            true => Err("not <you>"),
            false => Ok(()),
        },
    );
    let world = World::new(on, io).await;
    let status = async |request: String| exchange(world.address, request.as_bytes()).await.status;
    assert_eq!(status(opening("").replace("dGhlIHN", "?")).await, 400);
    assert_eq!(status(opening("&no=1")).await, 403);
    assert_eq!(status(opening("").replace(": 13", ": 8")).await, 426);
    let bodied = opening("").replace("host: x", "host: x\r\ncontent-length: 1");
    assert_eq!(status(format!("{bodied}x")).await, 400);
    let bad = |status| (status, Some(3), "Bad request".to_owned());
    assert_eq!(
        *codes.lock().unwrap(),
        [
            bad(400),
            (403, Some(4), "not &lt;you&gt;".to_owned()),
            bad(426),
            bad(400)
        ]
    );
    world.ends().await;
}

async fn a_request_names_its_host_once(on: On) {
    // faults: F7
    let world = World::new(on, Io::new(calm())).await;
    let status = async |version: &str, hosts: &str| {
        let request = format!(
            "GET /socket.io/?EIO=4&transport=polling HTTP/{version}\r\n\
             {hosts}connection: close\r\n\r\n"
        );
        exchange(world.address, request.as_bytes()).await.status
    };
    assert_eq!(status("1.1", "host: x\r\n").await, 200);
    assert_eq!(status("1.1", "").await, 400);
    assert_eq!(status("1.1", "host: x\r\nhost: x\r\n").await, 400);
    assert_eq!(status("1.0", "").await, 200);
    world.ends().await;
}

/// What is said twice alike has one meaning (RFC 9112 §6.3).
async fn a_length_may_be_said_twice_alike(on: On) {
    let world = World::new(on, Io::new(calm())).await;
    let poller = world.poller().await;
    let status = async |second: &str| {
        let request = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
             connection: close\r\ncontent-length: 1\r\ncontent-length: {second}\r\n\r\n3",
            poller.sid
        );
        exchange(world.address, request.as_bytes()).await.status
    };
    assert_eq!(status("1").await, 200);
    assert_eq!(status("2").await, 400);
    drop(poller);
    world.ends().await;
}

on_each_runtime! {
    a_websocket_speaks_what_is_offered,
    the_headers_that_open_a_websocket_are_spelled_as_usual,
    what_follows_the_opening_may_leave_by_itself,
    a_server_that_ends_goes_away,
    a_refused_upgrade_has_a_code,
    a_request_names_its_host_once,
    a_length_may_be_said_twice_alike,
}
