//! An Engine.IO server and its clients over TCP.

use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request::Parts;
use serde_json::Value;
use sio_core::engine::CloseReason;
use sio_tokio::{EngineServer, EngineSocket, Message, Server};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::bytes::{Exchange, WebSocket, wait};
use crate::script::{self, Answer, Place, Request};

pub(crate) struct Live {
    address: SocketAddr,
    server: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
    /// How many requests have come to the server.
    arrived: Arc<AtomicUsize>,
    sent: usize,
    exchanges: HashMap<String, Exchange>,
    /// The polls that were sent, by their names.
    polls: HashMap<String, Parts>,
    sockets: HashMap<String, WebSocket>,
}

/// What the application saw of the latest session.
#[derive(Default)]
struct Seen {
    socket: Option<EngineSocket>,
    reason: Option<CloseReason>,
}

impl Live {
    pub(crate) fn new(runtime: &Runtime, vector: &Value) -> Self {
        let engine = EngineServer::new(script::config(vector));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let to = seen.clone();
        engine.on_connect(move |socket: EngineSocket| {
            to.lock().unwrap().socket = Some(socket);
        });
        let to = seen.clone();
        engine.on_close(move |_: EngineSocket, reason: CloseReason| {
            to.lock().unwrap().reason = Some(reason);
        });
        if vector["in"]["echo"] == true {
            engine.on_message(|socket: EngineSocket, message: Message| {
                let _ = socket.send(message);
            });
        }
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(AtomicUsize::new(0));
        let count = arrived.clone();
        let server = Server::default().engine(engine).before(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        });
        let server = runtime.spawn(async move {
            let _ = sio_tokio::serve(listener, server).await;
        });
        Self {
            address,
            server,
            seen,
            arrived,
            sent: 0,
            exchanges: HashMap::new(),
            polls: HashMap::new(),
            sockets: HashMap::new(),
        }
    }

    /// One more request is on its way. What comes next in the transcript comes after it.
    fn arrives(&mut self) {
        self.sent += 1;
        wait(|| self.arrived.load(Ordering::Relaxed) >= self.sent);
    }

    fn socket(&mut self) -> EngineSocket {
        wait(|| self.seen.lock().unwrap().socket.is_some());
        self.seen
            .lock()
            .unwrap()
            .socket
            .clone()
            .expect("a session was opened")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Place for Live {
    fn pass(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn request(&mut self, name: &str, request: Request) {
        assert_eq!(
            request.partial,
            request.head.headers.contains_key("content-length")
        );
        let exchange = Exchange::send(self.address, &request.head, &request.body);
        self.exchanges.insert(name.into(), exchange);
        self.polls.remove(name);
        if request.head.method == http::Method::GET {
            self.polls.insert(name.into(), request.head);
        }
        self.arrives();
    }

    fn repeat(&mut self, name: &str) -> bool {
        let Some(head) = self.polls.remove(name) else {
            return false;
        };
        let exchange = Exchange::send(self.address, &head, &[]);
        self.exchanges.insert(name.into(), exchange);
        self.arrives();
        true
    }

    fn answer(&mut self, name: &str) -> Option<Answer> {
        let mut http = self.exchanges.remove(name)?.answer()?;
        let compressed = http.headers().contains_key("content-encoding");
        if compressed {
            assert_eq!(http.headers()["content-encoding"], "gzip");
            let mut body = Vec::new();
            flate2::read::GzDecoder::new(&http.body()[..])
                .read_to_end(&mut body)
                .unwrap();
            *http.body_mut() = body.into();
        }
        if http.status() == 204 {
            // Hyper leaves out the length of what cannot be there (RFC 9110 §8.6).
            http.headers_mut().insert("content-length", 0.into());
        }
        Some(Answer { http, compressed })
    }

    fn is_waiting(&mut self, name: &str) -> bool {
        self.exchanges[name].is_waiting()
    }

    fn abort(&mut self, name: &str) {
        self.exchanges.remove(name);
        // It ends the session, of which the server hears when it has its turn.
        wait(|| self.seen.lock().unwrap().reason.is_some());
    }

    fn open_socket(&mut self, name: &str, head: &Parts) -> u16 {
        let (status, socket) = WebSocket::open(self.address, head);
        self.arrives();
        self.sockets
            .extend(socket.map(|socket| (name.to_owned(), socket)));
        status
    }

    fn send_socket(&mut self, name: &str, frame: Message) {
        self.sockets[name].send(&frame);
    }

    fn received(&mut self, name: &str, expected: usize) -> Vec<Message> {
        self.sockets[name].received(expected)
    }

    fn closed(&mut self, name: &str, expected: bool) -> Option<u16> {
        self.sockets[name].closed(expected)
    }

    fn cut_socket(&mut self, name: &str) {
        self.sockets[name].cut();
    }

    fn send(&mut self, data: Message) {
        self.socket().send(data).unwrap();
    }

    fn close(&mut self) {
        self.socket().close();
    }

    fn sid(&mut self) -> Option<String> {
        Some(self.socket().sid().as_str().to_owned())
    }

    fn reason(&mut self, expected: bool) -> Option<CloseReason> {
        if expected {
            wait(|| self.seen.lock().unwrap().reason.is_some());
        }
        self.seen.lock().unwrap().reason
    }
}
