//! A client that helps nobody: HTTP and WebSocket as bytes, right or wrong, over a blocking socket.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::frames::{self, PONG};

pub use crate::frames::{BINARY, CLOSE, PING, TEXT, UNFINISHED, fragments, frame, header};

/// How long anything may take that should come at once. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The path and query of a Socket.IO handshake by polling.
pub const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// The path and query of a Socket.IO handshake by WebSocket.
pub const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// The same, in revision 3 of Engine.IO.
pub const POLLING_3: &str = "/socket.io/?EIO=3&transport=polling";

/// The same, in revision 3 of Engine.IO.
pub const WEBSOCKET_3: &str = "/socket.io/?EIO=3&transport=websocket";

/// A TCP connection, with what was read from it and not used yet.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An HTTP response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The names of headers, in small letters, and their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(its, _)| its == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The `code` of an error's body.
    pub fn code(&self) -> Option<u64> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body.get("code")?.as_u64()
    }
}

impl Wire {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server listens"))
    }

    /// Takes over a connection.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("an open socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// The socket itself.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes bytes. `false`: the server has closed the connection.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        match self.stream.write_all(bytes.as_ref()) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server is stuck"),
            Err(_) => false,
        }
    }

    /// The next response, or `None` if the connection ends first.
    pub fn response(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).expect("a head is ASCII");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response {
            status: status.unwrap_or_else(|| panic!("not a response: {head:?}")),
            headers,
            body: String::new(),
        };
        let length = response.header("content-length").map(str::parse::<usize>);
        if let Some(length) = length {
            let length = length.expect("a number");
            while self.read.len() < length {
                assert!(self.fill(), "the body of {response:?} breaks off");
            }
            let body = self.read.drain(..length).collect();
            response.body = String::from_utf8(body).expect("polls are answered with text");
        }
        Some(response)
    }

    /// Reads to the end of the connection, which must come.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.read)
    }

    /// Reads some more. `false`: the connection has ended.
    pub fn fill(&mut self) -> bool {
        let mut some = [0; 64 * 1024];
        match self.read(&mut some) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend_from_slice(&some[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing comes, and no end: {error}"),
        }
    }

    /// Reads what there is. Where it has to wait, and the process is stopped meanwhile, the system ends the call.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// The next WebSocket frame. `None`: the connection ended before.
    pub fn frame(&mut self) -> Option<frames::Frame> {
        loop {
            if let Some(frame) = frames::read(&self.read) {
                self.read.drain(..frame.length);
                return Some(frame);
            }
            if !self.fill() {
                return None;
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The bytes of a request with these lines of headers, each ended by `\r\n`.
pub fn request(method: &str, target: &str, headers: &str, body: &str) -> String {
    let length = match method {
        "GET" => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}{headers}\r\n{body}")
}

/// Sends one request on a connection of its own.
pub fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Option<Response> {
    let mut wire = Wire::connect(address);
    let headers = format!("Connection: close\r\n{headers}");
    wire.write(request(method, target, &headers, body));
    wire.response()
}

/// A session by polling. Each request goes over a connection of its own.
#[derive(Debug)]
pub struct Polling {
    address: SocketAddr,
    /// [`POLLING`] or [`POLLING_3`].
    base: &'static str,
    /// The session's id.
    pub sid: String,
}

impl Polling {
    /// Shakes hands.
    pub fn open(address: SocketAddr) -> Self {
        let response = ask(address, "GET", POLLING, "", "").expect("a response");
        Self::opened(address, &response)
    }

    /// Shakes hands in revision 3.
    pub fn open_3(address: SocketAddr) -> Self {
        let response = ask(address, "GET", POLLING_3, "", "").expect("a response");
        Self::opened(address, &response)
    }

    /// A session that this response has opened, of the revision that it is in.
    pub fn opened(address: SocketAddr, response: &Response) -> Self {
        assert_eq!(response.status, 200, "{response:?}");
        let base = match response.body.as_bytes() {
            [b'1'..=b'9', ..] => POLLING_3,
            _ => POLLING,
        };
        let packets = split(base, &response.body);
        let open: serde_json::Value = packets
            .first()
            .and_then(|packet| serde_json::from_str(packet.strip_prefix('0')?).ok())
            .unwrap_or_else(|| panic!("no open packet: {response:?}"));
        Self {
            address,
            base,
            sid: open["sid"].as_str().expect("an id").to_owned(),
        }
    }

    /// Where its requests go.
    pub fn target(&self) -> String {
        format!("{}&sid={}", self.base, self.sid)
    }

    /// A POST.
    pub fn post(&self, body: &str) -> Response {
        ask(self.address, "POST", &self.target(), "", body).expect("a response")
    }

    /// A POST of bytes.
    pub fn post_bytes(&self, body: &[u8]) -> Response {
        let mut wire = Wire::connect(self.address);
        wire.write(format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            self.target(),
            body.len()
        ));
        wire.write(body);
        wire.response().expect("a response")
    }

    /// A GET, which waits for packets.
    pub fn get(&self) -> Response {
        ask(self.address, "GET", &self.target(), "", "").expect("a response")
    }

    /// A GET whose response is read later.
    pub fn park(&self) -> Wire {
        let mut wire = Wire::connect(self.address);
        wire.write(request("GET", &self.target(), "", ""));
        wire
    }

    /// Packets of the next poll that has something.
    pub fn packets(&self) -> Vec<String> {
        let response = self.get();
        assert_eq!(response.status, 200, "{response:?}");
        split(self.base, &response.body)
    }

    /// Joins a namespace: the answer to CONNECT.
    pub fn join(&self, namespace: &str) -> String {
        let suffix = match namespace {
            "/" => String::new(),
            name => format!("{name},"),
        };
        assert_eq!(self.post(&format!("40{suffix}")).status, 200);
        let packets = self.packets();
        // Where pings come fast, one may stand before it.
        if self.base == POLLING && packets.iter().any(|packet| packet == "2") {
            self.post("3");
        }
        let answer = packets.iter().find(|packet| packet.starts_with("4"));
        answer.expect("an answer to CONNECT").clone()
    }

    /// Whether the server knows the session no more.
    pub fn is_gone(&self) -> bool {
        let response = self.post(if self.base == POLLING_3 { "1:3" } else { "3" });
        response.status == 400 && response.code() == Some(1)
    }
}

impl Drop for Polling {
    /// Says good-bye, so that no session waits for its ping to time out.
    fn drop(&mut self) {
        if let Ok(stream) = TcpStream::connect(self.address) {
            let headers = "Connection: close\r\n";
            let mut wire = Wire::over(stream);
            let close = if self.base == POLLING_3 { "1:1" } else { "1" };
            wire.write(request("POST", &self.target(), headers, close));
            // Whatever the answer is, the server has seen it then.
            let _ = wire.read(&mut [0; 64]);
        }
    }
}

/// The packets of a poll's answer.
fn split(base: &str, body: &str) -> Vec<String> {
    if base != POLLING_3 {
        return body.split('\x1e').map(str::to_owned).collect();
    }
    let mut packets = Vec::new();
    let mut rest: Vec<u16> = body.encode_utf16().collect();
    while let Some(colon) = rest.iter().position(|&unit| unit == u16::from(b':')) {
        let length: String = String::from_utf16(&rest[..colon]).expect("digits");
        let end = colon + 1 + length.parse::<usize>().expect("a length");
        packets.push(String::from_utf16(&rest[colon + 1..end]).expect("whole characters"));
        rest.drain(..end);
    }
    assert!(rest.is_empty(), "{body:?}");
    packets
}

/// What a server said on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame, and the code in it.
    Close(Option<u16>),
    /// The end of the connection.
    End,
}

/// A WebSocket connection.
#[derive(Debug)]
pub struct WebSocket {
    wire: Wire,
}

impl WebSocket {
    /// Opens a session.
    pub fn open(address: SocketAddr) -> Self {
        Self::over(Wire::connect(address), WEBSOCKET)
    }

    /// Opens a WebSocket for a session that polls.
    pub fn beside(address: SocketAddr, sid: &str) -> Self {
        Self::over(Wire::connect(address), &format!("{WEBSOCKET}&sid={sid}"))
    }

    /// Makes this connection a WebSocket.
    pub fn over(wire: Wire, target: &str) -> Self {
        Self::with_headers(wire, target, "")
    }

    /// Makes this connection a WebSocket, by a request with these lines of headers besides.
    pub fn with_headers(mut wire: Wire, target: &str, headers: &str) -> Self {
        wire.write(request("GET", target, &format!("{UPGRADE}{headers}"), ""));
        let response = wire.response().expect("a response");
        assert_eq!(response.status, 101, "{response:?}");
        assert_eq!(response.header("sec-websocket-extensions"), None);
        Self { wire }
    }

    /// Opens a session and enters `/`.
    pub fn join(address: SocketAddr) -> Self {
        let mut socket = Self::open(address);
        socket.enter();
        socket
    }

    /// Reads the open packet, enters `/`.
    pub fn enter(&mut self) {
        let open = self.text();
        assert!(open.starts_with('0'), "{open}");
        self.send("40");
        let answer = self.text();
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
    }

    /// The connection below.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Sends a text message.
    pub fn send(&mut self, text: &str) -> bool {
        self.frame(TEXT, text.as_bytes())
    }

    /// Sends a binary message.
    pub fn send_binary(&mut self, bytes: &[u8]) -> bool {
        self.frame(BINARY, bytes)
    }

    /// Sends a frame.
    pub fn frame(&mut self, first: u8, payload: &[u8]) -> bool {
        self.wire.write(frame(first, payload))
    }

    /// The next thing that the server says.
    pub fn hear(&mut self) -> Said {
        self.read().unwrap_or(Said::End)
    }

    fn read(&mut self) -> Option<Said> {
        let frame = self.wire.frame()?;
        assert!(!frame.masked, "a server masks nothing: {frame:?}");
        let payload = Vec::from(frame.payload);
        let text = |bytes| String::from_utf8(bytes).expect("a server's text is UTF-8");
        Some(match frame.first {
            TEXT => Said::Text(text(payload)),
            BINARY => Said::Binary(payload),
            PONG => Said::Pong(payload),
            CLOSE => Said::Close(match payload[..] {
                [high, low, ..] => Some(u16::from_be_bytes([high, low])),
                _ => None,
            }),
            other => panic!("a frame that begins with {other:#x}"),
        })
    }

    /// The next text message but pings, which are answered.
    pub fn text(&mut self) -> String {
        loop {
            match self.hear() {
                Said::Text(ping) if ping == "2" => {
                    self.send("3");
                }
                Said::Text(text) => return text,
                other @ (Said::Binary(_) | Said::Pong(_) | Said::Close(_) | Said::End) => {
                    panic!("{other:?} instead of text")
                }
            }
        }
    }

    /// Whether an event still gets its answer.
    pub fn is_alive(&mut self) -> bool {
        self.send(r#"42999["echo","alive"]"#);
        loop {
            match self.hear() {
                Said::Text(text) if text == r#"43999["alive"]"# => return true,
                Said::Close(_) | Said::End => return false,
                Said::Text(_) | Said::Binary(_) | Said::Pong(_) => {}
            }
        }
    }

    /// Hears the server out: its messages but pings, and the code of its close frame. `None` if the
    /// connection ended without one.
    pub fn end(&mut self) -> (Vec<String>, Option<Option<u16>>) {
        let mut said = Vec::new();
        loop {
            match self.hear() {
                Said::Text(ping) if ping == "2" => {}
                Said::Text(text) => said.push(text),
                Said::Binary(_) | Said::Pong(_) => {}
                Said::Close(code) => {
                    let payload = code.map(u16::to_be_bytes);
                    self.frame(CLOSE, payload.as_ref().map_or(&[], |code| &code[..]));
                    self.wire.rest();
                    return (said, Some(code));
                }
                Said::End => return (said, None),
            }
        }
    }
}

/// The headers of a good upgrade.
pub const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
