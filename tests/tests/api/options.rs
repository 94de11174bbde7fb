//! Options, and when they may change.

use std::time::Duration;

use sio_tests::wire::{Polling, WEBSOCKET, ask};
use sio_tokio::{
    ClientFiles, Config, ConfigError, Cookie, Cors, CorsDelegate, CorsOrigin, Io, Server,
    SetupError, Transports,
};

use crate::rows::covers;
use crate::world::{V3_POLLING, World, calm, open_packet, sid_of, v3_packets};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

#[test]
fn the_open_packet_says_the_times() {
    covers(&["ping-timeout", "ping-interval", "open-packet", "options"]);
    for (config, timeout, interval) in [
        (Config::default(), 60_000, 25_000),
        (Config::v4(), 20_000, 25_000),
        (
            Config::default()
                .ping_timeout(Duration::from_millis(700))
                .ping_interval(Duration::from_millis(900)),
            700,
            900,
        ),
    ] {
        let world = World::new(Io::new(config));
        let open = open_packet(world.get(POLLING, "").body.split('\x1e').next().unwrap());
        assert_eq!(open["pingTimeout"], timeout);
        assert_eq!(open["pingInterval"], interval);
        assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
        assert_eq!(open["sid"].as_str().unwrap().len(), 20);
        world.io.disconnect_all();
        world.end();
    }
}

#[test]
fn transports_are_a_set() {
    covers(&["transports", "polling", "websocket", "websocket-only"]);
    for (polling, websocket) in [(true, false), (false, true), (true, true)] {
        let config = calm().transports(Transports { polling, websocket });
        let world = World::new(Io::new(config));
        let polled = world.get(POLLING, "");
        assert_eq!(polled.status == 200, polling, "{polled:?}");
        if !polling {
            assert_eq!(polled.code(), Some(0));
        }
        let opened = world.upgrade(WEBSOCKET, "");
        assert_eq!(opened.status == 101, websocket, "{opened:?}");
        world.io.disconnect_all();
        world.end();
    }
}

#[test]
fn options_may_be_replaced_until_the_server_is_attached() {
    covers(&["late-attach", "path", "setters", "new-server"]);
    let io = Io::new(Config::default());
    io.configure(|config| config.ping_timeout = Duration::from_secs(7))
        .unwrap();
    io.set_path("/realtime").unwrap();
    io.set_connect_timeout(Duration::from_secs(9)).unwrap();
    assert_eq!(io.connect_timeout(), Duration::from_secs(9));
    let wrong = io.set_path("realtime");
    assert_eq!(
        wrong,
        Err(SetupError::Invalid(ConfigError::Path("realtime".into())))
    );
    assert_eq!(io.path(), "/realtime");
    assert!(!io.is_attached());

    let world = World::new(io.clone());
    assert!(io.is_attached());
    let response = world.get("/realtime/?EIO=4&transport=polling", "");
    let open = open_packet(response.body.split('\x1e').next().unwrap());
    assert_eq!(open["pingTimeout"], 7_000);
    assert_eq!(world.get(POLLING, "").status, 404);

    assert_eq!(io.set_path("/other"), Err(SetupError::Attached));
    assert_eq!(io.set_serve_client(false), Err(SetupError::Attached));
    assert_eq!(io.set_origins("*"), Err(SetupError::Attached));
    let later = Duration::from_secs(1);
    assert_eq!(io.set_connect_timeout(later), Err(SetupError::Attached));
    assert_eq!(io.path(), "/realtime");
    world.io.disconnect_all();
    world.end();
}

#[test]
fn a_server_is_mounted_where_the_application_says() {
    covers(&["attach", "fall-through", "listen"]);
    let chat = Io::new(calm());
    let news = Io::new(calm().path("/news"));
    let server = Server::new(chat.clone()).io(news.clone()).fallback(
        async |request: http::Request<bytes::Bytes>| {
            http::Response::new(format!("the application's {}", request.uri().path()).into())
        },
    );
    let world = World::serving(chat, server);
    assert_eq!(world.get(POLLING, "").status, 200);
    assert_eq!(world.get("/news/?EIO=4&transport=polling", "").status, 200);
    assert_eq!(news.engine_sessions(), 1);
    let page = world.get("/index.html", "");
    assert_eq!(
        (page.status, &*page.body),
        (200, "the application's /index.html")
    );
    news.disconnect_all();
    world.io.disconnect_all();
    world.wait(news.close());
    world.end();
}

#[test]
fn the_cookie_is_what_the_options_say() {
    covers(&["cookie", "cookie-sid"]);
    let of = |cookie: Option<Cookie>| {
        let world = World::new(Io::new(calm().cookie(cookie)));
        let response = world.get(V3_POLLING, "");
        let sid = sid_of(&v3_packets(&response.body)[0]);
        let cookie = response.header("set-cookie").map(str::to_owned);
        world.io.disconnect_all();
        world.end();
        cookie.map(|cookie| cookie.replace(&sid, "SID"))
    };
    assert_eq!(
        of(calm().cookie).unwrap(),
        "io=SID; Path=/; HttpOnly; SameSite=Strict"
    );
    assert_eq!(of(None), None);
    let own = Cookie {
        name: "sticky".into(),
        path: Some("/chat".into()),
        http_only: false,
        same_site: None,
        ..Cookie::v2()
    };
    assert_eq!(of(Some(own)).unwrap(), "sticky=SID; Path=/chat");

    // On every answer of a polling session, and never on a WebSocket's.
    let world = World::new(Io::new(calm()));
    let polling = Polling::open(world.address);
    let posted = polling.post("40");
    assert!(posted.header("set-cookie").is_some());
    assert_eq!(world.upgrade(WEBSOCKET, "").header("set-cookie"), None);
    drop(polling);
    world.io.disconnect_all();
    world.end();
}

#[test]
fn a_path_is_as_deep_as_it_likes_with_a_slash_or_without() {
    for path in ["/socket.io", "/chat/of/mine", "/chat/of/mine/"] {
        let world = World::new(Io::new(calm().path(path)));
        let bare = path.trim_end_matches('/');
        for served in [bare.to_owned(), format!("{bare}/")] {
            let response = world.get(&format!("{served}?EIO=4&transport=polling"), "");
            assert_eq!(response.status, 200, "{path} by {served}");
            let open = open_packet(response.body.split('\x1e').next().unwrap());
            assert!(open["sid"].is_string());
        }
        for not in [
            format!("{bare}s/"),
            "/chat/of/".to_owned(),
            "/mine/".to_owned(),
        ] {
            let response = world.get(&format!("{not}?EIO=4&transport=polling"), "");
            assert_eq!(response.status, 404, "{path} by {not}");
        }
        world.io.disconnect_all();
        world.end();
    }
}

#[test]
fn cors_is_chosen_besides_the_origins() {
    covers(&["cors", "cors-headers", "preflight", "origins-default"]);
    // As 2.x has it: every site, with credentials.
    let world = World::new(Io::new(calm()));
    let foreign = "Origin: https://other.example\r\n";
    let response = world.get(POLLING, foreign);
    let allowed = response.header("access-control-allow-origin");
    assert_eq!(
        (response.status, allowed),
        (200, Some("https://other.example"))
    );
    let credentials = response.header("access-control-allow-credentials");
    assert_eq!(credentials, Some("true"));
    let preflight = ask(
        world.address,
        "OPTIONS",
        POLLING,
        "Origin: https://other.example\r\nAccess-Control-Request-Method: POST\r\n",
        "",
    )
    .unwrap();
    assert!(matches!(preflight.status, 200 | 204), "{preflight:?}");
    assert!(preflight.header("access-control-allow-methods").is_some());
    world.io.disconnect_all();
    world.end();

    let cors = Cors {
        origin: CorsOrigin::List(vec!["https://mine.example".into()]),
        ..Cors::default()
    };
    let world = World::new(Io::new(calm().cors(cors)));
    let response = world.get(POLLING, foreign);
    assert_eq!(response.status, 200, "CORS alone refuses nobody");
    assert_eq!(response.header("access-control-allow-origin"), None);
    let response = world.get(POLLING, "Origin: https://mine.example\r\n");
    let allowed = response.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://mine.example"));
    world.io.disconnect_all();
    world.end();
}

#[test]
fn cors_is_chosen_for_each_request() {
    covers(&["cors-options", "cors-delegate"]);
    let delegate = CorsDelegate::new(|head| {
        let token = head.headers.get("x-token")?.to_str().ok()?;
        Some(Cors {
            origin: "https://mine.example".into(),
            credentials: true,
            methods: "GET,POST".to_owned(),
            allowed_headers: Some("x-token".to_owned()),
            exposed_headers: Some(token.to_owned()),
            max_age: Some(Duration::from_secs(600)),
            ..Cors::default()
        })
    });
    let world = World::new(Io::new(calm().cors_delegate(delegate)));
    let response = world.get(POLLING, "X-Token: x-mine\r\n");
    for (name, value) in [
        ("access-control-allow-origin", "https://mine.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-mine"),
    ] {
        assert_eq!(response.header(name), Some(value));
    }
    let response = world.get(POLLING, "Origin: https://mine.example\r\n");
    assert_eq!(response.header("access-control-allow-origin"), None);
    let preflight = ask(world.address, "OPTIONS", POLLING, "X-Token: y\r\n", "").unwrap();
    for (name, value) in [
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "x-token"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(preflight.header(name), Some(value));
    }
    world.io.disconnect_all();
    world.end();
}

#[test]
fn the_clients_files_are_served_from_a_directory() {
    covers(&["serve-client"]);
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        std::fs::write(directory.path().join(name), content).unwrap();
    };
    let long = "/* the client */".repeat(100);
    write("socket.io.js", &long);
    write("socket.io.js.map", "{}");
    write("socket.io.min.js", "min");
    write("socket.io.slim.js", "slim");
    write("socket.io.esm.min.js", "esm");
    write("socket.io.esm.min.js.map", r#"{"of":"esm"}"#);
    write("socket.io.msgpack.min.js", "msgpack");
    write("socket.io.msgpack.min.js.map", r#"{"of":"msgpack"}"#);
    write("socket.io.js.br", "brotli");
    write("secrets.txt", "secret");
    let files = sio_tokio::client_files(directory.path()).unwrap();
    let world = World::new(Io::new(calm().client_files(files)));

    let response = world.get("/socket.io/socket.io.js", "");
    assert_eq!((response.status, &response.body), (200, &long));
    let header = |name: &str| response.header(name).unwrap().to_owned();
    assert_eq!(
        header("content-type"),
        "application/javascript; charset=utf-8"
    );
    assert_eq!(header("cache-control"), "public, max-age=0");
    let known = format!("If-None-Match: {}\r\n", header("etag"));
    let again = world.get("/socket.io/socket.io.js?v=1", &known);
    assert_eq!((again.status, &*again.body), (304, ""));
    let brotli = world.get("/socket.io/socket.io.js", "Accept-Encoding: gzip, br\r\n");
    assert_eq!(brotli.header("content-encoding"), Some("br"));
    assert_eq!(brotli.body, "brotli");
    let map = world.get("/socket.io/socket.io.js.map", "");
    assert_eq!(
        map.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    for (name, body) in [
        ("min", "min"),
        ("slim", "slim"),
        ("esm.min", "esm"),
        ("msgpack.min", "msgpack"),
    ] {
        let response = world.get(&format!("/socket.io/socket.io.{name}.js"), "");
        assert_eq!((response.status, &*response.body), (200, body));
    }
    for build in ["esm", "msgpack"] {
        let map = world.get(&format!("/socket.io/socket.io.{build}.min.js.map"), "");
        let body = format!(r#"{{"of":"{build}"}}"#);
        assert_eq!((map.status, map.body.clone()), (200, body));
        let kind = "application/json; charset=utf-8";
        assert_eq!(map.header("content-type"), Some(kind));
    }
    // No other file, and nothing outside.
    assert_eq!(world.get("/socket.io/secrets.txt", "").status, 400);
    assert_ne!(world.get("/socket.io/../socket.io.js", "").status, 200);
    world.end();
}

#[test]
fn without_files_there_is_a_text_and_switched_off_there_is_the_engine() {
    covers(&["serve-client", "serve-client-setter"]);
    let io = Io::new(calm());
    assert!(io.serve_client());
    let world = World::new(io);
    let response = world.get("/socket.io/socket.io.js", "");
    assert_eq!(response.status, 404);
    assert!(response.body.contains("client_files"), "{response:?}");
    world.end();

    let files = ClientFiles::new().with("socket.io.js", "the client");
    let io = Io::new(calm().client_files(files));
    io.set_serve_client(false).unwrap();
    assert!(!io.serve_client());
    let world = World::new(io);
    let response = world.get("/socket.io/socket.io.js", "");
    assert_eq!((response.status, response.code()), (400, Some(0)));
    world.end();
}
