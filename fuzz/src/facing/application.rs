//! What the applications at both ends do.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use sio_core::client;
use sio_core::engine::{Flags, Sent};
use sio_core::id::SocketId;
use sio_core::packet::{self, Args};
use sio_core::server::{self, Socket};

use super::{NAMESPACES, World};

/// The server's sockets: the namespace of each, and a number that no other ever has.
#[derive(Debug, Default)]
pub(super) struct Application {
    sockets: BTreeMap<Socket, (String, u64)>,
    next_ack: u64,
}

impl Application {
    pub(super) fn sockets(&self) -> usize {
        self.sockets.len()
    }
}

const VOLATILE: Flags = Flags {
    volatile: true,
    compress: false,
    latest: false,
    policy: None,
};

impl World<'_> {
    /// A client says something.
    pub(super) fn client_speaks(&mut self, number: usize, at: usize) {
        match self.choices.below(8) {
            0..=2 => self.emit(number, at, false),
            3 => self.emit(number, at, true),
            4..=5 => self.ask(number, at),
            6 => {
                let socket = self.sockets[number][at];
                let packet = packet::event(NAMESPACES[at], None, "volatile", &()).expect("written");
                let _ = self.clients[number].emit(self.now, socket, packet, VOLATILE);
            }
            _ => {
                let socket = self.sockets[number][at];
                let token = self.ledger.token();
                let args = Args::from_json(&format!("[{token}]"), Vec::new()).expect("JSON");
                let retries = 5;
                let client = &mut self.clients[number];
                let name = "ask".into();
                if client
                    .retry(self.now, socket, name, &args, retries, token)
                    .is_ok()
                {
                    self.ledger.repeated(token);
                }
            }
        }
    }

    /// An event that is numbered, perhaps with bytes.
    pub(super) fn emit(&mut self, number: usize, at: usize, with_bytes: bool) {
        let place = (number, at);
        let word = self.ledger.next_word(place);
        let packet = match with_bytes {
            true => {
                let bytes = Bytes::from(word.to_be_bytes().to_vec());
                packet::event(
                    NAMESPACES[at],
                    None,
                    "word",
                    &(number, word, &bytes, &bytes),
                )
            }
            false => packet::event(NAMESPACES[at], None, "word", &(number, word)),
        };
        let packet = packet.expect("it can be written");
        let socket = self.sockets[number][at];
        let flags = Flags::default();
        if self.clients[number].emit(self.now, socket, packet, flags) == Sent::Queued {
            self.ledger.said(place, word);
        }
    }

    pub(super) fn ask(&mut self, number: usize, at: usize) {
        let socket = self.sockets[number][at];
        let token = self.ledger.token();
        let client = &mut self.clients[number];
        let id = client.draw_ack_id(socket).expect("it is there");
        let packet = packet::event(NAMESPACES[at], Some(id), "ask", &(token,)).expect("written");
        let wait = Some(Duration::from_millis(500 + 100 * (token % 50)));
        let flags = Flags::default();
        if client
            .request(self.now, socket, id, packet, flags, token, wait)
            .is_ok()
        {
            self.ledger.asked(token);
        }
    }

    pub(super) fn leave_or_open(&mut self, number: usize, at: usize) {
        let socket = self.sockets[number][at];
        match self.choices.below(3) {
            0 => self.clients[number].leave(self.now, socket),
            1 => self.clients[number].reconnect_now(self.now),
            _ => self.clients[number].open(self.now, socket),
        }
    }

    pub(super) fn client_hears(&mut self, number: usize, event: client::Event<u64>) {
        let at = |world: &Self, socket| {
            let all = &world.sockets[number];
            all.iter().position(|it| *it == socket).expect("its own")
        };
        match event {
            client::Event::Connected { socket, .. } => {
                let place = (number, at(self, socket));
                self.ledger.connected(place);
                self.note(1);
            }
            client::Event::Disconnected { socket, .. } => {
                let place = (number, at(self, socket));
                self.ledger.disconnected(place);
                self.note(2);
            }
            client::Event::Message {
                socket,
                name,
                args,
                ack,
            } => {
                let at = at(self, socket);
                let namespace = NAMESPACES[at];
                if &*name == "told" {
                    let (serial, told) = args.decode().expect("as it was sent");
                    // Who speaks revision 4 is in the main one before it wants to be.
                    let late = at == 0 && self.old[number];
                    self.ledger.seen(serial, told, late);
                    self.note(told);
                }
                if let Some(ack) = ack {
                    let token: u64 = args.get(0).expect("a number");
                    let packet = packet::ack(namespace, ack.id(), &(token,)).expect("written");
                    let _ = self.clients[number].respond(self.now, &ack, packet);
                }
            }
            client::Event::Acked { token, answer, .. } => {
                let answer = answer.ok().map(|args| args.get(0).expect("a number"));
                self.ledger.ended(token, answer);
                self.note(token);
            }
            client::Event::Closed => self.ledger.is_closed(),
            client::Event::Malformed(fault) => panic!("nobody sends what is none: {fault}"),
            _ => {}
        }
    }

    pub(super) fn server_hears(&mut self, event: server::Event<u64>) {
        match event {
            server::Event::Connecting {
                connection,
                ticket,
                namespace,
                ..
            } => {
                let random = self.random();
                let id = SocketId::from_random(random);
                let socket = self.server.accept(self.now, connection, ticket, id);
                if let Some(socket) = socket {
                    let serial = self.ledger.token();
                    let named = (namespace.to_string(), serial);
                    self.application.sockets.insert(socket, named);
                }
            }
            server::Event::Message {
                socket,
                namespace,
                name,
                args,
                ack,
            } => {
                if &*name == "word" {
                    let (client, word): (usize, u64) = match args.len() {
                        2 => args.decode().expect("as it was sent"),
                        _ => {
                            let (client, word, one, two): (usize, u64, Bytes, Bytes) =
                                args.decode().expect("as it was sent");
                            assert_eq!((&one, &*two), (&two, &word.to_be_bytes()[..]), "whole");
                            (client, word)
                        }
                    };
                    let at = NAMESPACES.iter().position(|it| **it == *namespace);
                    let place = (client, at.expect("one of them"));
                    self.ledger.heard(place, word, socket);
                    self.note(word);
                }
                if let Some(ack) = ack {
                    let token: u64 = args.get(0).expect("a number");
                    self.ledger.reached(token);
                    let packet = packet::ack(&namespace, ack.id(), &(token,)).expect("written");
                    let _ = self.server.respond(self.now, socket, ack, packet);
                }
            }
            server::Event::Acked { token, answer, .. } => {
                let answer = answer.ok().map(|args| args.get(0).expect("a number"));
                self.ledger.server_ended(token, answer);
            }
            server::Event::Disconnected { socket, .. } => {
                self.application.sockets.remove(&socket);
            }
            _ => {}
        }
    }

    /// One of the server's sockets.
    fn any_socket(&mut self) -> Option<(Socket, String, u64)> {
        let at = self.choices.below(self.application.sockets.len().max(1));
        let (socket, (namespace, serial)) = self.application.sockets.iter().nth(at)?;
        Some((*socket, namespace.clone(), *serial))
    }

    pub(super) fn server_speaks(&mut self) {
        let Some((socket, namespace, serial)) = self.any_socket() else {
            return;
        };
        if self.choices.below(3) == 0 {
            return self.server_asks(socket, &namespace);
        }
        let number = self.ledger.next_told(serial);
        let packet = packet::event(&namespace, None, "told", &(serial, number)).expect("written");
        let flags = Flags::default();
        if self.server.deliver(self.now, socket, packet, flags) == Sent::Queued {
            self.ledger.told(serial);
        }
    }

    fn server_asks(&mut self, socket: Socket, namespace: &str) {
        let token = self.ledger.token();
        self.application.next_ack += 1;
        let id = self.application.next_ack;
        let packet = packet::event(namespace, Some(id), "ask", &(token,)).expect("written");
        let wait = Some(Duration::from_secs(2));
        if self
            .server
            .request(self.now, socket, id, packet, token, wait)
            .is_ok()
        {
            self.ledger.server_asked(token);
        }
    }

    pub(super) fn server_asks_all(&mut self) {
        for (socket, (namespace, _)) in self.application.sockets.clone() {
            self.server_asks(socket, &namespace);
        }
    }

    pub(super) fn server_takes_out(&mut self) {
        if self.choices.below(4) == 0
            && let Some((socket, _, serial)) = self.any_socket()
        {
            self.server.disconnect(self.now, socket, serial % 3 == 0);
        }
    }
}
