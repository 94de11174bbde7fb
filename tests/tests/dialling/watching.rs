//! What is told of a client while nothing comes, or before anybody is let in.

use std::time::Duration;

use sio_driver::client::{
    Backoff, Client, ConnectError, Dial, Dialer, FirstError, Inbox, Overflow, Status, connect_on,
};
use sio_tokio::{Refusal, Socket, TransportKind};

use crate::here::{pause, until, within};
use crate::server::{builder, served};
use crate::world::On;

/// What a client does is told also where nothing happens to it.
async fn each_status_is_told<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime.clone()).on_dial(|_, _| async {
        std::future::pending::<()>().await;
        Err::<Dial, _>("never")
    });
    let client = client.build().unwrap();
    let (socket, status) = (client.socket("/"), client.status());
    socket.open();
    let dials = Status::Connecting { attempt: 0 };
    until("it dials", || status.current() == dials).await;
    socket.disconnect();
    until("it does not", || status.current() == Status::Idle).await;
    within("the client to close", client.close()).await;

    let long = Backoff::new(Duration::from_secs(60), Duration::from_secs(60));
    let client = builder(&world, runtime.clone()).reconnection(long);
    world.ends().await;
    let client = client.build().unwrap();
    let (socket, status) = (client.socket("/"), client.status());
    let waits = || matches!(status.current(), Status::Waiting { attempt: 1, .. });
    socket.open();
    until("it waits", waits).await;
    client.suspend();
    until("it does not", || status.current() == Status::Suspended).await;
    client.resume();
    until("it waits again", || {
        matches!(status.current(), Status::Waiting { .. })
    })
    .await;
    socket.disconnect();
    until("it wants nothing", || status.current() == Status::Idle).await;
    within("the client to close", client.close()).await;
    assert_eq!(status.current(), Status::Closed);

    let client = Client::builder_on(runtime, "http://localhost").unwrap();
    let client = client.build().unwrap();
    let mut status = client.status();
    drop(client);
    assert_eq!(within("an end", status.next()).await, Some(Status::Closed));
    assert_eq!(within("an end", status.next()).await, None);
}

/// Who is neither let in nor refused, because the connection is lost, hears of it if it is not to be dialled again.
async fn who_is_dropped_at_the_door_hears_of_it<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    world.io.of("/dropped").use_(async |socket: Socket| {
        socket.conn().close();
        std::future::pending::<()>().await;
        Ok::<(), Refusal>(())
    });
    let client = builder(&world, runtime.clone()).reconnection(None);
    let client = client.build().unwrap();
    let outcome = within("an end", client.socket("/dropped").connect()).await;
    assert_eq!(outcome, Err(ConnectError::GaveUp(None)));
    within("the client to close", client.close()).await;

    let url = format!("http://{}/dropped", world.address);
    let outcome = within("an end", connect_on(runtime, &url)).await;
    let Err(FirstError::Connect(error)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error, ConnectError::GaveUp(None));
    // Its client closes by itself.
    pause(Duration::from_millis(100)).await;
    world.ends().await;
}

/// A client that reads no further says what it has to say, by each transport.
async fn who_does_not_read_speaks<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    let ways = [TransportKind::Polling, TransportKind::WebSocket];
    for way in ways {
        let said = heard.len();
        let client = builder(&world, runtime.clone()).transports([way]);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let events = socket.events(Inbox::new(1, Overflow::Wait));
        within("the namespace", socket.connect()).await.unwrap();
        for n in 0..20_u64 {
            socket.emit("back", &n).unwrap();
            // Each on its own, until nothing more is read.
            socket.emit("say", &"one").unwrap();
            until("it is heard", || {
                heard.len() > said + usize::try_from(n).unwrap()
            })
            .await;
        }
        socket.emit("say", &"last").unwrap();
        within("the client to close", client.close()).await;
        until("all is heard", || heard.len() == said + 21).await;
        drop(events);
    }
    world.ends().await;
}

on_each_runtime! {
    each_status_is_told,
    who_is_dropped_at_the_door_hears_of_it,
    who_does_not_read_speaks,
}
