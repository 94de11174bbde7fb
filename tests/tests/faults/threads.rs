//! No thread is started that nobody asked for.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};

use sio_tokio::{Ack, Io};

use crate::alone::alone_on_each_runtime;
use crate::client::calm;
use crate::world::{On, World};

/// The threads of this process, by their numbers.
fn threads() -> BTreeSet<String> {
    read_dir("/proc/self/task")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn name(thread: &str) -> String {
    let name = read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap();
    name.trim().to_owned()
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
    let mut names: Vec<_> = threads()
        .difference(&before)
        .map(|thread| name(thread))
        .collect();
    names.sort();
    // The one that runs the server was started by the test, and has its name.
    let own = read_to_string("/proc/thread-self/comm").unwrap();
    let given = names.iter().position(|name| name == own.trim());
    names.remove(given.expect("the server's thread"));
    assert_eq!(names, on.threads());
    drop(client);
    world.ends().await;
}

alone_on_each_runtime! {
    there_are_the_threads_of_the_runtime_and_no_others,
}
