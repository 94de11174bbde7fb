//! Vectors that record what the reference does, where we do something better (the vectors' README allows
//! it for all but those marked `must`).

use serde_json::{Value, json};

/// What is expected instead of what was recorded.
pub(crate) struct Change {
    pub(crate) why: &'static str,
    how: How,
}

enum How {
    /// Another result of a codec.
    Out(Value),
    /// Other members of some steps, by their place.
    Steps(Vec<(usize, Value)>),
}

impl Change {
    pub(crate) fn apply(&self, vector: &Value) -> Value {
        println!("ours differs: {}", self.why);
        let mut vector = vector.clone();
        match &self.how {
            How::Out(out) => vector["out"] = out.clone(),
            How::Steps(steps) => {
                for (at, members) in steps {
                    let step = vector["out"]["steps"][*at].as_object_mut().unwrap();
                    step.extend(members.as_object().unwrap().clone());
                }
            }
        }
        vector
    }
}

pub(crate) fn instead(id: &str) -> Option<Change> {
    let error = |why| {
        Some(Change {
            why,
            how: How::Out(json!({ "error": true })),
        })
    };
    let steps = |why, steps| {
        Some(Change {
            why,
            how: How::Steps(steps),
        })
    };
    let malformed = |steps_before: usize| {
        let at = steps_before;
        steps(
            "a body that cannot be read is answered 400",
            vec![(
                at,
                json!({ "status": 400, "response_headers": {}, "response": { "text": "" } }),
            )],
        )
    };
    let bad_method = || {
        json!({
            "status": 400,
            "response_headers": { "content-type": "application/json" },
            "response": { "text": "{\"code\":2,\"message\":\"Bad handshake method\"}" },
        })
    };
    let session = id.strip_prefix("eio4/session/");
    match (id.strip_prefix("eio4/packet_decode/"), session) {
        (Some("015"), _) => error("one character of base64 is no byte"),
        (Some("016"), _) => error("the URL-safe alphabet is not base64's own"),
        (Some("017"), _) => error("a blank is not of base64's alphabet"),
        (Some("018"), _) => error("garbage is an error, not an empty message"),
        (_, Some("016" | "017")) => steps(
            "a method that no session has is refused as such",
            vec![(1, bad_method())],
        ),
        (_, Some("024")) => steps(
            "a close packet closes on WebSocket too",
            vec![
                (3, json!({ "closed": true, "code": 1005 })),
                (4, json!({ "reason": "transport close" })),
            ],
        ),
        (_, Some("026" | "027" | "028" | "029")) => malformed(1),
        (_, Some("031")) => steps(
            "a lost POST is a hole in the stream: 413 ends the session",
            vec![
                (
                    2,
                    json!({
                        "no_response": null,
                        "status": 400,
                        "response_headers": { "content-type": "application/json" },
                        "response": { "text": "{\"code\":1,\"message\":\"Session ID unknown\"}" },
                    }),
                ),
                (3, json!({ "reason": "transport error" })),
            ],
        ),
        (_, Some("051")) => steps(
            "an upgrade without a probe closes the candidate, and nothing else",
            vec![
                (4, json!({ "frames": [] })),
                (5, json!({ "closed": true, "code": 1005 })),
            ],
        ),
        (_, Some("052")) => steps(
            "an upgrade without a probe closes the candidate, and nothing else",
            vec![
                (4, json!({ "op": "http_pending" })),
                (5, json!({ "closed": true, "code": 1005 })),
            ],
        ),
        _ => None,
    }
}
