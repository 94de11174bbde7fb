//! A listener with nothing of ours behind it but an echo.

use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Io, Server};

use crate::client::{Client, calm};
use crate::here::{connect, within};
use crate::wire::{Wire, opening_at};
use crate::world::On;

/// It has nobody to close it, and serves until its thread ends with the test's.
async fn a_listener_without_a_server_has_its_times_too(on: On) {
    // faults: H7
    let server =
        Server::default().websocket_echo(calm().request_head_timeout(Duration::from_millis(300)));
    let (address, served) = on.serve(server);
    let mut stream = connect(address).await;
    stream.write_all(b"GET / HT").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    within("the end", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
    drop(served);
}

/// Whose listener has nobody else to close it, and one beside a server.
async fn an_echo_ends_with_its_server(on: On) {
    // faults: H7
    for io in [None, Some(Io::new(calm()))] {
        let server = io.clone().map(Server::new).unwrap_or_default();
        let server = server.websocket_echo(calm());
        let (address, served) = on.serve(server.clone());
        let opened = Wire::opened(address, opening_at("/", "")).await;
        let mut client = Client::on(opened);
        client.send("once").await;
        client.expect("once").await;
        let closing = async {
            match &io {
                None => server.close().await,
                // Not by way of what serves it.
                Some(io) => io.close().await,
            }
        };
        within("the end", closing).await;
        assert_eq!(client.rest().await, (vec![], Some(1001)));
        within("the listener", served).await.unwrap().unwrap();
    }
}

on_each_real_runtime! {
    an_echo_ends_with_its_server,
    a_listener_without_a_server_has_its_times_too,
}
