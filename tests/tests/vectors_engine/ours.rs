//! Vectors that record what the reference does, where we do something better (the vectors' README allows
//! it for all but those marked `must`).

mod ours_v3;
mod ours_v4;

use serde_json::{Value, json};

/// What JSONP is served as, instead of `text/plain`: no browser runs that together with `nosniff`.
pub(crate) const SCRIPT: &str = "text/javascript; charset=UTF-8";

/// What is expected instead of what was recorded.
pub(crate) struct Change {
    why: &'static str,
    how: How,
}

enum How {
    /// Another result of a codec.
    Out(Value),
    /// Other members of some steps, by their place.
    Steps(Vec<(usize, Value)>),
    /// Members of some steps that were recorded by mistake: the transcript is not of what its title says.
    Mistaken(Vec<(usize, Value)>),
    /// Some steps as they were recorded of the other server that speaks this revision.
    Other(Vec<usize>),
}

impl Change {
    fn apply(&self, vector: &mut Value, all: &[Value]) {
        println!("ours differs: {}", self.why);
        // Where two servers differ, one of them has to give.
        let may_be_must = matches!(self.how, How::Other(_) | How::Mistaken(_));
        assert!(
            vector["conformance"] != "must" || may_be_must,
            "{} must hold as it is recorded",
            vector["id"]
        );
        match &self.how {
            How::Out(out) => vector["out"] = out.clone(),
            How::Steps(steps) | How::Mistaken(steps) => {
                for (at, members) in steps {
                    let step = vector["out"]["steps"][*at].as_object_mut().unwrap();
                    step.extend(members.as_object().unwrap().clone());
                }
            }
            How::Other(steps) => {
                let other = all
                    .iter()
                    .find(|it| it["title"] == vector["title"] && it["id"] != vector["id"])
                    .expect("the other server was recorded, too");
                for at in steps {
                    vector["out"]["steps"][*at] = other["out"]["steps"][*at].clone();
                }
            }
        }
    }
}

/// What is ours in a vector, by its id.
pub(crate) fn instead(id: &str) -> Option<Change> {
    match id.split_once('/')? {
        ("eio3", rest) => ours_v3::instead(rest),
        ("eio4", rest) => ours_v4::instead(rest),
        _ => None,
    }
}

/// The vector as it holds for us. `all`: those of its file.
pub(crate) fn expected(vector: &Value, all: &[Value]) -> Value {
    let mut vector = vector.clone();
    if let Some(change) = instead(vector["id"].as_str().unwrap()) {
        change.apply(&mut vector, all);
    }
    if vector["kind"] == "session" {
        if vector["id"].as_str().unwrap().starts_with("eio3") {
            ours_v3::columns(&mut vector);
        }
        for step in vector["out"]["steps"].as_array_mut().unwrap() {
            let script = step["response"]["text"]
                .as_str()
                .is_some_and(|body| body.starts_with("___eio["));
            if script {
                step["response_headers"]["content-type"] = SCRIPT.into();
            }
        }
    }
    vector
}

fn error(why: &'static str) -> Option<Change> {
    Some(Change {
        why,
        how: How::Out(json!({ "error": true })),
    })
}

fn steps(why: &'static str, steps: Vec<(usize, Value)>) -> Option<Change> {
    Some(Change {
        why,
        how: How::Steps(steps),
    })
}

/// A body that cannot be read, in this step.
fn malformed(at: usize) -> Option<Change> {
    steps(
        "a body that cannot be read is answered 400",
        vec![(
            at,
            json!({ "status": 400, "response_headers": {}, "response": { "text": "" } }),
        )],
    )
}

/// A method that no session has, in this step.
fn bad_method(at: usize) -> Option<Change> {
    steps(
        "a method that no session has is refused as such",
        vec![(
            at,
            json!({
                "status": 400,
                "response_headers": { "content-type": "application/json" },
                "response": { "text": "{\"code\":2,\"message\":\"Bad handshake method\"}" },
            }),
        )],
    )
}

/// A close packet on a WebSocket: the steps in which its end is looked for, and the reason of it.
fn closes(ended: usize, reason: usize) -> Option<Change> {
    steps(
        "a close packet closes on WebSocket too",
        vec![
            (ended, json!({ "closed": true, "code": 1005 })),
            (reason, json!({ "reason": "transport close" })),
        ],
    )
}

/// What a poll of a session that is over is answered with.
fn unknown_sid() -> Value {
    json!({
        "no_response": null,
        "status": 400,
        "response_headers": { "content-type": "application/json" },
        "response": { "text": "{\"code\":1,\"message\":\"Session ID unknown\"}" },
    })
}
