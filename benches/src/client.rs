//! One client: a socket, the bytes that are not frames yet, the bytes that are not sent yet.
//!
//! A hundred of these have to be faster than the server they load, on one core. So there is one
//! buffer to read into for all of them, one write for everything that one read caused, and nothing
//! is parsed that the scenario does not need.

use crate::frame::{self, Opcode, Read as Frame};
use crate::scenario::Script;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// A connection to the measured server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// The start of a frame whose end has not come.
    inbox: Vec<u8>,
    /// What the next [`flush`](Self::flush) sends.
    outbox: Vec<u8>,
    phase: Phase,
    purpose: Purpose,
}

/// What a client does once it is in the namespace, without being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It joins the room, and is ready then.
    Join,
    /// It says goodbye.
    Leave,
    /// Nothing.
    Stay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Upgrading,
    Opening,
    Connecting,
    Joining,
    Ready,
    Leaving,
    Gone,
}

/// What a client heard.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// It is in the namespace, and in the room if it joins one.
    Ready,
    /// The server asked whether it is alive; the answer is in the outbox.
    Ping,
    /// It left, and the server has closed the connection.
    Gone,
    /// A message of the scenario.
    Message(Opcode, &'a [u8]),
}

impl Client {
    /// Connects and asks for a WebSocket.
    pub fn open(
        address: SocketAddr,
        registry: &Registry,
        token: Token,
        purpose: Purpose,
    ) -> io::Result<Self> {
        // A loopback connection is complete at once, so nothing is gained by not waiting for it.
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
             Host: {address}\r\n\
             Connection: Upgrade\r\n\
             Upgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyEhIQ==\r\n\r\n"
        );
        let mut client = Self {
            stream,
            inbox: Vec::new(),
            outbox: request.into_bytes(),
            phase: Phase::Upgrading,
            purpose,
        };
        client.flush().map_err(io::Error::other)?;
        Ok(client)
    }

    /// Where packets are put that the next [`flush`](Self::flush) sends.
    pub fn outbox(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    /// Says goodbye to the namespace and to the connection.
    pub fn leave(&mut self, script: &Script) {
        script.leave(&mut self.outbox);
        self.phase = Phase::Leaving;
    }

    /// Sends as much as the socket takes.
    pub fn flush(&mut self) -> Result<(), String> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                // Most often this is all of it, and nothing moves.
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) if self.phase == Phase::Gone => self.outbox.clear(),
                Err(error) => return Err(format!("writing: {error}")),
            }
        }
        Ok(())
    }

    /// Reads what the socket has and hands it on, with the outbox for what it causes.
    pub fn read(
        &mut self,
        scratch: &mut [u8],
        script: &Script,
        mut hear: impl FnMut(&mut Vec<u8>, Heard<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return self.gone("the server closed a connection", &mut hear),
                Ok(count) => {
                    self.take(&scratch[..count], script, &mut hear)?;
                    // A short read emptied the socket; the next byte is a new edge for epoll.
                    if count < scratch.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return self.gone(&format!("reading: {error}"), &mut hear),
            }
        }
    }

    /// The connection is over: as it was asked to be, or an error.
    fn gone(
        &mut self,
        error: &str,
        hear: &mut impl FnMut(&mut Vec<u8>, Heard<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.phase {
            Phase::Gone => Ok(()),
            Phase::Leaving => {
                self.phase = Phase::Gone;
                hear(&mut self.outbox, Heard::Gone)
            }
            Phase::Upgrading
            | Phase::Opening
            | Phase::Connecting
            | Phase::Joining
            | Phase::Ready => Err(error.to_owned()),
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        script: &Script,
        hear: &mut impl FnMut(&mut Vec<u8>, Heard<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.inbox.is_empty() {
            let used = self.consume(bytes, script, hear)?;
            self.inbox.extend_from_slice(&bytes[used..]);
        } else {
            let mut inbox = std::mem::take(&mut self.inbox);
            inbox.extend_from_slice(bytes);
            let used = self.consume(&inbox, script, hear)?;
            inbox.drain(..used);
            self.inbox = inbox;
        }
        Ok(())
    }

    /// Acts on everything that is complete and says how many bytes that was.
    fn consume(
        &mut self,
        bytes: &[u8],
        script: &Script,
        hear: &mut impl FnMut(&mut Vec<u8>, Heard<'_>) -> Result<(), String>,
    ) -> Result<usize, String> {
        let mut used = 0;
        if self.phase == Phase::Upgrading {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                return Ok(0);
            };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                return Err(format!("no WebSocket: {}", bytes.escape_ascii()));
            }
            used = end + 4;
            self.phase = Phase::Opening;
        }
        loop {
            match frame::read(&bytes[used..]) {
                Frame::Frame(opcode, payload, len) => {
                    self.frame(opcode, payload, script, hear)?;
                    used += len;
                }
                Frame::Partial => return Ok(used),
                Frame::Unexpected => return Err("the server sent an unexpected frame".to_owned()),
            }
        }
    }

    fn frame(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        script: &Script,
        hear: &mut impl FnMut(&mut Vec<u8>, Heard<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        match (opcode, self.phase, payload) {
            (Opcode::Text, _, b"2") => {
                frame::write(&mut self.outbox, Opcode::Text, &[], b"3");
                hear(&mut self.outbox, Heard::Ping)?;
            }
            (Opcode::Text | Opcode::Binary, Phase::Ready, _) => {
                hear(&mut self.outbox, Heard::Message(opcode, payload))?;
            }
            (Opcode::Text, Phase::Opening, [b'0', b'{', ..]) => {
                frame::write(&mut self.outbox, Opcode::Text, &[], b"40");
                self.phase = Phase::Connecting;
            }
            (Opcode::Text, Phase::Connecting, [b'4', b'0', b'{', ..]) => match self.purpose {
                Purpose::Join => {
                    script.join(&mut self.outbox);
                    self.phase = Phase::Joining;
                }
                Purpose::Leave => self.leave(script),
                Purpose::Stay => {
                    self.phase = Phase::Ready;
                    hear(&mut self.outbox, Heard::Ready)?;
                }
            },
            (Opcode::Text, Phase::Joining, b"430[]") => {
                self.phase = Phase::Ready;
                hear(&mut self.outbox, Heard::Ready)?;
            }
            (Opcode::Ping, _, _) => frame::write(&mut self.outbox, Opcode::Pong, &[], payload),
            (Opcode::Pong, _, _) => {}
            // It may answer the first goodbye or the second, or just go.
            (_, Phase::Gone, _) | (Opcode::Text, Phase::Leaving, _) => {}
            (Opcode::Close, Phase::Leaving, _) => self.gone("", hear)?,
            (Opcode::Text | Opcode::Binary | Opcode::Close, phase, _) => {
                return Err(format!(
                    "while {phase:?} the server sent {opcode:?} {}",
                    payload.escape_ascii()
                ));
            }
        }
        Ok(())
    }
}
