//! Everything that an application does: `interop`, and `cluster` over several nodes.
//!
//! `/socket.io/`, an Engine.IO echo under `/engine.io/`, and two plain routes, on one port. Orders in `/once` are
//! handled once, however often they are sent.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `PING_INTERVAL`, `PING_TIMEOUT` | 1000, 800 | milliseconds, both servers |
//! | `MAX_PAYLOAD` | 100000, 1000000 in `cluster` | of polling bodies and WebSocket messages |
//! | `CONNECT_TIMEOUT`, `UPGRADE_TIMEOUT` | 1500, 1500 | milliseconds |
//! | `MAX_ATTACHMENTS` | 10 | of one packet |
//! | `RECOVERY_MS` | 0 | above 0: connection state recovery for so many milliseconds |
//! | `ALLOW_EIO3` | 1 | clients of revision 3 are let in |
//! | `DEFLATE` | | if set, WebSocket messages of 64 bytes or more are compressed for clients that offer it; `context`: with context takeover |
//! | `PARSER` | default | `msgpack` or `json`: packets as the parsers of those names have them |
//! | `ASKED` | | if set, those have them that ask for it in their handshake, and nobody else |

use std::sync::{Arc, Mutex, PoisonError};

use crate::sio::http::{Method, Request, Response, StatusCode, header};
use crate::sio::{
    Bytes, Config, ConnectionStateRecovery, EmitError, EngineServer, EngineSocket, Io, Message,
    Namespace, Refusal, Server, Socket, Value,
};

#[path = "common.rs"]
pub(crate) mod common;
#[path = "interop_events.rs"]
pub(crate) mod events;
#[path = "interop_once.rs"]
mod once;
#[path = "parser.rs"]
mod parser;
#[path = "interop_rooms.rs"]
pub(crate) mod rooms;

/// What the variables ask for.
pub(crate) fn config(max_payload: usize) -> Config {
    Config::v4()
        .ping_interval(common::milliseconds("PING_INTERVAL", 1000))
        .ping_timeout(common::milliseconds("PING_TIMEOUT", 800))
        .max_http_buffer_size(common::option("MAX_PAYLOAD", max_payload))
        .connect_timeout(common::milliseconds("CONNECT_TIMEOUT", 1500))
        .upgrade_timeout(common::milliseconds("UPGRADE_TIMEOUT", 1500))
        .max_attachments(common::option("MAX_ATTACHMENTS", 10))
        .cors(Config::default().cors)
        .allow_eio3(common::allow_eio3())
        .parser(parser::chosen())
        .parsers(parser::named())
        .connection_state_recovery(recovery())
        .per_message_deflate(deflate())
}

/// Namespaces and their events, and `more` events of each.
pub(crate) fn furnish(io: &Io, more: impl Fn(&Namespace) + Send + Sync + 'static) {
    let gone = rooms::Gone::default();
    let furnish = move |namespace: &Namespace| {
        events::register(namespace);
        rooms::register(namespace, &gone);
        more(namespace);
    };
    furnish(&io.sockets());
    // Those that a client asks for, with all that the others have.
    io.of_regex("^/dyn-[0-9]+$").expect("an expression");
    io.on_new_namespace(furnish);
    for name in ["/custom", "/auth", "/chain", "/slow"] {
        io.of(name);
    }
    middleware(io);
    once::register(io);
}

/// The server with the Engine.IO echo, the plain routes, and `more` of them.
pub(crate) fn routed(
    io: Io,
    more: impl Fn(&Request<Bytes>, &Io) -> Option<Value> + Send + Sync + 'static,
) -> Server {
    let engine = EngineServer::new(config(100_000).path("/engine.io"));
    engine.on_message(|conn: EngineSocket, message| echo(&conn, message));
    let (counted, plain) = (io.clone(), engine.clone());
    Server::new(io)
        .engine(engine)
        .fallback(move |request: Request<Bytes>| {
            let told = more(&request, &counted);
            let told = told.map(|value| (StatusCode::OK, "application/json", value.to_string()));
            let told = told.unwrap_or_else(|| route(&request, &counted, &plain));
            std::future::ready(answered(told))
        })
}

fn recovery() -> Option<ConnectionStateRecovery> {
    let time = common::milliseconds("RECOVERY_MS", 0);
    let recovery = ConnectionStateRecovery::default().max_disconnection_duration(time);
    (!time.is_zero()).then_some(recovery)
}

fn deflate() -> Option<crate::sio::PerMessageDeflate> {
    let set = std::env::var_os("DEFLATE")?;
    let alone = set != "context";
    Some(crate::sio::PerMessageDeflate {
        threshold: 64,
        server_no_context_takeover: alone,
        client_no_context_takeover: alone,
        ..Default::default()
    })
}

/// The numbers that a socket has sent by `seq`.
type Sequence = Arc<Mutex<Vec<Value>>>;

/// Looks at them, or changes them. For the socket's own handlers.
pub(crate) fn remember<R>(socket: &Socket, look: impl FnOnce(&mut Vec<Value>) -> R) -> R {
    let sequence = socket.data::<Sequence>().unwrap_or_else(|| {
        let sequence = Sequence::default();
        socket.set_local_data(sequence.clone());
        sequence
    });
    look(&mut sequence.lock().unwrap_or_else(PoisonError::into_inner))
}

fn middleware(io: &Io) {
    io.of("/auth").use_(|socket: Socket| {
        let token = socket.handshake().auth.value()["token"].clone();
        if token.as_str() == Some("good") {
            return Ok(());
        }
        let data: Value = [("code", "E_TOKEN".into()), ("got", token)]
            .into_iter()
            .collect();
        Err(Refusal::new("bad token").data(data))
    });

    let chain = io.of("/chain");
    chain.use_(|socket: Socket| {
        let steps = Value::from(vec!["one"]);
        socket.set_data(Value::from_iter([("steps", steps)]));
        Ok::<_, Refusal>(())
    });
    chain.use_(|socket: Socket| {
        if is_truthy(&socket.handshake().auth.value()["stop"]) {
            return Err(Refusal::new("stopped at two"));
        }
        let steps = Value::from(vec!["one", "two"]);
        socket.set_data(Value::from_iter([("steps", steps)]));
        Ok(())
    });

    io.of("/slow").use_(async |_: Socket| {
        crate::support::sleep(std::time::Duration::from_millis(200)).await;
        Ok::<_, Refusal>(())
    });
}

/// As JavaScript judges it.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_none_or(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Binary(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// The Engine.IO server: every message comes back, but for three that are commands.
fn echo(conn: &EngineSocket, message: Message) -> Result<(), EmitError> {
    let Message::Text(text) = &message else {
        return conn.send(message);
    };
    let count = |prefix| {
        text.strip_prefix(prefix)
            .and_then(|count: &str| count.parse().ok())
    };
    if &**text == "close me" {
        conn.close();
        return Ok(());
    }
    if let Some(count) = count("give text ") {
        return conn.send("x".repeat(count));
    }
    if let Some(count) = count("give binary ") {
        return conn.send(Bytes::from(vec![7; count]));
    }
    conn.send(message)
}

/// The plain routes.
fn route(
    request: &Request<Bytes>,
    io: &Io,
    engine: &EngineServer,
) -> (StatusCode, &'static str, String) {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => (StatusCode::OK, "text/plain", "ok".to_owned()),
        (&Method::GET, "/stats") => {
            let stats: Value = [
                ("engine", io.engine_sessions()),
                ("sockets", io.of("/").len()),
                ("plain", engine.sessions()),
            ]
            .into_iter()
            .map(|(name, count)| (name, Value::from(count as u64)))
            .collect();
            (StatusCode::OK, "application/json", stats.to_string())
        }
        _ => (StatusCode::NOT_FOUND, "text/plain", "Not Found".to_owned()),
    }
}

fn answered((status, kind, body): (StatusCode, &'static str, String)) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
