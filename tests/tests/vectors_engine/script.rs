//! Transcripts: what a client does, step by step, and what it must see.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use serde_json::Value;

use sio_core::config::{Config, Transports};
use sio_core::engine::{Data, Frame};
use sio_core::http::{Cookie, Cors, CorsOrigin};

use crate::codec::wire;
use crate::world::{Request, World};

/// What passes between two steps: the transcripts were recorded at this pace.
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

pub(crate) fn play(vector: &Value) {
    let id = vector["id"].as_str().unwrap();
    let echo = vector["in"]["echo"].as_bool().unwrap();
    let mut world = World::new(config(&vector["in"]["server_options"]), echo);
    for (at, step) in vector["out"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        take(&mut world, step, &format!("{id} step {at}"));
        world.pass(STEP);
    }
}

fn take(world: &mut World, step: &Value, at: &str) {
    let name = step["as"].as_str().unwrap_or("");
    match step["op"].as_str().unwrap() {
        "http" => {
            let request = request(world, step);
            world.request("", request);
            check(world, "", step, at);
        }
        "http_start" => {
            let request = request(world, step);
            world.request(name, request);
        }
        "http_finish" => check(world, name, step, at),
        "http_pending" => assert!(world.is_waiting(name), "{at}: {name} still waits"),
        "http_abort" => {
            world.abort(name);
            world.answers.remove(name);
        }
        "ws_open" => {
            let head = http::Request::get(fill(world, &step["path"]))
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .body(())
                .unwrap();
            world.open_socket(name, &head.into_parts().0);
            let status = world.sockets[name].status;
            assert_eq!(Some(u64::from(status)), step["status"].as_u64(), "{at}");
        }
        "ws_send" => world.send_socket(name, wire(&step["frame"])),
        "ws_recv" => {
            let expected: Vec<Frame> = step["frames"]
                .as_array()
                .unwrap()
                .iter()
                .map(|frame| match wire(frame) {
                    Frame::Text(text) => Frame::Text(named(world, &text).into()),
                    binary @ Frame::Binary(_) => binary,
                })
                .collect();
            let received = std::mem::take(&mut world.sockets.get_mut(name).unwrap().received);
            assert_eq!(received, expected, "{at}");
        }
        "ws_closed" => {
            let closed = world.sockets[name].closed;
            assert_eq!(Some(closed.is_some()), step["closed"].as_bool(), "{at}");
            assert_eq!(closed.map(u64::from), step["code"].as_u64(), "{at}");
        }
        "ws_terminate" => world.cut_socket(name),
        "server_send" => world.send(&match wire(&step["data"]) {
            Frame::Text(text) => Data::Text(text),
            Frame::Binary(bytes) => Data::Binary(bytes),
        }),
        "server_close" => world.close(),
        "wait_ms" => world.pass(Duration::from_millis(step["ms"].as_u64().unwrap())),
        "close_reason" => {
            let reason = world.reason.map(|reason| reason.as_str());
            assert_eq!(reason, step["reason"].as_str(), "{at}");
        }
        other => panic!("{at}: unknown step {other}"),
    }
}

/// Compares an answer with what was recorded.
fn check(world: &mut World, name: &str, step: &Value, at: &str) {
    let answer = world
        .answers
        .remove(name)
        .unwrap_or_else(|| panic!("{at}: no answer"));
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
        let value = value.as_str().or(value[0].as_str()).unwrap();
        let value = named(world, value);
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
    if inner.is_none() {
        let length = answer.http.body().len().to_string();
        assert_eq!(headers["content-length"], length, "{at}");
    }
    let body = inner.unwrap_or(&step["response"]);
    let body = named(world, body["text"].as_str().unwrap());
    assert_eq!(answer.http.body(), body.as_str(), "{at}");
}

fn request(world: &World, step: &Value) -> Request {
    let mut request = http::Request::builder()
        .method(step["method"].as_str().unwrap())
        .uri(fill(world, &step["path"]));
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    let body = match step.get("body").map(wire) {
        None => Bytes::new(),
        Some(Frame::Text(text)) => text.into_bytes(),
        Some(Frame::Binary(bytes)) => bytes,
    };
    Request {
        head: request.body(()).unwrap().into_parts().0,
        body,
        partial: step["partial"] == true,
    }
}

fn fill(world: &World, text: &Value) -> String {
    named(world, text.as_str().unwrap())
}

/// With the session's id in place of `{sid}`.
fn named(world: &World, text: &str) -> String {
    match &world.latest_sid {
        Some(sid) => text.replace("{sid}", sid),
        None => text.to_owned(),
    }
}

fn config(options: &Value) -> Config {
    let mut config = Config::v4().path("/engine.io");
    let time = |value: &Value| Duration::from_millis(value.as_u64().unwrap());
    for (name, value) in options.as_object().unwrap() {
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
