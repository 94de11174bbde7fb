//! A `Connection` without IO, recorded or not, and a client that talks to it.

use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::connection::{self, Connection};
use sio_core::deadline::Deadline;
use sio_core::engine::{Eio, Flags, Message, Opened, Sent, Session, TransportKind, WsOut};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::{self, Encoded, Part};
use sio_core::record::Recorded;
use sio_core::socket::{AckError, AckTicket, ConnectTicket, Event, SocketKey};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use sio_core::time::Instant;

/// Methods that both machines have.
macro_rules! machine {
    ($(fn $name:ident(&$($mut:ident)?, $($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// A [`Connection`], or one that is recorded: its methods.
        #[expect(missing_docs, reason = "they are the connection's")]
        #[expect(clippy::missing_errors_doc, reason = "they are the connection's")]
        #[expect(clippy::too_many_arguments, reason = "they are the connection's")]
        pub trait Machine {
            fn open(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self;

            fn passed(&mut self, now: Instant, packets: &[Encoded]);

            fn take_log(&mut self) -> Vec<u8>;

            $(fn $name(&$($mut)? self, $($argument: $type),*) $(-> $result)?;)*
        }

        impl Machine for Connection<()> {
            fn open(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self {
                let session = Session::new(now, sid, opened, config.clone());
                Self::new(now, session, config)
            }

            fn passed(&mut self, now: Instant, _: &[Encoded]) {
                self.passed(now);
            }

            fn take_log(&mut self) -> Vec<u8> {
                Vec::new()
            }

            $(fn $name(&$($mut)? self, $($argument: $type),*) $(-> $result)? {
                self.$name($($argument),*)
            })*
        }

        impl Machine for Box<Recorded<()>> {
            fn open(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self {
                let codec = config.parser.clone();
                Self::new(Recorded::open(now, sid, opened, config, &codec, usize::MAX))
            }

            fn passed(&mut self, now: Instant, packets: &[Encoded]) {
                (**self).passed(now, packets);
            }

            fn take_log(&mut self) -> Vec<u8> {
                (**self).take_log()
            }

            $(fn $name(&$($mut)? self, $($argument: $type),*) $(-> $result)? {
                (**self).$name($($argument),*)
            })*
        }
    };
}

machine! {
    fn handle_ws(&mut, now: Instant, frame: Message);
    fn handle_ws_flushed(&mut, now: Instant);
    fn handle_timeout(&mut, now: Instant);
    fn accept(&mut, now: Instant, ticket: ConnectTicket, id: &SocketId) -> Option<SocketKey>;
    fn deliver(&mut, now: Instant, socket: SocketKey, packet: Encoded, flags: Flags) -> Sent;
    fn request(&mut, now: Instant, socket: SocketKey, id: u64, packet: Encoded, flags: Flags, token: (), timeout: Option<Duration>) -> Result<(), (AckError, ())>;
    fn respond(&mut, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent;
    fn poll_event(&mut, now: Instant) -> Option<connection::Event<()>>;
    fn poll_ws(&mut,) -> Option<WsOut>;
    fn poll_timeout(&,) -> Option<Deadline>;
}

/// A connection over WebSocket, in `/` and perhaps in more, with an application that echoes.
#[derive(Debug)]
pub struct Client<M> {
    connection: M,
    socket: SocketKey,
    /// The id of the last event that asked the client something.
    asked: u64,
}

impl<M: Machine> Client<M> {
    /// From the handshake until the client knows that it is in `/`.
    #[must_use]
    pub fn connected(now: Instant, config: &Arc<Config>) -> Self {
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision: Eio::V4,
            base64: false,
        };
        let mut connection = M::open(now, Sid::from_random([7; 15]), opened, config.clone());
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

    /// The same past the queue: the socket has it already.
    pub fn pass(&mut self, now: Instant, packet: &Encoded) {
        self.connection.passed(now, slice::from_ref(packet));
        self.connection.handle_ws_flushed(now);
        let _ = self.connection.poll_timeout();
    }

    /// Its log, if it is recorded.
    pub fn log(&mut self) -> Vec<u8> {
        self.connection.take_log()
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

fn join(connection: &mut impl Machine, now: Instant, connect: &str, id: u8) -> SocketKey {
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
