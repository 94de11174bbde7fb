//! What is about threads, of which the simulation has one.

use sio_tokio::Io;

use crate::client::calm;
use crate::world::{On, World};

async fn emits_come_from_any_thread(on: On) {
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    let threads: Vec<_> = (0..4u8)
        .map(|thread| {
            let socket = io.of("/").get(&id).unwrap();
            std::thread::spawn(move || {
                for n in 0..100u8 {
                    socket.emit("n", &(thread, n)).unwrap();
                }
            })
        })
        .collect();
    let mut next = [0u8; 4];
    for _ in 0..400 {
        let text = client.text().await;
        let numbers = text
            .strip_prefix(r#"42["n","#)
            .and_then(|rest| rest.strip_suffix(']'))
            .and_then(|rest| rest.split_once(','))
            .unwrap();
        let thread: usize = numbers.0.parse().unwrap();
        assert_eq!(numbers.1.parse(), Ok(next[thread]));
        next[thread] += 1;
    }
    for thread in threads {
        thread.join().unwrap();
    }
    world.ends().await;
}

on_each_real_runtime! {
    emits_come_from_any_thread,
}
