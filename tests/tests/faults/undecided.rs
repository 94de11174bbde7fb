//! What nobody bounds but the server: a hook that never ends, and an echo.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::AsyncWriteExt;
use sio_tokio::{Io, Server};

use crate::client::{calm, exchange};
use crate::here::{connect, until, within};
use crate::wire::{Wire, masked};
use crate::world::{On, World};

const HELLO: &[u8] = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";

/// Counts itself while it lives.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn what_runs_before_a_request_and_never_ends_is_dropped(on: On) {
    // faults: H8
    let io = Io::new(calm().admission_timeout(Duration::from_millis(300)));
    let (asked, alive) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counts, lives) = (asked.clone(), alive.clone());
    let server = Server::new(io.clone()).before(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
        lives.fetch_add(1, Ordering::Relaxed);
        let alive = Alive(lives.clone());
        async move {
            std::future::pending::<()>().await;
            drop(alive);
        }
    });
    let world = World::serving(on, io, server).await;
    assert_eq!(exchange(world.address, HELLO).await.status, 503);
    // Its client may be gone by then.
    let mut gone = connect(world.address).await;
    gone.write_all(HELLO).await.unwrap();
    gone.flush().await.unwrap();
    until("it is asked", || asked.load(Ordering::Relaxed) == 2).await;
    drop(gone);
    until("it is dropped", || alive.load(Ordering::Relaxed) == 0).await;
    world.ends().await;
}

async fn an_echo_that_says_and_takes_nothing_is_put_out(on: On) {
    // faults: H5
    let io = Io::new(calm());
    let server = Server::new(io.clone()).websocket_echo(
        calm()
            .ping_interval(Duration::from_millis(300))
            .ping_timeout(Duration::from_millis(300)),
    );
    let world = World::serving(on, io, server).await;
    let mut wire = Wire::opened(world.address, crate::wire::opening_at("/echo", "")).await;
    wire.write(&masked(0x81, b"back")).await;
    let (first, text) = within("the echo", wire.frame()).await.unwrap();
    assert_eq!((first, &*text), (0x81, &b"back"[..]));
    let (first, _) = within("a close frame", wire.frame()).await.unwrap();
    assert_eq!(first, 0x88);
    // Nor is its answer waited for.
    assert_eq!(wire.rest().await, b"");
    world.ends().await;
}

on_each_runtime! {
    what_runs_before_a_request_and_never_ends_is_dropped,
    an_echo_that_says_and_takes_nothing_is_put_out,
}
