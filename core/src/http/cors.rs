//! Cross-origin resource sharing (§9.6): which pages' scripts may read our answers.

use ::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_LENGTH, ORIGIN, VARY,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Response};
use bytes::Bytes;

use crate::config::{CorsAnswer, CorsPolicy};

const ASKS_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ANY: HeaderValue = HeaderValue::from_static("*");

impl CorsPolicy {
    /// What every answer to this request carries.
    pub(crate) fn headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Not asked for where nothing depends on it, which is the default.
        let asked = || request.get(ORIGIN);
        let text = || asked().and_then(|origin| origin.to_str().ok());
        let reflected = |ok: bool| asked().filter(|_| ok).cloned();
        let (allowed, varies) = match &self.origin {
            CorsAnswer::Any => (Some(ANY), false),
            CorsAnswer::Reflect => (Some(asked().cloned().unwrap_or(ANY)), true),
            CorsAnswer::Fixed(origin) => (Some(origin.clone()), true),
            CorsAnswer::List(list) => {
                let text = text().unwrap_or_default();
                (reflected(list.iter().any(|entry| entry == text)), true)
            }
            CorsAnswer::Check(check) => (reflected(check.allows(text().unwrap_or_default())), true),
        };
        let credentials = self.credentials && allowed.as_ref().is_some_and(|origin| *origin != ANY);
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        if varies {
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        if credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if let Some(exposed) = &self.exposed_headers {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        headers
    }

    /// The answer to an OPTIONS request.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Response<Bytes> {
        let mut headers = self.headers(request);
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(allowed) = &self.allowed_headers {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        } else {
            let vary = match headers.get(VARY) {
                Some(_) => "Origin, Access-Control-Request-Headers",
                None => "Access-Control-Request-Headers",
            };
            headers.insert(VARY, HeaderValue::from_static(vary));
            if let Some(asked) = asked {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
        }
        let asked = request.get(ASKS_PRIVATE_NETWORK);
        if self.private_network && asked.is_some_and(|asked| *asked == TRUE) {
            headers.insert(ALLOWS_PRIVATE_NETWORK, TRUE);
        }
        if let Some(age) = &self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.success;
        *response.headers_mut() = headers;
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{ConfigError, Cors, CorsOrigin};

    fn from(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn origins_are_written_as_text() {
        // faults: A9
        assert!(matches!("*".into(), CorsOrigin::Any));
        assert!(
            matches!("https://a.example".into(), CorsOrigin::Fixed(one) if one == "https://a.example")
        );
        for list in [
            "https://a.example b.example".into(),
            ["https://a.example", "b.example"].into(),
        ] {
            assert!(matches!(list, CorsOrigin::List(list) if list[1] == "b.example"));
        }
        assert!(matches!(
            crate::config::Origins::any(),
            crate::config::Origins::Any
        ));
    }

    #[test]
    fn reflecting_with_credentials_as_2x_does() {
        let policy = CorsPolicy::new(&Cors::v2()).unwrap();
        let headers = policy.headers(&from("http://a.example"));
        assert_eq!(
            get(&headers, "access-control-allow-origin"),
            Some("http://a.example")
        );
        assert_eq!(
            get(&headers, "access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(get(&headers, "vary"), Some("Origin"));

        let headers = policy.headers(&HeaderMap::new());
        assert_eq!(get(&headers, "access-control-allow-origin"), Some("*"));
        assert_eq!(get(&headers, "access-control-allow-credentials"), None);
    }

    #[test]
    fn a_site_that_is_not_listed_gets_no_header() {
        let policy = CorsPolicy::new(&Cors {
            origin: CorsOrigin::List(vec!["http://a.example".into()]),
            credentials: true,
            ..Cors::default()
        })
        .unwrap();
        let headers = policy.headers(&from("http://evil.example"));
        assert_eq!(get(&headers, "access-control-allow-origin"), None);
        assert_eq!(get(&headers, "access-control-allow-credentials"), None);
        assert_eq!(get(&headers, "vary"), Some("Origin"));
    }

    #[test]
    fn any_origin_never_comes_with_credentials() {
        for origin in [CorsOrigin::Any, CorsOrigin::Fixed("*".into())] {
            let cors = Cors {
                origin,
                credentials: true,
                ..Cors::default()
            };
            assert_eq!(
                CorsPolicy::new(&cors).unwrap_err(),
                ConfigError::AnyOriginWithCredentials
            );
        }
        // A page without an origin of its own is not "any origin" either.
        let headers = CorsPolicy::new(&Cors::v2()).unwrap().headers(&from("*"));
        assert_eq!(get(&headers, "access-control-allow-credentials"), None);
    }

    #[test]
    fn a_preflight_is_told_what_it_may() {
        let policy = CorsPolicy::new(&Cors {
            allowed_headers: Some("x-token".into()),
            max_age: Some(Duration::from_secs(600)),
            ..Cors::default()
        })
        .unwrap();
        let response = policy.preflight(&from("http://a.example"));
        assert_eq!(response.status(), 204);
        assert_eq!(
            get(response.headers(), "access-control-allow-origin"),
            Some("*")
        );
        assert_eq!(
            get(response.headers(), "access-control-allow-headers"),
            Some("x-token")
        );
        assert_eq!(
            get(response.headers(), "access-control-max-age"),
            Some("600")
        );
        assert_eq!(get(response.headers(), "vary"), None);
    }

    #[test]
    fn a_private_network_is_open_to_those_who_ask_if_it_is_to_be() {
        // faults: F9
        let mut asks = from("http://a.example");
        asks.insert(ASKS_PRIVATE_NETWORK, TRUE);
        for private_network in [false, true] {
            let policy = CorsPolicy::new(&Cors {
                private_network,
                ..Cors::default()
            });
            let policy = policy.unwrap();
            let name = "access-control-allow-private-network";
            let allowed = private_network.then_some("true");
            assert_eq!(get(policy.preflight(&asks).headers(), name), allowed);
            let other = policy.preflight(&from("http://a.example"));
            assert_eq!(get(other.headers(), name), None);
        }
    }

    #[test]
    fn one_origin_is_named_whoever_asks() {
        let cors = Cors {
            origin: "https://a.example".into(),
            credentials: true,
            ..Cors::default()
        };
        let policy = CorsPolicy::new(&cors).unwrap();
        for request in [HeaderMap::new(), from("https://b.example")] {
            let headers = policy.headers(&request);
            let allowed = get(&headers, "access-control-allow-origin");
            assert_eq!(allowed, Some("https://a.example"));
            assert_eq!(get(&headers, "vary"), Some("Origin"));
            let credentials = get(&headers, "access-control-allow-credentials");
            assert_eq!(credentials, Some("true"));
        }
        let star = Cors {
            origin: CorsOrigin::Fixed("*".into()),
            ..Cors::default()
        };
        let headers = CorsPolicy::new(&star).unwrap().headers(&HeaderMap::new());
        assert_eq!(get(&headers, "access-control-allow-origin"), Some("*"));
        assert_eq!(get(&headers, "vary"), None);
        let none = Cors {
            origin: CorsOrigin::Fixed("a\nb".into()),
            ..Cors::default()
        };
        let error = CorsPolicy::new(&none).unwrap_err();
        assert_eq!(error, ConfigError::CorsHeader("origin"));
    }

    #[test]
    fn a_function_decides_over_an_origin() {
        let check = crate::config::OriginCheck::new(|origin| origin.ends_with("a.example"));
        let policy = CorsPolicy::new(&Cors {
            origin: CorsOrigin::Check(check),
            ..Cors::default()
        });
        let policy = policy.unwrap();
        for (request, allowed) in [
            (from("https://a.example"), Some("https://a.example")),
            (from("https://b.example"), None),
            (HeaderMap::new(), None),
        ] {
            let headers = policy.headers(&request);
            assert_eq!(get(&headers, "access-control-allow-origin"), allowed);
            assert_eq!(get(&headers, "vary"), Some("Origin"));
        }
    }

    #[test]
    fn a_preflight_may_send_what_it_asks_for_unless_a_list_says() {
        let mut asks = from("https://a.example");
        asks.insert(
            ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static("x-token"),
        );
        let response = CorsPolicy::new(&Cors::v2()).unwrap().preflight(&asks);
        let headers = response.headers();
        assert_eq!(
            get(headers, "access-control-allow-headers"),
            Some("x-token")
        );
        let vary = "Origin, Access-Control-Request-Headers";
        assert_eq!(get(headers, "vary"), Some(vary));
        let response = CorsPolicy::new(&Cors::default())
            .unwrap()
            .preflight(&from("http://a"));
        let vary = "Access-Control-Request-Headers";
        assert_eq!(get(response.headers(), "vary"), Some(vary));
        assert_eq!(
            get(response.headers(), "access-control-allow-headers"),
            None
        );
    }
}
