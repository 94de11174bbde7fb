//! What is about threads, of which the simulation has one.

use std::sync::{Arc, Mutex};

use sio_tokio::{EmitError, Io};

use crate::bursts::{burst, hears, play, playing};
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

async fn an_emit_that_comes_after_comes_behind_on_any_thread(on: On) {
    type Results = Arc<Mutex<Vec<Result<(), EmitError>>>>;
    let results: Results = Arc::default();
    let told = results.clone();
    let io = playing(calm(), move |main, socket| {
        let all = main.to("all");
        burst(&all, &["1", "2"]);
        let elsewhere = |work: &(dyn Fn() -> Result<(), EmitError> + Sync)| {
            let result = std::thread::scope(|scope| scope.spawn(work).join().unwrap());
            told.lock().unwrap().push(result);
        };
        elsewhere(&|| socket.emit("3", &()));
        burst(&all, &["4"]);
        elsewhere(&|| all.emit("5", &()));
        burst(&all, &["6"]);
        elsewhere(&|| main.to(["all", "x"]).emit("7", &()));
        burst(&all, &["8"]);
        elsewhere(&|| {
            socket.leave("all");
            Ok(())
        });
        burst(&all, &["not for it"]);
        elsewhere(&|| {
            socket.join("all").unwrap();
            all.emit("9", &())
        });
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    play(&mut a).await;
    hears(&mut a, &["1", "2", "3", "4", "5", "6", "7", "8", "9"]).await;
    a.expect(r#"430["played"]"#).await;
    assert!(results.lock().unwrap().iter().all(Result::is_ok));
    world.ends().await;
}

/// Four threads emit at once, to all, to one, and as people come and go: each one's own are in order.
async fn each_thread_keeps_its_order(on: On) {
    let io = playing(calm(), |_, _| {});
    let world = World::new(on, io.clone()).await;
    let (mut a, id) = world.join().await;
    let (mut b, _) = world.join().await;
    let main = io.of("/");
    let threads: Vec<_> = (0..4u32)
        .map(|thread| {
            let (main, socket) = (main.clone(), main.get(&id).unwrap());
            std::thread::spawn(move || {
                for n in 0..200u32 {
                    match (thread, n % 8) {
                        (1, 3) => socket.emit("n", &(thread, n)).unwrap(),
                        (2, 5) => {
                            main.to(["all", "x"]).emit("n", &(thread, n)).unwrap();
                            socket.join(format!("{n}")).unwrap();
                        }
                        _ => main.to("all").emit("n", &(thread, n)).unwrap(),
                    }
                }
            })
        })
        .collect();
    for (client, whole) in [(&mut a, true), (&mut b, false)] {
        let mut next = [0u32; 4];
        let total = if whole { 800 } else { 775 };
        for _ in 0..total {
            let text = client.text().await;
            let (thread, n) = text
                .strip_prefix(r#"42["n","#)
                .and_then(|rest| rest.strip_suffix(']'))
                .and_then(|rest| rest.split_once(','))
                .unwrap();
            let (thread, n): (usize, u32) = (thread.parse().unwrap(), n.parse().unwrap());
            if !whole && thread == 1 && next[1] % 8 == 3 {
                next[1] += 1;
            }
            assert_eq!(n, next[thread], "{thread}");
            next[thread] += 1;
        }
        assert_eq!(next, [200; 4]);
        client.sync().await;
    }
    for thread in threads {
        thread.join().unwrap();
    }
    world.ends().await;
}

on_each_real_runtime! {
    emits_come_from_any_thread,
    an_emit_that_comes_after_comes_behind_on_any_thread,
    each_thread_keeps_its_order,
}
