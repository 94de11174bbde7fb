//! HTTP and WebSocket by hand, over a stream of the simulation.

use std::io;
use std::net::SocketAddr;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_sim::{Sim, Stream};

/// A connection by hand, and what was read of it and not taken.
pub(super) struct Wire {
    stream: Stream,
    read: Vec<u8>,
}

/// What a server answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Wire {
    pub(super) async fn to(sim: &Sim, server: SocketAddr) -> io::Result<Self> {
        let stream = sim.connect(server).await?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    pub(super) async fn write(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await
    }

    pub(super) async fn get(&mut self, query: &str) -> io::Result<()> {
        let request = format!("GET /socket.io/?{query} HTTP/1.1\r\nhost: x\r\n\r\n");
        self.write(&request).await
    }

    pub(super) async fn post(&mut self, query: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        self.write(&format!("{}{body}", head(query, length))).await
    }

    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            match self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.more().await?,
            }
        };
        let head: Vec<_> = self.read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|it| it.lines().next()?.parse().ok());
        let length: usize = length.unwrap_or(0);
        while self.read.len() < length {
            self.more().await?;
        }
        let body: Vec<_> = self.read.drain(..length).collect();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, body })
    }

    /// Reads until it has ended.
    pub(super) async fn end(&mut self) {
        while self.more().await.is_ok() {
            self.read.clear();
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        match self.stream.read(&mut buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// A text message of a WebSocket, whose mask is zero. Short ones only.
    pub(super) async fn say(&mut self, text: &str) -> io::Result<()> {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX) & 0x7f;
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await
    }

    /// The next message of a WebSocket.
    pub(super) async fn hear(&mut self) -> io::Result<String> {
        loop {
            let short = self.read.get(1).map(|it| usize::from(it & 0x7f));
            let (begin, length): (usize, usize) = match short {
                Some(126) => match self.read.get(2..4) {
                    Some(two) => (4, usize::from(two[0]) << 8 | usize::from(two[1])),
                    None => (4, usize::MAX),
                },
                Some(length) => (2, length),
                None => (2, usize::MAX),
            };
            if self.read.len() >= begin.saturating_add(length) {
                let frame: Vec<_> = self.read.drain(..begin + length).collect();
                if frame[0] == 0x88 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                return Ok(String::from_utf8_lossy(&frame[begin..]).into_owned());
            }
            self.more().await?;
        }
    }

    /// Asks for a WebSocket.
    pub(super) async fn upgrade(&mut self, query: &str) -> io::Result<Answer> {
        let request = format!(
            "GET /socket.io/?{query} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.write(&request).await?;
        self.answer().await
    }
}

/// The head of a POST with so many bytes.
pub(super) fn head(query: &str, length: usize) -> String {
    format!(
        "POST /socket.io/?{query} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
    )
}
