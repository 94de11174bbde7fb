//! What a message means, whatever the wire, in the words of the vectors.

use serde_json::{Map, Value, json};
use sio_cluster::codec::Received;
use sio_cluster::message::{Act, Flags, Message, Question, Remote, Reply, To};
use sio_core::packet::{self, Args, Call};

/// A vector's meaning as far as it can be ours: what JavaScript has and JSON has not is as clients see it, rooms are
/// text, and of the flags those remain that say something.
pub(crate) fn expected(meaning: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in meaning.as_object().unwrap() {
        let value = match &**name {
            // Of these the first is compared by itself, and the channel or nobody says the others.
            "op" | "nsp" | "packet_type" | "packet_id" => continue,
            "rooms" | "room_names" | "except" | "clients" => texts(value),
            "sockets" => sockets(value),
            "flags" => flags(value),
            "value" | "data" if value.get("$undefined").is_some() => continue,
            _ => seen(value).unwrap(),
        };
        let name = match &**name {
            "clients" => "sockets",
            "data" => "value",
            other => other,
        };
        out.insert(name.to_owned(), value);
    }
    // A question or not, the name says.
    out.remove("wants_answer");
    out
}

fn texts(value: &Value) -> Value {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    value.as_array().unwrap().iter().map(text).collect()
}

fn sockets(value: &Value) -> Value {
    let mut value = seen(value).unwrap();
    for socket in value.as_array_mut().unwrap() {
        if let Some(rooms) = socket.get_mut("rooms") {
            *rooms = texts(rooms);
        }
    }
    value
}

fn flags(value: &Value) -> Value {
    let said = ["volatile", "compress", "timeout", "expectSingleResponse"];
    let known = |(name, _): &(&String, &Value)| said.contains(&name.as_str());
    let members = value.as_object().unwrap().iter().filter(known);
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// As a client sees it. `None`: not at all.
fn seen(value: &Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            if members.contains_key("$undefined") {
                return None;
            }
            if members.contains_key("$number") {
                return Some(match members["$number"].as_str() {
                    Some("-0") => json!(0),
                    _ => Value::Null,
                });
            }
            if let Some(date) = members.get("$date") {
                return Some(date.clone());
            }
            let some = |(name, value): (&String, &Value)| Some((name.clone(), seen(value)?));
            Some(members.iter().filter_map(some).collect())
        }
        Value::Array(elements) => {
            let element = |value: &Value| seen(value).unwrap_or_default();
            Some(elements.iter().map(element).collect())
        }
        Value::Number(number) => Some(match number.as_f64() {
            // Written as whole numbers by some, as doubles by others.
            Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < 1e15 => {
                json!(double as i64)
            }
            _ => value.clone(),
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => Some(value.clone()),
    }
}

/// By which names the vectors call what was read. The wire does not tell all of them apart.
pub(crate) fn ops(message: &Message) -> &'static [&'static str] {
    match message {
        Message::Broadcast { ask, .. } => match ask {
            None => &["broadcast"],
            Some(_) => &["broadcast_ack"],
        },
        Message::Join { .. } => &["join"],
        Message::Leave { .. } => &["leave"],
        Message::Disconnect { .. } => &["disconnect"],
        Message::Ask { what, .. } => match what {
            Question::Fetch(_) => &["fetch"],
            Question::Sockets(_) => &["sockets", "clients"],
            Question::Rooms => &["all_rooms"],
            Question::RoomsOf(_) => &["client_rooms"],
            Question::Custom(_) => &["custom_request"],
            other => panic!("{other:?}"),
        },
        Message::ServerSide { .. } => &["server_side_emit"],
        Message::One { act, .. } => match act {
            Act::Join(_) => &["join_one"],
            Act::Leave(_) => &["leave_one"],
            Act::Disconnect { .. } => &["disconnect_one"],
        },
        Message::Answer { reply, .. } => match reply {
            Reply::Clients(_) => &["client_count"],
            Reply::Ack { .. } => &["client_ack"],
            Reply::Sockets(_) => &["fetch_response"],
            Reply::Ids(ids) if ids.is_empty() => {
                &["sockets_response", "fetch_response", "response"]
            }
            Reply::Ids(_) => &["sockets_response", "response"],
            Reply::Rooms(_) => &["all_rooms_response", "response"],
            Reply::Value(_) => &["server_side_emit_response", "response"],
            Reply::Done => &["done", "response"],
            other => panic!("{other:?}"),
        },
        Message::Hello => &["initial_heartbeat"],
        Message::Beat => &["heartbeat"],
        Message::Bye => &["adapter_close"],
        other => panic!("{other:?}"),
    }
}

/// What was read.
pub(crate) fn of(received: &Received) -> Map<String, Value> {
    let mut out = Map::new();
    out.extend(
        received
            .from
            .iter()
            .map(|uid| ("uid".to_owned(), json!(uid.as_str()))),
    );
    let mut add = |members: Value| out.append(&mut members.as_object().unwrap().clone());
    match &received.message {
        Message::Broadcast { call, to: it, ask } => {
            add(to(it));
            add(self::call(call));
            add(ask
                .as_ref()
                .map_or(json!({}), |id| json!({ "requestId": id.as_str() })));
        }
        Message::Join { of, rooms } | Message::Leave { of, rooms } => {
            add(to(of));
            add(json!({ "room_names": rooms }));
        }
        Message::Disconnect { of, close } => {
            add(to(of));
            add(json!({ "close": close }));
        }
        Message::Ask { id, what } => {
            add(json!({ "requestId": id.as_str() }));
            add(question(what));
        }
        Message::ServerSide { call, ask, .. } => {
            add(self::call(call));
            add(ask
                .as_ref()
                .map_or(json!({}), |id| json!({ "requestId": id.as_str() })));
        }
        Message::One { id, socket, act } => {
            add(json!({ "requestId": id.as_str(), "sid": socket }));
            add(match act {
                Act::Join(room) | Act::Leave(room) => json!({ "room": room }),
                Act::Disconnect { close } => json!({ "close": close }),
            });
        }
        Message::Answer { id, reply } => {
            add(json!({ "requestId": id.as_str() }));
            add(answer(reply));
        }
        Message::Hello | Message::Beat | Message::Bye => {}
        other => panic!("{other:?}"),
    }
    out
}

fn question(what: &Question) -> Value {
    match what {
        Question::Fetch(of) => to(of),
        Question::Sockets(rooms) => json!({ "rooms": rooms }),
        Question::Rooms => json!({}),
        Question::RoomsOf(socket) => json!({ "sid": socket }),
        Question::Custom(data) => value(data),
        other => panic!("{other:?}"),
    }
}

fn answer(reply: &Reply) -> Value {
    match reply {
        Reply::Clients(count) => json!({ "count": count }),
        Reply::Ack { from, args } => {
            assert_eq!(*from, None, "the packages do not tell");
            value(args)
        }
        Reply::Sockets(sockets) => {
            json!({ "sockets": sockets.iter().map(remote).collect::<Vec<_>>() })
        }
        Reply::Ids(ids) => json!({ "sockets": ids }),
        Reply::Rooms(rooms) => json!({ "rooms": rooms }),
        Reply::Value(args) => value(args),
        Reply::Done => json!({}),
        other => panic!("{other:?}"),
    }
}

fn remote(remote: &Remote) -> Value {
    let mut members = json!({
        "id": remote.id,
        "rooms": remote.rooms,
        "handshake": all(&remote.handshake)[0],
    });
    if let Some(data) = all(&remote.data).first() {
        members["data"] = data.clone();
    }
    members
}

fn to(to: &To) -> Value {
    let Flags {
        volatile,
        compress,
        timeout,
        single,
    } = to.flags;
    let mut flags = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        flags.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("volatile", volatile.then_some(json!(true)));
    add("compress", compress.map(Value::from));
    add("timeout", timeout.map(Value::from));
    add("expectSingleResponse", single.then_some(json!(true)));
    json!({ "rooms": to.rooms, "except": to.except, "flags": flags })
}

fn call(call: &Call) -> Value {
    json!({ "event": &*call.name, "args": all(&call.args) })
}

/// None or one value.
fn value(args: &Args) -> Value {
    match &*all(args) {
        [] => json!({}),
        [one] => json!({ "value": one }),
        more => panic!("{more:?}"),
    }
}

fn all(args: &Args) -> Vec<Value> {
    let values = args.values().unwrap();
    values
        .iter()
        .map(|value| seen(&plain(value)).unwrap())
        .collect()
}

/// In the notation of the vectors.
fn plain(value: &packet::Value) -> Value {
    match value {
        packet::Value::Binary(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "$bin": hex })
        }
        packet::Value::Array(elements) => elements.iter().map(plain).collect(),
        packet::Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.to_owned(), plain(value)))
            .collect(),
        packet::Value::Null
        | packet::Value::Bool(_)
        | packet::Value::Number(_)
        | packet::Value::String(_) => serde_json::from_str(&value.to_string()).unwrap(),
    }
}
