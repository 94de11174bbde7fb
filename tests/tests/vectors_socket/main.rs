//! Every vector of `socketio_v5.json`, recorded from the reference implementation.
//!
//! Where the server decides otherwise than the reference, our own answer is asserted, and the vector
//! stands in [`OURS`] with the reason. What is not run stands in [`SKIPPED`] with the reason.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "what a transcript does not expect is a failure, whatever it is"
)]

mod codec;
mod data;
mod session;

use std::collections::BTreeMap;

use sio_core::packet::{Args, Value};

/// Vectors that are answered differently on purpose, and why. Each of them is run: that the outcome
/// is ours, and not the reference's, is asserted where the vector is run.
pub(crate) const OURS: &[(&str, &str)] = &[
    (
        "sio5/encode/017",
        "-0.0 is a number of its own and survives as -0.0",
    ),
    (
        "sio5/decode/048",
        "attachments are counted by digits alone (limits.md, measured table)",
    ),
    (
        "sio5/decode/049",
        "attachments are counted by digits alone (limits.md, measured table)",
    ),
    (
        "sio5/decode/051",
        "a placeholder's index is an integer (limits.md, CVE-2022-2421)",
    ),
    (
        "sio5/decode/052",
        "an empty message is no packet (limits.md, measured table: ws `4`)",
    ),
    (
        "sio5/decode/087",
        "newListener is a name like any other (limits.md, measured table)",
    ),
    (
        "sio5/decode/088",
        "removeListener is a name like any other (limits.md, measured table)",
    ),
    (
        "sio5/decode/112",
        "a blank is no ack id (limits.md, measured table)",
    ),
    (
        "sio5/decode/113",
        "a blank is no ack id (limits.md, measured table)",
    ),
    (
        "sio5/decode/114",
        "an ack id has at most 16 digits (limits.md §2.1)",
    ),
    (
        "sio5/decode/115",
        "an ack id has at most 16 digits (limits.md §2.1)",
    ),
    (
        "sio5/decode/116",
        "1e400 is kept as it was written, not made infinite",
    ),
    (
        "sio5/decode/117",
        "integers are kept to the digit, not rounded to a double",
    ),
    (
        "sio5/decode/118",
        "half a surrogate pair is passed on, but is no Rust string",
    ),
    (
        "sio5/decode/119",
        "arguments nest 128 levels deep (limits.md, max_json_depth)",
    ),
    (
        "sio5/decode/120",
        "attachments are counted by digits alone (limits.md, measured table)",
    ),
];

/// Kinds and vectors that wait for what is not there yet.
const SKIPPED: &[(&str, &str)] = &[
    (
        "client_session",
        "what a client does: there is no client yet",
    ),
    (
        "sio5/session/039",
        "connection state recovery is not there yet",
    ),
    (
        "sio5/session/040",
        "connection state recovery is not there yet",
    ),
    (
        "sio5/session/041",
        "connection state recovery is not there yet",
    ),
];

pub(crate) fn ours(id: &str) -> bool {
    OURS.iter().any(|(vector, _)| *vector == id)
}

#[test]
fn every_vector_of_revision_5() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/socketio_v5.json");
    let text = std::fs::read_to_string(path).unwrap();
    // Read by our own value type: it keeps the order of members, which the wire shows.
    let file: Value = Args::from_json(&format!("[{text}]"), vec![])
        .unwrap()
        .decode()
        .unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(file["count"].as_u64(), Some(vectors.len() as u64));

    let mut run: BTreeMap<&str, usize> = BTreeMap::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in vectors {
        let id = vector["id"].as_str().unwrap();
        let kind = vector["kind"].as_str().unwrap();
        if let Some((_, reason)) = SKIPPED
            .iter()
            .find(|(what, _)| *what == id || *what == kind)
        {
            *skipped.entry(reason).or_default() += 1;
            continue;
        }
        let outcome = match kind {
            "encode" => codec::encode(vector),
            "decode" | "decode_option" => codec::decode(vector),
            "is_packet_valid" => codec::is_packet_valid(vector),
            "session" => session::replay(vector),
            other => Err(format!("a kind nobody knows: {other}")),
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
    assert_eq!(
        run,
        BTreeMap::from([
            ("decode", 120),
            ("decode_option", 1),
            ("encode", 68),
            ("is_packet_valid", 8),
            ("session", 38),
        ])
    );
    assert_eq!(skipped.values().sum::<usize>(), 18);
}
