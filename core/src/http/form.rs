//! Form bodies, which JSONP clients post (§6).

use super::query::{Escapes, unescape};

/// The value of a form's field, decoded. `None` if it is not there, or more than once.
///
/// A `%` that begins no escape stays: browsers of the age of JSONP were not strict either.
pub(crate) fn field(form: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut found = form
        .split(|&byte| byte == b'&')
        .map(|piece| {
            let mut halves = piece.splitn(2, |&byte| byte == b'=');
            let key = halves.next().unwrap_or_default();
            (key, halves.next().unwrap_or_default())
        })
        .filter(|(key, _)| unescape(key, Escapes::Lenient).as_deref() == Some(name))
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => unescape(value, Escapes::Lenient),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_among_others_and_only_if_it_is_alone() {
        assert_eq!(
            field(b"a=1&d=4%E2%82%AC+x&z=2", b"d").unwrap(),
            "4\u{20ac} x".as_bytes()
        );
        assert_eq!(field(b"d=", b"d").unwrap(), b"");
        assert_eq!(field(b"d=4%zz", b"d").unwrap(), b"4%zz");
        assert_eq!(field(b"x=1", b"d"), None);
        assert_eq!(field(b"d=1&d=2", b"d"), None);
    }
}
