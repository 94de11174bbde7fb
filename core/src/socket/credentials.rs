//! What a client says of itself when it asks for a namespace in revision 4: a query behind the name
//! (§16.2).

use std::collections::BTreeMap;

use crate::http::query_pairs;
use crate::packet::Value;
use bytestring::ByteString;

/// The name of the namespace, and the query behind it.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (name, None),
    }
}

/// The query as a JSON object, the form in which revision 5 sends credentials: a key that comes more than
/// once has a list. `None` if there is nothing in it.
pub(super) fn auth(query: &str) -> Option<ByteString> {
    // In the order in which their keys came first.
    let mut members: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (key, value) in query_pairs(query) {
        let at = *places.entry(key).or_insert_with_key(|key| {
            members.push((key.clone(), Vec::new()));
            members.len().saturating_sub(1)
        });
        if let Some((_, values)) = members.get_mut(at) {
            values.push(value.into());
        }
    }
    let member = |(key, mut values): (String, Vec<Value>)| match values.pop() {
        Some(only) if values.is_empty() => (key, only),
        last => {
            values.extend(last);
            (key, Value::Array(values))
        }
    };
    let auth: Value = (!members.is_empty()).then(|| members.into_iter().map(member).collect())?;
    Some(auth.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_query() {
        assert_eq!(split("/chat"), ("/chat", None));
        assert_eq!(split("/chat?a=1?2"), ("/chat", Some("a=1?2")));
    }

    #[test]
    fn a_query_becomes_an_object() {
        let text = |query| auth(query).map(String::from);
        assert_eq!(text(""), None);
        assert_eq!(text("&&"), None);
        assert_eq!(
            text("token=a%20b%2Cc&x=1&x=2&flag&q=\"%22").unwrap(),
            r#"{"token":"a b,c","x":["1","2"],"flag":"","q":"\"\""}"#
        );
    }
}
