//! How a client asks for its namespaces.

use super::{Connection, Root, Unavailable};
use crate::client::event::{AuthTicket, Event};
use crate::client::namespaces::{Auth, State};
use crate::client::reason::ConnectError;
use crate::deadline::after;
use crate::packet::{Map, Value};
use crate::protocol::Protocol;
use crate::socket::SocketKey;
use crate::time::Instant;

impl<T> Connection<T> {
    /// The credentials of a socket, an object if any. `Err`: there are none to be had, and the socket stays
    /// out.
    pub fn answer_auth(
        &mut self,
        now: Instant,
        ticket: AuthTicket,
        auth: Result<Option<Value>, Unavailable>,
    ) {
        self.advance(now);
        let waits = self.namespaces.get(ticket.socket).is_some_and(
            |it| matches!(it.state, State::Preparing { asked, .. } if asked == ticket.number),
        );
        if waits {
            match auth {
                Ok(auth) => self.say_connect(ticket.socket, auth),
                Err(Unavailable) => self.stay_out(ticket.socket, ConnectError::Stopped),
            }
        }
        self.pump();
    }

    /// Asks for a namespace, as far as that can be done now.
    pub(super) fn ask(&mut self, socket: SocketKey) {
        let by = after(self.now, self.config.connect_timeout);
        let protocol = self.config.revision.protocol();
        let root = self.root;
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        if namespace.state != State::Wanted {
            return;
        }
        // It was asked for, and will be answered: to ask twice ends a connection.
        if namespace.unanswered {
            namespace.state = State::Asking { by: Some(by) };
            return;
        }
        // The server lets everybody in here, without being asked.
        if protocol == Protocol::V4 && &*namespace.name == "/" && root != Root::Left {
            namespace.state = State::Asking { by: Some(by) };
            namespace.unanswered = true;
            if root == Root::In {
                self.enter(socket, None);
            }
            return;
        }
        match &namespace.auth {
            Auth::None => self.say_connect(socket, None),
            Auth::Value(auth) => {
                let auth = auth.clone();
                self.say_connect(socket, Some(auth));
            }
            Auth::Asked => {
                self.asked = self.asked.wrapping_add(1);
                let (asked, number) = (self.asked, self.asked);
                namespace.state = State::Preparing { by, asked };
                let ticket = AuthTicket { socket, number };
                self.events.push_back(Event::AuthWanted { ticket });
            }
        }
    }

    fn say_connect(&mut self, socket: SocketKey, auth: Option<Value>) {
        let by = after(self.now, self.config.connect_timeout);
        let protocol = self.config.revision.protocol();
        let behind = match protocol {
            Protocol::V4 => self.dial.namespace_query(),
            Protocol::V5 => String::new(),
        };
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let name = match &*behind {
            // Whoever comes back to the main one is known by the URL.
            _ if &*namespace.name == "/" => "/".to_owned(),
            "" => namespace.name.to_string(),
            query => format!("{}?{query}", namespace.name),
        };
        // Until it is in again, what comes is taken for what was for the socket that left: it is to miss nothing.
        let pid = namespace.recovery.pid.as_ref().filter(|_| !namespace.left);
        let payload = match (protocol, pid, auth) {
            (Protocol::V4, ..) => None,
            (Protocol::V5, None, auth) => auth,
            (Protocol::V5, Some(pid), auth) => {
                let mut all = Map::default();
                all.insert("pid", &**pid);
                if let Some(offset) = &namespace.recovery.offset {
                    all.insert("offset", &**offset);
                }
                for (key, value) in auth.iter().filter_map(Value::as_object).flat_map(Map::iter) {
                    all.insert(key, value.clone());
                }
                Some(all.into())
            }
        };
        match self.inbox.codec().connect(&name, payload.as_ref()) {
            Ok(packet) => {
                namespace.state = State::Asking { by: Some(by) };
                namespace.unanswered = true;
                let _ = self.say(packet, false);
            }
            Err(why) => self.stay_out(socket, ConnectError::Auth(why)),
        }
    }

    /// A socket is not let in, and does not ask again by itself.
    pub(super) fn stay_out(&mut self, socket: SocketKey, error: ConnectError) {
        if let Some(namespace) = self.namespaces.get_mut(socket) {
            namespace.state = State::Idle;
            self.events.push_back(Event::ConnectError {
                socket,
                error,
                active: false,
            });
        }
        self.close_if_lonely();
    }

    /// Namespaces were asked for, and nobody answers.
    pub(super) fn unanswered(&mut self) {
        let (now, excuse) = (self.now, self.excuse.clone());
        if self.release_unsaid() {
            return;
        }
        let late = self.namespaces.keys(|state| match state {
            State::Preparing { by, .. } | State::Asking { by: Some(by) } => {
                excuse.put_off(by) <= now
            }
            State::Asking { by: None } | State::Idle | State::Wanted | State::Connected => false,
        });
        for socket in late {
            if let Some(namespace) = self.namespaces.get_mut(socket) {
                // Whoever was asked for credentials is asked again on the next connection.
                namespace.state = match namespace.state {
                    State::Preparing { .. } => State::Wanted,
                    State::Idle | State::Wanted | State::Asking { .. } | State::Connected => {
                        State::Asking { by: None }
                    }
                };
            }
            self.events.push_back(Event::ConnectError {
                socket,
                error: ConnectError::Timeout,
                active: true,
            });
        }
        let any_in = self
            .namespaces
            .iter()
            .any(|(_, it)| it.state == State::Connected);
        if !any_in && let Some(session) = &mut self.session {
            session.lose(now);
        }
    }
}
