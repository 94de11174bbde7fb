//! Whether and how the body of a poll is compressed (§9.9). Decided here, done by whoever writes it.

use ::http::header::ACCEPT_ENCODING;
use ::http::{HeaderMap, HeaderValue};

use super::tokens;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip`
    Gzip,
    /// `deflate`: zlib's format, not bare deflate (RFC 9110 §8.4.1.2).
    Deflate,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }

    /// The coding that the client likes best, gzip between equals. A weight of 0 forbids one, `*` speaks
    /// for those not named.
    pub(crate) fn choose(headers: &HeaderMap) -> Option<Self> {
        let mut gzip = None;
        let mut deflate = None;
        let mut others = 0;
        for token in tokens(headers, ACCEPT_ENCODING) {
            let mut parts = token.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(Some(1000), weight)
                .unwrap_or(0);
            if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                gzip = Some(weight);
            } else if name.eq_ignore_ascii_case("deflate") {
                deflate = Some(weight);
            } else if name == "*" {
                others = weight;
            }
        }
        let (gzip, deflate) = (gzip.unwrap_or(others), deflate.unwrap_or(others));
        if gzip == 0 && deflate == 0 {
            None
        } else if gzip >= deflate {
            Some(Self::Gzip)
        } else {
            Some(Self::Deflate)
        }
    }
}

/// Whether the client takes a coding by its name. One that it says nothing of it does not.
pub(super) fn takes(headers: &HeaderMap, coding: &str) -> bool {
    tokens(headers, ACCEPT_ENCODING).any(|token| {
        let mut parts = token.split(';').map(str::trim);
        parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding))
            && parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .is_none_or(|text| weight(text).is_some_and(|weight| weight > 0))
    })
}

/// A weight in thousandths: `0.5` is 500. `None` if it is none.
fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(3)
        .fold(0u16, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u16::from(digit.wrapping_sub(b'0')))
        });
    match (whole, thousandths) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(accept: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
        Coding::choose(&headers)
    }

    #[test]
    fn the_client_chooses() {
        assert_eq!(choose("gzip, deflate, br"), Some(Coding::Gzip));
        assert_eq!(choose("deflate"), Some(Coding::Deflate));
        assert_eq!(choose("gzip;q=0.2, deflate;q=0.5"), Some(Coding::Deflate));
        assert_eq!(choose("GZIP;Q=0.001"), Some(Coding::Gzip));
        assert_eq!(choose("*"), Some(Coding::Gzip));
        assert_eq!(choose("gzip;q=0, *;q=0.1"), Some(Coding::Deflate));
    }

    #[test]
    fn a_weight_of_zero_forbids() {
        for accept in [
            "",
            "identity",
            "br",
            "gzip;q=0",
            "gzip; q=0.000, deflate;q=0",
            "*;q=0",
            "gzip;q=7",
            "gzip;q=0.1234",
            "gzip;q=0.x",
        ] {
            assert_eq!(choose(accept), None, "{accept}");
        }
        assert_eq!(Coding::choose(&HeaderMap::new()), None);
    }

    #[test]
    fn each_has_the_name_that_the_client_chose_it_by() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            assert_eq!(choose(coding.as_str()), Some(coding));
            assert_eq!(coding.header(), coding.as_str());
        }
    }
}
