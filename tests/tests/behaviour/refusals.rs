//! What the application hears of requests that were refused, beside their code.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use sio_tokio::{
    ConnectionError, Details, Eio, ErrorContext, Io, Origins, RequestHead, TransportKind,
};

use crate::client::{Client, calm, exchange, request};
use crate::here::until;
use crate::wire::{Wire, opening};
use crate::world::{On, World};

/// What was heard: at most one at a time.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<ConnectionError>>>);

impl Heard {
    fn of(io: &Io) -> Self {
        let heard = Self::default();
        let all = heard.0.clone();
        io.on_connection_error(move |error| all.lock().unwrap().push(error.clone()));
        heard
    }

    async fn one(&self) -> ConnectionError {
        until("it to be heard", || !self.0.lock().unwrap().is_empty()).await;
        let mut all = self.0.lock().unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.pop().unwrap()
    }

    /// Its code, Node's name for the context, and the context.
    async fn context(&self) -> (Option<u64>, Option<&'static str>, ErrorContext) {
        let error = self.one().await;
        assert!(error.details.is_none());
        let context = error.context.unwrap();
        (error.code, context.name(), context)
    }
}

/// A request line's query and a header, the code of its refusal, and the context: of a GET.
fn wrong_heads() -> Vec<(String, &'static str, u64, ErrorContext)> {
    let poll = "EIO=4&transport=polling";
    let sid = sio_tokio::Sid::made("nobody").unwrap();
    let odd = http::HeaderValue::from_bytes("\u{e9}".as_bytes()).unwrap();
    let none = ErrorContext::ProtocolMismatch {
        protocol: None,
        previous: None,
    };
    let transport = ErrorContext::Transport(Some("x".into()));
    let origin = ErrorContext::Origin("http://b.example".into());
    let revision = ErrorContext::Protocol(Some("3".into()));
    let by = |query: &str| query.to_owned();
    vec![
        (by("EIO=4&transport=x"), "", 0, transport),
        (by("EIO=4"), "", 0, ErrorContext::Transport(None)),
        (format!("{poll}&sid=nobody"), "", 1, ErrorContext::Sid(sid)),
        (
            format!("{poll}&x=%00"),
            "",
            3,
            ErrorContext::Malformed("query"),
        ),
        (
            by("EIO=4&transport=websocket"),
            "",
            3,
            ErrorContext::TransportHandshake,
        ),
        (
            by(poll),
            "origin: \u{e9}\r\n",
            3,
            ErrorContext::InvalidOrigin(odd),
        ),
        (by(poll), "origin: http://b.example\r\n", 4, origin),
        (by("EIO=3&transport=polling"), "", 5, revision),
        (by("transport=polling"), "", 5, ErrorContext::Protocol(None)),
        (by("EIO=5&transport=polling&sid=nobody"), "", 3, none),
    ]
}

async fn what_is_wrong_with_a_head_is_told(on: On) {
    let origins = Origins::list(["http://a.example"]);
    let io = Io::new(calm().origins(origins).allow_eio3(false));
    let heard = Heard::of(&io);
    let world = World::new(on, io).await;
    let gets = wrong_heads().into_iter().map(|it| ("GET", it));
    let put = ErrorContext::Method(http::Method::PUT);
    let put = ("EIO=4&transport=polling".to_owned(), "", 2, put);
    for (method, (query, header, code, context)) in gets.chain([("PUT", put)]) {
        let request = format!(
            "{method} /socket.io/?{query} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\n\r\n"
        );
        let answer = exchange(world.address, request.as_bytes()).await;
        assert!(answer.status >= 400, "{request} {answer:?}");
        let names = [
            (
                "TRANSPORT_HANDSHAKE_ERROR",
                matches!(context, ErrorContext::TransportHandshake),
            ),
            (
                "INVALID_ORIGIN",
                matches!(context, ErrorContext::InvalidOrigin(_)),
            ),
            (
                "PROTOCOL_MISMATCH",
                matches!(context, ErrorContext::ProtocolMismatch { .. }),
            ),
        ];
        let name = names.into_iter().find(|(_, its)| *its);
        let name = name.map(|(name, _)| name);
        let told = heard.context().await;
        assert_eq!(told, (Some(code), name, context), "{request}");
    }
    world.ends().await;
}

async fn what_does_not_fit_a_session_is_told_with_what_it_has(on: On) {
    let io = Io::new(calm());
    let heard = Heard::of(&io);
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    let other_revision = ErrorContext::ProtocolMismatch {
        protocol: Some(Eio::V3),
        previous: Some(Eio::V4),
    };
    let mismatch = (Some(3), Some("PROTOCOL_MISMATCH"), other_revision);
    let target = format!("/socket.io/?EIO=3&transport=polling&sid={}", poller.sid);
    let get = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(exchange(world.address, get.as_bytes()).await.status, 400);
    assert_eq!(heard.context().await, mismatch);
    // That a WebSocket does not fit is known only when it is open.
    let mut beside = Wire::open(world.address, &format!("&EIO=3&sid={}", poller.sid)).await;
    assert_eq!(heard.context().await, mismatch);
    beside.rest().await;
    let mut client = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
    client.send("2probe").await;
    client.expect("3probe").await;
    client.send("5").await;
    client.send("40").await;
    client.next().await;
    assert_eq!(poller.poll().await.status, 400);
    let other_transport = ErrorContext::TransportMismatch {
        transport: TransportKind::Polling,
        previous: TransportKind::WebSocket,
    };
    let expected = (Some(3), Some("TRANSPORT_MISMATCH"), other_transport);
    assert_eq!(heard.context().await, expected);
    // What ends a session is its client's doing, and is told as that.
    client.send("nonsense").await;
    let error = heard.one().await;
    assert!(error.context.is_none() && error.code.is_none());
    assert!(matches!(error.details, Some(Details::Violation(_))));
    drop(client);
    world.ends().await;
}

async fn what_the_application_says_no_to_is_told_with_why(on: On) {
    let io = Io::new(
        calm()
            .max_pending_sessions(3)
            .admission_timeout(Duration::from_secs(3)),
    );
    let heard = Heard::of(&io);
    io.allow_request(async |head: Arc<RequestHead>| match head.query("no") {
        Some(words) => Err(words),
        None => Ok(()),
    });
    let made = AtomicUsize::new(0);
    io.generate_id(move |head: Arc<RequestHead>| {
        let number = made.fetch_add(1, Ordering::Relaxed);
        std::future::ready(match head.query("id").as_deref() {
            Some("none") => Err("none left".to_owned()),
            Some(id) => Ok(id.to_owned()),
            None => Ok(format!("s{number}")),
        })
    });
    io.use_engine(
        async |head: Arc<RequestHead>| match head.query("how").as_deref() {
            Some("who") => Err(http::Response::builder()
                .status(401)
                .body(Bytes::from_static(b"who?"))
                .unwrap()),
            Some("slow") => std::future::pending().await,
            Some("panic") => panic!("told to"),
            _ => Ok(http::HeaderMap::new()),
        },
    );
    let world = World::new(on, io).await;
    let generated = |why: &str| (Some(3), ErrorContext::IdGeneration(why.into()));
    let forbidden = |why: &str| (Some(4), ErrorContext::Forbidden(Some(why.into())));
    let middleware = || (None, ErrorContext::Middleware);
    let limits = ErrorContext::Limit(&["max_sessions", "max_pending_sessions"]);
    for (query, status, (code, context)) in [
        ("&no=words", 403, forbidden("words")),
        ("&id=none", 400, generated("none left")),
        (
            "&id=",
            400,
            generated("it is empty, or holds what no query may"),
        ),
        ("&how=who", 401, middleware()),
        ("&how=panic", 500, middleware()),
        ("&how=slow", 503, middleware()),
    ] {
        assert_eq!(
            request(world.address, "GET", query, "").await.status,
            status
        );
        let error = heard.one().await;
        assert_eq!(
            (error.status.as_u16(), error.code, error.context),
            (status, code, Some(context)),
            "{query}"
        );
        assert!(!error.message.is_empty(), "{query}");
        if query.starts_with("&how") {
            continue;
        }
        // By WebSocket it is told the same, and answered with the same status.
        let answer = exchange(world.address, opening(query).as_bytes()).await;
        let error = heard.one().await;
        assert_eq!((answer.status, error.code), (status, code), "{query}");
    }
    let mut pending = Vec::new();
    for id in ["one", "two", "three"] {
        let opened = request(world.address, "GET", &format!("&id={id}"), "").await;
        assert_eq!(opened.status, 200);
        if id == "one" {
            assert_eq!(
                request(world.address, "GET", "&id=one", "").await.status,
                400
            );
            let error = heard.one().await;
            assert_eq!(
                (error.code, error.context.unwrap()),
                generated("it is in use")
            );
        }
        pending.push(id);
    }
    assert_eq!(request(world.address, "GET", "", "").await.status, 503);
    assert_eq!(heard.context().await, (None, None, limits));
    for id in pending {
        request(world.address, "POST", &format!("&sid={id}"), "1").await;
    }
    world.ends().await;
}

on_each_runtime! {
    what_is_wrong_with_a_head_is_told,
    what_does_not_fit_a_session_is_told_with_what_it_has,
    what_the_application_says_no_to_is_told_with_why,
}
