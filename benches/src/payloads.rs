//! The arguments that codecs are measured with.

use crate::scenario::SMALL;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What [`SMALL`] says, as a handler would declare it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    user: String,
    room: String,
    text: String,
    n: u32,
}

/// One long string.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    text: String,
}

/// One of many small things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    id: u32,
    x: f64,
    y: f64,
    on: bool,
}

/// 64 bytes of JSON.
#[must_use]
pub fn said() -> Said {
    serde_json::from_str(SMALL).expect("SMALL is a Said")
}

/// 1 KiB, nearly all of it text.
#[must_use]
pub fn page() -> Page {
    let text = "lorem ipsum dolor sit amet, ".chars().cycle().take(1013);
    Page {
        text: text.collect(),
    }
}

/// 1 KiB, most of it punctuation and numbers.
#[must_use]
pub fn points() -> Vec<Point> {
    let point = |id| Point {
        id,
        x: f64::from(id) * 0.5,
        y: -1.25,
        on: id % 2 == 0,
    };
    (0..28).map(point).collect()
}

/// Two attachments of 1 KiB.
#[must_use]
pub fn blobs() -> (Bytes, Bytes) {
    (Bytes::from(vec![1; 1024]), Bytes::from(vec![2; 1024]))
}
