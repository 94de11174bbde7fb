//! The server of `SUITE=engine.io-client`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::sio::http::header::{HeaderValue, SET_COOKIE};
use crate::sio::http::{HeaderMap, Method};
use crate::sio::{
    Bytes, Config, EmitError, EngineServer, EngineSocket, Message, RequestHead, Server, Value,
};

const COOKIES: [&str; 3] = [
    "1=1; Max-Age=86400",
    "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
    "3=3; Max-Age=0",
];

/// Those who asked for the headers of the POST that their request came in, by session.
///
/// A message does not know its POST. The hook for its response does, and runs after the message was
/// handled.
type Asking = Arc<Mutex<HashMap<String, EngineSocket>>>;

pub(crate) fn server() -> Server {
    let engine = EngineServer::new(
        Config::v4()
            .path("/engine.io")
            .ping_interval(Duration::from_millis(500))
            .max_http_buffer_size(100),
    );
    engine.allow_request(async |head: Arc<RequestHead>| match head.query("deny") {
        Some(_) => Err("Forbidden".to_owned()),
        None => Ok(()),
    });
    engine.on_initial_headers(|_: &RequestHead, headers: &mut HeaderMap| {
        for cookie in COOKIES {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        let now = format!("4=4; Expires={}", super::date::http());
        if let Ok(cookie) = HeaderValue::try_from(now) {
            headers.append(SET_COOKIE, cookie);
        }
    });

    let asking = Asking::default();
    let waiting = Arc::clone(&asking);
    engine.on_headers(move |head: &RequestHead, _: &mut HeaderMap| {
        if head.method == Method::POST
            && let Some(sid) = head.query("sid")
            && let Some(conn) = lock(&waiting).remove(&sid)
        {
            // Somebody who has left needs no answer.
            let _ = conn.send(headers_of(head).to_string());
        }
    });
    engine.on_connect(|conn: EngineSocket| conn.send("hi"));
    engine.on_message(move |conn: EngineSocket, message| reply(&conn, message, &asking));
    Server::default().engine(engine)
}

fn lock(asking: &Asking) -> std::sync::MutexGuard<'_, HashMap<String, EngineSocket>> {
    asking.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(conn: &EngineSocket, message: Message, asking: &Asking) -> Result<(), EmitError> {
    let Message::Text(text) = &message else {
        return conn.send(message);
    };
    match &**text {
        "give binary" => conn.send(Bytes::from_static(&[0, 1, 2, 3, 4])),
        "give utf8" => conn.send("пойду спать всем спокойной ночи"),
        "sendHeaders" => {
            lock(asking).insert(conn.sid().as_str().to_owned(), conn.clone());
            Ok(())
        }
        _ => conn.send(message),
    }
}

fn headers_of(head: &RequestHead) -> Value {
    head.headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .map(|(name, value)| (name, Value::from(value.into_owned())))
        .collect()
}
