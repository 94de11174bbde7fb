//! What an application is told that has set up neither a log nor `on_error`.

use std::sync::{Arc, Mutex};

use sio_tokio::{
    Ack, Data, DisconnectReason, EngineServer, EngineSocket, Failure, HandlerError, Io, Server,
    State,
};

use crate::alone::printed;
use crate::client::{Client, calm};
use crate::here::within;
use crate::world::{On, Smol, Tokio, World, run};

#[derive(Clone)]
struct Missing;

/// Handlers with each fault that there is, but for a panic.
fn faulty() -> Io {
    let io = Io::new(calm());
    io.of("/").on("mistyped", |_: Data<u64>| ());
    io.of("/").on("stateless", |_: State<Missing>| ());
    io.of("/").on("absent", |_: DisconnectReason| ());
    io.of("/").on("fails", || Err::<(), _>("no such room"));
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    io
}

const EVENTS: [&str; 5] = [
    r#"42["mistyped","a secret"]"#,
    r#"42["stateless"]"#,
    r#"42["absent"]"#,
    r#"42["fails"]"#,
    r#"42["nobody"]"#,
];

async fn each_fault_twice(world: &World) {
    let (mut client, _) = world.join().await;
    for event in EVENTS.iter().chain(&EVENTS) {
        client.send(event).await;
    }
    for n in 0..100 {
        client.send(&format!(r#"42["invented {n}"]"#)).await;
    }
    client.sync().await;
}

async fn with_nothing_set_up(on: On) {
    // faults: A5
    let world = World::new(on, faulty()).await;
    each_fault_twice(&world).await;
    world.ends().await;
}

async fn with_a_hook(on: On) {
    // faults: A5
    let io = faulty();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    io.on_error(move |error: &HandlerError| {
        hears.lock().unwrap().push(error.why.clone());
    });
    let world = World::new(on, io).await;
    each_fault_twice(&world).await;
    world.ends().await;
    let heard = heard.lock().unwrap();
    let count = |is: fn(&Failure) -> bool| heard.iter().filter(|why| is(why)).count();
    assert_eq!(count(|why| matches!(why, Failure::Mistyped(_))), 2);
    assert_eq!(count(|why| matches!(why, Failure::NoState(_))), 2);
    assert_eq!(count(|why| matches!(why, Failure::Absent(_))), 2);
    assert_eq!(count(|why| matches!(why, Failure::Failed(_))), 2);
    assert_eq!(count(|why| matches!(why, Failure::Unhandled)), 102);
}

async fn with_an_engine_alone(on: On) {
    // faults: A5
    let engine = EngineServer::new(calm().path("/socket.io"));
    engine.on_message(|_: EngineSocket, _| Err::<(), _>("no such word"));
    let io = Io::new(calm().path("/other"));
    let counted = engine.clone();
    let world = World::serving(on, io.clone(), Server::new(io).engine(engine)).await;
    let mut client = Client::raw(world.address, "&EIO=4").await;
    client.text().await;
    client.send("4what?").await;
    client.send("4what?").await;
    client.send("1").await;
    client.rest().await;
    within("the engine to close", counted.close()).await;
    world.ends().await;
}

/// What was said. The first line stands behind what the test harness has printed.
fn lines(output: &str) -> Vec<&str> {
    output
        .lines()
        .filter_map(|line| line.find("sio: ").and_then(|at| line.get(at..)))
        .collect()
}

fn each_kind_is_said_once(output: &str) {
    let lines = lines(output);
    let said = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    for (event, words) in [
        ("mistyped", "invalid type: string, expected u64"),
        ("stateless", "Io::set_state"),
        ("absent", "disconnect reason"),
        ("fails", "no such room"),
        ("nobody", "no handler"),
    ] {
        let event = format!("event {event:?} of \"/\"");
        let about: Vec<_> = lines.iter().filter(|line| line.contains(&event)).collect();
        assert_eq!(about.len(), 1, "{event}: {lines:#?}");
        assert!(about[0].contains(words), "{event}: {lines:#?}");
    }
    assert_eq!(said("\"sync\""), 0, "{lines:#?}");
    // A client that invents names is heard of so often and no more.
    assert_eq!(said("no handler"), 16, "{lines:#?}");
    assert_eq!(said("no more of this kind"), 1, "{lines:#?}");
    assert!(!output.contains("a secret"), "{output}");
}

/// A test of each of these in a process of its own, whose output is looked at then.
macro_rules! printed_on_each_binding {
    ($($name:ident: $part:ident, $look:expr;)*) => {
        printed_on_each_binding!(@ on_tokio, &Tokio { workers: 2 }, $($name: $part, $look;)*);
        printed_on_each_binding!(@ on_smol, &Smol, $($name: $part, $look;)*);
    };
    (@ $runtime:ident, $on:expr, $($name:ident: $part:ident, $look:expr;)*) => {
        mod $runtime {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let name = concat!(module_path!(), "::", stringify!($name));
                    if let Some(output) = printed(name, || run($part($on))) {
                        let look: fn(&str) = $look;
                        look(&output);
                    }
                }
            )*
        }
    };
}

printed_on_each_binding! {
    each_kind_of_failure_is_said_once: with_nothing_set_up, each_kind_is_said_once;
    a_hook_hears_of_each_instead: with_a_hook, |output| {
        assert_eq!(lines(output), Vec::<&str>::new());
    };
    a_plain_engine_says_it_too: with_an_engine_alone, |output| {
        let lines = lines(output);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("no such word"), "{lines:#?}");
    };
}
