//! What a server says as JSON.

use crate::packet::{Args, Value};

/// A text as a value. `None`: it is no JSON, or nests too deep, or there is more than one.
pub(super) fn value(text: &str) -> Option<Value> {
    let args = Args::from_json(&format!("[{text}]"), Vec::new()).ok()?;
    if args.len() != 1 {
        return None;
    }
    args.get(0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_or_none() {
        let shown = |text| value(text).map(|it| it.to_string());
        for text in ["null", "[1,2]", r#"{"a":"b"}"#] {
            assert_eq!(shown(text).as_deref(), Some(text));
        }
        for text in ["", "1,2", "1],[2", "{", "x"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
