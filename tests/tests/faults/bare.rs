//! A listener with nothing of ours behind it but an echo.

use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::Server;

use crate::client::calm;
use crate::here::{connect, within};
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

on_each_real_runtime! {
    a_listener_without_a_server_has_its_times_too,
}
