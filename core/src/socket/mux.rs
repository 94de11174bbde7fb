//! Many namespaces over one connection (§16): what comes from its client, and what goes to it.

#[cfg(test)]
pub(crate) mod deadlines;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use smallvec::SmallVec;

use super::acks::Acks;
use super::connect::{ConnectRequest, Joining};
use super::event::{
    AckError, AckTicket, ConnectTicket, DisconnectReason, Event, Refusal, SocketKey,
};
use super::events::Events;
use super::inbox::Inbox;
use super::limits::limits;
use super::revision_4::{self, OutOfPlace};
use super::slots::{Slots, Standing, Unasked};
use crate::config::{Config, SocketIds};
use crate::deadline::{Deadline, Why, after, earliest};
use crate::details::Details;
use crate::digest::Apart;
use crate::engine::{Close, Flags, Sent, Session};
use crate::id::SocketId;
use crate::message::{Encoded, Message};
use crate::packet::{Args, Call, Codec, Content, EncodeError, Packet};
use crate::protocol::Protocol;
use crate::time::Instant;

/// The sockets of one connection.
///
/// What is sent to a namespace never joined closes the connection, unless its client is one of revision 4
/// ([`revision_4`]).
#[derive(Clone, Debug, Hash)]
pub(crate) struct Mux<T> {
    config: Apart<Arc<Config>>,
    inbox: Inbox,
    slots: Slots,
    acks: Acks<T>,
    joining: Joining,
    events: Events<T>,
    /// What the connection is closed for: nothing more of what the client says is read, also of what it has
    /// said by now.
    details: Option<Box<Details>>,
    /// The client's.
    protocol: Protocol,
}

/// A packet came where none may be.
struct Unexpected;

impl<T> Mux<T> {
    /// `protocol` is the client's.
    pub(crate) fn new(
        now: Instant,
        config: Arc<Config>,
        codec: &Codec,
        protocol: Protocol,
        session: &mut Session,
    ) -> Self {
        let mut mux = Self {
            inbox: Inbox::new(codec, protocol),
            slots: Slots::new(),
            acks: Acks::new(),
            joining: Joining::new(now.checked_add(config.connect_timeout)),
            events: Events::default(),
            details: None,
            protocol,
            config: Apart(config),
        };
        match protocol {
            // Nothing can be out of place yet.
            Protocol::V4 => drop(mux.ask(now, revision_4::welcome(), session)),
            Protocol::V5 => {}
        }
        mux
    }

    /// A message has arrived.
    pub(crate) fn handle(&mut self, now: Instant, data: Message, session: &mut Session) {
        if self.details.is_some() {
            return;
        }
        let limits = limits(&self.config);
        let timeout = self.config.packet_timeout;
        let read = self.inbox.read(now, data, &limits, timeout);
        let details = match read {
            Ok(Some(packet)) => match self.packet(now, packet, session) {
                Ok(()) => return,
                Err(Unexpected) => Details::Unexpected,
            },
            Ok(None) => return,
            Err(fault) => Details::Malformed(fault),
        };
        self.inbox.forget();
        self.close(now, details, session);
    }

    /// One whole packet. `Err`: the connection is to be closed.
    fn packet(
        &mut self,
        now: Instant,
        packet: Packet,
        session: &mut Session,
    ) -> Result<(), Unexpected> {
        let Packet { namespace, content } = packet;
        if let Content::Connect { payload } = content {
            let request = match self.protocol {
                Protocol::V4 => revision_4::request(&namespace),
                Protocol::V5 => ConnectRequest::of_payload(&namespace, payload),
            };
            return self.ask(now, request, session);
        }
        let socket = match self.slots.standing(&namespace) {
            Standing::Connected(socket) => socket,
            // On its way when we left: not the client's fault.
            Standing::Left => return Ok(()),
            Standing::Deciding | Standing::Unknown => {
                return self.out_of_place(OutOfPlace::Elsewhere);
            }
        };
        match content {
            Content::Event { id, call } => {
                if let Some(Call { name, args }) = call {
                    self.events.push(Event::Message {
                        socket,
                        name,
                        args,
                        ack: id.map(|id| AckTicket { socket, id }),
                    });
                }
            }
            Content::Ack { id, args } => {
                if let Some(token) = id.and_then(|id| self.acks.resolve(socket, id)) {
                    self.end_ack(socket, token, Ok(args));
                }
            }
            Content::Disconnect => {
                self.leave(socket, DisconnectReason::ClientNamespaceDisconnect);
            }
            Content::ConnectError { payload } => {
                return self.out_of_place(OutOfPlace::Error { socket, payload });
            }
            // It was asked for above.
            Content::Connect { .. } => {}
        }
        Ok(())
    }

    /// What closes the connection of a client that is not excused.
    fn out_of_place(&mut self, what: OutOfPlace) -> Result<(), Unexpected> {
        match self.protocol {
            Protocol::V4 => {
                if let Some(event) = what.told() {
                    self.events.push(event);
                }
                Ok(())
            }
            Protocol::V5 => Err(Unexpected),
        }
    }

    /// A client asks for a namespace.
    fn ask(
        &mut self,
        now: Instant,
        request: ConnectRequest,
        session: &mut Session,
    ) -> Result<(), Unexpected> {
        if self.joining.is_over() {
            return Ok(());
        }
        let by = now
            .checked_add(self.config.middleware_timeout)
            .unwrap_or(now);
        let refusal = match self.slots.ask(&request, by, &self.config) {
            Ok(socket) => {
                let ConnectRequest {
                    namespace,
                    auth,
                    query,
                } = request;
                self.events.push(Event::Connecting {
                    ticket: ConnectTicket(socket),
                    namespace,
                    auth,
                    query,
                });
                return Ok(());
            }
            Err(Unasked::Already) => return self.out_of_place(OutOfPlace::Again),
            Err(Unasked::TooManyNamespaces) => "too many namespaces",
            Err(Unasked::TooManyCredentials) => "too many credentials",
        };
        self.refuse(now, &request.namespace, &refusal.into(), session);
        Ok(())
    }

    /// The client may enter. `None`: it has gone, or its time was over.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        ticket: &ConnectTicket,
        id: &SocketId,
        session: &mut Session,
    ) -> Option<SocketKey> {
        self.accept_as(now, ticket, id, None, Vec::new(), session)
    }

    /// The same with a private id, by which the client may come back; and what it has missed, if it does so
    /// now (§21).
    pub(crate) fn accept_as(
        &mut self,
        now: Instant,
        ticket: &ConnectTicket,
        id: &SocketId,
        pid: Option<&str>,
        missed: Vec<Encoded>,
        session: &mut Session,
    ) -> Option<SocketKey> {
        let socket = ticket.0;
        let namespace = self.slots.deciding(socket)?;
        let codec = self.inbox.codec();
        let packet = match (self.protocol, pid) {
            (Protocol::V4, _) => revision_4::connected(codec, namespace),
            (Protocol::V5, None) => codec.connected(namespace, id.as_str()),
            (Protocol::V5, Some(pid)) => codec.recoverable(namespace, id.as_str(), pid),
        };
        let forms = missed.into_iter().map(|packet| codec.own_form(packet));
        let missed = forms.collect::<Option<Vec<_>>>();
        let packet = match missed {
            Some(_) => packet,
            None => Err(EncodeError::refused(
                "its parser does not write what it has missed",
            )),
        };
        let Some(missed) = missed.filter(|_| packet.is_ok()) else {
            // It never was in.
            self.slots.turn_away(socket);
            self.tell(now, packet, session);
            return None;
        };
        self.slots.enter(socket);
        // Clients keep what comes before their CONNECT until that has come.
        for packet in missed {
            session.tell(now, packet);
        }
        self.tell(now, packet, session);
        self.joining.join();
        self.returned(session);
        Some(socket)
    }

    /// The namespace for which a ticket was given out, as long as that is not decided.
    pub(crate) fn asked_for(&self, ticket: &ConnectTicket) -> Option<&str> {
        self.slots.deciding(ticket.0).map(|name| &**name)
    }

    /// The client may have come back since its handshake.
    pub(crate) fn returned(&mut self, session: &Session) {
        if session.has_returned() {
            self.joining.returned();
        }
    }

    /// The client may not enter.
    pub(crate) fn reject(
        &mut self,
        now: Instant,
        ticket: &ConnectTicket,
        refusal: &Refusal,
        session: &mut Session,
    ) {
        if let Some(namespace) = self.slots.turn_away(ticket.0) {
            self.refuse(now, &namespace, refusal, session);
        }
    }

    fn refuse(&mut self, now: Instant, namespace: &str, refusal: &Refusal, session: &mut Session) {
        let codec = self.inbox.codec();
        let packet = match self.protocol {
            Protocol::V4 => revision_4::refused(codec, namespace, refusal, &self.config),
            Protocol::V5 => codec.connect_error(namespace, &refusal.message, refusal.data.as_ref()),
        };
        self.tell(now, packet, session);
        if self.joining.refuse(self.config.max_refused_connects) {
            self.close(now, Details::Refused, session);
        }
    }

    /// Tells the client something. If it cannot be written, the client knows less than we do, and its
    /// connection is closed.
    fn tell(&mut self, now: Instant, packet: Result<Encoded, EncodeError>, session: &mut Session) {
        match packet {
            Ok(packet) => session.tell(now, packet),
            Err(why) => self.close(now, Details::Unwritten(why), session),
        }
    }

    /// Closes the connection under its sockets. They end now, even if the close has to wait for the
    /// client: nothing more is taken from them (§16.1).
    fn close(&mut self, now: Instant, details: Details, session: &mut Session) {
        self.details.get_or_insert_with(|| Box::new(details));
        session.close(now, Close::Flush);
        if !session.is_closed() {
            self.end(DisconnectReason::ForcedServerClose);
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
        match self.inbox.codec().own_form(packet) {
            Some(packet) => session.send(now, packet, flags),
            None => Sent::Unwritten,
        }
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
        timeout: Option<Duration>,
        session: &mut Session,
    ) -> Result<(), (AckError, T)> {
        let Some(waiting) = self.slots.waiting(socket) else {
            return Err((AckError::Disconnected, token));
        };
        if waiting >= self.config.max_pending_acks {
            return Err((AckError::TooMany, token));
        }
        if self.acks.is_waiting(socket, id) {
            return Err((AckError::Duplicate, token));
        }
        let Some(packet) = self.inbox.codec().own_form(packet) else {
            return Err((AckError::NotSent, token));
        };
        match session.send(now, packet, flags) {
            Sent::Queued => {}
            Sent::Dropped | Sent::Full | Sent::Unwritten => return Err((AckError::NotSent, token)),
            Sent::Closed => return Err((AckError::Disconnected, token)),
        }
        let due = after(now, timeout.unwrap_or(self.config.ack_timeout));
        self.acks
            .wait(socket, id, token, due)
            .map_err(|token| (AckError::Duplicate, token))?;
        self.slots.await_ack(socket);
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

    /// An emit that asked for an ack has ended.
    fn end_ack(&mut self, socket: SocketKey, token: T, answer: Result<Args, AckError>) {
        self.slots.end_ack(socket);
        self.events.push(Event::Acked {
            socket,
            token,
            answer,
        });
    }

    /// Takes a socket out of its namespace, and tells its client.
    pub(crate) fn disconnect(&mut self, now: Instant, socket: SocketKey, session: &mut Session) {
        self.take_out(
            now,
            socket,
            DisconnectReason::ServerNamespaceDisconnect,
            session,
        );
    }

    /// Takes a socket out of a namespace that is there no more, and tells its client.
    pub(crate) fn expel(&mut self, now: Instant, socket: SocketKey, session: &mut Session) {
        self.take_out(now, socket, DisconnectReason::NamespaceRemoved, session);
    }

    fn take_out(
        &mut self,
        now: Instant,
        socket: SocketKey,
        reason: DisconnectReason,
        session: &mut Session,
    ) {
        if let Some(namespace) = self.slots.connected(socket) {
            let packet = self.inbox.codec().disconnect(namespace);
            self.leave(socket, reason);
            self.tell(now, packet, session);
        }
    }

    /// A socket's client has come back as this very socket by another connection: this one hangs.
    pub(crate) fn supersede(&mut self, now: Instant, socket: SocketKey, session: &mut Session) {
        if self.slots.connected(socket).is_some() {
            self.leave(socket, DisconnectReason::RecoveredElsewhere);
            session.close(now, Close::Discard);
        }
    }

    /// Takes every socket out of its namespace, and tells the client.
    pub(crate) fn disconnect_all(&mut self, now: Instant, session: &mut Session) {
        for socket in self.sockets() {
            self.disconnect(now, socket, session);
        }
    }

    /// Every socket leaves, and nobody is asked about those who would come: the server closes.
    pub(crate) fn shut_down(&mut self) {
        self.events.forget_asked();
        self.joining.end();
        self.end(DisconnectReason::ServerShuttingDown);
    }

    /// Every socket leaves, without a word to the client: the connection is over, or will be.
    pub(crate) fn end(&mut self, reason: DisconnectReason) {
        for socket in self.sockets() {
            self.leave(socket, reason);
        }
        self.slots.turn_all_away();
        self.inbox.forget();
        self.joining.stop_waiting();
    }

    /// A socket leaves: first it is said, then its acks end.
    fn leave(&mut self, socket: SocketKey, reason: DisconnectReason) {
        if !self.slots.leave(socket) {
            return;
        }
        self.events.push(Event::Disconnecting { socket, reason });
        for token in self.acks.abandon(socket) {
            self.end_ack(socket, token, Err(AckError::Disconnected));
        }
        self.events.push(Event::Disconnected { socket, reason });
    }

    /// Acts on every deadline that has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant, session: &mut Session) {
        while let Some(at) = self.acks.deadline()
            && session.put_off(at) <= now
            && let Some((socket, token)) = self.acks.expire(now)
        {
            self.end_ack(socket, token, Err(AckError::Timeout));
        }
        while let Some((at, socket)) = self.slots.undecided()
            && session.put_off(at) <= now
        {
            let late = ConnectTicket(socket);
            self.reject(now, &late, &Refusal::new("timed out"), session);
            self.events.push(Event::Undecided { socket });
        }
        let passed = |by: Option<Instant>| by.is_some_and(|by| session.put_off(by) <= now);
        let details = if passed(self.joining.deadline()) {
            Details::NotJoined
        } else if passed(self.inbox.deadline()) {
            Details::Incomplete
        } else {
            return;
        };
        self.joining.stop_waiting();
        self.inbox.forget();
        if session.is_closed() {
            // For something else.
            return;
        }
        if self.joining.has_joined() && !session.has_returned() {
            // Nobody comes to fetch what is left.
            self.details = Some(Box::new(details));
            session.close(now, Close::Discard);
        } else {
            self.close(now, details, session);
        }
    }

    /// How packets are written and read.
    pub(crate) fn codec(&self) -> &Codec {
        self.inbox.codec()
    }

    /// Whether nothing has happened.
    pub(crate) fn is_quiet(&self) -> bool {
        self.events.is_empty()
    }

    /// What has happened first.
    #[inline]
    pub(crate) fn first_event(&self) -> Option<&Event<T>> {
        self.events.first()
    }

    /// What has happened, in order.
    pub(crate) fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop()
    }

    /// The next deadline. Costs a look at each namespace.
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
        see(self.slots.undecided().map(|(at, _)| at), Why::Middleware);
        see(self.joining.deadline(), Why::Connect);
        see(self.inbox.deadline(), Why::Packet);
        first
    }

    /// What the connection is closed for, if that was found here.
    pub(crate) fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Whether the client may still turn out to be one that wants nothing.
    pub(crate) const fn is_pending(&self) -> bool {
        self.joining.deadline().is_some()
    }

    /// The id that a client computes for its socket in a namespace, if it is not told one.
    pub(crate) fn computed_id(&self, namespace: &str, session: &Session) -> Option<SocketId> {
        match self.protocol {
            Protocol::V5 if self.config.socket_ids == SocketIds::PerNamespace => None,
            Protocol::V4 | Protocol::V5 => Some(SocketId::computed(namespace, session.sid())),
        }
    }

    /// The namespace of a socket that is in it.
    pub(crate) fn namespace(&self, socket: SocketKey) -> Option<&ByteString> {
        self.slots.connected(socket)
    }

    /// How many acks are open.
    pub(crate) fn pending_acks(&self) -> usize {
        self.acks.len()
    }

    /// The sockets that are in a namespace, in the order of their slots.
    pub(crate) fn sockets(&self) -> SmallVec<[SocketKey; 4]> {
        self.slots.sockets().collect()
    }
}
