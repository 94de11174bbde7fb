//! The cookie that sticky load balancers follow (§9.7).

use std::time::Duration;

use super::ConfigError;

/// A cookie that holds the session's id. Clients do not need it.
///
/// Its parts go into a header as they are; [`Config::validate`](super::Config::validate) refuses
/// what could carry further attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name: `io`.
    pub name: String,
    /// `Path`, if any.
    #[doc(alias = "cookiePath")]
    pub path: Option<String>,
    /// `Domain`, if any.
    pub domain: Option<String>,
    /// Out of reach of scripts.
    #[doc(alias = "cookieHttpOnly")]
    pub http_only: bool,
    /// Only over TLS.
    pub secure: bool,
    /// `SameSite`, if any.
    pub same_site: Option<SameSite>,
    /// `Max-Age`, if any: else it goes when the browser closes.
    pub max_age: Option<Duration>,
    /// On every answer of a polling session, as 2.x has it; else only on that to the handshake.
    pub on_every_response: bool,
}

/// What a browser does with a cookie on requests that other sites cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never sends it.
    Strict,
    /// Sends it only when the user goes from one site to the other.
    Lax,
    /// Always sends it; it must be [`secure`](Cookie::secure) then.
    None,
}

impl Default for Cookie {
    /// As 4.x has it when it is switched on: `io=<sid>; Path=/; HttpOnly; SameSite=Lax`, on the answer to
    /// the handshake.
    fn default() -> Self {
        Self {
            name: "io".into(),
            path: Some("/".into()),
            domain: None,
            http_only: true,
            secure: false,
            same_site: Some(SameSite::Lax),
            max_age: None,
            on_every_response: false,
        }
    }
}

impl Cookie {
    /// As 2.x has it: `io=<sid>; Path=/; HttpOnly; SameSite=Strict`, on every answer of a polling session.
    pub fn v2() -> Self {
        Self {
            same_site: Some(SameSite::Strict),
            on_every_response: true,
            ..Self::default()
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return Err(ConfigError::CookieName(self.name.clone()));
        }
        if let Some(path) = &self.path
            && !(path.starts_with('/')
                && path.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b';'))
        {
            return Err(ConfigError::CookiePath(path.clone()));
        }
        if let Some(domain) = &self.domain
            && (domain.is_empty()
                || !domain
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')))
        {
            return Err(ConfigError::CookieDomain(domain.clone()));
        }
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Err(ConfigError::InsecureCookie);
        }
        Ok(())
    }
}

/// A character of a token (RFC 9110 §5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GHSA-pxg6-pf52-xh8x: a part of a cookie that carries further attributes.
    #[test]
    fn adv_ghsa_pxg6_pf52_xh8x() {
        let cookie = Cookie::default();
        for name in ["x; Domain=evil", "", "a=b", "a b", "a\r\nb", "é"] {
            let cookie = Cookie {
                name: name.into(),
                ..cookie.clone()
            };
            assert_eq!(cookie.validate(), Err(ConfigError::CookieName(name.into())));
        }
        for path in ["/; Domain=evil", "", "x", "/\n"] {
            let cookie = Cookie {
                path: Some(path.into()),
                ..cookie.clone()
            };
            assert_eq!(cookie.validate(), Err(ConfigError::CookiePath(path.into())));
        }
        for domain in ["a; Path=/", "", "a b"] {
            let cookie = Cookie {
                domain: Some(domain.into()),
                ..cookie.clone()
            };
            assert_eq!(
                cookie.validate(),
                Err(ConfigError::CookieDomain(domain.into()))
            );
        }
        let cookie = Cookie {
            same_site: Some(SameSite::None),
            ..cookie
        };
        assert_eq!(cookie.validate(), Err(ConfigError::InsecureCookie));
    }
}
