//! A client's side of a WebSocket (RFC 6455), frame by frame: what is sent is up to the test, and what
//! comes is checked.

use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tests::frames;

use crate::here::{Stream, connect, within};

/// A WebSocket whose frames are written by hand.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    /// Read and not yet looked at.
    ahead: BytesMut,
}

/// The key of the RFC's example, and the answer to it (§1.3).
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The revision in a query, 4 if it names none.
pub(crate) fn revision(query: &str) -> &'static str {
    if query.contains("EIO=") { "" } else { "EIO=4&" }
}

/// A request that opens a WebSocket; `query` begins with `&` if there is any.
pub(crate) fn opening(query: &str) -> String {
    opening_at("/socket.io/", query)
}

/// The same for a server with a path of its own.
pub(crate) fn opening_at(path: &str, query: &str) -> String {
    let eio = revision(query);
    format!(
        "GET {path}?{eio}transport=websocket{query} HTTP/1.1\r\nhost: x\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: {KEY}\r\n\r\n"
    )
}

impl Wire {
    /// `query` begins with `&` if there is any.
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        Self::opened(address, &opening(query)).await
    }

    /// By this request.
    pub(crate) async fn opened(address: SocketAddr, request: impl AsRef<[u8]>) -> Self {
        let mut wire = Self {
            stream: connect(address).await,
            ahead: BytesMut::new(),
        };
        wire.write(request.as_ref()).await;
        let head = within("the WebSocket", wire.head()).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accepted = |line: &str| {
            line.split_once(": ").is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("sec-websocket-accept") && value == ACCEPT
            })
        };
        assert!(head.lines().any(accepted), "{head}");
        wire
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The server may have closed already.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// Says that nothing more comes.
    pub(crate) async fn shut(&mut self) {
        self.stream.close().await.unwrap();
    }

    /// The next frame: its first byte and its payload. `None`: the connection is over.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Bytes)> {
        let frame = loop {
            match frames::take(&mut self.ahead) {
                Some(frame) => break frame,
                None => self.more().await?,
            }
        };
        assert!(!frame.masked, "a server masks nothing: {frame:?}");
        Some((frame.first, frame.payload))
    }

    /// All bytes of it.
    pub(crate) async fn whole_frame(&mut self) -> Option<Bytes> {
        loop {
            match frames::take_whole(&mut self.ahead) {
                Some(frame) => return Some(frame),
                None => self.more().await?,
            }
        }
    }

    /// The code of the close frame, then the end of the stream.
    pub(crate) async fn close_code(&mut self) -> u16 {
        let (first, mut payload) = within("a close frame", self.frame()).await.unwrap();
        assert_eq!(first, 0x88);
        assert_eq!(self.rest().await, b"");
        payload.get_u16()
    }

    /// Everything that comes until the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = self.ahead.split().to_vec();
        within("the end", self.stream.read_to_end(&mut rest))
            .await
            .unwrap();
        rest
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take(1).await.expect("a whole head"));
        }
        String::from_utf8(head).unwrap()
    }

    async fn take(&mut self, count: usize) -> Option<Bytes> {
        while self.ahead.len() < count {
            self.more().await?;
        }
        Some(self.ahead.split_to(count).freeze())
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 8192];
        let read = self.stream.read(&mut chunk).await.ok()?;
        self.ahead.extend_from_slice(&chunk[..read]);
        (read > 0).then_some(())
    }
}

/// A client's frame, with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frames::masked(first, [0; 4], payload)
}
