//! What an application says when it closes a connection.

use std::sync::{Arc, Mutex};

use sio_tokio::{
    CloseReason, Details, DisconnectReason, EngineServer, EngineSocket, Io, Message, Server, Socket,
};

use crate::client::{Client, calm};
use crate::here::{spawn, until, within};
use crate::wire::{Wire, opening_at};
use crate::world::{On, World};

/// Why sockets have left, each with the details.
type Left = Arc<Mutex<Vec<String>>>;

fn told(reason: &str, details: Option<Details>) -> String {
    assert!(details.iter().all(|it| it.options().is_empty()));
    match details {
        Some(Details::Told(words)) => format!("{reason}: {words}"),
        other => format!("{reason}, {other:?}"),
    }
}

/// The reason in the close frame that comes next.
async fn close_reason(client: &mut Client) -> String {
    let (first, payload) = within("a close frame", client.wire.frame()).await.unwrap();
    assert_eq!((first, &payload[..2]), (0x88, &1000u16.to_be_bytes()[..]));
    String::from_utf8(payload[2..].to_vec()).unwrap()
}

async fn who_is_closed_is_told_why_and_so_are_its_handlers(on: On) {
    let io = Io::new(calm());
    let left = Left::default();
    for namespace in ["/", "/other"] {
        let told_of = left.clone();
        io.of(namespace).on_disconnect(
            move |reason: DisconnectReason, details: Option<Details>| {
                told_of.lock().unwrap().push(told(reason.as_str(), details));
            },
        );
    }
    io.of("/").on("leave", |socket: Socket| {
        socket.emit("last", &())?;
        socket.conn().close_with("you asked for it");
        // Only the first is heard.
        socket.conn().close_with("and for this");
        Ok::<(), sio_tokio::EmitError>(())
    });
    let world = World::new(on, io.clone()).await;
    let (mut client, _) = world.join().await;
    client.enter("/other,").await;
    client.send(r#"42["leave"]"#).await;
    client.expect(r#"42["last"]"#).await;
    assert_eq!(close_reason(&mut client).await, "you asked for it");
    until("both have left", || left.lock().unwrap().len() == 2).await;
    let twice = ["forced close: you asked for it"; 2];
    assert_eq!(std::mem::take(&mut *left.lock().unwrap()), twice);
    drop(client);

    // By polling the client is told that it is over, and the handlers why.
    let poller = world.poller().await;
    poller.enter().await;
    assert_eq!(poller.post(r#"42["leave"]"#).await.status, 200);
    assert!(poller.poll().await.body.starts_with(r#"42["last"]"#));
    poller.poll().await;
    until("it has left", || left.lock().unwrap().len() == 1).await;
    assert_eq!(*left.lock().unwrap(), twice[..1]);
    world.ends().await;
}

async fn that_the_server_goes_is_said_before_all_words(on: On) {
    let io = Io::new(calm());
    let left = Left::default();
    let told_of = left.clone();
    io.of("/").on_disconnect(
        move |socket: Socket, reason: DisconnectReason, details: Option<Details>| {
            socket.conn().close_with("mine");
            told_of.lock().unwrap().push(told(reason.as_str(), details));
        },
    );
    let world = World::new(on, io.clone()).await;
    let (client, _) = world.join().await;
    let closing = spawn(async move { io.close().await });
    assert_eq!(client.rest().await, (vec![], Some(1001)));
    within("the end", closing.end()).await.unwrap();
    assert_eq!(*left.lock().unwrap(), ["server shutting down, None"]);
}

async fn a_reason_is_cut_where_no_frame_holds_more(on: On) {
    let engine = EngineServer::new(calm().path("/engine.io"));
    let left = Left::default();
    let told_of = left.clone();
    engine.on_message(|socket: EngineSocket, message: Message| {
        if let Message::Text(words) = message {
            socket.close_with(words.to_string());
        }
    });
    engine.on_close(move |socket: EngineSocket, reason: CloseReason| {
        told_of
            .lock()
            .unwrap()
            .push(told(reason.as_str(), socket.details()));
    });
    let outer = Io::new(calm());
    let server = Server::new(outer.clone()).engine(engine.clone());
    let world = World::serving(on, outer, server).await;
    let fits = "x".repeat(123);
    let long = format!("{}\u{e9}", "x".repeat(122));
    for (words, sent) in [("", ""), (&fits, &*fits), (&long, &fits[..122])] {
        let wire = Wire::opened(world.address, opening_at("/engine.io", "")).await;
        let mut client = Client::on(wire);
        client.text().await;
        client.send(&format!("4{words}")).await;
        assert_eq!(close_reason(&mut client).await, sent);
        until("its end", || left.lock().unwrap().len() == 1).await;
        let end = left.lock().unwrap().pop().unwrap();
        assert_eq!(end, format!("forced close: {words}"));
    }
    engine.close().await;
    world.ends().await;
}

on_each_runtime! {
    that_the_server_goes_is_said_before_all_words,
    who_is_closed_is_told_why_and_so_are_its_handlers,
    a_reason_is_cut_where_no_frame_holds_more,
}
