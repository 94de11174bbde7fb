//! Every vector of Engine.IO revisions 3 and 4, run against the core.
//!
//! Where this implementation answers better than the recorded one, the vector is not skipped: what we do
//! instead stands in `ours.rs`, with the reason, and is what is asserted.

#[path = "vectors_engine/codec.rs"]
mod codec;
#[path = "vectors_engine/ours.rs"]
mod ours;
#[path = "vectors_engine/script.rs"]
mod script;
#[path = "vectors_engine/wire.rs"]
mod wire;
#[path = "vectors_engine/world.rs"]
mod world;

use serde_json::Value;
use sio_core::engine::Eio;

use world::World;

/// Kinds that are not run, and why.
const SKIPPED: [(&str, &str); 2] = [
    ("webtransport_encode", "WebTransport is not offered yet"),
    ("webtransport_decode", "WebTransport is not offered yet"),
];

/// How many of a file's vectors were run, how many of them with our own answer, how many were skipped.
fn every_vector(revision: Eio) -> (usize, usize, usize) {
    let number = revision.number();
    let path = format!(
        "{}/vectors/engineio_v{number}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(Some(vectors.len() as u64), file["count"].as_u64());

    let (mut run, mut changed, mut skipped) = (0, 0, 0);
    for vector in vectors {
        let kind = vector["kind"].as_str().unwrap();
        let id = vector["id"].as_str().unwrap();
        if SKIPPED.iter().any(|(skipped, _)| *skipped == kind) {
            skipped += 1;
            continue;
        }
        println!("{id}: {}", vector["title"].as_str().unwrap());
        changed += usize::from(ours::instead(id).is_some());
        let vector = &ours::expected(vector, vectors);
        match kind {
            "packet_encode" => codec::packet_encode(revision, vector),
            "packet_decode" => codec::packet_decode(revision, vector),
            "payload_encode" => codec::payload_encode(revision, vector),
            "payload_decode" => codec::payload_decode(revision, vector),
            "jsonp_response" => codec::jsonp_response(revision, vector),
            "jsonp_post" => codec::jsonp_post(revision, vector),
            "session" => {
                let echo = vector["in"]["echo"].as_bool().unwrap();
                script::play(vector, &mut World::new(script::config(vector), echo));
            }
            other => panic!("{id}: unknown kind {other}"),
        }
        run += 1;
    }
    println!("{run} run, {changed} of them with our own answer, {skipped} skipped");
    for (kind, why) in SKIPPED {
        println!("skipped: {kind}: {why}");
    }
    (run, changed, skipped)
}

#[test]
fn every_vector_of_revision_3() {
    assert_eq!(every_vector(Eio::V3), (308, 36, 0));
}

#[test]
fn every_vector_of_revision_4() {
    assert_eq!(every_vector(Eio::V4), (155, 10, 23));
}
