//! Transcripts: what a client does, step by step, and what it must see.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use http::request::Parts;
use serde_json::Value;

use sio_core::config::{Config, Cookie, Cors, CorsOrigin, Transports};
use sio_core::engine::{CloseReason, Message};

use crate::wire::wire;

/// Where a transcript is played: against the machines, or over real sockets.
pub(crate) trait Place {
    /// Time passes.
    fn pass(&mut self, time: Duration);
    /// Begins an HTTP exchange under a name.
    fn request(&mut self, name: &str, request: Request);
    /// The answer to it, if it has come.
    fn answer(&mut self, name: &str) -> Option<Answer>;
    /// Sends it once more, as it was. `false`: time goes as the transcript says, and there is no need to.
    fn repeat(&mut self, name: &str) -> bool;
    /// Whether it has no answer.
    fn is_waiting(&mut self, name: &str) -> bool;
    /// The client drops it.
    fn abort(&mut self, name: &str);
    /// Opens a WebSocket under a name; the status of the answer.
    fn open_socket(&mut self, name: &str, head: &Parts) -> u16;
    /// The client sends on it. Once it is closed, nobody listens.
    fn send_socket(&mut self, name: &str, frame: Message);
    /// What it received since the last time; about so many frames are expected.
    fn received(&mut self, name: &str, expected: usize) -> Vec<Message>;
    /// The code it was closed with, 1005 for none, if it was, which may be expected.
    fn closed(&mut self, name: &str, expected: bool) -> Option<u16>;
    /// The client's end goes away without a word.
    fn cut_socket(&mut self, name: &str);
    /// The application sends on the latest session.
    fn send(&mut self, data: Message);
    /// The application closes the latest session.
    fn close(&mut self);
    /// The latest session's id.
    fn sid(&mut self) -> Option<String>;
    /// Why the latest session ended, if it did, which may be expected.
    fn reason(&mut self, expected: bool) -> Option<CloseReason>;
}

/// What a client says of a request.
pub(crate) struct Request {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// Whether the body is not complete.
    pub(crate) partial: bool,
}

/// A response, its body not compressed.
pub(crate) struct Answer {
    pub(crate) http: http::Response<Bytes>,
    /// Whether it was, or is to be, compressed.
    pub(crate) compressed: bool,
}

/// What passes after a step whose effects show elsewhere: the transcripts were recorded at this pace.
const STEP: Duration = Duration::from_millis(20);

/// Headers that must be as recorded, also when they are not there.
const TELLING: [&str; 8] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-encoding",
    "content-type",
    "set-cookie",
    "vary",
];

/// Plays a transcript in a place that was made for its options.
pub(crate) fn play(vector: &Value, place: &mut impl Place) {
    let id = vector["id"].as_str().unwrap();
    for (at, step) in vector["out"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        take(place, step, &format!("{id} step {at}"));
        // The others end with what they wait for.
        if let "http_start" | "http_abort" | "ws_open" | "ws_send" | "ws_terminate"
        | "server_send" | "server_close" = step["op"].as_str().unwrap()
        {
            place.pass(STEP);
        }
    }
}

fn take(place: &mut impl Place, step: &Value, at: &str) {
    let name = step["as"].as_str().unwrap_or("");
    match step["op"].as_str().unwrap() {
        "http" => {
            let request = request(place, step);
            place.request("", request);
            check(place, "", step, at);
        }
        "http_start" => {
            let request = request(place, step);
            place.request(name, request);
        }
        "http_finish" => check(place, name, step, at),
        "http_pending" => assert!(place.is_waiting(name), "{at}: {name} still waits"),
        "http_abort" => place.abort(name),
        "ws_open" => {
            let head = http::Request::get(named(place, step["path"].as_str().unwrap()))
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .body(())
                .unwrap();
            let status = place.open_socket(name, &head.into_parts().0);
            assert_eq!(Some(u64::from(status)), step["status"].as_u64(), "{at}");
        }
        "ws_send" => place.send_socket(name, wire(&step["frame"])),
        "ws_recv" => {
            let frames = step["frames"].as_array().unwrap();
            let received = place.received(name, frames.len());
            let expected: Vec<Message> = frames
                .iter()
                .map(|frame| match wire(frame) {
                    Message::Text(text) => Message::Text(named(place, &text).into()),
                    binary @ Message::Binary(_) => binary,
                })
                .collect();
            assert_eq!(received, expected, "{at}");
        }
        "ws_closed" => {
            let expected = step["closed"].as_bool().unwrap();
            let closed = place.closed(name, expected);
            assert_eq!(closed.is_some(), expected, "{at}");
            assert_eq!(closed.map(u64::from), step["code"].as_u64(), "{at}");
        }
        "ws_terminate" => place.cut_socket(name),
        "server_send" => place.send(wire(&step["data"])),
        "server_close" => place.close(),
        "wait_ms" => place.pass(Duration::from_millis(step["ms"].as_u64().unwrap())),
        "close_reason" => {
            let expected = step["reason"].as_str();
            let reason = place.reason(expected.is_some());
            assert_eq!(reason.map(CloseReason::as_str), expected, "{at}");
        }
        other => panic!("{at}: unknown step {other}"),
    }
}

/// Compares an answer with what was recorded.
fn check(place: &mut impl Place, name: &str, step: &Value, at: &str) {
    let mut answer = place
        .answer(name)
        .unwrap_or_else(|| panic!("{at}: no answer"));
    // Where time goes on by itself, a poll beside a probe may be freed before what it waits for is sent.
    // A client polls again.
    let is_noop = |body: &[u8]| matches!(body, b"6" | b"1:6");
    let recorded = step["response"]["text"].as_str().unwrap_or_default();
    if is_noop(answer.http.body()) && !is_noop(recorded.as_bytes()) && place.repeat(name) {
        answer = place
            .answer(name)
            .unwrap_or_else(|| panic!("{at}: no answer to another poll"));
    }
    let headers = answer.http.headers();
    if step["reset"] == true {
        // The reference cuts the connection; ours says so first.
        assert_eq!(answer.http.status(), 400, "{at}");
        assert_eq!(headers["connection"], "close", "{at}");
        return;
    }
    assert_eq!(
        Some(u64::from(answer.http.status().as_u16())),
        step["status"].as_u64(),
        "{at}"
    );
    let expected = step["response_headers"].as_object().unwrap();
    for (header, value) in expected {
        if answer.compressed && header == "content-length" {
            continue;
        }
        let value = value.as_str().or(value[0].as_str()).unwrap();
        let value = named(place, value);
        let ours = headers
            .get(header)
            .unwrap_or_else(|| panic!("{at}: no {header}"));
        assert_eq!(ours, value.as_str(), "{at}: {header}");
    }
    for header in TELLING.map(HeaderName::from_static) {
        let recorded = expected.contains_key(header.as_str());
        assert_eq!(headers.contains_key(&header), recorded, "{at}: {header}");
    }
    assert_eq!(headers["cache-control"], "no-store", "{at}");
    let inner = step["response"].get("gzip_of");
    assert_eq!(answer.compressed, inner.is_some(), "{at}");
    if inner.is_none() && answer.http.status() != 204 {
        let length = answer.http.body().len().to_string();
        assert_eq!(headers["content-length"], length, "{at}");
    }
    let body = inner.unwrap_or(&step["response"]);
    let body = match wire(body) {
        Message::Text(text) => named(place, &text).into(),
        Message::Binary(bytes) => bytes,
    };
    assert_eq!(answer.http.body(), &body, "{at}");
}

fn request(place: &mut impl Place, step: &Value) -> Request {
    let mut request = http::Request::builder()
        .method(step["method"].as_str().unwrap())
        .uri(named(place, step["path"].as_str().unwrap()));
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    let body = match step.get("body").map(wire) {
        None => Bytes::new(),
        Some(Message::Text(text)) => text.into_bytes(),
        Some(Message::Binary(bytes)) => bytes,
    };
    Request {
        head: request.body(()).unwrap().into_parts().0,
        body,
        partial: step["partial"] == true,
    }
}

/// With the session's id in place of `{sid}`.
fn named(place: &mut impl Place, text: &str) -> String {
    match text.contains("{sid}").then(|| place.sid()).flatten() {
        Some(sid) => text.replace("{sid}", &sid),
        None => text.to_owned(),
    }
}

/// The configuration that the options of the recorded server come to.
pub(crate) fn config(vector: &Value) -> Config {
    let mut config = match vector["in"]["server"].as_str().unwrap() {
        // Whose pingTimeout was 20 s in engine.io itself.
        "engine.io@3.6" => Config::default().ping_timeout(Duration::from_secs(20)),
        "engine.io@6.6 (allowEIO3)" => Config::v4().allow_eio3(true),
        _ => Config::v4(),
    };
    config.path = "/engine.io".into();
    let time = |value: &Value| Duration::from_millis(value.as_u64().unwrap());
    for (name, value) in vector["in"]["server_options"].as_object().unwrap() {
        match name.as_str() {
            "pingInterval" => config.ping_interval = time(value),
            "pingTimeout" => config.ping_timeout = time(value),
            "upgradeTimeout" => config.upgrade_timeout = time(value),
            "maxHttpBufferSize" => config.max_http_buffer_size = value.as_u64().unwrap() as usize,
            "allowUpgrades" => config.allow_upgrades = value.as_bool().unwrap(),
            "initialPacket" => config.initial_packet = Some(value.as_str().unwrap().into()),
            "cookie" => config.cookie = value.as_bool().unwrap().then(Cookie::default),
            "transports" => {
                let has = |name: &str| value.as_array().unwrap().iter().any(|it| it == name);
                config.transports = Transports {
                    polling: has("polling"),
                    websocket: has("websocket"),
                };
            }
            "cors" => {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                config.cors = Some(Cors {
                    origin: match value["origin"].as_array() {
                        Some(list) => CorsOrigin::List(list.iter().map(text).collect()),
                        None => CorsOrigin::Fixed(text(&value["origin"])),
                    },
                    credentials: value["credentials"] == true,
                    ..Cors::default()
                });
            }
            other => panic!("unknown option {other}"),
        }
    }
    config
}
