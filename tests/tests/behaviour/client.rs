//! Clients that speak the wire by hand.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tokio::{TokioAdapter, client_async};
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use futures_util::StreamExt;
use sio_tokio::{Bytes, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take before a test gives up: never a measure, only an end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The usual options, but that clients which are not there any more hold up no end.
pub(crate) fn calm() -> Config {
    Config {
        close_timeout: Duration::from_millis(200),
        polling_close_timeout: Duration::from_millis(200),
        ..Config::default()
    }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// A client on a WebSocket.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TokioAdapter<TcpStream>>,
}

impl Client {
    /// `query` begins with `&` if there is any.
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        let mut client = Self::raw(address, query).await;
        let open = client.text().await;
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    pub(crate) async fn raw(address: SocketAddr, query: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (socket, _) = within("the WebSocket", client_async(url, stream))
            .await
            .unwrap();
        Self { socket }
    }

    /// Enters a namespace (`""` or `"/name,"`) and returns the socket's id.
    pub(crate) async fn enter(&mut self, namespace: &str) -> String {
        self.send(&format!("40{namespace}")).await;
        let answer = self.text().await;
        let (_, id) = answer
            .strip_prefix(&format!("40{namespace}"))
            .and_then(|rest| rest.split_once(r#"{"sid":""#))
            .unwrap_or_else(|| panic!("not a CONNECT: {answer}"));
        id.trim_end_matches("\"}").to_owned()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, data: &'static [u8]) {
        let data = Bytes::from_static(data);
        self.socket.send(Message::Binary(data)).await.unwrap();
    }

    /// The next message, with pings answered.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match within("a message", self.socket.next()).await? {
                Ok(Message::Text(text)) if text.as_str() == "2" => self.send("3").await,
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.as_str().to_owned(),
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.text().await, text);
    }

    /// What is left until the connection ends: texts, then the close frame.
    pub(crate) async fn rest(mut self) -> (Vec<String>, Option<CloseFrame>) {
        let mut texts = Vec::new();
        let mut close = None;
        while let Some(message) = self.next().await {
            match message {
                Message::Text(text) => texts.push(text.as_str().to_owned()),
                Message::Close(frame) => close = frame,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        (texts, close)
    }

    /// An event with an ack goes there and back: whatever was sent before has been handled.
    pub(crate) async fn sync(&mut self) {
        self.send(r#"429007["sync"]"#).await;
        self.expect("439007[]").await;
    }
}

/// A client that polls.
#[derive(Clone)]
pub(crate) struct Poller {
    address: SocketAddr,
    pub(crate) sid: String,
}

impl Poller {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let answer = request(address, "GET", "", "").await;
        assert_eq!(answer.status, 200);
        let (_, rest) = answer.body.split_once(r#""sid":""#).unwrap();
        let (sid, _) = rest.split_once('"').unwrap();
        Self {
            address,
            sid: sid.to_owned(),
        }
    }

    pub(crate) async fn poll(&self) -> Answer {
        request(self.address, "GET", &format!("&sid={}", self.sid), "").await
    }

    pub(crate) async fn post(&self, body: &str) -> Answer {
        request(self.address, "POST", &format!("&sid={}", self.sid), body).await
    }

    /// Enters `/` and returns the socket's id.
    pub(crate) async fn enter(&self) -> String {
        assert_eq!(self.post("40").await.body, "ok");
        let answer = self.poll().await.body;
        let id = answer.strip_prefix(r#"40{"sid":""#).unwrap();
        id.trim_end_matches("\"}").to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One request on a connection of its own.
pub(crate) async fn request(address: SocketAddr, method: &str, query: &str, body: &str) -> Answer {
    let head = format!(
        "{method} /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nhost: x\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(address, head.as_bytes()).await
}

/// Sends these bytes and reads whatever comes back, if the connection lets it.
pub(crate) async fn refused(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut answer)).await;
    answer
}

/// Sends these bytes and reads the answer to its end.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    within("the answer", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status in {head:?}"));
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
