//! Every vector of Engine.IO revision 4, run against the core.
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

use world::World;

/// Kinds that are not run, and why.
const SKIPPED: [(&str, &str); 2] = [
    ("webtransport_encode", "WebTransport is not offered yet"),
    ("webtransport_decode", "WebTransport is not offered yet"),
];

#[test]
fn every_vector_of_revision_4() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/engineio_v4.json");
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
        let vector = match ours::instead(id) {
            Some(change) => {
                assert_ne!(
                    vector["conformance"], "must",
                    "{id} must hold as it is recorded"
                );
                changed += 1;
                &change.apply(vector)
            }
            None => vector,
        };
        println!("{id}: {}", vector["title"].as_str().unwrap());
        match kind {
            "packet_encode" => codec::packet_encode(vector),
            "packet_decode" => codec::packet_decode(vector),
            "payload_encode" => codec::payload_encode(vector),
            "payload_decode" => codec::payload_decode(vector),
            "jsonp_response" => codec::jsonp_response(vector),
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
    assert_eq!((run, changed, skipped), (155, 14, 23));
}
