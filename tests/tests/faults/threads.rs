//! No thread is started that nobody asked for.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};

use sio_tokio::{Ack, Io};

use crate::alone::alone_on_each_runtime;
use crate::client::calm;
use crate::here::until;
use crate::world::{On, World};

/// The threads of this process, by their numbers.
fn threads() -> BTreeSet<String> {
    read_dir("/proc/self/task")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The names of those that are not among `before`, but for one: the server's, which was started by the
/// test and has the name of its thread.
fn others(before: &BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<_> = threads()
        .difference(before)
        // One that is gone has no name.
        .filter_map(|thread| read_to_string(format!("/proc/self/task/{thread}/comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    let own = read_to_string("/proc/thread-self/comm").unwrap();
    if let Some(given) = names.iter().position(|name| name == own.trim()) {
        names.remove(given);
    }
    names
}

async fn there_are_the_threads_of_the_runtime_and_no_others(on: On) {
    let before = threads();
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.sync().await;
    let poller = world.poller().await;
    poller.enter().await;
    // A thread has its name a moment after it has begun.
    until("the threads to be named", || {
        others(&before) == on.threads()
    })
    .await;
    drop(client);
    world.ends().await;
}

alone_on_each_runtime! {
    there_are_the_threads_of_the_runtime_and_no_others,
}
