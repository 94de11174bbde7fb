//! HTTP and WebSockets above a [`Server`] of the core: what is between it and the bytes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use sio_core::engine::{Message, WsClosed, WsOut};
use sio_core::id::RequestId;
use sio_core::message::Part;
use sio_core::server::{ConnectionKey, HandshakeKey, Server, Upgraded};
use sio_core::time::Instant;
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{self, Connection, Limits};

use super::recorded::{Asked, Moment, Stream};

/// One connection of a client.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Requests that have come and are not looked at yet.
    pub(super) waiting: VecDeque<Asked>,
    /// The one that is to be answered.
    busy: Option<RequestId>,
    /// The request for a WebSocket that is to be decided over.
    asks: Option<HandshakeKey>,
    pub(super) websocket: Option<WebSocket>,
    /// The client whose stream it is, until it is let go of.
    held: Option<ConnectionKey>,
    /// What was read behind the request that opened it.
    unread: Vec<u8>,
    /// What was written.
    pub(super) wrote: Stream,
}

#[derive(Debug)]
pub(super) struct WebSocket {
    connection: ConnectionKey,
    wire: Connection<()>,
    /// Whether the session still speaks over it.
    attached: bool,
    /// How it ended, if nobody has been told.
    over: Option<WsClosed>,
}

/// The server, and those who are connected to it.
pub(super) struct Front {
    pub(super) server: Server<()>,
    limits: Limits,
    pub(super) now: Instant,
    pub(super) moment: Moment,
    pub(super) lines: BTreeMap<usize, Line>,
    requests: u64,
}

impl Front {
    pub(super) fn new(server: Server<()>, limits: Limits) -> Self {
        Self {
            server,
            limits,
            now: Instant::ORIGIN,
            moment: Moment::default(),
            lines: BTreeMap::new(),
            requests: 0,
        }
    }

    pub(super) fn line(&mut self, number: usize) -> &mut Line {
        self.lines.entry(number).or_default()
    }

    /// The next request that is to be looked at on a connection, if none is under way.
    pub(super) fn next_request(&mut self, number: usize) -> Option<Asked> {
        let line = self.line(number);
        match (line.busy, line.asks) {
            (None, None) => line.waiting.pop_front(),
            (_, _) => None,
        }
    }

    /// Hands a request in. `Some`: it has become a WebSocket of this connection.
    pub(super) fn request(
        &mut self,
        number: usize,
        asked: Asked,
        random: [u8; 15],
    ) -> Option<ConnectionKey> {
        let Asked { head, body, .. } = asked;
        if !head.headers.contains_key("upgrade") {
            self.requests += 1;
            let id = RequestId(self.requests);
            self.line(number).busy = Some(id);
            match body.is_empty() {
                true => {
                    let request = http::Request::from_parts(head, body);
                    self.server.handle_request(self.now, id, request, random);
                }
                false => self.in_pieces(id, &head, &body, random),
            }
            return None;
        }
        let upgraded = self.server.handle_upgrade(self.now, &head, random);
        self.upgraded(number, upgraded)
    }

    /// Hands a request in whose body does not come at once. However it comes, what becomes of it is the same.
    fn in_pieces(&mut self, id: RequestId, head: &Parts, body: &Bytes, random: [u8; 15]) {
        let now = self.now;
        if self.server.handle_request_head(now, id, head, random) {
            let mut pieces = body.chunks(body.len().div_ceil(3));
            let more = |piece| {
                self.server
                    .handle_body(now, id, Bytes::copy_from_slice(piece))
            };
            if pieces.all(more) {
                self.server.handle_body_end(now, id);
            }
        }
    }

    /// The connection on which this request waits for the application's word.
    pub(super) fn asks(
        &self,
        request: Option<RequestId>,
        handshake: HandshakeKey,
    ) -> Option<usize> {
        let asks = |line: &Line| match request {
            Some(id) => line.busy == Some(id),
            None => line.asks == Some(handshake),
        };
        let line = self.lines.iter().find(|(_, line)| asks(line));
        line.map(|(number, _)| *number)
    }

    /// What has become of a request for a WebSocket. `Some`: one of this connection.
    fn upgraded(&mut self, number: usize, upgraded: Upgraded) -> Option<ConnectionKey> {
        self.line(number).asks = None;
        let (response, attached) = match upgraded {
            Upgraded::Attached {
                connection,
                response,
            } => (response, Some(connection)),
            Upgraded::Unwanted {
                connection,
                response,
            } => {
                self.line(number).held = Some(connection);
                self.write(number, response);
                let mut wire = Connection::server(self.limits, ());
                wire.close(None);
                self.put(number, &mut wire);
                return None;
            }
            Upgraded::Refused(response) => (response, None),
            Upgraded::Waits(handshake) => {
                self.line(number).asks = Some(handshake);
                return None;
            }
        };
        self.write(number, response);
        let websocket = attached.map(|connection| WebSocket {
            connection,
            wire: Connection::server(self.limits, ()),
            attached: true,
            over: None,
        });
        let line = self.line(number);
        line.websocket = websocket;
        line.held = line.held.or(attached);
        let unread = std::mem::take(&mut line.unread);
        self.flush_all();
        if !unread.is_empty() {
            self.bytes(number, &unread);
        }
        attached
    }

    /// Bytes have come on a WebSocket. They are looked at by [`message`](Self::message).
    pub(super) fn bytes(&mut self, number: usize, bytes: &[u8]) {
        let line = self.line(number);
        match &mut line.websocket {
            Some(websocket) => websocket.wire.handle_bytes(bytes),
            None => line.unread.extend_from_slice(bytes),
        }
    }

    /// Nothing more comes on a connection.
    pub(super) fn end(&mut self, number: usize) {
        let now = self.now;
        let line = self.line(number);
        if let Some(websocket) = &mut line.websocket {
            websocket.wire.handle_end();
        } else if let Some(id) = line.busy {
            self.server.handle_aborted(now, id);
        }
    }

    /// A stream is let go of.
    pub(super) fn let_go(&mut self, number: usize) {
        if let Some(connection) = self.line(number).held.take() {
            self.server.handle_ws_gone(connection);
        }
    }

    /// Whether a session speaks over the WebSocket of a connection.
    pub(super) fn is_attached(&self, number: usize) -> bool {
        let websocket = self
            .lines
            .get(&number)
            .and_then(|line| line.websocket.as_ref());
        websocket.is_some_and(|it| it.attached)
    }

    /// The WebSocket of a connection is over, as [`message`](Self::message) said.
    pub(super) fn lost(&mut self, number: usize) {
        let now = self.now;
        let Some(websocket) = self.line(number).websocket.as_mut() else {
            return;
        };
        let connection = websocket.connection;
        if let Some(cause) = websocket.over.take()
            && std::mem::take(&mut websocket.attached)
        {
            self.server.handle_ws_closed(now, connection, cause);
        }
        self.flush(number);
        if let Some(websocket) = self.line(number).websocket.as_mut() {
            websocket.wire.close(None);
        }
        self.flush(number);
    }

    /// The next message of a WebSocket, and for whom; none: it is over, and this is to be said by
    /// [`lost`](Self::lost). Everything else that comes on it is seen to.
    pub(super) fn message(&mut self, number: usize) -> Option<(ConnectionKey, Option<Message>)> {
        loop {
            let websocket = self.lines.get_mut(&number)?.websocket.as_mut()?;
            let connection = websocket.connection;
            match websocket.wire.poll_event()? {
                websocket::Event::Message(message) if websocket.attached => {
                    return Some((connection, Some(message)));
                }
                websocket::Event::Closed(end) => {
                    websocket.over = Some(WsClosed::from(end));
                    return Some((connection, None));
                }
                websocket::Event::Message(_)
                | websocket::Event::Ping
                | websocket::Event::Pong(_)
                | websocket::Event::Ignored => self.flush(number),
            }
        }
    }

    /// Writes what the server has to say. Its events have been seen to.
    pub(super) fn answer(&mut self) -> bool {
        let mut any = false;
        while let Some((id, response)) = self.server.poll_http() {
            any = true;
            let line = self.lines.iter().find(|(_, line)| line.busy == Some(id));
            if let Some(number) = line.map(|(number, _)| *number) {
                self.line(number).busy = None;
                self.write(number, response.http);
            }
        }
        while let Some((handshake, upgraded)) = self.server.poll_upgraded() {
            any = true;
            if let Some(number) = self.asks(None, handshake) {
                self.upgraded(number, upgraded);
            }
        }
        while let Some(connection) = self.server.poll_writable() {
            let mut wrote = false;
            while let Some(out) = self.server.poll_ws(connection) {
                wrote = true;
                self.say(connection, out);
            }
            if wrote {
                any = true;
                self.server.handle_ws_flushed(self.now, connection);
            }
        }
        any
    }

    fn say(&mut self, connection: ConnectionKey, out: WsOut) {
        let attached = |line: &Line| {
            let websocket = line.websocket.as_ref();
            websocket.is_some_and(|it| it.attached && it.connection == connection)
        };
        let line = self.lines.iter().find(|(_, line)| attached(line));
        let Some(number) = line.map(|(number, _)| *number) else {
            return;
        };
        if let Some(websocket) = &mut self.line(number).websocket {
            match out {
                WsOut::Frame { head, part, .. } => {
                    let (kind, bytes) = match part {
                        Part::Text(bytes) => (MessageType::Text, bytes),
                        Part::Binary(bytes) => (MessageType::Binary, bytes),
                    };
                    websocket.wire.send(kind, head, &bytes, false);
                }
                WsOut::Close(code) => {
                    websocket.attached = false;
                    websocket.wire.close(code);
                }
            }
        }
        self.flush(number);
    }

    fn flush_all(&mut self) {
        let numbers: Vec<_> = self.lines.keys().copied().collect();
        for number in numbers {
            self.flush(number);
        }
    }

    /// Writes what a WebSocket has to say.
    fn flush(&mut self, number: usize) {
        let Some(line) = self.lines.get_mut(&number) else {
            return;
        };
        if let Some(mut websocket) = line.websocket.take() {
            self.put(number, &mut websocket.wire);
            self.line(number).websocket = Some(websocket);
        }
    }

    fn put(&mut self, number: usize, wire: &mut Connection<()>) {
        let moment = self.moment;
        let line = self.line(number);
        loop {
            let out = wire.poll_output();
            if out.is_empty() {
                break;
            }
            line.wrote.push(moment, out);
            let count = out.len();
            wire.handle_written(count);
        }
    }

    fn write(&mut self, number: usize, response: Response<Bytes>) {
        let (head, body) = response.into_parts();
        let mut text = format!("HTTP/1.1 {}\r\n", head.status.as_u16()).into_bytes();
        for (name, value) in &head.headers {
            if name != "content-length" {
                text.extend_from_slice(name.as_str().as_bytes());
                text.extend_from_slice(b": ");
                text.extend_from_slice(value.as_bytes());
                text.extend_from_slice(b"\r\n");
            }
        }
        if head.status != 101 {
            text.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&body);
        let moment = self.moment;
        self.line(number).wrote.push(moment, &text);
    }
}
