//! Sessions of clients that were cut off, and what they have missed.

use sio_tokio::{ConnectionStateRecovery, Io};

use crate::alone::alone_on_each_runtime;
use crate::client::calm;
use crate::held;
use crate::here::until;
use crate::world::{On, World};

const CLIENTS: usize = 1_000;

/// What is kept of each.
const EACH: usize = 600;

const PAGE: usize = 100_000;

/// A client comes, and is cut off.
async fn come_and_go(world: &World) {
    let mut client = world.open().await;
    client.send("40").await;
    let welcome = client.text().await;
    assert!(welcome.contains(r#""pid":"#), "{welcome}");
}

async fn a_session_takes_little_and_what_is_missed_is_there_once(on: On) {
    let recovery = ConnectionStateRecovery::default();
    let io = Io::new(calm().connection_state_recovery(recovery));
    let world = World::new(on, io.clone()).await;
    let away = |count| {
        let io = io.clone();
        move || {
            io.of("/").recovery().is_some_and(|it| it.away == count) && io.engine_sessions() == 0
        }
    };
    // What is made once.
    come_and_go(&world).await;
    until("it is away", away(1)).await;
    let start = held();
    for _ in 0..CLIENTS {
        come_and_go(&world).await;
    }
    until("all are away", away(CLIENTS + 1)).await;
    let taken = move || held().saturating_sub(start) / CLIENTS;
    until("nothing but sessions to be left", move || taken() <= EACH).await;
    println!("{} bytes of a session that is away", taken());
    let before = held();
    io.emit("page", &"x".repeat(PAGE)).unwrap();
    let missed = held().saturating_sub(before);
    assert!((PAGE..2 * PAGE).contains(&missed), "{missed} bytes");
    assert_eq!(io.of("/").recovery().unwrap().packets, 1);
    world.ends().await;
}

alone_on_each_runtime! {
    a_session_takes_little_and_what_is_missed_is_there_once,
}
