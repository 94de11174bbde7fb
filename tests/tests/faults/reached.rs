//! Limits that a client has reached, and who hears of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::io::AsyncWriteExt;
use sio_tokio::{Data, Details, DisconnectReason, EngineServer, EngineSocket, Io, Server};
use tokio::sync::Semaphore;

use crate::client::{Client, calm};
use crate::here::{connect, until};
use crate::wire::{Wire, masked, opening_at};
use crate::world::{On, World};

type Said = Arc<Mutex<Vec<String>>>;

fn said(list: &Said) -> Vec<String> {
    list.lock().unwrap().clone()
}

fn note(list: &Said) -> impl Fn(String) + Send + Sync + 'static + use<> {
    let list = list.clone();
    move |text| list.lock().unwrap().push(text)
}

async fn the_end_of_a_socket_says_which(on: On) {
    // faults: A10
    let io = Io::new(calm());
    let (ends, errors) = (Said::default(), Said::default());
    let (end, error) = (note(&ends), note(&errors));
    io.of("/")
        .on_disconnect(move |reason: DisconnectReason, details: Option<Details>| {
            let options = details.as_ref().map_or(&[][..], Details::options);
            end(format!("{reason}: {options:?}"));
        });
    io.on_connection_error(move |it| error(format!("{} {}", it.status.as_u16(), it.message)));
    let world = World::new(on, io).await;

    let (mut eleven, _) = world.join().await;
    eleven.send(r#"4511-["bytes"]"#).await;
    eleven.rest().await;
    let (mut deep, _) = world.join().await;
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    deep.send(&format!(r#"42["deep",{nested}]"#)).await;
    deep.rest().await;
    let (mut large, _) = world.join().await;
    large.send(&format!("4{}", "x".repeat(1_000_000))).await;
    large.rest().await;
    let (mut crumbs, _) = world.join().await;
    let mut message = masked(0x01, b"");
    message.extend(masked(0x00, b"").repeat(1_024));
    crumbs.wire.write(&message).await;
    crumbs.rest().await;
    // One that leaves by itself, and one whose server wants it.
    let (mut leaves, _) = world.join().await;
    leaves.send("41").await;
    until("all ends", || said(&ends).len() == 5).await;
    drop(leaves);
    assert_eq!(
        said(&ends),
        [
            r#"forced close: ["max_attachments", "max_binary_packet"]"#,
            r#"forced close: ["max_json_depth"]"#,
            r#"transport error: ["max_http_buffer_size"]"#,
            r#"transport error: ["max_fragments"]"#,
            "client namespace disconnect: []",
        ]
    );
    for words in [
        "max_attachments",
        "max_json_depth",
        "413 a body or message over the limit",
        "a message in too many fragments (max_fragments)",
    ] {
        until(words, || said(&errors).iter().any(|it| it.contains(words))).await;
    }
    world.ends().await;
}

async fn the_end_of_a_client_that_is_left_unread_says_which(on: On) {
    // faults: A10
    let io = Io::new(
        calm()
            .max_running_handlers(1)
            .max_backlog_bytes(1_000)
            .pause_timeout(Duration::from_millis(300)),
    );
    let ends = Said::default();
    let end = note(&ends);
    let main = io.of("/");
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    main.on("hold", move |_: Data<String>| {
        let waits = waits.clone();
        async move { drop(waits.acquire().await) }
    });
    main.on_disconnect(move |reason: DisconnectReason, details: Option<Details>| {
        end(format!("{reason}: {details:?}"));
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    for _ in 0..3 {
        let text = "x".repeat(4_000);
        client.send(&format!(r#"42["hold","{text}"]"#)).await;
    }
    until("its end", || said(&ends).len() == 1).await;
    assert_eq!(said(&ends), ["ping timeout: Some(Violation(LeftUnread))"]);
    gate.add_permits(1);
    drop(client);
    world.ends().await;
}

async fn the_end_of_a_plain_connection_says_which(on: On) {
    // faults: A10
    let engine = EngineServer::new(calm().path("/engine.io"));
    let ends = Said::default();
    let end = note(&ends);
    engine.on_close(
        move |socket: EngineSocket, reason: sio_tokio::CloseReason| {
            let details = socket.details().map(|it| it.to_string());
            end(format!("{reason}: {details:?}"));
        },
    );
    let outer = Io::new(calm());
    let server = Server::new(outer.clone()).engine(engine.clone());
    let world = World::serving(on, outer, server).await;
    let mut client = Client::on(Wire::opened(world.address, opening_at("/engine.io", "")).await);
    client.text().await;
    client.send("2").await;
    client.rest().await;
    until("its end", || said(&ends).len() == 1).await;
    assert_eq!(
        said(&ends),
        [r#"transport error: Some("a ping from the client")"#]
    );
    engine.close().await;
    world.ends().await;
}

/// Whose answer is larger than the buffers of any loopback.
async fn the_end_of_a_client_that_takes_no_answer_says_which(on: On) {
    // faults: A10
    let io = Io::new(calm().write_timeout(Duration::from_millis(300)));
    let (ends, errors) = (Said::default(), Said::default());
    let (end, error) = (note(&ends), note(&errors));
    io.of("/")
        .on_disconnect(move |reason: DisconnectReason, details: Option<Details>| {
            let options = details.as_ref().map_or(&[][..], Details::options);
            end(format!("{reason}: {options:?}"));
        });
    io.on_connection_error(move |it| error(it.message.clone()));
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let socket = io.of("/").sockets().remove(0);
    socket.emit("news", &"x".repeat(32 << 20)).unwrap();
    let mut stream = connect(world.address).await;
    let asked = format!(
        "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\r\n",
        poller.sid
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    until("its end", || said(&ends).len() == 1).await;
    let limits = ["max_backlog_bytes", "max_backlog_packets", "write_timeout"];
    assert_eq!(said(&ends), [format!("transport error: {limits:?}")]);
    // Who is told of it and who is told of the socket need not be told at once.
    until("its error", || said(&errors).len() == 1).await;
    drop(stream);
    world.ends().await;
}

on_each_runtime! {
    the_end_of_a_client_that_takes_no_answer_says_which,
    the_end_of_a_socket_says_which,
    the_end_of_a_client_that_is_left_unread_says_which,
    the_end_of_a_plain_connection_says_which,
}
