//! Clients without WebSocket: each has one connection for GETs and one for POSTs, as browsers do.

use crate::frame::Opcode;
use crate::histogram::Histogram;
use crate::look::{Load, Look, Mark, STALLED};
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::process::Server;
use crate::scenario::{Answer, Script};
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

/// What separates packets in a body.
const SEPARATOR: u8 = 0x1e;

/// Measures `plan` over polling.
pub fn measure(plan: &Plan, server: &Server) -> Result<Measurement, String> {
    let mut run = Run {
        look: Look::new()?,
        scratch: vec![0; 64 * 1024],
        script: Script::new(plan.scenario),
        clients: Vec::new(),
        tally: Tally::default(),
    };
    for index in 0..plan.connections {
        let client = Client::open(server.address(), &run.look, index)
            .map_err(|error| format!("connection {index}: {error}"))?;
        run.clients.push(client);
    }
    let begun = Instant::now();
    while run.tally.ready < plan.connections {
        run.pump()?;
        if begun.elapsed() > STALLED {
            return Err(format!("{} are ready", run.tally.ready));
        }
    }
    run.look.spin(plan.spin);
    run.pump_for(plan.warm_up, true)?;
    run.tally.units = 0;
    run.tally.latencies.clear();
    let started = Mark::now(server, &run.look)?;
    run.pump_for(plan.window, true)?;
    let (units, latencies) = (run.tally.units, &run.tally.latencies);
    started.measurement(server, &run.look, plan.scenario, units, latencies)
}

#[derive(Debug)]
struct Run {
    look: Look,
    scratch: Vec<u8>,
    script: Script,
    clients: Vec<Client>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    ready: usize,
    units: u64,
    latencies: Histogram,
}

impl Load for Run {
    fn pump(&mut self) -> Result<(), String> {
        for (token, readable) in self.look.ready()? {
            if let Some(client) = self.clients.get_mut(token / 2)
                && readable
            {
                client.turn(
                    token % 2 == 0,
                    &mut self.scratch,
                    &self.script,
                    &mut self.tally,
                )?;
            }
        }
        Ok(())
    }

    fn units(&self) -> u64 {
        self.tally.units
    }
}

/// One client.
#[derive(Debug)]
struct Client {
    /// GETs.
    down: Wire,
    /// POSTs.
    up: Wire,
    /// The query of every request, `sid` and all.
    path: String,
    phase: Phase,
    /// Whether the last POST was answered.
    posted: bool,
    /// The id of the event in flight; `None` when its ack has come.
    waits_for: Option<u64>,
    next: u64,
    /// A ping waits for its answer, which goes with the next POST.
    pinged: bool,
    sent: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Connecting,
    Ready,
}

impl Client {
    fn open(address: SocketAddr, look: &Look, index: usize) -> std::io::Result<Self> {
        let mut client = Self {
            down: Wire::open(address, look, 2 * index)?,
            up: Wire::open(address, look, 2 * index + 1)?,
            path: "/socket.io/?EIO=4&transport=polling".to_owned(),
            phase: Phase::Opening,
            posted: true,
            waits_for: None,
            next: 0,
            pinged: false,
            sent: Instant::now(),
        };
        client
            .down
            .get(&client.path)
            .map_err(std::io::Error::other)?;
        Ok(client)
    }

    /// Acts on the response that came down, or up.
    fn turn(
        &mut self,
        down: bool,
        scratch: &mut [u8],
        script: &Script,
        tally: &mut Tally,
    ) -> Result<(), String> {
        if !down {
            let Some(body) = self.up.response(scratch)? else {
                return Ok(());
            };
            if body != b"ok" {
                return Err(format!("a POST was answered with {}", body.escape_ascii()));
            }
            self.posted = true;
        } else if let Some(body) = self.down.response(scratch)? {
            for packet in body.split(|byte| *byte == SEPARATOR) {
                self.packet(packet, script, tally)?;
            }
            self.down.get(&self.path)?;
        }
        self.post(script)
    }

    fn packet(&mut self, packet: &[u8], script: &Script, tally: &mut Tally) -> Result<(), String> {
        match (self.phase, packet) {
            (_, b"2") => self.pinged = true,
            (Phase::Opening, [b'0', b'{', ..]) => {
                let open: serde_json::Value =
                    serde_json::from_slice(&packet[1..]).map_err(|error| error.to_string())?;
                let Some(sid) = open["sid"].as_str() else {
                    return Err("a handshake without a sid".to_owned());
                };
                self.path = format!("{}&sid={sid}", self.path);
                self.phase = Phase::Connecting;
                self.up.post(&self.path, b"40")?;
                self.posted = false;
            }
            (Phase::Connecting, [b'4', b'0', b'{', ..]) => {
                self.phase = Phase::Ready;
                tally.ready += 1;
            }
            (Phase::Ready, _) => match script.answer(Opcode::Text, packet) {
                Answer::Ack(id) if Some(id) == self.waits_for => {
                    self.waits_for = None;
                    tally.units += 1;
                    tally.latencies.record(self.sent.elapsed());
                }
                Answer::Ack(_) | Answer::Part | Answer::Unit | Answer::Wrong => {
                    return Err(format!("not the answer: {}", packet.escape_ascii()));
                }
            },
            (phase, _) => {
                return Err(format!(
                    "while {phase:?} the server sent {}",
                    packet.escape_ascii()
                ));
            }
        }
        Ok(())
    }

    /// Sends the next event, once the last one and its POST were answered.
    fn post(&mut self, script: &Script) -> Result<(), String> {
        if self.phase != Phase::Ready || !self.posted || self.waits_for.is_some() {
            return Ok(());
        }
        let mut body = Vec::with_capacity(96);
        if std::mem::take(&mut self.pinged) {
            body.extend_from_slice(&[b'3', SEPARATOR]);
        }
        script.echo_text(&mut body, self.next);
        self.waits_for = Some(self.next);
        self.next += 1;
        self.posted = false;
        self.sent = Instant::now();
        self.up.post(&self.path, &body)
    }
}

/// An HTTP connection with one request at a time.
#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    address: SocketAddr,
    /// The start of a response whose end has not come.
    inbox: Vec<u8>,
}

impl Wire {
    fn open(address: SocketAddr, look: &Look, token: usize) -> std::io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        look.registry()
            .register(&mut stream, Token(token), Interest::READABLE)?;
        Ok(Self {
            stream,
            address,
            inbox: Vec::new(),
        })
    }

    fn get(&mut self, path: &str) -> Result<(), String> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.send(head.as_bytes())
    }

    fn post(&mut self, path: &str, body: &[u8]) -> Result<(), String> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain;charset=UTF-8\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.send(&request)
    }

    /// A request is smaller than any socket's buffer, which is empty: the last one was answered.
    fn send(&mut self, request: &[u8]) -> Result<(), String> {
        match self.stream.write(request) {
            Ok(count) if count == request.len() => Ok(()),
            Ok(count) => Err(format!("{count} of {} bytes were written", request.len())),
            Err(error) => Err(format!("writing: {error}")),
        }
    }

    /// The body of the response, if it has come.
    fn response(&mut self, scratch: &mut [u8]) -> Result<Option<Vec<u8>>, String> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err("the server closed a connection".to_owned()),
                Ok(count) => {
                    self.inbox.extend_from_slice(&scratch[..count]);
                    if count < scratch.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(format!("reading: {error}")),
            }
        }
        match parse(&self.inbox)? {
            Some((start, end)) => {
                let body = self.inbox[start..end].to_vec();
                self.inbox.drain(..end);
                Ok(Some(body))
            }
            None => Ok(None),
        }
    }
}

/// Where the body of a whole response begins and ends.
fn parse(bytes: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let bad = || format!("not the response: {}", bytes.escape_ascii());
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    if !lines
        .next()
        .is_some_and(|line| line.starts_with(b"HTTP/1.1 200 "))
    {
        return Err(bad());
    }
    let length = lines
        .filter_map(|line| line.split_at_checked(b"content-length:".len()))
        .find(|(name, _)| name.eq_ignore_ascii_case(b"content-length:"))
        .and_then(|(_, value)| {
            std::str::from_utf8(value)
                .ok()?
                .trim()
                .parse::<usize>()
                .ok()
        })
        .ok_or_else(bad)?;
    let start = head + 4;
    Ok((bytes.len() >= start + length).then_some((start, start + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_whole_when_its_body_is() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for cut in 0..response.len() {
            assert_eq!(parse(&response[..cut]), Ok(None));
        }
        let (start, end) = parse(response).unwrap().unwrap();
        assert_eq!(&response[start..end], b"ok");
    }

    #[test]
    fn other_answers_are_errors() {
        assert!(parse(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
