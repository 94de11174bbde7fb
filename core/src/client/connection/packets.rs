//! What a server says, and what follows from it. All ways into a namespace and out of it stand here.

use bytestring::ByteString;

use super::{Connection, Root};
use crate::client::event::{AckTicket, EntryTicket, Event};
use crate::client::namespaces::{Early, State};
use crate::client::reason::{ConnectError, DisconnectReason};
use crate::client::said::value;
use crate::client::session::Session;
use crate::deadline::after;
use crate::id::SocketId;
use crate::message::Message;
use crate::packet::{Call, Content, Fault, Packet, Value};
use crate::protocol::Protocol;
use crate::socket::{AckError, Refusal, SocketKey};

impl<T> Connection<T> {
    /// A message has come.
    pub(super) fn message(&mut self, data: Message) {
        let config = &self.config;
        let read = self
            .inbox
            .read(self.now, data, &config.limits, config.packet_timeout);
        match read {
            Ok(Some(packet)) => self.packet(packet),
            Ok(None) => {}
            Err(fault) => self.malformed(fault),
        }
    }

    fn malformed(&mut self, fault: Fault) {
        self.events.push_back(Event::Malformed(fault));
        self.inbox.forget();
        if let Some(session) = &mut self.session {
            session.refuse(self.now);
        }
    }

    fn packet(&mut self, packet: Packet) {
        let Packet { namespace, content } = packet;
        let protocol = self.config.revision.protocol();
        let socket = self.namespaces.find(&namespace);
        if &*namespace == "/" {
            match &content {
                Content::Connect { .. } => self.root = Root::In,
                Content::Disconnect => self.root = Root::Left,
                Content::ConnectError { .. } | Content::Event { .. } | Content::Ack { .. } => {}
            }
        }
        let Some(socket) = socket else {
            // What nobody has here is nobody's; but who is not let into `/` in revision 4 is not let in at all.
            if let Content::ConnectError { payload } = content
                && &*namespace == "/"
                && protocol == Protocol::V4
            {
                self.root_refused(payload);
            }
            return;
        };
        match content {
            Content::Connect { payload } => self.connected(socket, payload, protocol),
            Content::ConnectError { payload } => self.refused(socket, payload, protocol),
            Content::Disconnect => self.taken_out(socket),
            Content::Event {
                id,
                call: Some(Call { name, args }),
            } => self.event(socket, Early { id, name, args }),
            // There is nothing to be told.
            Content::Event { call: None, .. } => {}
            Content::Ack { id, args } => {
                if let Some(id) = id {
                    self.acked(socket, id, args);
                }
            }
        }
    }

    /// The server says that a namespace is entered.
    fn connected(&mut self, socket: SocketKey, payload: Option<ByteString>, protocol: Protocol) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let awaited = std::mem::take(&mut namespace.unanswered);
        match (namespace.state, protocol) {
            (State::Asking { .. }, Protocol::V4) => self.enter(socket, None),
            (State::Asking { .. }, Protocol::V5) => {
                let said = payload.as_deref().and_then(value);
                let sid = said.as_ref().and_then(|said| said.get("sid")?.as_str());
                match sid.filter(|sid| !sid.is_empty() && sid.len() <= LONGEST_ID) {
                    Some(sid) => {
                        let pid = said.as_ref().and_then(|said| said.get("pid")?.as_str());
                        self.enter(socket, Some((sid, pid)));
                    }
                    None => {
                        namespace.unanswered = awaited;
                        self.events.push_back(Event::ConnectError {
                            socket,
                            error: ConnectError::OldServer,
                            active: true,
                        });
                    }
                }
            }
            // It was left before it was entered, and the server does not know.
            (State::Idle, _) if awaited => self.say_farewell(socket),
            (
                State::Idle | State::Wanted | State::Preparing { .. } | State::Connected,
                Protocol::V4 | Protocol::V5,
            ) => {}
        }
    }

    /// A socket is in its namespace, by this id and private id; in revision 4 it makes its id itself.
    pub(super) fn enter(&mut self, socket: SocketKey, ids: Option<(&str, Option<&str>)>) {
        let sid = self.session.as_ref().and_then(Session::sid);
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let (id, pid) = match (ids, sid) {
            (Some((id, pid)), _) => (SocketId::told(id), pid),
            (None, Some(sid)) => (SocketId::computed(&namespace.name, sid), None),
            (None, None) => return,
        };
        namespace.unanswered = false;
        namespace.left = false;
        namespace.state = State::Connected;
        namespace.id = Some(id.clone());
        namespace.stay = namespace.stay.wrapping_add(1);
        let recovered = namespace.recovery.enter(pid);
        namespace.recovered = recovered;
        namespace.early_bytes = 0;
        let early = std::mem::take(&mut namespace.early);
        let first = namespace.has_first.then_some(EntryTicket {
            socket,
            stay: namespace.stay,
        });
        namespace.first_by = first
            .is_some()
            .then(|| after(self.now, self.config.connect_timeout));
        self.attempts = 0;
        for event in early {
            self.event(socket, event);
        }
        match first {
            Some(ticket) => self.events.push_back(Event::Entering {
                ticket,
                id: id.clone(),
                recovered,
            }),
            None => {
                self.send_offline(socket);
                self.send_retry(socket);
            }
        }
        self.events.push_back(Event::Connected {
            socket,
            id,
            recovered,
        });
    }

    /// The server refuses a namespace; or, in revision 4, something that was sent to it.
    fn refused(&mut self, socket: SocketKey, payload: Option<ByteString>, protocol: Protocol) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let awaited = std::mem::take(&mut namespace.unanswered);
        // Who was refused was told nothing.
        namespace.early = Vec::new();
        namespace.early_bytes = 0;
        let is_root = &*namespace.name == "/";
        match (namespace.state, protocol) {
            (State::Asking { .. }, Protocol::V5) => {
                let error = ConnectError::Refused(refusal(payload.as_deref()));
                self.stay_out(socket, error);
            }
            (State::Asking { .. }, Protocol::V4) if is_root => {
                namespace.unanswered = awaited;
                self.root_refused(payload);
            }
            (State::Asking { .. }, Protocol::V4) => self.turned_away(socket, payload.as_deref()),
            (State::Connected, Protocol::V4) => {
                self.events.push_back(Event::Error { socket, payload });
            }
            (State::Idle | State::Wanted | State::Preparing { .. }, _)
            | (State::Connected, Protocol::V5) => {}
        }
    }

    /// A server of revision 4 refuses a namespace. It is asked for again by the next connection.
    fn turned_away(&mut self, socket: SocketKey, payload: Option<&str>) {
        if let Some(namespace) = self.namespaces.get_mut(socket) {
            namespace.unanswered = false;
            namespace.state = State::Asking { by: None };
            self.events.push_back(Event::ConnectError {
                socket,
                error: ConnectError::Refused(refusal(payload)),
                active: true,
            });
        }
    }

    /// A server of revision 4 does not let the client in at all.
    fn root_refused(&mut self, payload: Option<ByteString>) {
        let any_in = self.namespaces.keys(|state| state == State::Connected);
        if any_in.is_empty() {
            for socket in self
                .namespaces
                .keys(|it| matches!(it, State::Asking { .. }))
            {
                self.turned_away(socket, payload.as_deref());
            }
        }
    }

    /// The server takes a socket out.
    fn taken_out(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        if namespace.state == State::Connected {
            namespace.state = State::Idle;
            self.left(socket, DisconnectReason::ServerDisconnect);
            self.close_if_lonely();
        }
    }

    fn event(&mut self, socket: SocketKey, event: Early) {
        let most = self.config.max_waiting_bytes;
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        match namespace.state {
            State::Connected => {
                let Early { id, name, args } = event;
                let stay = namespace.stay;
                namespace.recovery.note(&args);
                self.events.push_back(Event::Message {
                    socket,
                    name,
                    args,
                    ack: id.map(|id| AckTicket { socket, id, stay }),
                });
            }
            State::Asking { .. } | State::Idle | State::Wanted | State::Preparing { .. } => {
                // Who is left before it is answered may be wanted again before that.
                if namespace.left || !namespace.unanswered {
                    return;
                }
                let content = event.args.size().saturating_add(event.name.len());
                let size = content.saturating_add(EARLY);
                let bytes = namespace.early_bytes.saturating_add(size);
                if bytes > most {
                    return self.malformed(Fault::Payload);
                }
                namespace.early_bytes = bytes;
                namespace.early.push(Early {
                    args: event.args.detached(),
                    ..event
                });
            }
        }
    }

    /// A socket has left: first it is said, then its acks end, but for those of what was not sent.
    pub(super) fn left(&mut self, socket: SocketKey, reason: DisconnectReason) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        namespace.first_by = None;
        let active = namespace.state.is_active();
        self.events.push_back(Event::Disconnected {
            socket,
            reason,
            active,
        });
        self.abandon(socket, AckError::Disconnected);
    }

    /// The connection that a socket was on, or asked on, is gone.
    pub(super) fn out_of_connection(&mut self, socket: SocketKey, reason: DisconnectReason) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        namespace.unanswered = false;
        namespace.left = false;
        namespace.early = Vec::new();
        namespace.early_bytes = 0;
        let was = namespace.state;
        if was.is_active() {
            namespace.state = State::Wanted;
        }
        if was == State::Connected {
            self.left(socket, reason);
        }
    }
}

/// What a server says when it refuses a namespace.
fn refusal(payload: Option<&str>) -> Refusal {
    let said = payload.and_then(value);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let message = |said: &Value| text(said).or_else(|| text(said.get("message")?));
    match said {
        None => Refusal::new(""),
        Some(said) => match message(&said) {
            Some(message) => Refusal {
                message,
                data: said.get("data").cloned(),
            },
            // Revision 4 says what it likes.
            None => Refusal {
                message: String::new(),
                data: Some(said),
            },
        },
    }
}

/// Bytes of a socket's id.
const LONGEST_ID: usize = 256;

/// Bytes that an event takes while it waits, beside its name and arguments.
const EARLY: usize = 128;
