//! The transcripts of the vectors over real sockets: the server on tokio, clients that write bytes.
//!
//! `vectors_engine` and `vectors_socket` hold the machines to them; here the driver is held to the same.

#[path = "vectors_live/bytes.rs"]
mod bytes;
#[path = "vectors_live/engine.rs"]
mod engine;
#[path = "vectors_socket/instead.rs"]
mod instead;
#[path = "vectors_engine/ours.rs"]
mod ours;
#[path = "vectors_engine/script.rs"]
mod script;
#[path = "vectors_live/socket.rs"]
mod socket;
#[path = "vectors_engine/wire.rs"]
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use serde_json::Value;
use tokio::runtime::Runtime;

/// How many transcripts are played at once. They mostly wait.
const AT_ONCE: usize = 12;

#[test]
fn engine_transcripts_of_revision_3() {
    assert_eq!(play_engine("engineio_v3.json"), 135);
}

#[test]
fn engine_transcripts_of_revision_4() {
    assert_eq!(play_engine("engineio_v4.json"), 74);
}

fn play_engine(file: &str) -> usize {
    let runtime = runtime();
    play_all(file, |vector| {
        let mut place = engine::Live::new(&runtime, vector);
        script::play(vector, &mut place);
    })
}

#[test]
fn socket_transcripts_of_revision_4() {
    let runtime = runtime();
    let played = play_all("socketio_v4.json", |vector| socket::play(&runtime, vector));
    assert_eq!(played, 58);
}

#[test]
fn socket_transcripts_of_revision_5() {
    let runtime = runtime();
    let played = play_all("socketio_v5.json", |vector| socket::play(&runtime, vector));
    assert_eq!(played, 38);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Plays every transcript of a file that is not skipped; how many there were. All that fail are named.
fn play_all(file: &str, play: impl Fn(&Value) + Sync) -> usize {
    let path = format!("{}/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    // Some vectors of other kinds nest deeper than serde_json reads; they are not looked into.
    #[derive(serde::Deserialize)]
    struct File {
        vectors: Vec<Box<serde_json::value::RawValue>>,
    }
    #[derive(serde::Deserialize)]
    struct Head {
        kind: String,
    }
    let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let kind = |text: &str| serde_json::from_str::<Head>(text).unwrap().kind;
    let recorded: Vec<Value> = file
        .vectors
        .iter()
        .filter(|vector| kind(vector.get()) == "session")
        .map(|vector| serde_json::from_str::<Value>(vector.get()).unwrap())
        .filter(|vector| socket::skipped(vector).is_none())
        .collect();
    let vectors: Vec<Value> = recorded
        .iter()
        .map(|vector| ours::expected(vector, &recorded))
        .collect();
    let next = Mutex::new(vectors.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let vector = next.lock().unwrap().next();
                    let Some(vector) = vector else { break };
                    if catch_unwind(AssertUnwindSafe(|| play(vector))).is_err() {
                        let title = format!("{} {}", vector["id"], vector["title"]);
                        failed.lock().unwrap().push(title);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} failed: {failed:#?}", failed.len());
    vectors.len()
}
