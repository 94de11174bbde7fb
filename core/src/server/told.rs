//! What connections have to tell, in the server's names.

use super::{ConnectionKey, Event, NamingTicket, Server, Socket};
use crate::connection;
use crate::socket;
use crate::time::Instant;

impl<T> Server<T> {
    /// Turns a connection's event into the server's.
    pub(super) fn event(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        event: connection::Event<T>,
    ) -> Option<Event<T>> {
        match event {
            connection::Event::Socket(event) => self.socket_event(now, connection, event),
            connection::Event::Upgraded => Some(Event::Upgraded { connection }),
            connection::Event::Closed { reason, details } => {
                self.over(now, connection);
                Some(Event::Closed {
                    connection,
                    reason,
                    details,
                })
            }
        }
    }

    fn socket_event(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        event: socket::Event<T>,
    ) -> Option<Event<T>> {
        let socket = |key| Socket { connection, key };
        Some(match event {
            socket::Event::Connecting {
                ticket,
                namespace,
                auth,
                query,
            } => {
                return self.asked(
                    now,
                    NamingTicket {
                        connection,
                        ticket,
                        namespace,
                        auth,
                        query,
                        parent: None,
                    },
                );
            }
            socket::Event::Undecided { socket: key } => {
                self.answered(socket(key));
                Event::Undecided {
                    socket: socket(key),
                }
            }
            socket::Event::Message {
                socket: key,
                name,
                args,
                ack,
            } => Event::Message {
                namespace: self.name_of(socket(key)),
                socket: socket(key),
                name,
                args,
                ack,
            },
            socket::Event::Error {
                socket: key,
                payload,
            } => Event::Error {
                socket: socket(key),
                payload,
            },
            socket::Event::Acked {
                socket: key,
                token,
                answer,
            } => Event::Acked {
                socket: socket(key),
                token,
                answer,
            },
            socket::Event::Disconnecting {
                socket: key,
                reason,
            } => Event::Disconnecting {
                socket: socket(key),
                reason,
            },
            socket::Event::Disconnected {
                socket: key,
                reason,
            } => {
                self.remove(now, socket(key), reason);
                Event::Disconnected {
                    socket: socket(key),
                    reason,
                }
            }
        })
    }
}
