//! Clients that speak the wire by hand.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{Connection, End, Event, Limits, Masks, Phase};
use sio_tokio::Config;

use crate::here::{connect, within};
use crate::wire::{Wire, opening_at, revision};

/// The usual options, but that clients which are not there any more hold up no end.
pub(crate) fn calm() -> Config {
    Config::default()
        .close_timeout(Duration::from_millis(200))
        .polling_close_timeout(Duration::from_millis(200))
}

/// A client on a WebSocket, which keeps to the rules of those. What breaks them, a test writes to the wire.
pub(crate) struct Client {
    pub(crate) wire: Wire,
    half: Connection<()>,
}

/// What a server sends over a WebSocket.
#[derive(Debug)]
pub(crate) enum Message {
    Text(String),
    Binary(Bytes),
    /// With its code.
    Close(Option<u16>),
}

impl Message {
    pub(crate) fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(data) => data,
            Self::Close(_) => panic!("no message"),
        }
    }
}

impl Client {
    /// `query` begins with `&` if there is any.
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        let mut client = Self::raw(address, query).await;
        let open = client.text().await;
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    /// One of a server at a path of its own.
    #[allow(dead_code, reason = "faults/ uses it")]
    pub(crate) async fn at(address: SocketAddr, path: &str, query: &str) -> Self {
        let mut client = Self::on(Wire::opened(address, &opening_at(path, query)).await);
        let open = client.text().await;
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    pub(crate) async fn raw(address: SocketAddr, query: &str) -> Self {
        Self::on(Wire::open(address, query).await)
    }

    /// On a WebSocket of which nothing was read.
    pub(crate) fn on(wire: Wire) -> Self {
        let limits = Limits {
            message: usize::MAX,
            ..Limits::default()
        };
        let half = Connection::client(limits, Masks::from_random([7; 16]), ());
        Self { wire, half }
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
        self.send_at_once([text]).await;
    }

    pub(crate) async fn send_binary(&mut self, data: &[u8]) {
        self.half
            .send(MessageType::Binary, data, &Bytes::new(), false);
        self.flush().await;
    }

    /// All of these in one write.
    pub(crate) async fn send_at_once(
        &mut self,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) {
        for text in texts {
            let text = Bytes::from(text.into());
            self.half.send(MessageType::Text, b"", &text, false);
        }
        self.flush().await;
    }

    /// Writes what it has to say, all of it at once.
    async fn flush(&mut self) {
        let mut bytes = Vec::new();
        while let out @ [_, ..] = self.half.poll_output() {
            bytes.extend_from_slice(out);
            let count = out.len();
            self.half.handle_written(count);
        }
        if !bytes.is_empty() {
            self.wire.write(&bytes).await;
        }
    }

    /// The next message, with pings answered, and a close frame too.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let frame = within("a message", self.wire.whole_frame()).await?;
            assert_eq!(self.half.phase(), Phase::Open, "a frame behind the end");
            self.half.handle_bytes(&frame);
            let event = self.half.poll_event();
            self.flush().await;
            match event {
                Some(Event::Message(message)) => match message {
                    sio_tokio::Message::Text(text) if text == "2" => self.send("3").await,
                    sio_tokio::Message::Text(text) => return Some(Message::Text(text.into())),
                    sio_tokio::Message::Binary(data) => return Some(Message::Binary(data)),
                },
                Some(Event::Closed(End::Goodbye(code))) => return Some(Message::Close(code)),
                Some(Event::Ping) => {}
                other @ (Some(Event::Pong(_) | Event::Ignored | Event::Closed(_)) | None) => {
                    panic!("an unexpected frame: {frame:?}, {other:?}")
                }
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text,
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.text().await, text);
    }

    /// What is left until the connection ends: texts, then the code of the close frame.
    pub(crate) async fn rest(mut self) -> (Vec<String>, Option<u16>) {
        let mut texts = Vec::new();
        let mut close = None;
        while let Some(message) = self.next().await {
            match message {
                Message::Text(text) => texts.push(text),
                Message::Close(code) => close = code,
                Message::Binary(_) => {}
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
        Self::knock(address).await.expect("there is room for it")
    }

    /// `None`: there are as many sessions as may be.
    pub(crate) async fn knock(address: SocketAddr) -> Option<Self> {
        let answer = request(address, "GET", "", "").await;
        if answer.status == 503 {
            return None;
        }
        assert_eq!(answer.status, 200);
        let (_, rest) = answer.body.split_once(r#""sid":""#).unwrap();
        let (sid, _) = rest.split_once('"').unwrap();
        Some(Self {
            address,
            sid: sid.to_owned(),
        })
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
    let eio = revision(query);
    let head = format!(
        "{method} /socket.io/?{eio}transport=polling{query} HTTP/1.1\r\nhost: x\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(address, head.as_bytes()).await
}

/// Sends these bytes and reads the answer to its end.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = connect(address).await;
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
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
