//! Who is let in, and what is known of a request.

use std::sync::Arc;

use sio_tests::wire::{PATIENCE, Polling, WEBSOCKET, WebSocket, Wire};
use sio_tokio::http::{self, HeaderMap, HeaderValue};
use sio_tokio::{Bytes, Io, Origins, RequestHead, Socket};

use crate::rows::covers;
use crate::world::{V3_POLLING, V3_WEBSOCKET, World, calm, enter, sid_of};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Whether a page of this origin gets in, by every way there is.
fn gets_in(world: &World, origin: &str) -> bool {
    let origin = format!("Origin: {origin}\r\n");
    let mut answers = [POLLING, V3_POLLING].map(|target| {
        let response = world.get(target, &origin);
        match response.status {
            200 => true,
            403 => {
                assert_eq!(response.code(), Some(4));
                false
            }
            other => panic!("{other}: {response:?}"),
        }
    });
    answers.sort_unstable();
    for target in [WEBSOCKET, V3_WEBSOCKET] {
        let status = world.upgrade(target, &origin).status;
        assert_eq!(status == 101, answers[0], "{target}: {status}");
    }
    assert_eq!(answers[0], answers[1]);
    answers[0]
}

#[test]
fn listed_origins_get_in_and_others_do_not() {
    covers(&["origins-list", "origins-refuse", "origins-setter"]);
    let io = Io::new(calm());
    assert!(matches!(io.origins(), Origins::Any));
    io.set_origins([
        "https://a.example",
        "b.example:8080",
        "c.example:*",
        "*:9000",
    ])
    .unwrap();
    let world = World::new(io);
    for origin in [
        "https://a.example",
        "https://a.example:443",
        "http://b.example:8080",
        "http://c.example:1234",
        "https://anybody.example:9000",
    ] {
        assert!(gets_in(&world, origin), "{origin}");
    }
    for origin in [
        "http://a.example",
        "https://a.example:444",
        "https://a.example.evil",
        "http://b.example",
        "null",
        "file://",
    ] {
        assert!(!gets_in(&world, origin), "{origin}");
    }
    // Not a page: nothing to protect.
    assert_eq!(world.get(POLLING, "").status, 200);
    // A script of a page that does not say its origin.
    let script = format!("{POLLING}&j=0");
    assert_eq!(world.get(&script, "").status, 403);
    let inside = world.get(&script, "Referer: https://a.example/page?x\r\n");
    assert_eq!(inside.status, 200);
    assert_eq!(
        world
            .get(&script, "Referer: https://evil.example/\r\n")
            .status,
        403
    );
    world.io.disconnect_all();
    world.end();
}

#[test]
fn one_string_is_one_origin() {
    covers(&["origins-list"]);
    let io = Io::new(calm());
    io.set_origins("http://a.example:80").unwrap();
    let world = World::new(io);
    assert!(gets_in(&world, "http://a.example"));
    assert!(!gets_in(&world, "file://"));
    world.io.disconnect_all();
    world.end();
}

#[test]
fn a_function_decides_over_origins() {
    covers(&["origins-function", "origins-refuse"]);
    let io = Io::new(calm());
    io.check_origin(
        async |origin: String, head: Arc<RequestHead>| match &*origin {
            "https://good.example" => Ok(true),
            "https://silent.example" => Ok(false),
            "*" => Ok(head.query("native").is_some()),
            other => Err(format!("not {other}")),
        },
    );
    let world = World::new(io);
    assert!(gets_in(&world, "https://good.example"));
    assert!(!gets_in(&world, "https://silent.example"));
    let refused = world.get(POLLING, "Origin: https://bad.example\r\n");
    assert_eq!(
        (refused.status, &*refused.body),
        (403, r#"{"code":4,"message":"not https://bad.example"}"#)
    );
    let by_page = world.get(POLLING, "Referer: https://good.example/page\r\n");
    assert_eq!(by_page.status, 200);
    assert_eq!(world.get(POLLING, "").status, 403);
    assert_eq!(world.get(&format!("{POLLING}&native=1"), "").status, 200);
    // A page in a sandbox is of no site, whatever its address says; nor is it a client without pages.
    let sandboxed = "Origin: null\r\nReferer: https://good.example/uploaded\r\n";
    let refused = world.get(&format!("{POLLING}&native=1"), sandboxed);
    assert_eq!(
        (refused.status, &*refused.body),
        (403, r#"{"code":4,"message":"not null"}"#)
    );
    // The simple form: at once, by the text alone.
    world.io.disconnect_all();
    world.end();
    let io = Io::new(calm().origins(Origins::check(|origin| origin.ends_with(".mine"))));
    let world = World::new(io);
    assert!(gets_in(&world, "https://a.mine"));
    assert!(!gets_in(&world, "https://a.yours"));
    world.io.disconnect_all();
    world.end();
}

#[test]
fn a_request_is_allowed_or_not() {
    covers(&["cors"]);
    let io = Io::new(calm());
    io.allow_request(async |head: Arc<RequestHead>| {
        match head.headers.get("x-key").is_some_and(|key| key == "open") {
            true => Ok(()),
            false => Err("no key"),
        }
    });
    let world = World::new(io);
    let refused = world.get(POLLING, "");
    assert_eq!(
        (refused.status, &*refused.body),
        (403, r#"{"code":4,"message":"no key"}"#)
    );
    assert_eq!(world.get(POLLING, "X-Key: open\r\n").status, 200);
    world.io.disconnect_all();
    world.end();
}

#[test]
fn middlewares_see_requests_before_the_engine_does() {
    covers(&["engine-middleware"]);
    let io = Io::new(calm());
    io.engine().use_engine(async |head: Arc<RequestHead>| {
        if head.headers.contains_key("x-key") {
            let mut headers = HeaderMap::new();
            headers.insert("x-seen", HeaderValue::from_static("yes"));
            return Ok(headers);
        }
        let mut elsewhere = http::Response::new(Bytes::new());
        *elsewhere.status_mut() = http::StatusCode::FOUND;
        let to = HeaderValue::from_static("/login");
        elsewhere.headers_mut().insert("location", to);
        Err(elsewhere)
    });
    let world = World::new(io);
    let refused = world.get(POLLING, "");
    assert_eq!(
        (refused.status, refused.header("location")),
        (302, Some("/login"))
    );
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(world.get(WEBSOCKET, upgrade).status, 302);
    let upgraded = world.get(WEBSOCKET, &format!("{upgrade}X-Key: open\r\n"));
    assert_eq!(
        (upgraded.status, upgraded.header("x-seen")),
        (101, Some("yes"))
    );
    let let_on = world.get(POLLING, "X-Key: open\r\n");
    assert_eq!((let_on.status, let_on.header("x-seen")), (200, Some("yes")));
    // Cookies of both stand beside each other.
    assert!(let_on.header("set-cookie").is_some());
    assert_eq!(
        world.get("/elsewhere", "").status,
        404,
        "other paths are not its own"
    );
    world.io.disconnect_all();
    world.end();
}

#[test]
fn ids_of_sessions_are_the_applications_if_it_likes() {
    covers(&["generate-id", "engine"]);
    let io = Io::new(calm());
    io.engine()
        .generate_id(async |head: Arc<RequestHead>| head.query("as").ok_or("who are you?"));
    let world = World::new(io);
    let ask = |name: &str| world.get(&format!("{POLLING}&as={name}"), "");
    let custom = ask("custom:id:1");
    let mut polling = Polling::opened(world.address, &custom);
    assert_eq!(polling.sid, "custom:id:1");
    assert!(
        custom
            .header("set-cookie")
            .unwrap()
            .starts_with("io=custom%3Aid%3A1;")
    );
    assert!(polling.join("/").starts_with("40{"));
    // Any alphabet, and as long as it likes.
    let odd = ask("%C3%A4%20%22b%22%3B%2F");
    let sid = sid_of(odd.body.split('\x1e').next().unwrap());
    assert_eq!(sid, "ä \"b\";/");
    let long = "x".repeat(2000);
    let other = Polling::opened(world.address, &ask(&long));
    assert_eq!(other.post("40").status, 200);
    // Never over a live session, and never none.
    for refused in [ask("custom:id:1"), ask(""), world.get(POLLING, "")] {
        assert_eq!((refused.status, refused.code()), (400, Some(3)));
    }
    assert_eq!(polling.post("42[\"still here\"]").status, 200);
    assert_eq!(world.io.engine().sessions(), 3);
    polling.sid = "custom%3Aid%3A1".into();
    assert_eq!(polling.post("1").status, 200);
    world.io.disconnect_all();
    world.end();
}

/// Who comes back while handlers of the time before still run is not thrown out when these end.
#[test]
fn an_id_that_comes_back_is_its_new_sessions_alone() {
    covers(&["generate-id"]);
    let io = Io::new(calm());
    io.engine()
        .generate_id(async |_: Arc<RequestHead>| Ok::<_, String>("ann".to_owned()));
    let (let_go, held) = tokio::sync::watch::channel(false);
    let (tell, told) = std::sync::mpsc::channel();
    io.of("/").on("wait", move |socket: Socket| {
        let (mut held, tell) = (held.clone(), tell.clone());
        let closed = tell.clone();
        socket
            .conn()
            .on_close(move |_| closed.send("closed").unwrap());
        async move {
            let _ = held.wait_for(|go| *go).await;
            tell.send("ended").unwrap();
        }
    });
    let world = World::new(io);
    let first = Polling::open(world.address);
    first.join("/");
    assert_eq!(first.post("42[\"wait\"]").status, 200);
    assert_eq!(first.post("1").status, 200);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("closed"));
    let second = Polling::open(world.address);
    second.join("/");
    assert_eq!(second.post("42[\"wait\"]").status, 200);
    let_go.send(true).unwrap();
    // By both, on the server's one thread: what is asked next comes behind the end of the first one's task.
    assert_eq!(told.recv_timeout(PATIENCE), Ok("ended"));
    assert_eq!(told.recv_timeout(PATIENCE), Ok("ended"));
    assert_eq!(second.post("42[\"still here\"]").status, 200);
    assert_eq!(second.post("1").status, 200);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("closed"));
    world.end();
}

#[test]
fn a_socket_knows_its_first_request() {
    covers(&[
        "handshake",
        "request",
        "request-headers",
        "address",
        "client-conn",
    ]);
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        let shake = socket.handshake();
        let request = socket.client().request();
        assert_eq!(request.uri, socket.request().uri);
        assert!(
            request.extensions.is_empty(),
            "nobody has put anything there"
        );
        assert_eq!(request.uri.path(), "/socket.io/");
        assert_eq!(request.headers, socket.request().headers);
        assert!(shake.address.is_some() && shake.address == request.address);
        assert!(
            shake
                .time
                .ends_with("GMT+0000 (Coordinated Universal Time)")
        );
        let text = |name: &str| request.headers.get(name)?.to_str().ok().map(str::to_owned);
        let seen = (
            shake.headers.get("User-Agent"),
            text("cookie"),
            (
                shake.xdomain,
                shake.secure,
                shake.issued > 1_700_000_000_000,
            ),
            shake.query.get("token"),
            &*shake.url,
            shake.auth.as_str(),
        );
        socket.emit("seen", &seen)
    });
    let world = World::new(io);
    let target = format!("{WEBSOCKET}&token=a%20b");
    let headers = "User-Agent: test\r\nCookie: a=1\r\nOrigin: http://x.example\r\n";
    let mut client = WebSocket::with_headers(Wire::connect(world.address), &target, headers);
    assert!(client.text().starts_with("0{"));
    client.send(r#"40{"key":1}"#);
    assert!(client.text().starts_with("40{"));
    let url = target.replace('"', "");
    assert_eq!(
        client.text(),
        format!(r#"42["seen","test","a=1",[true,false,true],"a b","{url}","{{\"key\":1}}"]"#)
    );
    drop(client);
    world.io.disconnect_all();
    world.end();
}

#[test]
fn a_namespaces_query_is_in_the_handshake() {
    covers(&["namespace-query"]);
    let io = Io::new(calm());
    io.of("/chat").on_connect(|socket: Socket| {
        let shake = socket.handshake();
        let auth: std::collections::BTreeMap<String, String> = shake.auth.decode().unwrap();
        let seen = (
            shake.query.get("token"),
            shake.query.get("own"),
            auth.get("token"),
        );
        socket.emit("seen", &seen)
    });
    let world = World::new(io);
    let mut client = WebSocket::over(
        Wire::connect(world.address),
        &format!("{V3_WEBSOCKET}&own=1"),
    );
    assert!(client.text().starts_with("0{"));
    assert_eq!(client.text(), "40");
    client.send("40/chat?token=x%20y,");
    assert_eq!(client.text(), "40/chat,");
    assert_eq!(client.text(), r#"42/chat,["seen","x y","1","x y"]"#);
    let (mut five, _) = world.join();
    enter(&mut five, "/chat,");
    drop((client, five));
    world.io.disconnect_all();
    world.end();
}
