//! The properties of the fuzz targets, on inputs made here: the corpora from the vectors, mutations
//! of them, and noise. `cargo fuzz run` looks further; see CONTRIBUTING.md.

use std::path::Path;

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use sio_core::packet::{Args, Map, Value};

/// Every text frame and body that stands in the vectors.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut all = Vec::new();
    for name in [
        "engineio_v3.json",
        "engineio_v4.json",
        "socketio_v4.json",
        "socketio_v5.json",
    ] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        // Our own reader: a vector nests deeper than serde_json reads.
        let args = Args::from_json(&format!("[{text}]"), Vec::new()).unwrap();
        collect(&args.get(0).unwrap(), &mut all);
    }
    assert!(all.len() > 1000, "{}", all.len());
    all
}

fn collect(value: &Value, all: &mut Vec<Vec<u8>>) {
    if let Some(text) = value["text"].as_str() {
        all.push(text.as_bytes().to_vec());
    }
    if let Some(hex) = value["bin"].as_str() {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        all.push((0..hex.len()).step_by(2).map(byte).collect());
    }
    for (_, value) in value.as_object().into_iter().flat_map(Map::iter) {
        collect(value, all);
    }
    for value in value.as_array().unwrap_or_default() {
        collect(value, all);
    }
}

fn every_property(input: &[u8]) {
    sio_fuzz::packet(input);
    sio_fuzz::value(input);
    sio_fuzz::payload(input);
    sio_fuzz::head(input);
    sio_fuzz::server(input);
    sio_fuzz::websocket(input);
    sio_fuzz::connection(input);
    sio_fuzz::parser(input);
    sio_fuzz::deflate(input);
    sio_fuzz::client(input);
    sio_fuzz::facing(input);
}

#[test]
fn hold_for_the_corpus() {
    for input in corpus() {
        every_property(&input);
        // Without the engine's digit it is a packet of Socket.IO.
        if let Some(rest) = input.get(1..) {
            sio_fuzz::packet(rest);
            sio_fuzz::parser(rest);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn hold_for_mutations(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0..4usize,
    ) {
        let all = corpus_once();
        let mut input = pick.get(all).clone();
        let at = if input.is_empty() { 0 } else { at.index(input.len()) };
        let end = (at + cut).min(input.len());
        input.splice(at..end, with);
        every_property(&input);
    }

    #[test]
    fn hold_for_json(text in r#"[\[\]{}:,"\\0-9eE+\-. a-fu_\n]{0,40}"#) {
        sio_fuzz::value(text.as_bytes());
        sio_fuzz::packet(format!("2[\"e\",{text}]").as_bytes());
        sio_fuzz::parser(format!("2[\"e\",{text}]").as_bytes());
        sio_fuzz::parser(format!(r#"{{"type":2,"nsp":"/","data":["e",{text}]}}"#).as_bytes());
        let bytes = r#"{"_placeholder":true,"num":0}"#;
        sio_fuzz::parser(format!("51-[\"e\",{text},{bytes}]\x1e{text}\x1f").as_bytes());
    }

    #[test]
    fn hold_for_frames(
        how in any::<u8>(),
        frames in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..125)),
            0..12,
        ),
    ) {
        let mut input = vec![how];
        for (first, payload) in frames {
            // What a client may say, mostly: noise alone ends with the first frame.
            let usual = [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0xc1, 0xc2];
            input.push(usual.get(usize::from(first % 10)).copied().unwrap_or(first));
            input.push(0x80 | u8::try_from(payload.len()).unwrap());
            input.extend([0; 4]);
            input.extend(payload);
        }
        sio_fuzz::websocket(&input);
        sio_fuzz::connection(&input);
    }

    #[test]
    fn hold_for_compressed_messages(
        flags in any::<u8>(),
        messages in prop::collection::vec(prop::collection::vec(0u8..31, 0..1500), 0..4),
    ) {
        let messages = messages.join(&0x1f);
        sio_fuzz::deflate(&[&[flags][..], &messages].concat());
    }

    #[test]
    fn hold_for_any_history(input in prop::collection::vec(any::<u8>(), 0..400)) {
        sio_fuzz::server(&input);
        sio_fuzz::client(&input);
    }

    #[test]
    fn hold_between_machines(input in prop::collection::vec(any::<u8>(), 0..700)) {
        sio_fuzz::facing(&input);
    }
}

fn corpus_once() -> &'static [Vec<u8>] {
    static ALL: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    ALL.get_or_init(corpus)
}
