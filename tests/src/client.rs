//! A client over real sockets: the core's machine, and the plainest driver there can be. One thread, one
//! connection for each request, and a look at everything every millisecond.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use sio_core::{
    client::{Config, Connection, Dial, Event, Failure, Work, WsOut},
    engine::WsClosed,
    id::RequestId,
    packet::Part,
    time,
    websocket::{self, Limits, Masks, Phase, write::MessageType},
};

use crate::wire::PATIENCE;

/// A client, and the sockets that it has open.
#[derive(Debug)]
pub struct Client {
    /// The machine.
    pub machine: Connection<u64>,
    address: SocketAddr,
    began: Instant,
    exchanges: Vec<Exchange>,
    websockets: Vec<WebSocket>,
    events: VecDeque<Event<u64>>,
}

#[derive(Debug)]
struct Exchange {
    id: RequestId,
    stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
struct WebSocket {
    id: RequestId,
    stream: TcpStream,
    socket: websocket::Connection<()>,
    /// Whether the machine was told that it is over.
    told: bool,
}

impl Client {
    /// One that has done nothing yet.
    pub fn new(address: SocketAddr, config: Config, dial: Dial) -> Self {
        let machine = Connection::new(Arc::new(config), dial, [7; 16]);
        Self {
            machine: machine.expect("the configuration is sound"),
            address,
            began: Instant::now(),
            exchanges: Vec::new(),
            websockets: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// The time as the machine counts it.
    pub fn now(&self) -> time::Instant {
        time::Instant::ORIGIN + self.began.elapsed()
    }

    /// Waits for an event, and returns what `wanted` makes of it. Others are passed over.
    pub fn hear<T>(&mut self, what: &str, wanted: impl Fn(&Event<u64>) -> Option<T>) -> T {
        let event = self.take(what, |event| wanted(event).is_some());
        wanted(&event).expect("it was looked for")
    }

    /// Waits for such an event. Others are passed over.
    pub fn take(&mut self, what: &str, wanted: impl Fn(&Event<u64>) -> bool) -> Event<u64> {
        let end = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            while let Some(event) = self.events.pop_front() {
                if wanted(&event) {
                    return event;
                }
                passed.push(event);
            }
            assert!(
                Instant::now() < end,
                "no {what}, but {passed:?}; {:?}",
                self.machine.status()
            );
            self.turn();
        }
    }

    /// All connections break, without a word.
    pub fn cut(&mut self) {
        let now = self.now();
        for websocket in self.websockets.drain(..) {
            let lost = WsClosed::Lost;
            self.machine.handle_ws_closed(now, websocket.id, lost);
        }
        for exchange in self.exchanges.drain(..) {
            let lost = Err(Failure::Tcp);
            self.machine.handle_response(now, exchange.id, lost, None);
        }
    }

    /// Whether nothing is open.
    pub fn is_at_rest(&self) -> bool {
        self.exchanges.is_empty() && self.websockets.is_empty()
    }

    /// Does what there is to be done now.
    pub fn turn(&mut self) {
        let now = self.now();
        if self.machine.poll_timeout().is_some_and(|due| due.at <= now) {
            self.machine.handle_timeout(now);
        }
        let mut idle = !self.read_responses() & !self.read_websockets();
        while let Some(event) = self.machine.poll_event() {
            idle = false;
            self.events.push_back(event);
        }
        while let Some(work) = self.machine.poll_work() {
            idle = false;
            self.carry_out(work);
        }
        idle &= !self.write_websockets();
        if idle {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn carry_out(&mut self, work: Work) {
        let now = self.now();
        match work {
            Work::Request { id, request } => match self.ask(&request) {
                Ok(stream) => self.exchanges.push(Exchange {
                    id,
                    stream,
                    read: Vec::new(),
                }),
                Err(_) => {
                    let failed = Err(Failure::Tcp);
                    self.machine.handle_response(now, id, failed, None);
                }
            },
            Work::OpenWebSocket { id, request } => match self.open(request) {
                Ok((stream, first)) => {
                    let limits = Limits {
                        message: 1_000_000,
                        fragments: 100,
                        deflate: false,
                    };
                    let masks = Masks::from_random([9; 16]);
                    let mut socket = websocket::Connection::client(limits, masks, ());
                    socket.handle_bytes(&first);
                    self.machine.handle_ws_open(now, id, Ok(()));
                    self.websockets.push(WebSocket {
                        id,
                        stream,
                        socket,
                        told: false,
                    });
                }
                Err(failure) => self.machine.handle_ws_open(now, id, Err(failure)),
            },
            Work::Abort(id) => {
                self.exchanges.retain(|it| it.id != id);
                self.websockets.retain(|it| it.id != id);
            }
            other => panic!("new work: {other:?}"),
        }
    }

    fn ask(&self, request: &Request<Bytes>) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address)?;
        let mut head = head(request);
        head.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
        stream.write_all(head.as_bytes())?;
        stream.write_all(request.body())?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// A WebSocket, and what came behind its handshake.
    fn open(&self, mut request: Request<()>) -> Result<(TcpStream, Vec<u8>), Failure> {
        let tcp = |_| Failure::Tcp;
        for (name, value) in [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            let name = HeaderName::from_static(name);
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let mut stream = TcpStream::connect(self.address).map_err(tcp)?;
        let head = head(&request).replace("connection: close", "connection: Upgrade") + "\r\n";
        stream.write_all(head.as_bytes()).map_err(tcp)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(tcp)?;
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return Err(Failure::Tcp),
                Ok(count) => read.extend_from_slice(&chunk[..count]),
            }
        };
        if !read.starts_with(b"HTTP/1.1 101 ") {
            return Err(Failure::WebSocket);
        }
        // The example of the RFC.
        let text = String::from_utf8_lossy(&read[..end]).to_lowercase();
        assert!(text.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{text}");
        stream.set_nonblocking(true).map_err(tcp)?;
        Ok((stream, read.split_off(end)))
    }

    fn read_responses(&mut self) -> bool {
        let now = self.now();
        let mut done = Vec::new();
        for (at, exchange) in self.exchanges.iter_mut().enumerate() {
            let ended = fill(&mut exchange.stream, &mut exchange.read);
            let response = whole(&exchange.read, ended);
            if response.is_some() || ended {
                done.push((at, response.ok_or(Failure::Tcp)));
            }
        }
        let any = !done.is_empty();
        for (at, response) in done.into_iter().rev() {
            let id = self.exchanges.remove(at).id;
            self.machine.handle_response(now, id, response, None);
        }
        any
    }

    fn read_websockets(&mut self) -> bool {
        let now = self.now();
        let mut any = false;
        for it in &mut self.websockets {
            let mut read = Vec::new();
            let ended = fill(&mut it.stream, &mut read);
            any |= !read.is_empty();
            it.socket.handle_bytes(&read);
            if ended {
                it.socket.handle_end();
            }
            while let Some(event) = it.socket.poll_event() {
                any = true;
                match event {
                    websocket::Event::Message(message) => {
                        self.machine.handle_ws(now, it.id, message);
                    }
                    websocket::Event::Pong(_) => self.machine.handle_ws_pong(now, it.id),
                    websocket::Event::Closed(end) => {
                        it.told = true;
                        it.socket.close(None);
                        let cause = WsClosed::from(end);
                        self.machine.handle_ws_closed(now, it.id, cause);
                    }
                    websocket::Event::Ping | websocket::Event::Ignored => {}
                }
            }
        }
        self.websockets
            .retain_mut(|it| !(it.told && it.socket.poll_output().is_empty()));
        any
    }

    fn write_websockets(&mut self) -> bool {
        let now = self.now();
        let mut any = false;
        for it in &mut self.websockets {
            while it.socket.phase() == Phase::Open
                && it.socket.has_room()
                && let Some(out) = self.machine.poll_ws(it.id)
            {
                match out {
                    WsOut::Frame { head, part, .. } => match part {
                        Part::Text(text) => it.socket.send(MessageType::Text, head, &text, false),
                        Part::Binary(data) => {
                            it.socket.send(MessageType::Binary, head, &data, false);
                        }
                    },
                    WsOut::Ping => it.socket.ping(b"here"),
                    WsOut::Close(code) => it.socket.close(code),
                }
            }
            let out = it.socket.poll_output();
            if out.is_empty() {
                continue;
            }
            match it.stream.write(out) {
                Ok(count) => {
                    any = true;
                    it.socket.handle_written(count);
                    if it.socket.poll_output().is_empty() {
                        self.machine.handle_ws_flushed(now, it.id);
                    } else {
                        self.machine.handle_ws_progress(now, it.id);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => it.socket.handle_broken(),
            }
        }
        any
    }
}

/// The first lines of a request, the host and its own headers; what follows is for the caller to say.
fn head<B>(request: &Request<B>) -> String {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |host| host.as_str());
    let mut head = format!("{} {path} HTTP/1.1\r\nhost: {host}\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("ASCII")));
    }
    head.push_str("connection: close\r\n");
    head
}

/// Reads what there is. Whether the stream has ended.
fn fill(stream: &mut TcpStream, read: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 16 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return true,
            Ok(count) => read.extend_from_slice(&chunk[..count]),
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// The response, if all of it is there.
fn whole(read: &[u8], ended: bool) -> Option<Response<Bytes>> {
    let end = read.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..end]).ok()?;
    let mut lines = text.lines();
    let status = lines.next()?.split(' ').nth(1)?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let rest = &read[end..];
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let body = if header("transfer-encoding").is_some_and(|it| it.contains("chunked")) {
        chunked(rest)?
    } else if let Some(length) = header("content-length") {
        rest.get(..length.parse().ok()?)?.to_vec()
    } else if ended {
        rest.to_vec()
    } else {
        return None;
    };
    let mut response = Response::builder().status(status).body(body.into()).ok()?;
    *response.headers_mut() = headers;
    Some(response)
}

fn chunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|it| it == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
