//! A client's end of a connection: HTTP until it becomes a WebSocket.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::BytesMut;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tests::frames::{self, BINARY, CLOSE, Frame, PING, PONG, TEXT};

use crate::here::{Stream, connect};
use crate::recording::{Answer, Heard, hex};

pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    /// Read and not yet looked at.
    ahead: BytesMut,
    is_websocket: bool,
    /// Control frames come when they like: those that came before they were asked for, and what came before
    /// those that were.
    pongs: VecDeque<Heard>,
    others: VecDeque<Heard>,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: connect(address).await,
            ahead: BytesMut::new(),
            is_websocket: false,
            pongs: VecDeque::new(),
            others: VecDeque::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    pub(crate) async fn leave(&mut self) {
        let _ = self.stream.close().await;
    }

    /// The next response or frame, a pong only if one is asked for; the headers of a response are all
    /// there. `None`: the connection is over.
    pub(crate) async fn hear(&mut self, is_pong: bool) -> Option<Heard> {
        if !self.is_websocket {
            return self.answer().await.map(Heard::Answer);
        }
        let before = match is_pong {
            true => self.pongs.pop_front(),
            false => self.others.pop_front(),
        };
        if before.is_some() {
            return before;
        }
        loop {
            let frame = self.frame().await?;
            match (is_pong, matches!(frame, Heard::Pong(_))) {
                (true, true) | (false, false) => return Some(frame),
                (false, true) => self.pongs.push_back(frame),
                (true, false) => self.others.push_back(frame),
            }
        }
    }

    async fn answer(&mut self) -> Option<Answer> {
        while !self.ahead.windows(4).any(|it| it == b"\r\n\r\n") {
            self.more().await?;
        }
        let end = self.ahead.windows(4).position(|it| it == b"\r\n\r\n");
        let head = self.ahead.split_to(end.unwrap_or_default() + 4);
        let head = String::from_utf8(head.to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        let headers: Vec<_> = head.lines().skip(1).map(str::to_owned).collect();
        let length = headers.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse().unwrap())
        });
        let body = self.take(length.unwrap_or_default()).await?;
        self.is_websocket = status == 101;
        let (body, body_hex) = match String::from_utf8(body) {
            Ok(text) => (text, String::new()),
            Err(error) => (String::new(), hex(error.as_bytes())),
        };
        Some(Answer {
            status,
            headers,
            body,
            body_hex,
        })
    }

    async fn frame(&mut self) -> Option<Heard> {
        let frame = loop {
            match frames::take(&mut self.ahead) {
                Some(frame) => break frame,
                None => self.more().await?,
            }
        };
        assert!(!frame.masked, "a server masks nothing: {frame:?}");
        Some(said(&frame))
    }

    async fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < count {
            self.more().await?;
        }
        Some(self.ahead.split_to(count).to_vec())
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 8192];
        let read = self.stream.read(&mut chunk).await.ok()?;
        self.ahead.extend_from_slice(&chunk[..read]);
        (read > 0).then_some(())
    }
}

/// What a frame says.
pub(crate) fn said(frame: &Frame) -> Heard {
    let payload = &frame.payload;
    match frame.first {
        TEXT => Heard::Text(String::from_utf8(payload.to_vec()).unwrap()),
        BINARY => Heard::Binary(hex(payload)),
        CLOSE => Heard::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
        PING => Heard::Ping(hex(payload)),
        PONG => Heard::Pong(hex(payload)),
        other => panic!("a frame that begins with {other:#x}"),
    }
}
