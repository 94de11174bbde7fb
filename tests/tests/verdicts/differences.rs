//! Where we differ on purpose.

use serde_json::Value;

/// A row of the table.
pub(crate) struct Difference {
    /// What we do, and why.
    pub(crate) what: &'static str,
    /// Whether a text is such a case: the text, their verdict and ours.
    pub(crate) holds: fn(&str, &Value, &Value) -> bool,
}

/// What stands before the JSON: a namespace may have its brackets, too.
fn head(text: &str) -> &str {
    let json = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.find(['[', '{', '"'])
            .map_or(text.len(), |at| from + at)
    };
    let end = match text.find('/') {
        Some(at) if at < json(0) => {
            let rest = text.get(at..).unwrap_or_default();
            json(rest.find(',').map_or(text.len(), |comma| at + comma))
        }
        _ => json(0),
    };
    text.get(..end).unwrap_or_default()
}

fn is_error(verdict: &Value) -> bool {
    verdict["error"] == true
}

/// The largest number that JavaScript counts to one by one.
const LAST: u128 = 9_007_199_254_740_991;

pub(crate) const PACKETS: &[Difference] = &[
    Difference {
        what: "an empty message is no packet: Node takes it for a CONNECT",
        holds: |text, _, ours| text.is_empty() && is_error(ours),
    },
    Difference {
        what: "an ack id past 16 digits, or past what JavaScript counts to, is none: the answer would bear another",
        holds: |text, _, ours| {
            let mut numbers = head(text).split(|it: char| !it.is_ascii_digit());
            is_error(ours)
                && numbers.any(|it| it.len() > 16 || it.parse().is_ok_and(|it: u128| it > LAST))
        },
    },
    Difference {
        what: "a blank is passed over, and is no ack id: Node reads 0",
        holds: |text, theirs, ours| {
            let mut without = theirs.clone();
            let id = without.as_object_mut().and_then(|it| it.remove("id"));
            let blank = head(text).contains(|it: char| it.is_whitespace());
            blank && (id.is_some() && without == *ours || is_error(ours))
        },
    },
    Difference {
        what: "attachments are counted by digits alone: Node takes what JavaScript converts",
        holds: |text, _, ours| {
            let count = text.get(1..).and_then(|rest| Some(rest.split_once('-')?.0));
            let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
            text.starts_with(['5', '6']) && is_error(ours) && !count.is_some_and(digits)
        },
    },
    Difference {
        what: "names that Node's emitters keep for themselves are names",
        holds: |_, theirs, ours| {
            let kept = ["newListener", "removeListener"];
            is_error(theirs) && kept.iter().any(|it| ours["data"][0] == *it)
        },
    },
    Difference {
        what: "an event's name is text: a number is its digits",
        holds: |_, theirs, ours| {
            let (theirs, ours) = (theirs["data"].as_array(), ours["data"].as_array());
            let both = theirs
                .zip(ours)
                .and_then(|(theirs, ours)| Some((theirs.split_first()?, ours.split_first()?)));
            both.is_some_and(|(theirs, ours)| {
                theirs.0["$number"].is_string() && ours.0.is_string() && theirs.1 == ours.1
            })
        },
    },
    Difference {
        what: "the index of a placeholder is an integer: Node reads `undefined`",
        holds: |text, theirs, ours| {
            text.contains("\"num\":0.5") && !is_error(theirs) && is_error(ours)
        },
    },
    Difference {
        what: "a placeholder counts that a later member of the same name hides",
        holds: |text, theirs, ours| {
            let hides = |name: &str| text.matches(&format!("\"{name}\":")).count() > 1;
            // By an escape it may be the same without looking so.
            let named = text.contains("\\u") || super::texts::NAMES.iter().any(|name| hides(name));
            let placeholder = text.contains("\"_placeholder\":true");
            named && placeholder && !is_error(theirs) && is_error(ours)
        },
    },
    Difference {
        what: "text with half a surrogate pair fails who reads it",
        holds: |text, theirs, ours| {
            // The name of an event has to be read at once.
            let unreadable = ours.to_string().contains("$unreadable");
            text.contains("\\ud") && !is_error(theirs) && (unreadable || is_error(ours))
        },
    },
];
pub(crate) const PAYLOADS: &[Difference] = &[Difference {
    what: "base64 that is none is an error: data is never changed silently",
    holds: |text, theirs, ours| {
        let read = ours["packets"].as_array().map_or(0, Vec::len);
        let wrong = text.split('\u{1e}').nth(read).unwrap_or_default();
        let before = theirs["packets"].as_array().and_then(|all| all.get(..read));
        ours["error"] == true
            && wrong.starts_with('b')
            && before == ours["packets"].as_array().map(Vec::as_slice)
    },
}];
