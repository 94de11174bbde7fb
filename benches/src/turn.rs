//! A `Connection` without IO, and a client that talks to it.

use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::connection::{self, Connection};
use sio_core::engine::{Eio, Flags, Message, Opened, Session, TransportKind, WsOut};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::{self, Encoded, Part};
use sio_core::socket::{Event, SocketKey};
use std::sync::Arc;

use sio_core::time::Instant;

/// A connection over WebSocket, in `/` and perhaps in more, with an application that echoes.
#[derive(Debug)]
pub struct Client {
    connection: Connection<()>,
    socket: SocketKey,
    /// The id of the last event that asked the client something.
    asked: u64,
}

impl Client {
    /// From the handshake until the client knows that it is in `/`.
    #[must_use]
    pub fn connected(now: Instant, config: &Arc<Config>) -> Self {
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision: Eio::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let mut connection = Connection::new(now, session, config.clone());
        let socket = join(&mut connection, now, "40", 9);
        let mut client = Self {
            connection,
            socket,
            asked: 1,
        };
        client.sent(now);
        client
    }

    /// Joins so many more namespaces.
    pub fn join_namespaces(&mut self, now: Instant, count: u8) {
        for index in 0..count {
            let text = format!("40/{index},");
            join(&mut self.connection, now, &text, 10 + index);
        }
        self.sent(now);
    }

    /// One turn: an event with an ack comes in, the application answers with the same arguments.
    pub fn echo(&mut self, now: Instant, event: ByteString) -> String {
        self.connection.handle_ws(now, Message::Text(event));
        let Some(connection::Event::Socket(Event::Message {
            args,
            ack: Some(ticket),
            ..
        })) = self.connection.poll_event(now)
        else {
            unreachable!("it is an event that asks for an ack");
        };
        let packet = packet::ack("/", ticket.id(), &args).expect("it could be read");
        let _ = self.connection.respond(now, ticket, packet);
        self.sent(now)
    }

    /// A packet for this client, from somebody else, as far as the socket.
    pub fn deliver(&mut self, now: Instant, packet: Encoded) -> String {
        let _ = self
            .connection
            .deliver(now, self.socket, packet, Flags::default());
        self.sent(now)
    }

    /// The application asks the client something.
    pub fn ask(&mut self, now: Instant) {
        // Sockets draw odd ids.
        self.asked += 2;
        let (id, socket) = (self.asked, self.socket);
        let question = packet::event("/", Some(id), "well?", &()).expect("it has no arguments");
        let flags = Flags::default();
        let asked = self
            .connection
            .request(now, socket, id, question, flags, (), None);
        assert_eq!(asked, Ok(()), "the client is there");
        self.sent(now);
    }

    /// The client answers the last question.
    pub fn answer(&mut self, now: Instant) {
        let answer = ByteString::from(format!("43{}[]", self.asked));
        self.connection.handle_ws(now, Message::Text(answer));
        let Some(connection::Event::Socket(Event::Acked { answer: Ok(_), .. })) =
            self.connection.poll_event(now)
        else {
            unreachable!("the question waited for an answer");
        };
        self.sent(now);
    }

    /// The time for the next ping comes, it is sent and answered. Returns that time.
    pub fn heartbeat(&mut self) -> Instant {
        let Some(deadline) = self.connection.poll_timeout() else {
            unreachable!("a connection always waits for a ping or a pong");
        };
        self.connection.handle_timeout(deadline.at);
        let asked = self.sent(deadline.at);
        assert_eq!(asked, "2", "it is the time for a ping");
        let pong = Message::Text(ByteString::from_static("3"));
        self.connection.handle_ws(deadline.at, pong);
        self.sent(deadline.at);
        deadline.at
    }

    /// Takes everything off the machine as a driver would, and tells it so. Returns the last frame.
    fn sent(&mut self, now: Instant) -> String {
        let mut last = String::new();
        while let Some(out) = self.connection.poll_ws() {
            if let WsOut::Frame {
                part: Part::Text(text),
                ..
            } = out
            {
                last.clear();
                last.push_str(std::str::from_utf8(&text).unwrap_or_default());
            }
        }
        self.connection.handle_ws_flushed(now);
        let _ = self.connection.poll_timeout();
        last
    }
}

fn join(connection: &mut Connection<()>, now: Instant, connect: &str, id: u8) -> SocketKey {
    connection.handle_ws(now, Message::Text(connect.into()));
    let Some(connection::Event::Socket(Event::Connecting { ticket, .. })) =
        connection.poll_event(now)
    else {
        unreachable!("a CONNECT asks for a namespace");
    };
    let id = SocketId::from_random([id; 15]);
    match connection.accept(now, ticket, &id) {
        Some(socket) => socket,
        None => unreachable!("the client has not gone"),
    }
}
