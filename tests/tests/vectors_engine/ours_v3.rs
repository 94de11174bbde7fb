//! Revision 3, as two servers of the reference speak it: that of 2.x, and that of 4.x which lets such
//! clients in. Both are one server here, configured as `Config::default()` or `Config::v4()`.

use serde_json::{Value, json};

use super::{Change, How, bad_method, closes, error, malformed, steps, unknown_sid};

/// Where the two servers differ by more than their configuration: the other one is right.
fn other(why: &'static str, steps: Vec<usize>) -> Option<Change> {
    Some(Change {
        why,
        how: How::Other(steps),
    })
}

fn no_payload(why: &'static str) -> Option<Change> {
    Some(Change {
        why,
        how: How::Out(json!({ "packets": [], "error": true })),
    })
}

pub(super) fn instead(id: &str) -> Option<Change> {
    match id.rsplit_once('/')? {
        ("packet_decode", "018") => error("garbage is an error, not an empty message"),
        ("payload_decode", "006") => no_payload("half a character is none"),
        ("payload_decode", "028" | "029" | "030" | "031" | "032") => {
            no_payload("a length consists of digits")
        }
        ("payload_decode", "045") => no_payload("a length that lies is refused"),
        ("payload_decode", "049") => no_payload("a digit is 9 at most"),
        ("jsonp_response", "005") => Some(Change {
            why: "what would end a script is escaped",
            how: How::Out(json!({
                "text": "___eio[1](\"10:4<\\/script>\");",
                "content_type": "text/plain; charset=UTF-8",
            })),
        }),
        ("session", "029") => preflight(0, "*", json!({})),
        ("session", "033") => preflight(
            1,
            "http://a.example",
            json!({
                "access-control-allow-credentials": "true",
                "access-control-allow-headers": "content-type",
            }),
        ),
        ("session", "031" | "032" | "034") => bad_method(1),
        ("session", "035" | "036") => steps(
            "a revision is literally 3 or 4",
            vec![(
                0,
                json!({
                    "status": 400,
                    "response_headers": { "content-type": "application/json" },
                    "response": { "text": "{\"code\":5,\"message\":\"Unsupported protocol version\"}" },
                }),
            )],
        ),
        ("session", "039") => other("a second GET is the client's fault: 400, not 500", vec![2]),
        ("session", "041") => other("a second POST is the client's fault: 400, not 500", vec![2]),
        ("session", "047" | "048") => closes(3, 4),
        ("session", "051" | "052" | "053" | "054" | "055") => malformed(1),
        ("session", "056" | "057" | "058" | "059" | "060") => malformed(1),
        ("session", "061") => steps(
            "a body over the limit is answered 413, and is no packet that was wrong",
            vec![
                (
                    1,
                    json!({
                        "reset": null,
                        "status": 413,
                        "response_headers": {},
                        "response": { "text": "" },
                    }),
                ),
                (3, json!({ "reason": "transport error" })),
            ],
        ),
        ("session", "062") => steps(
            "a lost POST is a hole in the stream: 413 ends the session",
            vec![
                (2, unknown_sid()),
                (3, json!({ "reason": "transport error" })),
            ],
        ),
        ("session", "078") => other("a pong that nobody asked for is no fault", vec![4, 5]),
        ("session", "129") => form(json!({
            "content-type": "text/plain; charset=UTF-8",
            "set-cookie": "io={sid}; Path=/; HttpOnly; SameSite=Strict",
        })),
        ("session", "130") => form(json!({ "content-type": "text/plain; charset=UTF-8" })),
        _ => None,
    }
}

/// A form and what it is answered with, where the recorded one was malformed.
fn form(headers: Value) -> Option<Change> {
    Some(Change {
        why: "the form's payload says 5 where 4 follow: sent as it is meant, it comes back",
        how: How::Mistaken(vec![
            (1, json!({ "body": { "text": "d=4%3A4a%5Cnb" } })),
            (
                2,
                json!({
                    "status": 200,
                    "response_headers": headers,
                    "response": { "text": "___eio[3](\"4:4a\\nb\");" },
                }),
            ),
        ]),
    })
}

/// OPTIONS, where CORS is on.
fn preflight(at: usize, origin: &str, rest: Value) -> Option<Change> {
    let mut headers = json!({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
        "vary": "Origin, Access-Control-Request-Headers",
    });
    let rest = rest.as_object().unwrap().clone();
    headers.as_object_mut().unwrap().extend(rest);
    steps(
        "a preflight is answered as such, whatever else is in the request",
        vec![(
            at,
            json!({ "status": 204, "response_headers": headers, "response": { "text": "" } }),
        )],
    )
}

/// What holds for every transcript of 2.x:
///
/// - the open packet says `maxPayload`, as 4.x says it to clients of both revisions;
/// - every answer carries CORS headers, errors without a body and JSONP among them, and `Vary`, since it
///   depends on the request's origin.
pub(super) fn columns(vector: &mut Value) {
    if vector["in"]["server"] != "engine.io@3.6" {
        return;
    }
    let limit = vector["in"]["server_options"]["maxHttpBufferSize"].as_u64();
    let limit = limit.unwrap_or(1_000_000);
    for step in vector["out"]["steps"].as_array_mut().unwrap() {
        let origin = step["headers"]["origin"].as_str().unwrap_or("*").to_owned();
        if let Some(headers) = step
            .get_mut("response_headers")
            .and_then(Value::as_object_mut)
        {
            let mut default = |name: &str, value: &str| {
                let _ = headers.entry(name).or_insert_with(|| value.into());
            };
            default("access-control-allow-origin", &origin);
            default("vary", "Origin");
        }
        each_text(step, &mut |text| *text = with_max_payload(text, limit));
    }
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(all) => all.iter_mut().for_each(|it| each_text(it, change)),
        Value::Object(all) => all.values_mut().for_each(|it| each_text(it, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An open packet with the limit; its length, if it stands before it, is more by so much.
fn with_max_payload(text: &str, limit: u64) -> String {
    let Some(last) = text.find("pingTimeout") else {
        return text.to_owned();
    };
    let (before, after) = text.split_at(last + text[last..].find('}').unwrap());
    let quote = if before.contains('\\') { "\\\"" } else { "\"" };
    let more = format!(",{quote}maxPayload{quote}:{limit}");
    let Some((head, open)) = before.split_once(":0{") else {
        return format!("{before}{more}{after}");
    };
    let script = head.trim_end_matches(|it: char| it.is_ascii_digit());
    let length: usize = head[script.len()..].parse().unwrap();
    let length = length + more.replace('\\', "").len();
    format!("{script}{length}:0{{{open}{more}{after}")
}
