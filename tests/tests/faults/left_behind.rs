//! Handlers whose clients have gone: what becomes of them goes by what they hold.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tokio::{Config, Data, Failure, HandlerError, Io, Socket};
use tokio::sync::Semaphore;

use crate::client::calm;
use crate::here::{sleep, until};
use crate::world::{On, World};

/// What is left behind may hold as much.
const MOST: usize = 100_000;

fn config() -> Config {
    calm()
        .max_departed_bytes(MOST)
        .departed_timeout(Duration::from_secs(3600))
}

/// A server whose handlers of `big` end when the gate opens, and those of `wait` at the end.
struct Waiting {
    io: Io,
    gate: Arc<Semaphore>,
    end: Arc<Semaphore>,
    ended: Arc<AtomicUsize>,
    dropped: Arc<Mutex<Vec<(String, Failure)>>>,
}

impl Waiting {
    fn new(config: Config) -> Self {
        let io = Io::new(config);
        let (gate, ended) = (Arc::new(Semaphore::new(0)), Arc::<AtomicUsize>::default());
        let (waits, ends) = (gate.clone(), ended.clone());
        io.of("/").on("big", move |Data(text): Data<String>| {
            let (waits, ends) = (waits.clone(), ends.clone());
            async move {
                waits.acquire().await.unwrap().forget();
                drop(text);
                ends.fetch_add(1, Ordering::Relaxed);
            }
        });
        let end = Arc::new(Semaphore::new(0));
        let waits = end.clone();
        io.of("/").on("wait", move || {
            let waits = waits.clone();
            async move { drop(waits.acquire().await) }
        });
        let dropped = Arc::<Mutex<Vec<_>>>::default();
        let hears = dropped.clone();
        io.on_error(move |error: &HandlerError| {
            let (event, why) = (error.event.clone(), error.why.clone());
            hears.lock().unwrap().push((event, why));
        });
        Self {
            io,
            gate,
            end,
            ended,
            dropped,
        }
    }

    /// A client comes, lets a handler wait that holds so many bytes, and goes.
    async fn visit(&self, world: &World, bytes: usize) {
        let (mut client, _) = world.join().await;
        client.send(r#"42["wait"]"#).await;
        client
            .send(&format!(r#"42["big","{}"]"#, "x".repeat(bytes)))
            .await;
        client.wire.write(&crate::wire::masked(0x89, b"?")).await;
        client.wire.frame().await.unwrap();
        drop(client);
        until("its end", || self.io.engine_sessions() == 0).await;
    }

    async fn ended(&self, count: usize) {
        until("handlers have ended", || {
            self.ended.load(Ordering::Relaxed) == count
        })
        .await;
    }

    /// Lets all end that waits.
    async fn finish(&self, world: World) {
        self.end.close();
        sleep(Duration::from_millis(20)).await;
        world.ends().await;
    }

    fn dropped(&self) -> Vec<(String, Failure)> {
        self.dropped.lock().unwrap().clone()
    }
}

async fn what_has_ended_holds_nothing_any_more(on: On) {
    // faults: H1
    let waiting = Waiting::new(config());
    let world = World::new(on, waiting.io.clone()).await;
    waiting.visit(&world, MOST * 6 / 10).await;
    waiting.gate.add_permits(1);
    waiting.ended(1).await;
    sleep(Duration::from_millis(20)).await;
    // As much again.
    waiting.visit(&world, MOST * 6 / 10).await;
    assert_eq!(waiting.dropped(), []);
    waiting.gate.add_permits(1);
    waiting.ended(2).await;
    waiting.finish(world).await;
}

async fn who_leaves_little_keeps_it_whatever_others_leave(on: On) {
    // faults: H1
    let waiting = Waiting::new(config());
    let world = World::new(on, waiting.io.clone()).await;
    waiting.visit(&world, MOST - 10).await;
    waiting.visit(&world, MOST / 1024 - 10).await;
    assert_eq!(waiting.dropped(), []);
    waiting.gate.add_permits(2);
    waiting.ended(2).await;
    waiting.finish(world).await;
}

async fn the_application_hears_of_what_is_dropped(on: On) {
    // faults: A5, H1
    let waiting = Waiting::new(config());
    let world = World::new(on, waiting.io.clone()).await;
    waiting.visit(&world, MOST + 1).await;
    until("it is told", || !waiting.dropped().is_empty()).await;
    let because = Failure::Dropped("max_departed_bytes");
    assert_eq!(waiting.dropped(), [("big".to_owned(), because)]);
    waiting.finish(world).await;
}

async fn the_application_hears_of_whose_time_is_over(on: On) {
    // faults: A5, H1
    let waiting = Waiting::new(config().departed_timeout(Duration::from_millis(100)));
    let world = World::new(on, waiting.io.clone()).await;
    waiting.visit(&world, 1).await;
    until("both are told", || waiting.dropped().len() == 2).await;
    let mut dropped = waiting.dropped();
    dropped.sort_by(|(one, _), (other, _)| one.cmp(other));
    let because = Failure::Dropped("departed_timeout");
    let expected = ["big", "wait"].map(|event| (event.to_owned(), because.clone()));
    assert_eq!(dropped, expected);
    world.ends().await;
}

async fn the_end_is_told_behind_a_handler_that_is_left(on: On) {
    // faults: H1
    let waiting = Waiting::new(config());
    let told = Arc::<Mutex<Vec<&str>>>::default();
    let tells = told.clone();
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    waiting.io.of("/ordered").on_connect(move |socket: Socket| {
        socket.sequential();
        let (tells, waits) = (tells.clone(), waits.clone());
        let also = tells.clone();
        socket.on("one", move || {
            let (tells, waits) = (tells.clone(), waits.clone());
            async move {
                waits.acquire().await.unwrap().forget();
                tells.lock().unwrap().push("one");
            }
        });
        socket.on_disconnect(move |_: Socket| also.lock().unwrap().push("end"));
    });
    let world = World::new(on, waiting.io.clone()).await;
    let (mut client, _) = world.join().await;
    client.enter("/ordered").await;
    client.send(r#"42/ordered,["one"]"#).await;
    client
        .send(&format!(r#"42["big","{}"]"#, "x".repeat(MOST)))
        .await;
    client.wire.write(&crate::wire::masked(0x89, b"?")).await;
    client.wire.frame().await.unwrap();
    drop(client);
    until("the large one is dropped", || !waiting.dropped().is_empty()).await;
    sleep(Duration::from_millis(20)).await;
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
    gate.add_permits(1);
    until("both are told", || told.lock().unwrap().len() == 2).await;
    assert_eq!(*told.lock().unwrap(), ["one", "end"]);
    world.ends().await;
}

on_each_runtime! {
    what_has_ended_holds_nothing_any_more,
    who_leaves_little_keeps_it_whatever_others_leave,
    the_application_hears_of_what_is_dropped,
    the_application_hears_of_whose_time_is_over,
    the_end_is_told_behind_a_handler_that_is_left,
}
