//! The cookie that sticky load balancers follow (§9.7).

use ::http::HeaderValue;

use crate::config::{Cookie, SameSite};
use crate::id::Sid;

/// The value of `Set-Cookie`.
pub(crate) fn set_cookie(cookie: &Cookie, sid: &Sid) -> Option<HeaderValue> {
    let mut text = format!("{}=", cookie.name);
    // An id of the application's making may hold anything: what would end the value is encoded (RFC 6265
    // §4.1.1), as `encodeURIComponent` does.
    for byte in sid.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    let mut attribute = |name: &str, value: &str| {
        text.push_str("; ");
        text.push_str(name);
        text.push_str(value);
    };
    if let Some(age) = cookie.max_age {
        attribute("Max-Age=", itoa::Buffer::new().format(age.as_secs()));
    }
    if let Some(domain) = &cookie.domain {
        attribute("Domain=", domain);
    }
    if let Some(path) = &cookie.path {
        attribute("Path=", path);
    }
    if cookie.http_only {
        attribute("HttpOnly", "");
    }
    if cookie.secure {
        attribute("Secure", "");
    }
    match cookie.same_site {
        Some(SameSite::Strict) => attribute("SameSite=", "Strict"),
        Some(SameSite::Lax) => attribute("SameSite=", "Lax"),
        Some(SameSite::None) => attribute("SameSite=", "None"),
        None => {}
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_usual_ones() {
        let sid = Sid::from_random([0; 15]);
        assert_eq!(
            set_cookie(&Cookie::default(), &sid).unwrap(),
            "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            set_cookie(&Cookie::v2(), &sid).unwrap(),
            "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn an_id_cannot_carry_attributes() {
        let sid = Sid::made("a; Domain=evil\r\né").unwrap();
        assert_eq!(
            set_cookie(&Cookie::default(), &sid).unwrap(),
            "io=a%3B%20Domain%3Devil%0D%0A%C3%A9; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn every_attribute() {
        let cookie = Cookie {
            name: "sticky".into(),
            path: Some("/chat".into()),
            domain: Some("a.example".into()),
            http_only: false,
            secure: true,
            same_site: Some(SameSite::None),
            max_age: Some(Duration::from_secs(60)),
            on_every_response: false,
        };
        cookie.validate().unwrap();
        assert_eq!(
            set_cookie(&cookie, &Sid::from_random([0; 15])).unwrap(),
            "sticky=AAAAAAAAAAAAAAAAAAAA; Max-Age=60; Domain=a.example; Path=/chat; Secure; SameSite=None"
        );
        let bare = Cookie {
            path: None,
            domain: None,
            secure: false,
            same_site: None,
            max_age: None,
            ..cookie
        };
        assert_eq!(
            set_cookie(&bare, &Sid::from_random([0; 15])).unwrap(),
            "sticky=AAAAAAAAAAAAAAAAAAAA"
        );
    }
}
