//! Many namespaces over one connection (§16).
//!
//! All transitions of a socket's state stand here: asked for → decided → connected → left.

#[cfg(test)]
pub(crate) mod deadlines;

use std::collections::VecDeque;
use std::time::Duration;

use bytestring::ByteString;
use smallvec::SmallVec;

use super::acks::Acks;
use super::connect::ConnectRequest;
use super::event::{
    AckError, AckTicket, ConnectTicket, DisconnectReason, Event, Refusal, SocketKey,
};
use super::inbox::Inbox;
use super::limits::limits;
use super::slots::{Slot, Slots, State};
use crate::config::Config;
use crate::deadline::{Deadline, Why, earliest};
use crate::details::Details;
use crate::engine::{Close, Flags, Sent, Session};
use crate::id::SocketId;
use crate::message::{Encoded, Message};
use crate::packet::{Call, Codec, Content, EncodeError, Fault, Packet};
use crate::protocol::Protocol;
use crate::time::Instant;

/// The sockets of one connection.
///
/// Of namespaces that were left it remembers the names of the last few, so that what was still on its
/// way to them is ignored; what is sent to a namespace never joined closes the connection.
///
/// Clients of revision 4 are in `/` without asking, and rely on more patience: what they send to a
/// namespace that they are not in is ignored, and so is a wish for one that they are in (§16.2).
#[derive(Debug)]
pub(crate) struct Mux<T> {
    inbox: Inbox,
    slots: Slots,
    acks: Acks<T>,
    /// The connection is closed then, unless a namespace was joined before, and the client has come back:
    /// one of revision 4 joins without a word.
    connect_by: Option<Instant>,
    /// Whether a namespace was joined.
    joined: bool,
    refused: u32,
    /// What the connection is closed for: nothing more of what the client says is read, also of what it has
    /// said by now.
    details: Option<Box<Details>>,
}

impl<T> Mux<T> {
    /// `protocol` is the client's.
    pub(crate) fn new(now: Instant, config: &Config, codec: &Codec, protocol: Protocol) -> Self {
        Self {
            inbox: Inbox::new(codec, protocol),
            slots: Slots::new(),
            acks: Acks::new(),
            connect_by: now.checked_add(config.connect_timeout),
            joined: false,
            refused: 0,
            details: None,
        }
    }

    /// A message has arrived.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        data: Message,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        if self.details.is_some() {
            return;
        }
        let timeout = config.packet_timeout;
        let outcome = match self.inbox.read(now, data, &limits(config), timeout) {
            Ok(Some(packet)) => self.packet(now, packet, config, session, events),
            Ok(None) => Ok(()),
            Err(fault) => Err(Some(fault)),
        };
        if let Err(fault) = outcome {
            let details = match fault {
                Some(fault) => {
                    events.push_back(Event::Malformed(fault));
                    Details::Malformed(fault)
                }
                None => Details::Unexpected,
            };
            self.inbox.forget();
            self.close(now, details, session, events);
        }
    }

    fn codec(&self) -> &Codec {
        self.inbox.codec()
    }

    /// What the connection is closed for, if that was found here.
    pub(crate) fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Tells the client something. If it cannot be written, the client knows less than we do, and its
    /// connection is closed.
    fn tell(
        &mut self,
        now: Instant,
        packet: Result<Encoded, EncodeError>,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        match packet {
            Ok(packet) => session.tell(now, packet),
            Err(why) => {
                events.push_back(Event::Unwritten(why.clone()));
                self.close(now, Details::Unwritten(why), session, events);
            }
        }
    }

    /// Closes the connection under its sockets. They end now, even if the close has to wait for the
    /// client: nothing more is taken from them (§16.1).
    fn close(
        &mut self,
        now: Instant,
        details: Details,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        self.details.get_or_insert_with(|| Box::new(details));
        session.close(now, Close::Flush);
        if !session.is_closed() {
            self.end(DisconnectReason::ForcedServerClose, events);
        }
    }

    /// One whole packet. `Err`: the connection is to be closed.
    fn packet(
        &mut self,
        now: Instant,
        packet: Packet,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) -> Result<(), Option<Fault>> {
        let Packet { namespace, content } = packet;
        let protocol = session.revision().protocol();
        if let Content::Connect { payload } = content {
            let request = match protocol {
                Protocol::V4 => ConnectRequest::of_query(&namespace),
                Protocol::V5 => ConnectRequest::of_payload(&namespace, payload),
            };
            return self.asked(now, request, config, session, events);
        }
        let socket = match self.slots.find(&namespace) {
            Some((socket, slot)) => match slot.state {
                State::Connected => Some(socket),
                // On its way when we left: not the client's fault.
                State::Left => return Ok(()),
                State::Deciding { .. } => None,
            },
            None => None,
        };
        let Some(socket) = socket else {
            return match protocol {
                Protocol::V4 => Ok(()),
                Protocol::V5 => Err(None),
            };
        };
        match content {
            Content::Event { id, call } => {
                if let Some(Call { name, args }) = call {
                    events.push_back(Event::Message {
                        socket,
                        name,
                        args,
                        ack: id.map(|id| AckTicket { socket, id }),
                    });
                }
                Ok(())
            }
            Content::Ack { id, args } => {
                if let Some(token) = id.and_then(|id| self.resolve(socket, id)) {
                    events.push_back(Event::Acked {
                        socket,
                        token,
                        answer: Ok(args),
                    });
                }
                Ok(())
            }
            Content::Disconnect => {
                self.leave(socket, DisconnectReason::ClientNamespaceDisconnect, events);
                Ok(())
            }
            Content::ConnectError { payload } if protocol == Protocol::V4 => {
                events.push_back(Event::Error { socket, payload });
                Ok(())
            }
            Content::Connect { .. } | Content::ConnectError { .. } => Err(None),
        }
    }

    /// A client of revision 4 has come: it is in `/` without asking, if the application lets it in.
    pub(crate) fn welcome(
        &mut self,
        now: Instant,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        let _ = self.asked(now, ConnectRequest::of_query("/"), config, session, events);
    }

    /// A client asks for a namespace.
    fn asked(
        &mut self,
        now: Instant,
        request: ConnectRequest,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) -> Result<(), Option<Fault>> {
        let ConnectRequest {
            namespace,
            auth,
            query,
        } = request;
        let known = self.slots.find(&namespace);
        if let Some((_, slot)) = known {
            match (&slot.state, session.revision().protocol()) {
                (State::Left, _) => {}
                // It has what it asks for, or will be told. Clients ask for `/`, too.
                (State::Connected | State::Deciding { .. }, Protocol::V4) => return Ok(()),
                (State::Connected | State::Deciding { .. }, _) => return Err(None),
            }
        }
        let known = known.map(|(socket, _)| socket);
        if self.slots.active() >= config.max_namespaces_per_connection {
            let refusal = Refusal::new("too many namespaces");
            self.refuse(now, &namespace, &refusal, config, session, events);
            return Ok(());
        }
        let size = |text: &Option<ByteString>| text.as_ref().map_or(0, |text| text.len());
        let size = size(&auth).saturating_add(size(&query));
        if size > 0 && self.slots.auth().saturating_add(size) > config.max_auth_bytes {
            let refusal = Refusal::new("too many credentials");
            self.refuse(now, &namespace, &refusal, config, session, events);
            return Ok(());
        }
        let by = now.checked_add(config.middleware_timeout).unwrap_or(now);
        let slot = Slot::asked(namespace.clone(), by, size);
        let most = config.max_namespaces_per_connection;
        let socket = self.slots.ask(known, slot, most);
        events.push_back(Event::Connecting {
            ticket: ConnectTicket(socket),
            namespace,
            auth,
            query,
        });
        Ok(())
    }

    /// The client may enter. `None`: it has gone, or its time was over.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        ticket: &ConnectTicket,
        id: &SocketId,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) -> Option<SocketKey> {
        let codec = self.codec().clone();
        let slot = self.slots.deciding(ticket.0)?;
        let packet = match session.revision().protocol() {
            Protocol::V4 => codec.entered(&slot.namespace),
            Protocol::V5 => codec.connected(&slot.namespace, id.as_str()),
        };
        if packet.is_err() {
            // It never was in.
            self.slots.remove(ticket.0);
            self.tell(now, packet, session, events);
            return None;
        }
        slot.state = State::Connected;
        self.tell(now, packet, session, events);
        self.joined = true;
        self.returned(session);
        Some(ticket.0)
    }

    /// The client may have come back since its handshake.
    pub(crate) fn returned(&mut self, session: &Session) {
        if self.joined && session.has_returned() {
            self.connect_by = None;
        }
    }

    /// Whether the client may still turn out to be one that wants nothing.
    pub(crate) const fn is_pending(&self) -> bool {
        self.connect_by.is_some()
    }

    /// The client may not enter.
    pub(crate) fn reject(
        &mut self,
        now: Instant,
        ticket: &ConnectTicket,
        refusal: &Refusal,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        if self.slots.deciding(ticket.0).is_none() {
            return;
        }
        if let Some(slot) = self.slots.remove(ticket.0) {
            self.refuse(now, &slot.namespace, refusal, config, session, events);
        }
    }

    fn refuse(
        &mut self,
        now: Instant,
        namespace: &str,
        refusal: &Refusal,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        let (codec, data) = (self.codec(), refusal.data.as_ref());
        let packet = match session.revision().protocol() {
            // The one refusal that the server of 4.x says otherwise. Other parsers of that line take nothing
            // but a string.
            Protocol::V4
                if config.invalid_namespace_as_object
                    && codec.is_built_in()
                    && *refusal == Refusal::invalid_namespace() =>
            {
                codec.connect_error(namespace, &refusal.message, data)
            }
            Protocol::V4 => codec.error(namespace, &refusal.message, data),
            Protocol::V5 => codec.connect_error(namespace, &refusal.message, data),
        };
        self.tell(now, packet, session, events);
        self.refused = self.refused.saturating_add(1);
        if self.refused as usize >= config.max_refused_connects {
            self.close(now, Details::Refused, session, events);
        }
    }

    /// A packet for a socket's client.
    pub(crate) fn deliver(
        &mut self,
        now: Instant,
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
        session: &mut Session,
    ) -> Sent {
        if self.slots.connected(socket).is_none() {
            return Sent::Closed;
        }
        session.send(now, packet, flags)
    }

    /// A packet for a socket's client that asks for an answer.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    pub(crate) fn request(
        &mut self,
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Duration,
        config: &Config,
        session: &mut Session,
    ) -> Result<(), (AckError, T)> {
        let taken = self.acks.is_waiting(socket, id);
        let Some(slot) = self.slots.connected_mut(socket) else {
            return Err((AckError::Disconnected, token));
        };
        if slot.waiting >= config.max_pending_acks {
            return Err((AckError::TooMany, token));
        }
        if taken {
            return Err((AckError::Duplicate, token));
        }
        match session.send(now, packet, flags) {
            Sent::Queued => {}
            Sent::Dropped | Sent::Full => return Err((AckError::NotSent, token)),
            Sent::Closed => return Err((AckError::Disconnected, token)),
        }
        // A time beyond the end of the clock is as good as none at all: a century.
        let due = now.checked_add(timeout).unwrap_or_else(|| {
            now.checked_add(Duration::from_secs(3_000_000_000))
                .unwrap_or(now)
        });
        self.acks
            .wait(socket, id, token, due)
            .map_err(|token| (AckError::Duplicate, token))?;
        if let Some(slot) = self.slots.connected_mut(socket) {
            slot.waiting = slot.waiting.saturating_add(1);
        }
        Ok(())
    }

    /// The answer to a client's event.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        ticket: &AckTicket,
        packet: Encoded,
        session: &mut Session,
    ) -> Sent {
        self.deliver(now, ticket.socket, packet, Flags::default(), session)
    }

    /// Takes a socket out of its namespace, and tells its client.
    pub(crate) fn disconnect(
        &mut self,
        now: Instant,
        socket: SocketKey,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        if let Some(namespace) = self.namespace(socket) {
            let packet = self.codec().disconnect(namespace);
            self.leave(socket, DisconnectReason::ServerNamespaceDisconnect, events);
            self.tell(now, packet, session, events);
        }
    }

    /// Takes every socket out of its namespace, and tells the client.
    pub(crate) fn disconnect_all(
        &mut self,
        now: Instant,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        for socket in self.sockets() {
            self.disconnect(now, socket, session, events);
        }
    }

    /// Every socket leaves, without a word to the client: the connection is over, or will be.
    pub(crate) fn end(&mut self, reason: DisconnectReason, events: &mut VecDeque<Event<T>>) {
        for socket in self.sockets() {
            self.leave(socket, reason, events);
        }
        self.slots.forget_undecided();
        self.inbox.forget();
        self.connect_by = None;
    }

    /// Acts on every deadline that has come.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        config: &Config,
        session: &mut Session,
        events: &mut VecDeque<Event<T>>,
    ) {
        while let Some(at) = self.acks.deadline()
            && session.put_off(at) <= now
            && let Some((socket, token)) = self.acks.expire(now)
        {
            self.answered(socket);
            events.push_back(Event::Acked {
                socket,
                token,
                answer: Err(AckError::Timeout),
            });
        }
        while let Some((at, late)) = self.slots.undecided()
            && session.put_off(at) <= now
        {
            self.reject(
                now,
                &ConnectTicket(late),
                &Refusal::new("timed out"),
                config,
                session,
                events,
            );
            events.push_back(Event::Undecided { socket: late });
        }
        let passed = |by: Option<Instant>| by.is_some_and(|by| session.put_off(by) <= now);
        if passed(self.connect_by) || passed(self.inbox.deadline()) {
            let details = match passed(self.connect_by) {
                true => Details::NotJoined,
                false => Details::Incomplete,
            };
            self.connect_by = None;
            self.inbox.forget();
            if self.joined && !session.has_returned() {
                // Nobody comes to fetch what is left.
                self.details = Some(Box::new(details));
                session.close(now, Close::Discard);
            } else {
                self.close(now, details, session, events);
            }
        }
    }

    /// The next deadline. Costs a look at each namespace that waits for a decision.
    pub(crate) fn deadline(&self, session: &Session) -> Option<Deadline> {
        let mut first = None;
        // One after the other, since most are not there: as a list they cost 100 instructions.
        let mut see = |at: Option<Instant>, why| {
            if let Some(at) = at {
                let at = session.put_off(at);
                first = earliest(first, Some(Deadline { at, why }));
            }
        };
        see(self.acks.deadline(), Why::Ack);
        for (_, slot) in self.slots.iter() {
            see(slot.decides_by(), Why::Middleware);
        }
        see(self.connect_by, Why::Connect);
        see(self.inbox.deadline(), Why::Packet);
        first
    }

    /// The namespace of a socket that is in it.
    pub(crate) fn namespace(&self, socket: SocketKey) -> Option<&ByteString> {
        Some(&self.slots.connected(socket)?.namespace)
    }

    /// How many acks are open.
    pub(crate) fn pending_acks(&self) -> usize {
        self.acks.len()
    }

    /// The sockets that are in a namespace, in the order of their slots.
    pub(crate) fn sockets(&self) -> SmallVec<[SocketKey; 4]> {
        self.slots.sockets().collect()
    }

    /// A socket leaves: first it is said, then its acks end.
    fn leave(
        &mut self,
        socket: SocketKey,
        reason: DisconnectReason,
        events: &mut VecDeque<Event<T>>,
    ) {
        let Some(slot) = self.slots.connected_mut(socket) else {
            return;
        };
        slot.state = State::Left;
        slot.waiting = 0;
        slot.auth = 0;
        events.push_back(Event::Disconnecting { socket, reason });
        for token in self.acks.abandon(socket) {
            events.push_back(Event::Acked {
                socket,
                token,
                answer: Err(AckError::Disconnected),
            });
        }
        events.push_back(Event::Disconnected { socket, reason });
    }

    fn resolve(&mut self, socket: SocketKey, id: u64) -> Option<T> {
        let token = self.acks.resolve(socket, id)?;
        self.answered(socket);
        Some(token)
    }

    fn answered(&mut self, socket: SocketKey) {
        if let Some(slot) = self.slots.connected_mut(socket) {
            slot.waiting = slot.waiting.saturating_sub(1);
        }
    }
}
