mod cors;
mod revision_3;
mod spelling;

use super::*;
use crate::config::Transports;
use crate::config::{Cookie, Cors, Origins};
use crate::engine::{Body, Content, Framing, HandshakeError, Mismatch, Post, PostFailure, Reply};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn acceptor(config: Config) -> Acceptor {
    Acceptor::new(Arc::new(config)).unwrap()
}

fn v4() -> Acceptor {
    acceptor(Config::v4())
}

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn websocket(uri: &str, change: impl Fn(&mut Vec<(&'static str, &'static str)>)) -> Parts {
    let mut headers = vec![
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ];
    change(&mut headers);
    head("GET", uri, &headers)
}

/// The status and body of a request that is answered at once.
fn answer(acceptor: &Acceptor, head: &Parts) -> String {
    let Route::Answered(response) = acceptor.route(head) else {
        panic!("not answered");
    };
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = std::str::from_utf8(response.body()).unwrap();
    format!("{} {body}", response.status().as_u16())
        .trim_end()
        .to_owned()
}

fn get(uri: &str) -> String {
    answer(&v4(), &head("GET", uri, &[]))
}

fn open(acceptor: &Acceptor, head: &Parts) -> Exchange {
    let Route::Open(exchange) = acceptor.route(head) else {
        panic!("does not open a session");
    };
    exchange
}

fn session(acceptor: &Acceptor, head: &Parts) -> (Sid, Exchange, bool) {
    let Route::Session {
        sid,
        exchange,
        over,
    } = acceptor.route(head)
    else {
        panic!("not for a session");
    };
    (sid, exchange, over)
}

fn payload(body: &str) -> Reply {
    Reply::payload(Framing::Separated, 1, body.to_owned().into(), true)
}

const POLL: &str = "/socket.io/?EIO=4&transport=polling";
const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

#[test]
fn paths_are_compared_by_whole_segments() {
    let acceptor = v4();
    for path in ["/socket.io", "/socket.io/", "/socket.io/x/"] {
        assert!(acceptor.owns(path), "{path}");
    }
    for path in [
        "/",
        "/socket.iox/",
        "/socket.io-admin",
        "/a/socket.io/",
        "/SOCKET.IO/",
    ] {
        assert!(!acceptor.owns(path), "{path}");
        assert!(matches!(
            acceptor.route(&head("GET", path, &[])),
            Route::NotOurs
        ));
    }
    assert!(self::acceptor(Config::v4().path("/chat/")).owns("/chat"));
}

#[test]
fn a_poll_opens_a_session() {
    let exchange = open(
        &v4(),
        &head("GET", &format!("{POLL}&token=a%20b&b64=1"), &[]),
    );
    assert_eq!(
        (exchange.kind(), exchange.revision()),
        (RequestKind::Poll, Eio::V4)
    );
    assert!(exchange.is_handshake() && exchange.base64());
    assert_eq!(exchange.query().get("token"), Some("a b"));
    let response = exchange.respond(payload("0{}"));
    assert!(response.initial);
    assert_eq!(
        response.http.headers()["content-type"],
        "text/plain; charset=UTF-8"
    );
    assert_eq!(response.http.headers()["content-length"], "3");
    assert_eq!(response.http.headers()["cache-control"], "no-store");
}

#[test]
fn checks_come_in_their_order() {
    let transport = "400 {\"code\":0,\"message\":\"Transport unknown\"}";
    let sid = "400 {\"code\":1,\"message\":\"Session ID unknown\"}";
    let method = "400 {\"code\":2,\"message\":\"Bad handshake method\"}";
    let bad = "400 {\"code\":3,\"message\":\"Bad request\"}";
    let revision = "400 {\"code\":5,\"message\":\"Unsupported protocol version\"}";
    assert_eq!(get("/socket.io/"), transport);
    assert_eq!(get("/socket.io/?EIO=4&transport=__proto__"), transport);
    assert_eq!(get("/socket.io/?EIO=4&transport=Polling"), transport);
    assert_eq!(get(&format!("{POLL}&sid=")), sid);
    // Applications may make ids of any length.
    let long = format!("{POLL}&sid={}", "x".repeat(2000));
    assert!(matches!(
        v4().route(&head("GET", &long, &[])),
        Route::Session { sid, .. } if sid.as_str().len() == 2000
    ));
    assert_eq!(get(SOCKET), bad);
    assert_eq!(get(&format!("{SOCKET}&sid=x")), bad);
    assert_eq!(get("/socket.io/?EIO=4&EIO=3&transport=polling"), bad);
    assert_eq!(get(&format!("{POLL}&b64=%zz")), bad);
    assert_eq!(get(&format!("{POLL}&a=%00")), bad);
    for eio in ["", "EIO=3&", "EIO=5&", "EIO=04&", "EIO=&", "EIO&"] {
        assert_eq!(
            get(&format!("/socket.io/?{eio}transport=polling")),
            revision,
            "{eio}"
        );
        assert_eq!(
            get(&format!("/socket.io/?{eio}transport=polling&sid=x")),
            bad,
            "{eio}"
        );
    }
    for verb in ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"] {
        assert_eq!(answer(&v4(), &head(verb, POLL, &[])), method, "{verb}");
    }
    for verb in ["PUT", "DELETE", "OPTIONS"] {
        let uri = format!("{POLL}&sid=x");
        assert_eq!(answer(&v4(), &head(verb, &uri, &[])), method, "{verb}");
    }
}

/// CVE-2023-31125: an error whose code is 0, and which is an error all the same, on an upgrade too.
#[test]
fn adv_cve_2023_31125() {
    let uri = "/socket.io/?EIO=4&transport=__proto__";
    assert_eq!(
        answer(&v4(), &websocket(uri, |_| {})),
        "400 Transport unknown"
    );
}

#[test]
fn transports_can_be_switched_off() {
    let config =
        |polling, websocket| acceptor(Config::v4().transports(Transports { polling, websocket }));
    let unknown = "400 {\"code\":0,\"message\":\"Transport unknown\"}";
    assert_eq!(
        answer(&config(false, true), &head("GET", POLL, &[])),
        unknown
    );
    let upgrade = websocket(SOCKET, |_| {});
    assert_eq!(
        answer(&config(true, false), &upgrade),
        "400 Transport unknown"
    );
}

#[test]
fn a_websocket_opens_a_session() {
    let exchange = open(&v4(), &websocket(SOCKET, |_| {}));
    assert_eq!(exchange.kind(), RequestKind::WebSocket);
    let response = exchange.switch();
    assert_eq!(response.status(), 101);
    assert_eq!(
        response.headers()["sec-websocket-accept"],
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(response.headers()["upgrade"], "websocket");
}

#[test]
fn a_websocket_handshake_is_checked() {
    let with = |name: &'static str, value: Option<&'static str>| {
        let head = websocket(SOCKET, |headers| {
            headers.retain(|(n, _)| *n != name);
            headers.extend(value.map(|value| (name, value)));
        });
        answer(&v4(), &head)
    };
    assert_eq!(
        with("upgrade", None),
        "400 {\"code\":3,\"message\":\"Bad request\"}"
    );
    assert_eq!(with("connection", None), "400 Bad request");
    assert_eq!(with("sec-websocket-version", Some("8")), "426 Bad request");
    assert_eq!(with("sec-websocket-version", None), "400 Bad request");
    assert_eq!(with("sec-websocket-key", Some("abc")), "400 Bad request");
    assert_eq!(with("sec-websocket-key", None), "400 Bad request");

    let old = websocket(SOCKET, |headers| headers[2].1 = "8");
    let Route::Answered(response) = v4().route(&old) else {
        panic!("not answered");
    };
    assert_eq!(response.headers()["sec-websocket-version"], "13");
    assert_eq!(response.headers()["connection"], "close");
}

#[test]
fn polling_is_no_upgrade() {
    assert_eq!(answer(&v4(), &websocket(POLL, |_| {})), "400 Bad request");
}

#[test]
fn a_session_is_named_by_its_id() {
    let uri = format!("{POLL}&sid=abc");
    let headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", "1000000"),
    ];
    let (sid, exchange, over) = session(&v4(), &head("POST", &uri, &headers));
    assert_eq!(sid.as_str(), "abc");
    assert_eq!(exchange.kind(), RequestKind::Post { binary: true });
    assert!(!over && !exchange.is_handshake());
    assert_eq!(
        exchange.post(Bytes::new()),
        Post::Whole(Err(PostFailure::Binary))
    );
}

#[test]
fn a_body_that_announces_too_much_is_not_read() {
    let uri = format!("{POLL}&sid=abc");
    for length in ["1000001", "18446744073709551615"] {
        let (_, _, over) = session(&v4(), &head("POST", &uri, &[("content-length", length)]));
        assert!(over, "{length}");
    }
    for length in ["-1", "x", "99999999999999999999"] {
        let head = head("POST", &uri, &[("content-length", length)]);
        assert_eq!(
            answer(&v4(), &head),
            "400 {\"code\":3,\"message\":\"Bad request\"}"
        );
    }
}

#[test]
fn compressed_requests_are_not_read() {
    let uri = format!("{POLL}&sid=abc");
    assert_eq!(
        answer(&v4(), &head("POST", &uri, &[("content-encoding", "gzip")])),
        "415"
    );
    let plain = head("POST", &uri, &[("content-encoding", "identity")]);
    assert!(matches!(v4().route(&plain), Route::Session { .. }));
}

#[test]
fn foreign_pages_are_refused_on_every_transport() {
    let acceptor = acceptor(Config::v4().origins(Origins::list(["https://a.example"])));
    let from = |origin| head("GET", POLL, &[("origin", origin)]);
    assert!(open(&acceptor, &from("https://a.example")).is_handshake());
    assert!(open(&acceptor, &head("GET", POLL, &[])).is_handshake());
    let forbidden = "403 {\"code\":4,\"message\":\"Forbidden\"}";
    assert_eq!(answer(&acceptor, &from("https://evil.example")), forbidden);
    let upgrade = websocket(SOCKET, |headers| {
        headers.push(("origin", "https://evil.example"))
    });
    assert_eq!(answer(&acceptor, &upgrade), "403 Forbidden");
    let uri = format!("{POLL}&sid=abc");
    let poll = head("GET", &uri, &[("origin", "https://evil.example")]);
    assert_eq!(answer(&acceptor, &poll), forbidden);
}

/// HTTP/2 says the host beside the path, and has no `Host`.
#[test]
fn a_host_stands_in_a_header_or_before_the_path() {
    let acceptor = acceptor(Config::v4().origins(Origins::same_origin()));
    let from = |uri: &str, origin, host: Option<&'static str>| {
        let host = host.map(|host| ("host", host));
        let headers: Vec<_> = [("origin", origin)].into_iter().chain(host).collect();
        matches!(acceptor.route(&head("GET", uri, &headers)), Route::Open(_))
    };
    let whole = format!("https://a.example{POLL}");
    assert!(from(POLL, "https://a.example", Some("a.example")));
    assert!(from(&whole, "https://a.example", None));
    assert!(!from(&whole, "https://b.example", None));
    assert!(!from(&whole, "https://b.example", Some("b.example")));
    let named = format!("https://b.example@a.example:8443{POLL}");
    assert!(from(&named, "https://a.example:8443", None));
    assert!(!from(&named, "https://b.example", None));
    assert!(!from(POLL, "https://a.example", None));
}

#[test]
fn an_origin_is_visible_ascii_and_there_is_one() {
    let bad = "400 {\"code\":3,\"message\":\"Bad request\"}";
    assert_eq!(
        answer(&v4(), &head("GET", POLL, &[("origin", "http://\u{e9}")])),
        bad
    );
    let two = head(
        "GET",
        POLL,
        &[("origin", "http://a"), ("origin", "http://b")],
    );
    assert_eq!(answer(&v4(), &two), bad);
}

#[test]
fn cors_is_on_every_answer() {
    let acceptor = acceptor(Config::default());
    let origin = ("origin", "http://a.example");
    let check = |headers: &HeaderMap| {
        assert_eq!(headers["access-control-allow-origin"], "http://a.example");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "Origin");
    };
    check(
        open(&acceptor, &head("GET", POLL, &[origin]))
            .respond(payload("6"))
            .http
            .headers(),
    );
    let upgrade = websocket(SOCKET, |headers| {
        headers.push(("origin", "http://a.example"))
    });
    check(open(&acceptor, &upgrade).switch().headers());
    let Route::Answered(error) = acceptor.route(&head("POST", POLL, &[origin])) else {
        panic!("not answered");
    };
    check(error.headers());
    let Route::Answered(preflight) = acceptor.route(&head("OPTIONS", POLL, &[origin])) else {
        panic!("not answered");
    };
    assert_eq!(preflight.status(), 204);
    let none = self::acceptor(Config::v4().cors(Cors::default()));
    let any = open(&none, &head("GET", POLL, &[origin])).respond(payload("6"));
    assert_eq!(any.http.headers()["access-control-allow-origin"], "*");
}

#[test]
fn a_cookie_is_written_for_the_session_that_asks_for_it() {
    let acceptor = acceptor(Config::v4().cookie(Cookie::default()));
    let mut reply = payload("6");
    reply.cookie = Some(Sid::from_random([0; 15]));
    let response = open(&acceptor, &head("GET", POLL, &[])).respond(reply);
    assert_eq!(
        response.http.headers()["set-cookie"],
        "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Lax"
    );
}

#[test]
fn large_bodies_are_compressed_if_everybody_agrees() {
    let respond = |config: Config, accept: &str, reply: Reply| {
        let head = head("GET", POLL, &[("accept-encoding", accept)]);
        let response = open(&acceptor(config), &head).respond(reply);
        let headers = response.http.headers();
        assert_eq!(
            response.compress.is_some(),
            headers.contains_key("content-encoding")
        );
        assert_ne!(
            response.compress.is_some(),
            headers.contains_key("content-length")
        );
        response.compress
    };
    let large = || payload(&"4".repeat(1024));
    let gzip = Some(crate::http::Coding::Gzip);
    assert_eq!(respond(Config::v4(), "gzip", large()), gzip);
    assert_eq!(respond(Config::v4(), "identity", large()), None);
    assert_eq!(
        respond(Config::v4(), "gzip", payload(&"4".repeat(1023))),
        None
    );
    let unwilling = Reply {
        compress: false,
        ..large()
    };
    assert_eq!(respond(Config::v4(), "gzip", unwilling), None);
    let mut off = Config::v4();
    off.http_compression = None;
    assert_eq!(respond(off, "gzip", large()), None);
}

#[test]
fn jsonp_wraps_payloads_and_reads_forms() {
    let acceptor = v4();
    let uri = format!("{POLL}&j=0](alert(1));//");
    let exchange = open(&acceptor, &head("GET", &uri.replace('(', "%28"), &[]));
    assert!(exchange.base64());
    let response = exchange.respond(payload("4a"));
    assert_eq!(response.http.body(), "___eio[01](\"4a\");");
    assert_eq!(response.http.headers()["content-length"], "17");
    assert_eq!(response.http.headers()["x-content-type-options"], "nosniff");

    let uri = format!("{POLL}&sid=abc&j=0");
    let (_, exchange, _) = session(&acceptor, &head("POST", &uri, &[]));
    let form = Bytes::from_static(b"d=4a%5Cnb");
    assert_eq!(
        exchange.post_end(form),
        Post::End(Ok(Body::Separated("4a\nb".into())))
    );
    let error = exchange.respond(Reply::mismatching(Mismatch::Gone));
    assert_eq!(error.http.body(), ErrorCode::UnknownSid.body());

    let mut off = Config::v4();
    off.jsonp = false;
    let uri = format!("{POLL}&j=0");
    let plain = open(&self::acceptor(off), &head("GET", &uri, &[])).respond(payload("4a"));
    assert_eq!(plain.http.body(), "4a");
}

#[test]
fn bodies_are_text_within_the_limit() {
    let acceptor = acceptor(Config::v4().max_http_buffer_size(4));
    let uri = format!("{POLL}&sid=abc");
    let post = |body: &'static [u8]| {
        let (_, exchange, _) = session(&acceptor, &head("POST", &uri, &[]));
        exchange.post(Bytes::from_static(body))
    };
    assert_eq!(
        post(b"4abc"),
        Post::Whole(Ok(Body::Separated("4abc".into())))
    );
    assert_eq!(post(b"4abcd"), Post::Whole(Err(PostFailure::TooLarge)));
    assert_eq!(post(b"4\xff"), Post::Whole(Err(PostFailure::NotUtf8)));
}

#[test]
fn refusals_speak_the_language_of_the_request() {
    let acceptor = v4();
    let poll = |refusal: &HandshakeError| open(&acceptor, &head("GET", POLL, &[])).refuse(refusal);
    let upgrade =
        |refusal: &HandshakeError| open(&acceptor, &websocket(SOCKET, |_| {})).refuse(refusal);
    let no = HandshakeError::Forbidden(Some("<b>no".into()));
    assert_eq!(poll(&no).body(), "{\"code\":4,\"message\":\"<b>no\"}");
    assert_eq!(poll(&no).status(), 403);
    assert_eq!(
        upgrade(&no).body(),
        "&lt;b>no".replace('>', "&gt;").as_str()
    );
    assert_eq!(upgrade(&no).headers()["connection"], "close");
    let full = poll(&HandshakeError::TooManySessions);
    assert_eq!(full.status(), 503);
    assert!(full.headers().contains_key("retry-after"));
    assert_eq!(
        upgrade(&HandshakeError::UnknownSid).body(),
        "Session ID unknown"
    );
    assert_eq!(poll(&HandshakeError::TooLarge).status(), 413);
    assert_eq!(poll(&HandshakeError::Timeout).status(), 408);
    assert_eq!(poll(&HandshakeError::Failed).status(), 500);
}

#[test]
fn answers_to_posts() {
    let uri = format!("{POLL}&sid=abc");
    let respond = |reply: Reply| {
        let (_, exchange, _) = session(&v4(), &head("POST", &uri, &[]));
        exchange.respond(reply)
    };
    let ok = respond(Reply::ok());
    assert_eq!(ok.http.headers()["content-type"], "text/html");
    assert_eq!(ok.http.body(), "ok");
    assert!(!ok.initial);
    let reset = respond(Reply::empty(http::StatusCode::BAD_REQUEST).closing());
    assert_eq!(reset.http.headers()["connection"], "close");
    assert!(!reset.http.headers().contains_key("content-type"));
    assert_eq!(Content::Empty, Reply::empty(http::StatusCode::OK).content);
}

/// What was wrong is told beside the response, for whoever listens to `connection_error`.
#[test]
fn a_request_that_does_not_fit_its_session_is_told_with_what_does_not() {
    use crate::engine::ErrorContext;
    use crate::protocol::TransportKind;

    let uri = format!("{POLL}&sid=abc");
    let told = |method: &str, mismatch| {
        let (_, exchange, _) = session(&v4(), &head(method, &uri, &[]));
        let response = exchange.respond(Reply::mismatching(mismatch)).http;
        (
            response.status().as_u16(),
            response.extensions().get().cloned(),
        )
    };
    let (polling, websocket) = (TransportKind::Polling, TransportKind::WebSocket);
    let transport = ErrorContext::TransportMismatch {
        transport: polling,
        previous: websocket,
    };
    for method in ["GET", "POST"] {
        let mismatch = Mismatch::Transport(websocket);
        assert_eq!(told(method, mismatch), (400, Some(transport.clone())));
    }
    let revision = ErrorContext::ProtocolMismatch {
        protocol: Some(Eio::V4),
        previous: Some(Eio::V3),
    };
    assert_eq!(
        told("GET", Mismatch::Protocol(Eio::V3)),
        (400, Some(revision))
    );
    let gone = ErrorContext::Sid(Sid::presented("abc"));
    assert_eq!(told("GET", Mismatch::Gone), (400, Some(gone)));
    let uri = format!("{SOCKET}&sid=abc");
    let (_, exchange, _) = session(&v4(), &self::websocket(&uri, |_| {}));
    assert!(!exchange.reads_body());
    let response = exchange.respond(Reply::mismatching(Mismatch::Transport(polling)));
    let transport = ErrorContext::TransportMismatch {
        transport: websocket,
        previous: polling,
    };
    assert_eq!(response.http.extensions().get(), Some(&transport));
    // A poll becomes no WebSocket.
    let refused = open(&v4(), &head("GET", POLL, &[])).switch();
    assert_eq!(refused.status(), 400);
    let handshake = Some(&ErrorContext::TransportHandshake);
    assert_eq!(refused.extensions().get(), handshake);
}

#[test]
fn files_of_the_client_are_served_beside_sessions() {
    use crate::config::ClientFiles;

    let files = ClientFiles::new().with("socket.io.js", &b"/* it */"[..]);
    let config = Config::v4().client_files(files).cors(Cors::default());
    for serves in [true, false] {
        let acceptor = acceptor(config.clone().serve_client(serves));
        assert_eq!(acceptor.config().serve_client, serves);
        let head = head("GET", "/socket.io/socket.io.js", &[]);
        let Route::Answered(response) = acceptor.route(&head) else {
            panic!("it is answered")
        };
        assert_eq!(response.status() == 200, serves);
        assert_eq!(response.body() == "/* it */", serves);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }
}

/// What is queued for a client until it is written to it.
#[test]
fn packets_count_until_they_are_written() {
    assert_eq!(payload("4a").backlog(), 2);
    assert_eq!(Reply::ok().backlog(), 0);
    assert_eq!(Reply::mismatching(Mismatch::Gone).backlog(), 0);
    assert_eq!(Reply::empty(http::StatusCode::OK).backlog(), 0);
}
