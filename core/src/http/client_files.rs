//! The files of the JavaScript client, served beside the server (§24).

use ::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;

use super::compression::takes;
use super::tokens;
use crate::config::{ClientFile, ClientFiles};

impl ClientFiles {
    /// The answer to a request for one of them. `headers` are those that any answer carries.
    pub(crate) fn respond(&self, head: &Parts, headers: HeaderMap, name: &str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.headers_mut() = headers;
        let Some(file) = self.0.get(name) else {
            *response.status_mut() = StatusCode::NOT_FOUND;
            let headers = response.headers_mut();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            );
            headers.insert(CONTENT_LENGTH, ABSENT.len().into());
            *response.body_mut() = Bytes::from_static(ABSENT.as_bytes());
            return response;
        };
        if !matches!(head.method, Method::GET | Method::HEAD) {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let headers = response.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            headers.insert(CONTENT_LENGTH, 0.into());
            return response;
        }
        let coded = file
            .coded
            .iter()
            .find(|(coding, _)| takes(&head.headers, coding));
        let headers = response.headers_mut();
        let kind = if name.ends_with(".map") {
            "application/json; charset=utf-8"
        } else {
            "application/javascript; charset=utf-8"
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        headers.insert(ETAG, file.tag_of(coded.is_some()));
        if !file.coded.is_empty() {
            headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if file.is_known(&head.headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let body = match coded {
            Some((coding, body)) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
                body
            }
            None => &file.plain,
        };
        headers.insert(CONTENT_LENGTH, body.len().into());
        if head.method != Method::HEAD {
            *response.body_mut() = body.clone();
        }
        response
    }
}

impl ClientFile {
    /// Another form of the same file is another representation: its tag says that it is equal only in
    /// what it means (RFC 9110 §8.8.1).
    fn tag_of(&self, coded: bool) -> HeaderValue {
        let weak = self.tag.to_str().map(|tag| format!("W/{tag}"));
        weak.ok()
            .filter(|_| coded)
            .and_then(|tag| HeaderValue::try_from(tag).ok())
            .unwrap_or_else(|| self.tag.clone())
    }

    /// Whether the client has it already.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        tokens(headers, IF_NONE_MATCH)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag)
    }
}

/// Whether files of the client's may have this name: `socket.io`, then words with dots before them, then
/// `.js` or `.js.map`.
pub(crate) fn is_client_file(name: &str) -> bool {
    let name = name.strip_suffix(".map").unwrap_or(name);
    name.strip_prefix("socket.io")
        .and_then(|rest| rest.strip_suffix(".js"))
        .is_some_and(|words| {
            words.is_empty()
                || words.strip_prefix('.').is_some_and(|words| {
                    words.split('.').all(|word| {
                        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric())
                    })
                })
        })
}

/// What is said where a file is missing.
const ABSENT: &str = "This server has no such file of the Socket.IO client. Give it the files \
                      (Config::client_files), or load the client from elsewhere.\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(request: ::http::request::Builder, name: &str) -> Response<Bytes> {
        let files = ClientFiles::new()
            .with("socket.io.js", "plain")
            .with_coded("socket.io.js", "gzip", "zipped")
            .with_coded("socket.io.js", "br", "brotli")
            .with_coded("socket.io.js", "compress", "never")
            .with("socket.io.js.map", "{}");
        let head = request.body(()).unwrap().into_parts().0;
        files.respond(&head, HeaderMap::new(), name)
    }

    fn get() -> ::http::request::Builder {
        ::http::Request::get("/socket.io/socket.io.js")
    }

    #[test]
    fn the_names_of_both_lines() {
        for name in [
            "socket.io.js",
            "socket.io.js.map",
            "socket.io.min.js",
            "socket.io.dev.js",
            "socket.io.slim.js",
            "socket.io.slim.dev.js.map",
            "socket.io.esm.min.js",
            "socket.io.msgpack.min.js.map",
        ] {
            assert!(is_client_file(name), "{name}");
        }
        for name in [
            "",
            "socket.io",
            "socket.iojs",
            "socket.io.jsx",
            "socket.io..js",
            "socket.io./../x.js",
            "x.js",
            "socket.io.js.map.map",
        ] {
            assert!(!is_client_file(name), "{name}");
        }
    }

    #[test]
    fn the_best_form_that_the_client_takes() {
        for (accept, coding, body) in [
            ("", None, "plain"),
            ("identity", None, "plain"),
            ("gzip", Some("gzip"), "zipped"),
            ("gzip, deflate, br", Some("br"), "brotli"),
            ("gzip, br;q=0", Some("gzip"), "zipped"),
        ] {
            let response = respond(get().header("accept-encoding", accept), "socket.io.js");
            let named = response.headers().get(CONTENT_ENCODING);
            assert_eq!(named.map(|it| it.to_str().unwrap()), coding, "{accept}");
            assert_eq!(response.body(), body, "{accept}");
            assert_eq!(response.headers()[VARY], "Accept-Encoding");
            let tag = response.headers()[ETAG].to_str().unwrap();
            assert_eq!(tag.starts_with("W/"), coding.is_some());
        }
    }

    #[test]
    fn who_has_it_does_not_get_it_again() {
        let tag = respond(get(), "socket.io.js").headers()[ETAG].clone();
        let tag = tag.to_str().unwrap();
        for known in [
            tag.to_owned(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".into(),
        ] {
            let response = respond(get().header("if-none-match", &known), "socket.io.js");
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert!(response.body().is_empty());
            assert_eq!(response.headers()[ETAG], tag);
        }
        let other = respond(get().header("if-none-match", "\"x\""), "socket.io.js");
        assert_eq!(other.status(), StatusCode::OK);
        let map = respond(get().header("if-none-match", tag), "socket.io.js.map");
        assert_eq!(map.status(), StatusCode::OK);
        assert_eq!(
            map.headers()[CONTENT_TYPE],
            "application/json; charset=utf-8"
        );
    }

    #[test]
    fn it_can_be_fetched_and_nothing_else() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let request = get().method(&method).header("if-none-match", "*");
            let response = respond(request, "socket.io.js");
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method}"
            );
            assert_eq!(response.headers()[ALLOW], "GET, HEAD");
            assert!(response.body().is_empty() && !response.headers().contains_key(ETAG));
        }
    }

    #[test]
    fn a_missing_one_says_what_to_do() {
        let response = respond(get(), "socket.io.min.js");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.body(), ABSENT);
        let head = respond(::http::Request::head("/"), "socket.io.js");
        assert!(head.body().is_empty() && head.headers()[CONTENT_LENGTH] == "5");
    }
}
