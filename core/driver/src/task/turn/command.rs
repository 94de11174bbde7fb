//! What a connection is told by others.

use sio_core::connection::Connection;
use sio_core::id::SocketId;
use sio_core::socket::AckError;

use super::super::dispatcher::Dispatcher;
use super::super::machine::Machine;
use super::super::{Admitted, Phase, Task};
use crate::mailbox::command::{Change, Command, Posted, Request};
use crate::runtime::Runtime;

impl<R: Runtime> Task<R> {
    /// Carries out what handlers need not hear of before anything else.
    pub(super) fn command(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Poll {
                id,
                revision,
                answer,
            } => {
                self.exchanges.push((id, answer));
                self.machine.handle_poll(now, id, revision);
                // What it is behind with this counts for what it is told next.
                self.answer_requests();
                self.settle();
            }
            Command::Post {
                id,
                revision,
                posted,
            } => {
                let Posted { post, answer } = *posted;
                self.exchanges.extend(answer.map(|answer| (id, answer)));
                self.machine.handle_post(now, id, revision, post);
                self.settle();
            }
            Command::Aborted(id) => self.machine.handle_aborted(now, id),
            Command::AnswerLost => self.machine.handle_answer_lost(now),
            Command::WebSocket {
                revision,
                base64,
                transport,
            } => {
                if !self.transport.is_attached()
                    && self.machine.handle_ws_open(now, revision, base64)
                {
                    self.transport.attach(transport);
                    self.settle();
                } else {
                    self.tell_of_other_revision(revision);
                    let until = self.close_by();
                    self.transport.dismiss(transport, until);
                }
            }
            Command::Deliver {
                socket,
                packet,
                flags,
            } => self.machine.deliver(now, socket, packet, flags),
            Command::Request(request) => self.ask(*request),
            Command::Respond { ticket, packet } => {
                if let Some((connection, _)) = self.machine.socket_io() {
                    let _ = connection.respond(now, ticket, packet);
                }
            }
            Command::Disconnect { socket, close } => {
                if let Some((connection, _)) = self.machine.socket_io() {
                    if close {
                        connection.disconnect_all(now);
                    } else {
                        connection.disconnect(now, socket);
                    }
                }
            }
            Command::Expel(socket) => {
                if let Some((connection, _)) = self.machine.socket_io() {
                    connection.expel(now, socket);
                }
            }
            Command::Supersede(socket) => {
                if let Some((connection, _)) = self.machine.socket_io() {
                    connection.supersede(now, socket);
                }
            }
            Command::Wait(wait) => self.jobs.wait(*wait),
            Command::Follow(answer) => {
                if let Some(number) = self.machine.follow() {
                    self.jobs.follow(number, answer);
                }
            }
            Command::Become(Change::Observe) => self.machine.observe(),
            Command::Send { data, flags } => self.machine.send(now, &data, flags),
            Command::Close(how) => self.machine.close(now, how),
            Command::Become(Change::ShutDown) => self.machine.shut_down(now),
            Command::Become(Change::Adopt) => self.adopt(),
            // Carried out before.
            Command::Cast { .. } | Command::Hold(_) | Command::Evicted => {}
        }
    }

    /// Emits something that asks for an answer.
    fn ask(&mut self, request: Request) {
        let Request {
            socket,
            id,
            packet,
            flags,
            mut token,
            timeout,
        } = request;
        // Its time is not what this turn has taken so far, a handler that computed before it asked.
        self.now = self.runtime.now();
        token.asked.begin(&self.tally, self.now);
        let asked = match self.machine.socket_io() {
            Some((connection, _)) => {
                connection.request(self.now, socket, id, packet, flags, token, timeout)
            }
            None => Err((AckError::Disconnected, token)),
        };
        if let Err((error, token)) = asked {
            if error == AckError::Disconnected {
                self.set_disconnected(socket);
            }
            token.settle(Err(error.into()));
        }
    }

    /// The client may have turned out to be one that is here to stay.
    pub(super) fn settle(&mut self) {
        if !self.machine.is_pending()
            && let Some(admitted) = &mut self.admitted
        {
            admitted.settle();
        }
    }

    /// An id for a socket.
    pub(super) fn socket_id(spare: &mut Option<[u8; 15]>, runtime: &R) -> SocketId {
        let random = spare.take().unwrap_or_else(|| {
            let mut random = [0; 15];
            runtime.random(&mut random);
            random
        });
        SocketId::from_random(random)
    }

    /// Speaks Socket.IO from now on, if it spoke nothing above Engine.IO so far.
    fn adopt(&mut self) {
        let Machine::Engine { session, plain } = &mut self.machine else {
            return;
        };
        if self.phase == Phase::Closed {
            return;
        }
        let Some(io) = plain.take_speaks() else {
            return;
        };
        let Some(handed_over) = io.take_over(&self.handle) else {
            session.shut_down(self.now);
            return;
        };
        self.admitted = self.admitted.take().map(|admitted| match admitted {
            Admitted::Here(session) => Admitted::HandedOver(Box::new((session, handed_over))),
            // It speaks Socket.IO since.
            twice @ Admitted::HandedOver(_) => twice,
        });
        // A copy: the one that is there goes with what it was spoken to by.
        let session = session.clone();
        let config = self.endpoint.config.clone();
        let codec = io.codec_for(&self.handle, plain.handshake());
        let mut connection = Connection::with_codec(self.now, session, config, codec);
        // What waited for its handler was meant for what is spoken now.
        for data in plain.take_waiting() {
            connection.handle_message(self.now, data);
        }
        let dispatcher = Dispatcher::new(io, plain.handshake().clone());
        self.machine = Machine::SocketIo {
            connection,
            dispatcher: Box::new(dispatcher),
        };
    }
}
