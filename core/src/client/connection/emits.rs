//! What a client says: at once, or when its socket is in its namespace, or until it is answered.

use std::time::Duration;

use super::{Connection, Root, Token};
use crate::client::event::{AckTicket, Event};
use crate::client::namespaces::{Namespace, State};
use crate::client::offline::Waiting;
use crate::client::retries::Retry;
use crate::client::session::{Mark, Owner, Session};
use crate::deadline::after;
use crate::engine::{Flags, Sent};
use crate::message::Encoded;
use crate::packet::{Args, Name};
use crate::socket::{AckError, SocketKey};
use crate::time::Instant;

/// An event that asks for an answer.
#[derive(Debug)]
pub(super) struct Emit {
    pub(super) id: u64,
    pub(super) packet: Encoded,
    pub(super) flags: Flags,
    pub(super) timeout: Option<Duration>,
}

impl<T> Connection<T> {
    /// Sends an event, written for the socket's namespace. While the socket is away it is kept, as far as
    /// [`max_offline_bytes`](crate::client::Config::max_offline_bytes) and its like allow; what is volatile is
    /// dropped then, unless there is a connection on which the namespace has been asked for.
    pub fn emit(&mut self, now: Instant, socket: SocketKey, packet: Encoded, flags: Flags) -> Sent {
        self.advance(now);
        let sent = self.send(socket, packet, flags, None, false);
        self.pump();
        sent
    }

    /// The id for the next event of a socket that asks for an answer: one that no other has. It is to be written
    /// into the packet that [`request`](Self::request) is given.
    pub fn draw_ack_id(&mut self, socket: SocketKey) -> Option<u64> {
        let namespace = self.namespaces.get_mut(socket)?;
        let id = namespace.next_id;
        namespace.next_id = id.wrapping_add(1);
        Some(id)
    }

    /// Sends an event that asks for an answer, written with this `id`. The answer comes as
    /// [`Event::Acked`], or the word that there is none: after `timeout`
    /// ([`ack_timeout`](crate::client::Config::ack_timeout) if none is given), or when the connection ends after
    /// it was sent.
    ///
    /// # Errors
    /// Why it was not sent, and the token.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    pub fn request(
        &mut self,
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, T)> {
        let now = self.advance(now);
        let emit = Emit {
            id,
            packet,
            flags,
            timeout,
        };
        self.request_by(now, socket, emit, token, false)
    }

    /// The same for what has its turn, or for what comes first.
    pub(super) fn request_by(
        &mut self,
        now: Instant,
        socket: SocketKey,
        emit: Emit,
        token: T,
        first: bool,
    ) -> Result<(), (AckError, T)> {
        let Emit {
            id,
            packet,
            flags,
            timeout,
        } = emit;
        let Some(namespace) = self.namespaces.get(socket) else {
            return Err((AckError::Disconnected, token));
        };
        if namespace.waiting >= self.config.max_pending_acks {
            return Err((AckError::TooMany, token));
        }
        if self.acks.is_waiting(socket, id) {
            return Err((AckError::Duplicate, token));
        }
        let sent = self.send(socket, packet, flags, Some(id), first);
        let asked = match sent {
            Sent::Queued => {
                let due = after(now, timeout.unwrap_or(self.config.ack_timeout));
                self.wait_for(socket, id, Token::Emit(token), due);
                Ok(())
            }
            Sent::Dropped | Sent::Full | Sent::Unwritten => Err((AckError::NotSent, token)),
            Sent::Closed => Err((AckError::Disconnected, token)),
        };
        self.pump();
        asked
    }

    /// Sends an event until it is answered: one at a time, in order, each try for `ack_timeout`, `retries` more
    /// of them after the first. The end comes as [`Event::Acked`]. It may arrive more than once; a connection
    /// that ends takes no try away.
    ///
    /// # Errors
    /// As many wait as may, and the token.
    pub fn retry(
        &mut self,
        now: Instant,
        socket: SocketKey,
        name: Name,
        args: &Args,
        retries: u32,
        token: T,
    ) -> Result<(), (AckError, T)> {
        self.advance(now);
        if self.is_over() {
            return Err((AckError::Disconnected, token));
        }
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return Err((AckError::Disconnected, token));
        };
        let retry = Retry {
            name,
            args: args.detached(),
            token,
            left: retries,
        };
        if let Err(retry) = namespace.retries.push(retry, &self.config) {
            return Err((AckError::TooMany, retry.token));
        }
        self.send_retry(socket);
        self.pump();
        Ok(())
    }

    /// Answers a server's event, if its socket has not left since. There is room for answers when there is none for
    /// emits; [`Sent::Full`] says that there is none either, and [`Event::Writable`] that there is again.
    pub fn respond(&mut self, now: Instant, ticket: &AckTicket, packet: Encoded) -> Sent {
        self.advance(now);
        let namespace = self.namespaces.get(ticket.socket);
        let stays = |it: &Namespace<T>| it.state == State::Connected && it.stay == ticket.stay;
        if !namespace.is_some_and(stays) {
            return Sent::Closed;
        }
        let session = self.session.as_ref();
        let sent = match session.is_some_and(|session| session.has_room(packet.size(), 2)) {
            true => self.say(packet, false),
            false => Sent::Full,
        };
        self.full |= sent == Sent::Full;
        self.pump();
        sent
    }

    /// Forgets what a socket has to say once it is in. Who waits for an answer to it hears that it was not sent.
    pub fn clear_offline(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let waiting = std::iter::from_fn(|| namespace.offline.pop());
        let ids: Vec<u64> = waiting.filter_map(|it| it.id).collect();
        for id in ids {
            self.not_sent(socket, id);
        }
        self.forget_flushes(socket, AckError::NotSent);
    }

    /// Forgets what a socket repeats until it is answered.
    pub fn clear_retries(&mut self, socket: SocketKey) {
        self.clear_retries_of(socket);
        self.pump();
    }

    pub(super) fn clear_retries_of(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let under_way = namespace.retries.under_way();
        if under_way.is_some_and(|id| self.acks.resolve(socket, id).is_some()) {
            namespace.waiting = namespace.waiting.saturating_sub(1);
        }
        while let Some(Retry { token, .. }) = namespace.retries.answered() {
            self.events.push_back(Event::Acked {
                socket,
                token,
                answer: Err(AckError::NotSent),
            });
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.status() == super::Status::Closed
    }

    /// Sends an event, behind what its socket has kept or before it: what comes first is not kept.
    pub(super) fn send(
        &mut self,
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
        id: Option<u64>,
        first: bool,
    ) -> Sent {
        if self.is_over() {
            return Sent::Closed;
        }
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return Sent::Closed;
        };
        let session = self.session.as_mut();
        let in_order = first || (namespace.offline.is_empty() && namespace.first_by.is_none());
        if namespace.state == State::Connected
            && in_order
            && let Some(session) = session
        {
            let mark = Mark {
                owner: Some(Owner { socket, id }),
                apart: false,
                once: first,
            };
            match session.send_marked(self.now, packet.clone(), flags, mark) {
                // It has just turned out that nobody is there.
                Sent::Closed => {}
                sent @ (Sent::Queued | Sent::Dropped | Sent::Full | Sent::Unwritten) => {
                    self.full |= sent == Sent::Full;
                    return sent;
                }
            }
        }
        if first {
            return Sent::Closed;
        }
        // What did not fit before goes before it.
        let held = namespace.state == State::Connected && !in_order;
        let writable = !held && self.session.as_ref().is_some_and(Session::is_writable);
        if flags.volatile && !(writable && namespace.state.is_active()) {
            return Sent::Dropped;
        }
        let mut dropped = Vec::new();
        let waiting = Waiting { packet, flags, id };
        let before = namespace.offline.packets();
        let sent = namespace.offline.push(waiting, &self.config, &mut dropped);
        let gone = before.saturating_sub(namespace.offline.packets().saturating_sub(1));
        if sent == Sent::Queued && gone > 0 {
            self.came_nearer(socket, gone);
        }
        self.full |= held && sent == Sent::Full;
        for id in dropped {
            self.not_sent(socket, id);
        }
        sent
    }

    /// A packet of the protocol's own, which is not to be read in one go with what was sent before, or may be.
    pub(super) fn say(&mut self, packet: Encoded, apart: bool) -> Sent {
        let mark = Mark {
            apart,
            ..Mark::default()
        };
        match &mut self.session {
            Some(session) => session.send_marked(self.now, packet, Flags::default(), mark),
            None => Sent::Closed,
        }
    }

    /// Tells the server that a namespace is left.
    pub(super) fn say_farewell(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        namespace.left = true;
        // Nor is what has come already.
        namespace.early = Vec::new();
        namespace.early_bytes = 0;
        if &*namespace.name == "/" {
            self.root = Root::Left;
        }
        match self.inbox.codec().disconnect(&namespace.name) {
            Ok(packet) => {
                let _ = self.say(packet, true);
            }
            Err(_) => {
                // The server would not know: the connection is of no use any more.
                if let Some(session) = &mut self.session {
                    session.lose(self.now);
                }
            }
        }
    }

    /// Sends what a socket has kept, as far as there is room for it.
    pub(super) fn send_offline(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let Some(session) = &mut self.session else {
            return;
        };
        if namespace.first_by.is_some() {
            return;
        }
        let mut count = 0_usize;
        while let Some(Waiting { packet, flags, id }) = namespace.offline.pop() {
            let mark = Mark {
                owner: Some(Owner { socket, id }),
                ..Mark::default()
            };
            // What was kept although it is volatile has its place by now.
            let lasting = Flags {
                volatile: false,
                ..flags
            };
            match session.send_marked(self.now, packet.clone(), lasting, mark) {
                Sent::Queued => count = count.saturating_add(1),
                Sent::Dropped | Sent::Full | Sent::Closed | Sent::Unwritten => {
                    namespace.offline.push_front(Waiting { packet, flags, id });
                    self.held = true;
                    break;
                }
            }
        }
        self.came_nearer(socket, count);
    }

    /// There may be room again.
    pub(super) fn send_held(&mut self) {
        let half = self.config.max_backlog_bytes / 2;
        let Some(session) = &self.session else {
            return;
        };
        if !(self.full || self.held) || session.backlog_bytes() > half {
            return;
        }
        if std::mem::take(&mut self.held) {
            for socket in self.namespaces.keys(|state| state == State::Connected) {
                self.send_offline(socket);
                self.send_retry(socket);
            }
        }
        if !self.held && std::mem::take(&mut self.full) {
            self.events.push_back(Event::Writable);
        }
    }

    /// Sends the first of those that are repeated, if it is its turn and there is room for it.
    pub(super) fn send_retry(&mut self, socket: SocketKey) {
        let due = after(self.now, self.config.ack_timeout);
        while let Some(namespace) = self.namespaces.get_mut(socket)
            && namespace.state == State::Connected
            && namespace.first_by.is_none()
        {
            let id = namespace.next_id;
            let Some(Retry { name, args, .. }) = namespace.retries.next() else {
                return;
            };
            let size = args.size().saturating_add(name.len());
            let session = self.session.as_ref();
            if session.is_some_and(|session| !session.has_room(size, 1)) {
                self.held = true;
                return;
            }
            let written = self
                .inbox
                .codec()
                .event(&namespace.name, Some(id), name, args);
            if let Ok(packet) = written {
                namespace.next_id = id.wrapping_add(1);
                namespace.retries.sent(id);
                let _ = self.say(packet, false);
                return self.wait_for(socket, id, Token::Retry(id), due);
            }
            // It never can be written.
            if let Some(Retry { token, .. }) = namespace.retries.answered() {
                self.events.push_back(Event::Acked {
                    socket,
                    token,
                    answer: Err(AckError::NotSent),
                });
            }
        }
    }

    fn wait_for(&mut self, socket: SocketKey, id: u64, token: Token<T>, due: Instant) {
        // Ids are drawn once each, and it was looked whether this one waits.
        if self.acks.wait(socket, id, token, due).is_ok()
            && let Some(namespace) = self.namespaces.get_mut(socket)
        {
            namespace.waiting = namespace.waiting.saturating_add(1);
        }
    }

    /// The answer to something that was asked.
    pub(super) fn acked(&mut self, socket: SocketKey, id: u64, args: Args) {
        if let Some(token) = self.acks.resolve(socket, id) {
            self.over(socket, token, Ok(args));
        }
    }

    /// Something was not answered in time. If it was not even sent, it is not sent any more.
    pub(super) fn ack_expired(&mut self) {
        while let Some(at) = self.acks.deadline()
            && self.excuse.put_off(at) <= self.now
            && let Some((socket, id, token)) = self.acks.expire_with_id(self.now)
        {
            let namespace = self.namespaces.get_mut(socket);
            if let Some(at) = namespace.and_then(|it| it.offline.remove(id)) {
                self.taken_out_at(socket, at);
            }
            self.over(socket, token, Err(AckError::Timeout));
        }
    }

    fn not_sent(&mut self, socket: SocketKey, id: u64) {
        if let Some(token) = self.acks.resolve(socket, id) {
            self.over(socket, token, Err(AckError::NotSent));
        }
    }

    /// The acks of a socket that has left end, but for those of what was not sent.
    pub(super) fn abandon(&mut self, socket: SocketKey, why: AckError) {
        let Some(namespace) = self.namespaces.get(socket) else {
            return;
        };
        let kept = namespace.offline.ids();
        let stays = |id| kept.binary_search(&id).is_ok();
        for token in self.acks.abandon_but(socket, stays) {
            self.over(socket, token, Err(why));
        }
    }

    /// An emit has got its answer, or gets none.
    fn over(&mut self, socket: SocketKey, token: Token<T>, answer: Result<Args, AckError>) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        namespace.waiting = namespace.waiting.saturating_sub(1);
        let token = match token {
            Token::Emit(token) => Some(token),
            // It was cleared meanwhile.
            Token::Retry(id) if !namespace.retries.awaits(id) => None,
            Token::Retry(_) => {
                let retries = &mut namespace.retries;
                let ended = match &answer {
                    Ok(_) => retries.answered(),
                    Err(AckError::Timeout) => retries.unanswered(),
                    Err(
                        AckError::Disconnected
                        | AckError::NotSent
                        | AckError::TooMany
                        | AckError::Duplicate,
                    ) => {
                        retries.interrupted();
                        None
                    }
                };
                self.send_retry(socket);
                ended.map(|retry| retry.token)
            }
        };
        if let Some(token) = token {
            self.events.push_back(Event::Acked {
                socket,
                token,
                answer,
            });
        }
    }
}
