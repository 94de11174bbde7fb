//! What the adapters of the JavaScript packages make of what our nodes write: `tests/interop/cluster/decode.js`.
//!
//! A message that makes one of their decoders throw makes a server deaf, or ends it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sio_cluster::Limits;
use sio_cluster::codec::classic::{self, Author, Place};
use sio_cluster::codec::{Context, cluster, streams, v2};
use sio_cluster::id::{RequestId, Uid};
use sio_cluster::message::{Act, Flags, Message, Question, Remote, Reply, To};
use sio_core::packet::{self, Args, Call};
use sio_tests::install::{cluster_packages, interop};
use sio_tests::process::run;

const ADAPTERS: [&str; 6] = [
    "classic6", "classic7", "classic8", "v2", "sharded", "streams",
];

/// What is written for one adapter: where to, and what.
fn written(adapter: &str, message: &Message) -> Option<Value> {
    let uid = match adapter {
        "sharded" | "streams" => Uid::cluster([7; 8]),
        _ => Uid::classic([7; 8]),
    };
    let by = Author {
        uid: &uid,
        namespace: "/",
        to_ours: true,
    };
    let answer = matches!(message, Message::Answer { .. });
    let on = |place| match place {
        Place::Broadcasts => "all",
        Place::Requests => "requests",
        Place::Answers => "answers",
    };
    let published = |on: &str, bytes: &Bytes| json!({ "on": on, "bytes": STANDARD.encode(bytes) });
    let in_stream = matches!(
        message,
        Message::Broadcast { ask: None, .. }
            | Message::Join { .. }
            | Message::Leave { .. }
            | Message::Disconnect { .. }
    );
    let cluster_place = if answer { "own" } else { "all" };
    match adapter {
        "v2" => v2::encode(message, by)
            .ok()
            .map(|(place, bytes)| published(on(place), &bytes)),
        "sharded" => cluster::encode(message, by)
            .ok()
            .map(|it| published(cluster_place, &it)),
        "streams" if in_stream => {
            let entry = streams::encode(message, by).ok()?;
            let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
            let fields = entry
                .fields()
                .flat_map(|(name, value)| [name.to_owned(), text(value)]);
            Some(json!({ "entry": fields.collect::<Vec<_>>() }))
        }
        "streams" => cluster::encode_msgpack(message, by)
            .ok()
            .map(|it| published(cluster_place, &it)),
        _ => classic::encode(message, by)
            .ok()
            .map(|(place, bytes)| published(on(place), &bytes)),
    }
}

struct Cases {
    cases: Vec<Value>,
    expected: BTreeMap<String, Option<Value>>,
}

impl Cases {
    /// What each adapter is told that has words for it, and what it must make of it; if that is not known, anything
    /// that does not throw.
    fn tell(&mut self, name: &str, message: &Message, said: impl Fn(&str) -> Option<Value>) {
        self.tell_these(&ADAPTERS, name, message, said);
    }

    fn tell_these(
        &mut self,
        adapters: &[&str],
        name: &str,
        message: &Message,
        said: impl Fn(&str) -> Option<Value>,
    ) {
        for &adapter in adapters {
            let Some(one) = written(adapter, message) else {
                continue;
            };
            let name = format!("{name}, {adapter}");
            self.cases
                .push(json!({ "name": name, "adapter": adapter, "deliver": [one] }));
            self.expected.insert(name, said(adapter));
        }
    }

    /// A question of the adapter's own, and how it ends with these answers of one node.
    fn answer(&mut self, adapter: &str, question: &str, replies: &[Reply], result: Value) {
        let name = format!("{question}, {adapter}");
        let id = match adapter {
            "sharded" | "streams" => "AAAAAAAAAAAAAAAA",
            _ => "AAAAAA",
        };
        let answer = |reply: &Reply| {
            let id = RequestId::from(id);
            written(
                adapter,
                &Message::Answer {
                    id,
                    reply: reply.clone(),
                },
            )
            .unwrap()
        };
        let deliver: Vec<_> = replies.iter().map(answer).collect();
        self.cases.push(json!({
            "name": name, "adapter": adapter, "question": question, "id": id, "deliver": deliver,
        }));
        self.expected.insert(name, Some(result));
    }
}

fn call(name: &str, args: &[packet::Value]) -> Call {
    Call {
        name: name.into(),
        args: Args::from_values(args).unwrap(),
    }
}

fn event(call: Call, to: To) -> Message {
    Message::Broadcast {
        call,
        to,
        ask: None,
    }
}

fn id(adapter_like: &str) -> RequestId {
    RequestId::from(adapter_like)
}

/// An event as a client of theirs gets it.
fn got(data: &Value) -> impl Fn(&str) -> Option<Value> + '_ {
    move |_| Some(json!([["packet", 2, data, "/"], ["reached", "s1"]]))
}

/// Values of every kind.
fn values() -> Vec<packet::Value> {
    use packet::Value as V;
    vec![
        V::from(-1_i32),
        V::from(1.5),
        V::from(1e21),
        V::from(1e300),
        V::from(9_007_199_254_740_991_u64),
        V::from(u64::MAX),
        V::from(i64::MIN),
        V::from("ü€😀"),
        V::Null,
        V::from(true),
        V::from(vec![V::from(vec![0_u8; 20])]),
        (0..20).map(|key| (format!("k{key}"), key)).collect(),
        V::from("x".repeat(70_000)),
    ]
}

fn broadcasts(cases: &mut Cases) {
    use packet::Value as V;
    let room = To {
        rooms: vec!["room1".to_owned()],
        ..To::default()
    };
    cases.tell(
        "to all",
        &event(call("e", &[V::from(1_u8)]), To::default()),
        got(&json!(["e", 1])),
    );
    cases.tell(
        "to a room",
        &event(call("e", &[]), room.clone()),
        got(&json!(["e"])),
    );
    let except = To {
        except: vec!["room1".to_owned()],
        ..To::default()
    };
    let nobody = |adapter: &str| {
        // There, only ids are left out.
        (adapter != "v2").then(|| json!([["packet", 2, ["e"], "/"]]))
    };
    cases.tell("except", &event(call("e", &[]), except), nobody);
    let flags = Flags {
        volatile: true,
        compress: Some(false),
        timeout: Some(3),
        single: true,
    };
    cases.tell(
        "with flags",
        &event(
            call("e", &[]),
            To {
                flags,
                ..room.clone()
            },
        ),
        |_| None,
    );
    let values = values();
    let mut expected = vec![json!("e")];
    expected.extend(
        values
            .iter()
            .map(|value| serde_json::from_str::<Value>(&value.to_string()).unwrap()),
    );
    let expected = Value::Array(expected);
    cases.tell(
        "values",
        &event(call("e", &values), room.clone()),
        got(&expected),
    );
    let bytes = [
        V::Binary(vec![1, 2, 3].into()),
        V::from(vec![V::Binary(vec![9; 300].into())]),
    ];
    let binary = call("b", &bytes);
    cases.tell("bytes", &event(binary.clone(), room.clone()), |adapter| {
        let kind = if adapter == "v2" { 5 } else { 2 };
        let data = json!(["b", { "$bin": "010203" }, [{ "$bin": "09".repeat(300) }]]);
        Some(json!([["packet", kind, data, "/"], ["reached", "s1"]]))
    });
    let named: V = [("__proto__", V::from(1_u8)), ("constructor", V::Null)]
        .into_iter()
        .collect();
    cases.tell(
        "names",
        &event(call("toString", &[named]), room.clone()),
        |_| None,
    );
    let mut deep = V::from(1_u8);
    for _ in 0..50 {
        deep = V::from(vec![deep]);
    }
    cases.tell("depth", &event(call("e", &[deep]), room), |_| None);
    let many = To {
        rooms: (0..5000).map(|room| room.to_string()).collect(),
        ..To::default()
    };
    cases.tell("many rooms", &event(call("e", &[]), many), |_| {
        Some(json!([["packet", 2, ["e"], "/"]]))
    });
    let ask = Some(id("AAAAAA"));
    let asked = |call| Message::Broadcast {
        call,
        to: To::default(),
        ask: ask.clone(),
    };
    cases.tell("acks", &asked(call("q", &[])), |_| None);
    // One of 6.x throws at it, whoever sends it: it knows of no acks of others, and of no bytes in requests.
    let known = ["classic7", "classic8", "sharded", "streams"];
    cases.tell_these(&known, "acks of bytes", &asked(binary), |_| None);
}

fn requests(cases: &mut Cases) {
    let of = || To {
        rooms: vec!["room1".to_owned()],
        ..To::default()
    };
    let rooms = || vec!["j1".to_owned(), "42".to_owned()];
    cases.tell(
        "join",
        &Message::Join {
            of: of(),
            rooms: rooms(),
        },
        |_| Some(json!([["join", ["j1", "42"]]])),
    );
    cases.tell(
        "leave",
        &Message::Leave {
            of: of(),
            rooms: rooms(),
        },
        |_| Some(json!([["leave", "j1"], ["leave", "42"]])),
    );
    cases.tell(
        "disconnect",
        &Message::Disconnect {
            of: of(),
            close: true,
        },
        |_| Some(json!([["disconnect", true]])),
    );
    let told = call("s", &[packet::Value::Binary(vec![4, 5].into())]);
    let heard = |adapter: &str| match adapter {
        // It has no such thing.
        "classic6" => Some(json!([])),
        _ => Some(json!([["server side", ["s", { "$bin": "0405" }]]])),
    };
    cases.tell(
        "server side",
        &Message::ServerSide {
            call: told.clone(),
            ask: None,
            to: None,
        },
        heard,
    );
    cases.tell(
        "server side, asked",
        &Message::ServerSide {
            call: told,
            ask: Some(id("AAAAAA")),
            to: None,
        },
        |_| None,
    );
    for what in [
        Question::Fetch(of()),
        Question::Sockets(vec!["room1".to_owned()]),
        Question::Rooms,
        Question::RoomsOf("s1".to_owned()),
        Question::Custom(Args::default()),
    ] {
        let name = format!("{what:?}").chars().take(8).collect::<String>();
        cases.tell(
            &name,
            &Message::Ask {
                id: id("AAAAAA"),
                what,
            },
            |_| None,
        );
    }
    for (name, act) in [
        ("one joins", Act::Join("j".to_owned())),
        ("one leaves", Act::Leave("j".to_owned())),
        ("one goes", Act::Disconnect { close: true }),
    ] {
        let one = Message::One {
            id: id("AAAAAA"),
            socket: "s1".to_owned(),
            act,
        };
        cases.tell(name, &one, |_| None);
    }
    for (name, message) in [
        ("hello", Message::Hello),
        ("beat", Message::Beat),
        ("bye", Message::Bye),
    ] {
        cases.tell(name, &message, |_| Some(json!([])));
    }
    late_answers(cases);
}

/// Nobody waits for them.
fn late_answers(cases: &mut Cases) {
    for reply in [
        Reply::Done,
        Reply::Ids(vec![]),
        Reply::Value(Args::default()),
        Reply::Clients(3),
    ] {
        let late = Message::Answer {
            id: id("nobody"),
            reply,
        };
        cases.tell(&format!("late {:?}", late), &late, |_| Some(json!([])));
    }
}

fn answers(cases: &mut Cases) {
    let remote = Remote {
        id: "ours".to_owned(),
        rooms: vec!["ours".to_owned(), "room1".to_owned()],
        handshake: Args::from_arguments(&json!({ "headers": {}, "auth": {} })).unwrap(),
        data: Args::from_arguments(&(packet::Value::Binary(vec![1].into()),)).unwrap(),
    };
    let both = json!([["result", ["s1", "ours"]]]);
    let value = Args::from_arguments(&"yes").unwrap();
    for adapter in ["classic7", "classic8", "sharded", "streams"] {
        let value = Reply::Value(value.clone());
        cases.answer(adapter, "servers", &[value], json!([["result", ["yes"]]]));
    }
    for adapter in ["classic6", "classic7", "classic8", "sharded", "streams"] {
        cases.answer(
            adapter,
            "fetch",
            &[Reply::Sockets(vec![remote.clone()])],
            both.clone(),
        );
    }
    for adapter in ["classic7", "classic8", "sharded", "streams"] {
        let args = Args::from_arguments(&("first", "second")).unwrap();
        let ack = Reply::Ack {
            from: Some("ours".to_owned()),
            args,
        };
        let result = json!([["result", "first"]]);
        cases.answer(adapter, "clients", &[Reply::Clients(1), ack], result);
    }
    // It answers itself by way of the broker, which is not there.
    let ids = Reply::Ids(vec!["ours".to_owned()]);
    let own = Reply::Ids(vec!["s1".to_owned()]);
    let result = json!([["result", ["ours", "s1"]]]);
    cases.answer("v2", "clients of the 2.x line", &[ids, own], result);
}

#[test]
fn what_we_write_never_makes_their_decoders_throw() {
    let mut cases = Cases {
        cases: Vec::new(),
        expected: BTreeMap::new(),
    };
    broadcasts(&mut cases);
    requests(&mut cases);
    answers(&mut cases);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.json");
    std::fs::write(&file, serde_json::to_string(&cases.cases).unwrap()).unwrap();
    let mut node = Command::new("node");
    node.arg(interop().join("cluster/decode.js"))
        .arg(&file)
        .env("NODE_PACKAGES", cluster_packages());
    let output = run(&mut node, Duration::from_secs(300));
    let mut faults = Vec::new();
    let mut seen = 0;
    for line in output.lines() {
        let it: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{output}"));
        let name = it["name"].as_str().unwrap();
        let said = it["said"].as_array().unwrap();
        seen += 1;
        if said
            .iter()
            .any(|it| matches!(it[0].as_str(), Some("threw" | "failed" | "error")))
        {
            faults.push(format!("{name}: {said:?}"));
        }
        if let Some(expected) = &cases.expected[name]
            && doubles(expected) != doubles(&it["said"])
        {
            faults.push(format!("{name}:\n  {}\n  {expected}", it["said"]));
        }
        for published in said.iter().filter(|it| it[0] == "published") {
            faults.extend(unread(name, published).map(|why| format!("{name}: {why}")));
        }
    }
    assert_eq!(seen, cases.cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// As JavaScript holds numbers.
fn doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(elements) => elements.iter().map(doubles).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), doubles(value)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// Why an answer of theirs is not one to us.
fn unread(name: &str, published: &Value) -> Option<String> {
    let bytes = Bytes::from(STANDARD.decode(published[2].as_str()?).ok()?);
    let limits = Limits::default();
    let of = Context {
        namespace: "/",
        limits: &limits,
    };
    let read = match name.rsplit(", ").next()? {
        "v2" => v2::decode(Place::Answers, &bytes, of),
        "sharded" | "streams" => cluster::decode(&bytes, of),
        _ => classic::decode(Place::Answers, &bytes, of),
    };
    match read {
        Ok(Some(it)) if matches!(it.message, Message::Answer { .. }) => None,
        other => Some(format!("{published} is {other:?}")),
    }
}
