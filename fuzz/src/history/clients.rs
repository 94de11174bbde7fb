//! What clients do.

use bytes::Bytes;
use sio_core::engine::{Body, Eio, Message, Packet, TransportKind, split};
use sio_core::id::RequestId;
use sio_core::server::{ConnectionKey, HandshakeKey, Upgraded};

use super::World;
use super::texts::TEXTS;

/// The revision that a step opens a session with.
pub(super) const fn revision(what: u8) -> u8 {
    if what & 0x20 == 0 { 4 } else { 3 }
}

/// What a request of a client asks for that can only load scripts and post forms.
pub(super) const fn script(what: u8) -> &'static str {
    if what & 0x40 == 0 { "" } else { "&j=0" }
}

impl World<'_> {
    /// Two clients of each revision are there, one by polling and one by WebSocket, and in the first namespace.
    pub(super) fn begins(&mut self) {
        for eio in [4, 3] {
            let random = self.random();
            let query = format!("EIO={eio}&transport=polling");
            let sid = self.request(http::Method::GET, &query, Bytes::new(), random);
            let sid = sid.expect("there is room");
            self.attach(&format!("EIO={eio}&transport=websocket"));
            if eio == 4 {
                let query = format!("EIO=4&transport=polling&sid={sid}");
                self.request(http::Method::POST, &query, "40".into(), [0; 15]);
                self.says(self.websockets[0], "40".to_owned());
            }
            self.sids.push((sid, eio));
            self.drain();
        }
        for (connection, ticket) in std::mem::take(&mut self.tickets) {
            self.lets_in(connection, ticket);
        }
        self.drain();
    }

    /// A session and its revision; sometimes the other one.
    pub(super) fn sid(&mut self, what: u8) -> (String, u8) {
        let (sid, eio) = self
            .pick(&self.sids.clone())
            .unwrap_or_else(|| (String::new(), revision(what)));
        (sid, if what & 0x30 == 0x30 { 7 - eio } else { eio })
    }

    fn text(&mut self) -> String {
        if self.byte().is_some_and(|byte| byte & 1 == 0) {
            return self.pick(&TEXTS).unwrap_or_default().to_owned();
        }
        let length = usize::from(self.byte().unwrap_or_default() & 31).min(self.input.len());
        let (text, rest) = self.input.split_at(length);
        self.input = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A POST of two packets.
    pub(super) fn post(&mut self, what: u8) {
        let (sid, eio) = self.sid(what);
        let script = script(what);
        let query = format!("EIO={eio}&transport=polling&sid={sid}{script}");
        let packets = [self.text(), self.text()];
        let counted = |text: &String| format!("{}:{text}", text.encode_utf16().count());
        let body = match eio {
            3 => packets.each_ref().map(counted).concat(),
            _ => packets.join("\u{1e}"),
        };
        self.posts(&sid, eio, &body);
        let body = match script {
            "" => body,
            _ => body
                .bytes()
                .fold("d=".to_owned(), |form, byte| format!("{form}%{byte:02x}")),
        };
        if what & 0x80 == 0 {
            self.request(http::Method::POST, &query, body.into(), [0; 15]);
        } else {
            self.begin_post(&query, body.into());
        }
    }

    /// The same, whose body comes later and in pieces.
    fn begin_post(&mut self, query: &str, body: Bytes) {
        let id = RequestId(self.requests);
        self.requests += 1;
        let head = http::Request::post(format!("/socket.io/?{query}")).body(());
        let (head, ()) = head.expect("a head").into_parts();
        self.waiting.insert(id);
        if self
            .server
            .handle_request_head(self.now, id, &head, [0; 15])
        {
            self.bodies.push((id, body));
        }
    }

    /// Some of a body comes, the rest of it, or more than there may be. A body is wanted as long as its request has no
    /// answer.
    pub(super) fn some_of_a_body(&mut self, what: u8) {
        let now = self.now;
        let Some((id, mut body)) = self.bodies.pop() else {
            return;
        };
        let length = usize::from(self.byte().unwrap_or_default()).min(body.len());
        let piece = match what & 0x40 {
            0 => body.split_to(length),
            _ => vec![b'x'; self.config.max_http_buffer_size + 1].into(),
        };
        let is_large = piece.len() > self.config.max_http_buffer_size;
        let wanted = self.server.handle_body(now, id, piece);
        assert!(!wanted || !is_large && self.waiting.contains(&id));
        match (wanted, body.is_empty()) {
            (true, true) => self.server.handle_body_end(now, id),
            (true, false) => self.bodies.push((id, body)),
            (false, _) => {}
        }
    }

    /// So much of what a client has sent waits for the application, or nothing any more.
    pub(super) fn wait(&mut self, what: u8) {
        let now = self.now;
        if let Some(socket) = self.pick(&self.sockets.clone()) {
            let most = self.config.max_backlog_bytes;
            let bytes = if what & 0x20 == 0 { 0 } else { most + 1 };
            self.server.handle_waiting(now, socket.connection, bytes);
            let it = self.server.connection(socket.connection);
            if bytes > 0 && it.is_some_and(|it| it.session().is_open()) {
                assert!(!self.server.is_read(socket.connection));
            }
        }
    }

    /// A request to become a WebSocket.
    pub(super) fn upgrade(&mut self, what: u8) {
        let (sid, eio) = self.sid(what);
        let query = if sid.is_empty() || what & 0x40 != 0 {
            format!("EIO={eio}&transport=websocket")
        } else {
            format!("EIO={eio}&transport=websocket&sid={sid}")
        };
        self.attach(&query);
    }

    fn attach(&mut self, query: &str) {
        let now = self.now;
        let head = http::Request::get(format!("/socket.io/?{query}"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .expect("a head")
            .into_parts()
            .0;
        let random = self.random();
        match self.server.handle_upgrade(now, &head, random) {
            Upgraded::Attached { connection, .. } => self.websockets.push(connection),
            Upgraded::Waits(handshake) => {
                assert!(self.upgrades.insert(handshake), "it waits twice");
            }
            Upgraded::Unwanted { connection, .. } => self.over.push(connection),
            Upgraded::Refused(_) => {}
        }
    }

    /// A message on a WebSocket.
    pub(super) fn speak(&mut self, what: u8) {
        let now = self.now;
        if let Some(connection) = self.pick(&self.websockets.clone()) {
            if what & 0x30 != 0 {
                let text = self.text();
                return self.says(connection, text);
            }
            let frame = Message::Binary(Bytes::from_static(b"\x04\x02"));
            self.server.handle_ws(now, connection, frame);
        }
    }

    fn says(&mut self, connection: ConnectionKey, text: String) {
        let session = self.server.connection(connection).map(|it| it.session());
        if let Some(session) = session.filter(|it| it.is_open())
            && session.transport() == TransportKind::WebSocket
            && let Some(packet) = text.strip_prefix('4')
        {
            let revision = session.revision();
            self.standings
                .meets(&mut self.cells, connection, revision, packet);
        }
        self.server
            .handle_ws(self.now, connection, Message::Text(text.into()));
    }

    /// A session of this id is told what a body says.
    fn posts(&mut self, sid: &str, eio: u8, body: &str) {
        let connection = self.server.connection_of(sid);
        let Some(connection) = connection else { return };
        let session = self.server.connection(connection).map(|it| it.session());
        let revision = if eio == 3 { Eio::V3 } else { Eio::V4 };
        let polls = session.is_some_and(|it| {
            it.is_open() && it.transport() == TransportKind::Polling && it.revision() == revision
        });
        if !polls {
            return;
        }
        for packet in split(Body::text(revision, body.into()), 1000) {
            match packet {
                Ok(Packet::Message(Message::Text(text))) => {
                    self.standings
                        .meets(&mut self.cells, connection, revision, &text);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Requests that are not answered are dropped.
    pub(super) fn abort(&mut self, what: u8) {
        let now = self.now;
        let upgrades: Vec<HandshakeKey> = self.upgrades.iter().copied().collect();
        if what & 0x40 != 0
            && let Some(handshake) = self.pick(&upgrades)
        {
            self.server.handle_upgrade_aborted(now, handshake);
        }
        let waiting: Vec<RequestId> = self.waiting.iter().copied().collect();
        if let Some(id) = self.pick(&waiting) {
            self.server.handle_aborted(now, id);
        }
    }

    /// Hands a request in; the new session's id, if it opened one.
    pub(super) fn request(
        &mut self,
        method: http::Method,
        query: &str,
        body: Bytes,
        random: [u8; 15],
    ) -> Option<String> {
        let before = self.server.connections();
        let id = RequestId(self.requests);
        self.requests += 1;
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/socket.io/?{query}"))
            .body(body)
            .ok()?;
        self.waiting.insert(id);
        self.server.handle_request(self.now, id, request, random);
        (self.server.connections() > before).then(|| {
            sio_core::id::SocketId::from_random(random)
                .as_str()
                .to_owned()
        })
    }
}
