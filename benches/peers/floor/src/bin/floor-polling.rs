//! The floor under polling: hyper on tokio's current-thread runtime, a table of who waits, and
//! answers made by moving bytes. It knows as much of the `bench` contract as `polling` asks for.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};

/// What each session has to say, or who waits for it.
#[derive(Default)]
struct Session {
    waiting: Option<oneshot::Sender<Bytes>>,
    said: Option<Bytes>,
}

type Sessions = Rc<RefCell<HashMap<u64, Session>>>;

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let port = std::env::var("PORT")
            .ok()
            .and_then(|port| port.parse().ok());
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(3000))).await?;
        println!("listening");
        let sessions = Sessions::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let sessions = sessions.clone();
            spawn_local(async move {
                let service = service_fn(|request| answer(&sessions, request));
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    })
}

async fn answer(
    sessions: &Sessions,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = respond(sessions, request).await.unwrap_or_default();
    Ok(Response::new(Full::new(body)))
}

/// `None` for what the generator never asks; it takes the empty body for a failure.
async fn respond(sessions: &Sessions, request: Request<Incoming>) -> Option<Bytes> {
    let query = request.uri().query()?;
    let Some((_, sid)) = query.split_once("sid=") else {
        let mut sessions = sessions.borrow_mut();
        let sid = sessions.len() as u64;
        sessions.insert(sid, Session::default());
        return Some(format!(r#"0{{"sid":"{sid}"}}"#).into());
    };
    let sid = sid.parse::<u64>().ok()?;
    if request.method() == Method::POST {
        let body = request.into_body().collect().await.ok()?.to_bytes();
        let reply = reply(&body)?;
        let mut sessions = sessions.borrow_mut();
        let session = sessions.get_mut(&sid)?;
        match session.waiting.take() {
            Some(waiting) => waiting.send(reply).ok()?,
            None => session.said = Some(reply),
        }
        return Some(Bytes::from_static(b"ok"));
    }
    let waits = {
        let mut sessions = sessions.borrow_mut();
        let session = sessions.get_mut(&sid)?;
        if let Some(said) = session.said.take() {
            return Some(said);
        }
        let (sender, receiver) = oneshot::channel();
        session.waiting = Some(sender);
        receiver
    };
    waits.await.ok()
}

/// `42<id>["echo",<args>]` becomes `43<id>[<args>]`.
fn reply(body: &[u8]) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    if text == "40" {
        return Some(Bytes::from_static(br#"40{"sid":"floor"}"#));
    }
    let (id, args) = text.strip_prefix("42")?.split_once(r#"["echo","#)?;
    Some(["43", id, "[", args].concat().into())
}
