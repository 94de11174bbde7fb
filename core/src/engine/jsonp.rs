//! Payloads for clients that can only load scripts and post forms (§6).

use bytes::Bytes;
use bytestring::ByteString;

use super::PostFailure;
use crate::http::form_field;

/// What a script is served as. The reference says `text/plain`, which browsers run only as long as they may
/// guess; with `nosniff` nothing is guessed, and the page of nobody can be made of an answer.
pub(super) const CONTENT_TYPE: &str = "text/javascript; charset=UTF-8";

/// The call that a script tag runs. `index` is digits only.
pub(super) fn wrap(index: &str, payload: &[u8]) -> Bytes {
    // What is packed is text: packets are UTF-8, and bytes travel as base64.
    let text = String::from_utf8_lossy(payload);
    let quoted = serde_json::Value::from(&*text).to_string();
    let mut body = String::with_capacity(quoted.len().saturating_add(32));
    body.push_str("___eio[");
    body.push_str(index);
    body.push_str("](");
    // Line ends in JavaScript, but not in JSON; and what would end a script that holds this. One pass:
    // a payload may consist of nothing else.
    let mut last = ' ';
    for character in quoted.chars() {
        match character {
            '\u{2028}' => body.push_str("\\u2028"),
            '\u{2029}' => body.push_str("\\u2029"),
            '/' if last == '<' => body.push_str("\\/"),
            plain => body.push(plain),
        }
        last = character;
    }
    body.push_str(");");
    body.into()
}

/// The digits of the query's `j`: all that may stand between the brackets.
pub(super) fn index(j: &str) -> Box<str> {
    j.chars().filter(char::is_ascii_digit).collect()
}

/// The payload in a form's field `d`. `None`: the field is not there, or several times.
pub(super) fn unwrap(form: &[u8]) -> Result<Option<ByteString>, PostFailure> {
    let Some(payload) = form_field(form, b"d") else {
        return Ok(None);
    };
    let payload = String::from_utf8(payload).map_err(|_| PostFailure::NotUtf8)?;
    if !payload.contains("\\n") {
        return Ok(Some(payload.into()));
    }
    // `\n` is a newline that the form could not carry, `\\n` is `\n` as it was.
    let mut text = String::with_capacity(payload.len());
    let mut rest = payload.as_str();
    while let Some((before, after)) = rest.split_once("\\n") {
        if before.ends_with('\\') {
            text.push_str(before);
            text.push('n');
        } else {
            text.push_str(before);
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(Some(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_payload_ends_the_script() {
        let body = wrap(
            "3",
            "4a\"b\\c\n\u{2028}\u{2029}</script>\u{1e}4\u{20ac}".as_bytes(),
        );
        assert_eq!(
            body,
            "___eio[3](\"4a\\\"b\\\\c\\n\\u2028\\u2029<\\/script>\\u001e4\u{20ac}\");"
        );
    }

    #[test]
    fn only_digits_get_between_the_brackets() {
        for (j, digits) in [
            ("a1b2", "12"),
            ("-3", "3"),
            ("", ""),
            ("0](alert(1));//", "01"),
        ] {
            assert_eq!(&*index(j), digits);
        }
    }

    #[test]
    fn forms_of_the_reference_client() {
        let read = |form: &str| unwrap(form.as_bytes()).map(|it| it.map(String::from));
        let payload = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(read("d=4a%5Cnb"), payload("4a\nb"));
        assert_eq!(read("d=4a%5C%5Cnb"), payload("4a\\nb"));
        assert_eq!(read("d=4+a"), payload("4 a"));
        assert_eq!(read("x=1"), Ok(None));
        assert_eq!(read("d=%ff"), Err(PostFailure::NotUtf8));
    }
}
