//! Revision 4.

use serde_json::json;

use super::{Change, bad_method, closes, error, malformed, steps, unknown_sid};

pub(super) fn instead(id: &str) -> Option<Change> {
    match id.rsplit_once('/')? {
        ("packet_decode", "015") => error("one character of base64 is no byte"),
        ("packet_decode", "018") => error("garbage is an error, not an empty message"),
        ("session", "016" | "017") => bad_method(1),
        ("session", "024") => closes(3, 4),
        ("session", "026" | "027" | "028" | "029") => malformed(1),
        ("session", "031") => steps(
            "a lost POST is a hole in the stream: 413 ends the session",
            vec![
                (2, unknown_sid()),
                (3, json!({ "reason": "transport error" })),
            ],
        ),
        _ => None,
    }
}
