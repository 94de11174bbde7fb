//! Every vector of `socketio_v4.json`, `socketio_v5.json` and `socketio_msgpack.json`, recorded from the reference implementation.
//!
//! Where the server decides otherwise than the reference, our own answer is asserted, and the vector
//! stands in [`OURS`] with the reason. What is not run stands in [`SKIPPED`] with the reason.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "what a transcript does not expect is a failure, whatever it is"
)]

mod client;
mod codec;
mod data;
mod instead;
mod msgpack;
mod session;

use std::collections::BTreeMap;

use sio_core::engine::Eio;
use sio_core::packet::{Args, Value};

/// Vectors of both revisions that are answered differently on purpose, and why. Each of them is run: that the outcome
/// is ours, and not the reference's, is asserted where the vector is run. Transcripts stand in
/// [`instead`].
pub(crate) const OURS: &[(&str, &str)] = &[
    (
        "encode/017",
        "-0.0 is a number of its own and survives as -0.0",
    ),
    (
        "decode/048",
        "attachments are counted by digits alone (PROTOCOL.md §29.3)",
    ),
    (
        "decode/049",
        "attachments are counted by digits alone (PROTOCOL.md §29.3)",
    ),
    (
        "decode/051",
        "a placeholder's index is an integer (PROTOCOL.md §29.3)",
    ),
    (
        "decode/052",
        "an empty message is no packet (PROTOCOL.md §29.3)",
    ),
    ("decode/112", "a blank is passed over, and is no ack id"),
    ("decode/113", "a blank is passed over, and is no ack id"),
    (
        "decode/114",
        "an ack id has at most 16 digits (PROTOCOL.md §29.3)",
    ),
    (
        "decode/115",
        "an ack id has at most 16 digits (PROTOCOL.md §29.3)",
    ),
    (
        "encode/042",
        "a packet that its receiver cannot read, or reads as another, is refused (PROTOCOL.md §15)",
    ),
    (
        "decode/116",
        "1e400 is kept as it was written, not made infinite",
    ),
    (
        "decode/117",
        "integers are kept to the digit, not rounded to a double",
    ),
    (
        "decode/118",
        "half a surrogate pair is passed on, but is no Rust string",
    ),
    (
        "decode/119",
        "arguments nest 128 levels deep (PROTOCOL.md §29.3)",
    ),
    (
        "decode/120",
        "attachments are counted by digits alone (PROTOCOL.md §29.3)",
    ),
];

/// The same of one revision alone.
const OURS_OF_ONE: &[(&str, &str)] = &[
    (
        "sio5/decode/087",
        "newListener is a name like any other (PROTOCOL.md §29.3)",
    ),
    (
        "sio5/decode/088",
        "removeListener is a name like any other (PROTOCOL.md §29.3)",
    ),
    (
        "sio4/encode/063",
        "a packet without attachments is not written as one that has some",
    ),
    (
        "sio4/encode/064",
        "what cannot be written is an error of the caller's, and nothing is sent",
    ),
    (
        "sio4/decode/053",
        "what is no packet is refused, not made into an ERROR that nobody handles (PROTOCOL.md §29.3)",
    ),
    (
        "sio4/decode/054",
        "what is no packet is refused, not made into an ERROR that nobody handles (PROTOCOL.md §29.3)",
    ),
    (
        "sio4/decode/055",
        "what is no packet is refused, not made into an ERROR that nobody handles (PROTOCOL.md §29.3)",
    ),
    (
        "sio4/decode/056",
        "what is no packet is refused, not made into an ERROR that nobody handles (PROTOCOL.md §29.3)",
    ),
    (
        "sio4/decode/083",
        "clients cannot fire the server's own events (PROTOCOL.md §17)",
    ),
    (
        "sio4/decode/084",
        "clients cannot fire the server's own events (PROTOCOL.md §17)",
    ),
    (
        "sio4/decode/085",
        "clients cannot fire the server's own events (PROTOCOL.md §17)",
    ),
    (
        "sio4/decode/086",
        "clients cannot fire the server's own events (PROTOCOL.md §17)",
    ),
];

/// Each of these is a client that comes back by an offset, which is a place in a log. Ours are other texts, that nobody
/// can make up, and stand behind events that carry none in the reference (PROTOCOL.md §21.3). What they tell is
/// played by the suite of behaviours instead: what was missed comes first, in order and once (039,
/// `what_was_missed_comes_first_with_rooms_and_data`), what is made up brings nobody back (040,
/// `what_is_used_or_made_up_brings_nobody_back`), nor does what one that has left knows (041,
/// `one_that_is_put_out_does_not_come_back`).
const RECOVERY: &str = "offsets are ours, and stand behind events that have none there";

/// Vectors that are not played, and why.
const SKIPPED: &[(&str, &str)] = &[
    ("sio5/session/039", RECOVERY),
    ("sio5/session/040", RECOVERY),
    ("sio5/session/041", RECOVERY),
];

pub(crate) fn ours(id: &str) -> bool {
    let number = id.split_once('/').map_or(id, |(_, number)| number);
    OURS.iter().any(|(vector, _)| *vector == number)
        || OURS_OF_ONE.iter().any(|(vector, _)| *vector == id)
}

#[test]
fn every_vector_of_revision_4() {
    let (run, skipped) = run_all("socketio_v4.json", Eio::V3);
    assert_eq!(
        run,
        BTreeMap::from([
            ("client_session", 9),
            ("decode", 120),
            ("encode", 64),
            ("session", 58),
        ])
    );
    assert_eq!(skipped, 0);
}

#[test]
fn every_vector_of_revision_5() {
    let (run, skipped) = run_all("socketio_v5.json", Eio::V4);
    assert_eq!(
        run,
        BTreeMap::from([
            ("client_session", 15),
            ("decode", 120),
            ("decode_option", 1),
            ("encode", 68),
            ("is_packet_valid", 8),
            ("session", 38),
        ])
    );
    assert_eq!(skipped, 3);
}

/// The vectors of a file.
pub(crate) fn read(file: &str) -> Vec<Value> {
    let path = format!("{}/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    // Read by our own value type: it keeps the order of members, which the wire shows.
    let file: Value = Args::from_json(&format!("[{text}]"), vec![])
        .unwrap()
        .decode()
        .unwrap();
    let vectors = file["vectors"].as_array().unwrap().to_vec();
    assert_eq!(file["count"].as_u64(), Some(vectors.len() as u64));
    vectors
}

/// How many vectors of a file were run of each kind, and how many were skipped. All that fail are named.
fn run_all(file: &str, revision: Eio) -> (BTreeMap<&'static str, usize>, usize) {
    let vectors = read(file);

    let mut run = BTreeMap::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in &vectors {
        let id = vector["id"].as_str().unwrap();
        let kind = vector["kind"].as_str().unwrap();
        if let Some((_, reason)) = SKIPPED
            .iter()
            .find(|(what, _)| *what == id || *what == kind)
        {
            *skipped.entry(reason).or_default() += 1;
            continue;
        }
        let (kind, outcome) = match kind {
            "encode" => ("encode", codec::encode(vector)),
            "decode" => ("decode", codec::decode(vector, revision)),
            "decode_option" => ("decode_option", codec::decode(vector, revision)),
            "is_packet_valid" => ("is_packet_valid", codec::is_packet_valid(vector)),
            "client_session" => ("client_session", client::replay(vector, revision)),
            "session" => ("session", session::replay(vector, revision)),
            other => ("", Err(format!("a kind nobody knows: {other}"))),
        };
        match outcome {
            Ok(()) => *run.entry(kind).or_default() += 1,
            Err(why) => wrong.push(format!("{id} ({}): {why}", vector["title"])),
        }
    }
    println!("run: {run:?}; skipped: {skipped:?}");
    assert!(
        wrong.is_empty(),
        "{} vectors:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    (run, skipped.values().sum())
}
