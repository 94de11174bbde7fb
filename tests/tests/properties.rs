//! The properties of the fuzz targets, on inputs made here: the corpora from the vectors, mutations
//! of them, and noise. `cargo fuzz run` looks further; see CONTRIBUTING.md.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use sio_core::packet::{Args, Map, Value};

/// Every text frame and body that stands in the vectors.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut all = Vec::new();
    for name in [
        "engineio_v3.json",
        "engineio_v4.json",
        "socketio_msgpack.json",
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

/// What nodes write to each other, and how.
fn of_the_cluster() -> &'static [Vec<u8>] {
    static ALL: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/cluster_redis.json");
        let text = std::fs::read_to_string(path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        let vectors = file["vectors"].as_array().unwrap().iter();
        let mut all = Vec::new();
        for out in vectors.map(|vector| &vector["out"]) {
            let bytes = STANDARD.decode(out["bytes"].as_str().unwrap_or_default());
            let bytes = bytes.unwrap();
            // An entry of a stream has its type beside it.
            for field in out["fields"].as_array().into_iter().flatten() {
                if field[0] == "type" {
                    let kind = field[1].as_str().unwrap();
                    all.push([kind.as_bytes(), b" ", &bytes].concat());
                }
            }
            all.push(bytes);
        }
        assert!(all.len() > 600, "{}", all.len());
        all
    })
}

fn every_property_of_the_cluster(input: &[u8]) {
    sio_fuzz::cluster_classic(input);
    sio_fuzz::cluster_v2(input);
    sio_fuzz::cluster_message(input);
    sio_fuzz::streams_entry(input);
    for how in 0..32 {
        // Up, by confirmations of whatever is asked for; then told of it on each channel.
        let mut told = vec![how, 2, 6, 6, 6, 6];
        for channel in [0, 20, 40, 60] {
            told.push(channel);
            told.extend(input);
            told.push(0x1f);
        }
        sio_fuzz::cluster_node(&told);
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
    sio_fuzz::msgpack(input);
    sio_fuzz::deflate(input);
    sio_fuzz::session(input);
    sio_fuzz::client(input);
    sio_fuzz::facing(input);
    sio_fuzz::recovery(input);
    sio_fuzz::open_packet(input);
    sio_fuzz::response(input);
    sio_fuzz::cookies(input);
    sio_fuzz::proxy(input);
}

#[test]
fn hold_for_the_corpus() {
    for input in corpus() {
        every_property(&input);
        // Without the engine's digit it is a packet of Socket.IO.
        if let Some(rest) = input.get(1..) {
            sio_fuzz::packet(rest);
            sio_fuzz::parser(rest);
            sio_fuzz::msgpack(rest);
        }
    }
}

/// What is kept of a target.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let files = std::fs::read_dir(folder.join(name)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|it| std::fs::read(it).unwrap()).collect()
}

#[test]
fn hold_for_what_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let target = sio_fuzz::TARGETS.iter().find(|it| it.name == name);
        let target = target.unwrap_or_else(|| panic!("{name} is no target"));
        for input in kept(&name) {
            bytes += input.len();
            (target.run)(&input);
        }
    }
    assert!((1..=3_000_000).contains(&bytes), "{bytes}");
}

/// Of each kind a packet has met a namespace in each of its states, in both revisions.
#[test]
fn histories_of_a_server_that_are_kept_meet_all_there_is() {
    let inputs = kept("server");
    let seen = inputs.iter().map(|input| sio_fuzz::server(input));
    let seen = seen.reduce(|all, its| all.and(its)).unwrap();
    assert_eq!(seen.missing_mux(), Vec::<String>::new());
}

#[test]
fn hold_for_what_nodes_write() {
    for input in of_the_cluster() {
        every_property_of_the_cluster(input);
    }
}

/// Some of these, one behind the other.
fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(of), 0..10).prop_map(|all| all.concat().into_bytes())
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
        sio_fuzz::msgpack(format!("2[\"e\",{text}]").as_bytes());
        sio_fuzz::parser(format!(r#"{{"type":2,"nsp":"/","data":["e",{text}]}}"#).as_bytes());
        let bytes = r#"{"_placeholder":true,"num":0}"#;
        sio_fuzz::parser(format!("51-[\"e\",{text},{bytes}]\x1e{text}\x1f").as_bytes());
    }

    #[test]
    fn hold_for_msgpack(data in prop::collection::vec(
        prop_oneof![any::<u8>(), 0x80..=0xa4_u8, 0xc0..=0xdf_u8, 0..4_u8],
        0..40,
    )) {
        sio_fuzz::msgpack(&data);
        let head = b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x07\xa4data\x92\xa1e";
        sio_fuzz::msgpack(&[head, &data[..]].concat());
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
    fn hold_for_mutations_of_what_nodes_write(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0..4usize,
    ) {
        let mut input = pick.get(of_the_cluster()).clone();
        let at = if input.is_empty() { 0 } else { at.index(input.len()) };
        let end = (at + cut).min(input.len());
        input.splice(at..end, with);
        every_property_of_the_cluster(&input);
    }

    #[test]
    fn hold_for_any_history_of_a_node(
        how in any::<u8>(),
        input in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 0..8),
        messages in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let mut told = vec![how, 2, 6, 6, 6, 6];
        for (steps, message) in input.into_iter().zip(messages) {
            told.extend(steps);
            told.push(0x1f);
            told.push(40);
            told.extend(message.get(of_the_cluster()));
            told.push(0x1f);
        }
        sio_fuzz::cluster_node(&told);
    }

    #[test]
    fn hold_for_any_history(input in prop::collection::vec(any::<u8>(), 0..400)) {
        sio_fuzz::server(&input);
        sio_fuzz::session(&input);
        sio_fuzz::client(&input);
    }

    #[test]
    fn hold_for_what_opens_a_session(parts in pieces(&[
        r#"{"sid":"s","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":9}"#,
        r#"{"sid":"s","pingInterval":86400000,"pingTimeout":86400001}"#,
        r#"{"sid":"","#, "\"pingInterval\":1,", "\"pingTimeout\":1e3", "}", "\u{1e}", "[", "null", "0", ",",
    ])) {
        sio_fuzz::open_packet(&parts);
    }

    #[test]
    fn hold_for_what_answers_a_request(how in any::<[u8; 2]>(), parts in pieces(&[
        "set-cookie: a=b; max-age=1\n", "content-type: text/plain\n", "\n", "2", "6", "1", "40", "4a", "\u{1e}",
        "bAQI=", "0{}", "2:40", "1:6", "4:4\u{20ac}aa", "b4:4AQI=", "{\"code\":1,\"message\":\"x\"}",
    ])) {
        sio_fuzz::response(&[&how[..], &parts].concat());
    }

    #[test]
    fn hold_for_cookies(parts in pieces(&[
        "a=1", "b=2", "c", "d=4", "=", ";", "; ", "Max-Age=", "max-age=0", "max-age=99999999999999999999", "\n",
        "expires=Wed, 21 Oct 2065 07:28:00 GMT", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "path=/", " ", "\u{e9}",
    ])) {
        sio_fuzz::cookies(&parts);
    }

    #[test]
    fn hold_for_what_proxies_say(how in any::<u8>(), parts in pieces(&[
        "HTTP/1.1 200 OK\r\n", "HTTP/1.0 299 x\r\n", "HTTP/1.1 407 no\r\n", "a: b\r\n", "\r\n", "\x05\x00",
        "\x05\x02", "\x01\x00", "\x05\x00\x00\x01\x01\x02\x03\x04\x00\x05", "\x05\x00\x00\x03\x01a\x00\x01", "\x05\x01", "x",
    ])) {
        sio_fuzz::proxy(&[&[how][..], &parts].concat());
    }

    #[test]
    fn hold_for_whoever_comes_back(input in prop::collection::vec(any::<u8>(), 0..1000)) {
        sio_fuzz::recovery(&input);
    }

    #[test]
    fn hold_between_machines(input in prop::collection::vec(any::<u8>(), 0..700)) {
        sio_fuzz::facing(&input);
    }
}

// Each is a world of its own, with all that it takes.
proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(40)
    })]

    #[test]
    fn hold_for_worlds_of_bytes(input in prop::collection::vec(any::<u8>(), 0..2000)) {
        sio_fuzz::world(&input);
    }

    #[test]
    fn hold_for_worlds_of_tasks_of_bytes(input in prop::collection::vec(any::<u8>(), 0..600)) {
        sio_fuzz::driver(&input);
    }
}

fn corpus_once() -> &'static [Vec<u8>] {
    static ALL: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    ALL.get_or_init(corpus)
}
