//! Futures and values of the application's, and who ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sio_tokio::{Config, EngineServer, EngineSocket, Io, Refusal, Server, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, calm};
use crate::here::{until, within};
use crate::wire::{Wire, opening_at};
use crate::world::{On, World};

/// Counts itself while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn count(alive: &Arc<AtomicUsize>) -> usize {
    alive.load(Ordering::Relaxed)
}

async fn a_middleware_that_never_decides_is_dropped(on: On) {
    // faults: H8
    let io = Io::new(calm().middleware_timeout(Duration::from_millis(300)));
    let alive = Arc::<AtomicUsize>::default();
    for name in ["/never", "/ever"] {
        let alive = alive.clone();
        io.of(name).use_(move |_: Socket| {
            let alive = Alive::new(&alive);
            async move {
                std::future::pending::<()>().await;
                drop(alive);
                Ok::<(), Refusal>(())
            }
        });
    }
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send("40/never,").await;
    until("it is asked", || count(&alive) == 1).await;
    client.expect(r#"44/never,{"message":"timed out"}"#).await;
    until("it is dropped", || count(&alive) == 0).await;
    // Others are asked all the same, and nobody is asked for a client that has gone.
    client.send("40/never,").await;
    client.send("40/ever,").await;
    until("both are asked", || count(&alive) == 2).await;
    drop(client);
    until("both are dropped", || count(&alive) == 0).await;
    world.ends().await;
}

/// One handler at a time, and none is given up while a test waits.
fn one_handler() -> Config {
    calm()
        .max_running_handlers(1)
        .middleware_timeout(Duration::from_secs(3600))
}

/// `/` for clients of a plain server, whose handler hands them over before or after it has waited.
async fn handed_over(on: On, late: bool) {
    let engine = EngineServer::new(one_handler().path("/engine.io"));
    let io = Io::new(one_handler().path("/socket.io/"));
    let gate = Arc::new(Semaphore::new(0));
    let begun = Arc::<AtomicUsize>::default();
    let (adopts, opens, counts) = (io.clone(), gate.clone(), begun.clone());
    engine.on_connect(move |socket: EngineSocket| {
        let (adopts, opens, counts) = (adopts.clone(), opens.clone(), counts.clone());
        async move {
            if !late {
                adopts.on_connection(&socket);
            }
            counts.fetch_add(1, Ordering::Relaxed);
            opens.acquire().await.unwrap().forget();
            if late {
                adopts.on_connection(&socket);
            }
        }
    });
    let outer = Io::new(calm().path("/nobody"));
    let server = Server::new(outer.clone()).engine(engine.clone());
    let world = World::serving(on, outer, server).await;
    let mut client = Client::on(Wire::opened(world.address, opening_at("/engine.io", "")).await);
    assert!(client.text().await.starts_with("0{"));
    until("its handler waits", || count(&begun) == 1).await;
    client.send("40").await;
    // The client has nothing to see yet: what it sends next is there when this is answered.
    client.wire.write(&crate::wire::masked(0x89, b"?")).await;
    let (first, _) = within("a pong", client.wire.frame()).await.unwrap();
    assert_eq!(first, 0x8a);
    gate.add_permits(1);
    assert!(client.text().await.starts_with(r#"40{"sid""#));
    drop(client);
    within("the engine to close", engine.close()).await;
    within("the other to close", io.close()).await;
    world.ends().await;
}

async fn a_handler_that_ends_lets_clients_in_that_were_handed_over(on: On) {
    // faults: H9
    handed_over(on, false).await;
}

async fn what_waited_for_a_plain_handler_is_read_by_whom_the_client_is_handed_over_to(on: On) {
    // faults: H9
    handed_over(on, true).await;
}

/// Its destructor panics, once.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            panic!("on purpose");
        }
    }
}

async fn a_destructor_that_panics_keeps_no_namespace_from_hearing_of_the_end(on: On) {
    // faults: H18
    for once in [true, false] {
        let io = Io::new(calm());
        let (left, dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        for name in ["/", "/other"] {
            let left = left.clone();
            io.of(name).on_disconnect(move || {
                left.fetch_add(1, Ordering::Relaxed);
            });
        }
        let counts = dropped.clone();
        io.of("/").on_connect(move |socket: Socket| {
            let bomb = Bomb(counts.clone());
            if once {
                socket.once("go", move || {
                    let _bomb = &bomb;
                });
            } else {
                // It goes with the socket.
                socket.on("go", move || {
                    let _bomb = &bomb;
                });
            }
        });
        let world = World::new(on, io.clone()).await;
        let (mut client, _) = world.join().await;
        client.enter("/other,").await;
        if once {
            // The second finds it gone.
            client.send(r#"42["go"]"#).await;
            client.send(r#"42["go"]"#).await;
        } else {
            client.send("41").await;
        }
        until("it is dropped", || count(&dropped) == 1).await;
        drop(client);
        until("both hear of it", || count(&left) == 2).await;
        until("its end", || io.engine_sessions() == 0).await;
        world.ends().await;
    }
}

on_each_runtime! {
    a_middleware_that_never_decides_is_dropped,
    a_handler_that_ends_lets_clients_in_that_were_handed_over,
    what_waited_for_a_plain_handler_is_read_by_whom_the_client_is_handed_over_to,
    a_destructor_that_panics_keeps_no_namespace_from_hearing_of_the_end,
}
