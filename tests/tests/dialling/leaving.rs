//! What becomes of sockets that have left, and of clients that are closed.

use std::time::Duration;

use sio_driver::client::{Client, Config, ConnectError, Dialer, Socket};
use sio_tokio::{EmitError, Refusal, TransportKind};

use crate::here::{in_time, pause, within};
use crate::server::{Heard, builder, io, served};
use crate::world::On;

/// Whoever has left waits until it is in again.
async fn who_has_left_is_out<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).build().unwrap();
    let (socket, other) = (client.socket("/"), client.socket("/chat"));
    within("the other namespace", other.connect())
        .await
        .unwrap();
    for _ in 0..3 {
        within("the namespace", socket.connect()).await.unwrap();
        assert!(socket.connected());
        socket.disconnect();
    }
    assert!(!socket.connected() && other.connected());
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Who was refused and has left does not ask again, whatever was to become of the refusal.
async fn who_has_left_does_not_ask_again<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let asked = Heard::default();
    let notes = asked.clone();
    world.io.of("/closed").use_(move || {
        notes.note("asked");
        Err::<(), _>(Refusal::new("no entry"))
    });
    let client = builder(&world, runtime).on_refused(|_, _| Some(Duration::from_millis(1)));
    let client = client.build().unwrap();
    let socket = client.socket("/closed");
    let told = Heard::default();
    let notes = told.clone();
    socket.on_connect_error(move |socket: Socket, error: ConnectError| {
        notes.note(error.to_string());
        if notes.len() == 2 {
            socket.disconnect();
        }
    });
    let outcome = within("an end", socket.connect()).await;
    assert_eq!(outcome, Err(ConnectError::Closed));
    pause(Duration::from_millis(50)).await;
    assert_eq!((asked.len(), told.len()), (2, 2));
    assert!(!socket.active());
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// A server that does not read keeps a client for as long as it may take to close, and no longer.
#[test]
fn a_server_that_does_not_read_keeps_nobody() {
    crate::simulate(|sim| async move {
        let (io, _) = io();
        let server = sim.host("server").serve(&io).unwrap();
        let url = format!("http://{}", server.address());
        let client = Client::builder_on(sim.clone(), url).unwrap();
        let client = client.transports([TransportKind::WebSocket]);
        let patience = Duration::from_secs(2);
        let client = client.config(Config::v4().close_timeout(patience));
        let client = client.build().unwrap();
        let socket = client.socket("/");
        within("the namespace", socket.connect()).await.unwrap();
        let stalled = Duration::from_secs(15);
        sim.stall("server", stalled);
        let long = "x".repeat(100_000);
        // Until there is room nowhere, neither here nor on the way.
        let mut full = 0;
        while full < 3 {
            match socket.emit("say", &long) {
                Ok(()) => full = 0,
                Err(error) => {
                    assert_eq!(error, EmitError::Full);
                    full += 1;
                    sim.sleep(Duration::from_millis(100)).await;
                }
            }
        }
        // Once, for what is queued and for the WebSocket.
        let closed = client.close();
        in_time("the client to close", patience + patience / 4, closed).await;
        sim.sleep(stalled).await;
        within("the server to close", io.close()).await;
        sim.sleep(Duration::from_secs(1)).await;
    });
}

on_each_runtime! {
    who_has_left_is_out,
    who_has_left_does_not_ask_again,
}
