//! Clients of a server that come back as who they were.

use super::{ConnectionKey, Event, Member, Recovered, Server, Socket};
use crate::deadline::{Deadline, earliest};
use crate::engine::{CloseReason, Flags, Sent};
use crate::id::SocketId;
use crate::namespaces::NamespaceKey;
use crate::packet::{EncodeError, IntoArgs};
use crate::recovery::{self, Claim, Figures, Pid, Recovery, Unrestored};
use crate::rooms::Target;
use crate::socket::{ConnectTicket, DisconnectReason};
use crate::time::Instant;

impl<T> Server<T> {
    /// As [`accept`](Self::accept), for a client that may come back as this socket, if
    /// [`connection_state_recovery`](crate::config::Config::connection_state_recovery) is on and it speaks
    /// revision 5. `random` becomes its private id: the bytes must come from a cryptographic source.
    pub fn accept_recoverable(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        id: SocketId,
        random: [u8; 15],
    ) -> Option<Socket> {
        let asked = Socket {
            connection,
            key: ticket.socket(),
        };
        let Some(namespace) = self.asked_for(connection, &ticket) else {
            return self.accept(now, connection, ticket, id);
        };
        let pid = Pid::from_random(random);
        let its = &self.entry(connection)?.connection;
        let name = self.namespaces.name(namespace)?;
        let id = its.computed_id(name).unwrap_or(id);
        let recoverable = its.is_recoverable();
        let its = self.namespaces.get_mut(namespace)?;
        let recovery = its.recovery.as_mut().filter(|_| recoverable);
        let Some(holder) = recovery.and_then(|recovery| recovery.enter(&id, &pid)) else {
            return self.accept(now, connection, ticket, id);
        };
        let entered = self.with(connection, |it| {
            let missed = Vec::new();
            it.connection
                .accept_recoverable(now, ticket, &id, &pid, missed)
        });
        let Some(key) = entered.flatten() else {
            let gone = DisconnectReason::ServerNamespaceDisconnect;
            self.recovery_of(namespace)?.leave(now, holder, gone, ());
            self.answered(asked);
            return None;
        };
        let socket = Socket { connection, key };
        self.taken(socket);
        let member = self.namespaces.get_mut(namespace)?.rooms.insert(id, socket);
        self.entry_mut(connection)?.sockets.push(Member {
            socket: key,
            namespace,
            member,
            holder: Some(holder),
        });
        Some(socket)
    }

    /// A client that asks for a namespace comes back as who it was: what it has missed is queued, and CONNECT
    /// behind that. If the socket that it was is still there, that leaves with
    /// [`RecoveredElsewhere`](DisconnectReason::RecoveredElsewhere), and its connection closes. `Ok(None)`: it
    /// has gone, or `middleware_timeout` was over first; it may claim the same once more.
    ///
    /// # Errors
    /// Why it does not, and the ticket: it comes as a new one.
    pub fn recover(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        claim: &Claim,
    ) -> Result<Option<Recovered>, (Unrestored, ConnectTicket)> {
        let asked = Socket {
            connection,
            key: ticket.socket(),
        };
        let namespace = self.asked_for(connection, &ticket);
        let entry = self.entry(connection);
        if !entry.is_some_and(|it| it.connection.awaits(&ticket)) {
            // What it claims would be used up, and it was told nothing.
            self.answered(asked);
            return Ok(None);
        }
        let recovery = namespace.and_then(|namespace| self.recovery_of(namespace));
        let (Some(namespace), Some(recovery)) = (namespace, recovery) else {
            return Err((Unrestored::Unknown, ticket));
        };
        let restored = recovery.restore(now, claim);
        self.rearm_recovery();
        let restored = match restored {
            Ok(restored) => restored,
            Err(why) => return Err((why, ticket)),
        };
        let its = self.namespaces.get(namespace);
        let old = its.and_then(|its| its.rooms.get(restored.id.as_str()));
        if let Some(old) = old.copied() {
            self.remove(now, old, DisconnectReason::RecoveredElsewhere);
            self.with(old.connection, |it| it.connection.supersede(now, old.key));
        }
        let recovery::Restored {
            holder,
            id,
            pid,
            rooms,
            missed,
            ..
        } = restored;
        let entered = self.with(connection, |it| {
            it.connection
                .accept_recoverable(now, ticket, &id, &pid, missed)
        });
        let Some(key) = entered.flatten() else {
            // It has gone again: it may come back once more.
            let gone = DisconnectReason::Connection(CloseReason::TransportClose);
            if let Some(recovery) = self.recovery_of(namespace) {
                recovery.untold(holder);
                recovery.leave(now, holder, gone, ());
            }
            self.answered(asked);
            self.rearm_recovery();
            return Ok(None);
        };
        let socket = Socket { connection, key };
        self.taken(socket);
        let Some(its) = self.namespaces.get_mut(namespace) else {
            return Ok(None);
        };
        let member = its.rooms.insert(id.clone(), socket);
        // Its own is among them, unless it has left that.
        its.rooms.leave(member, id.as_str());
        for room in &rooms {
            // It was in no more than it may be in.
            let _ = its.rooms.join(member, room);
        }
        if let Some(entry) = self.entry_mut(connection) {
            entry.sockets.push(Member {
                socket: key,
                namespace,
                member,
                holder: Some(holder),
            });
        }
        self.rearm_recovery();
        Ok(Some(Recovered { socket, id }))
    }

    /// Emits an event to one client: one that may come back gets it then, if it does not now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn emit(
        &mut self,
        now: Instant,
        to: Socket,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
    ) -> Result<Sent, EncodeError> {
        let Some(member) = self.place(to) else {
            return Ok(Sent::Closed);
        };
        let its = self.entry(to.connection).map(|it| it.connection.codec());
        let own = its.unwrap_or(&self.config.parser).clone();
        let namespace = self.namespaces.name(member.namespace).cloned();
        let namespace = namespace.unwrap_or_default();
        let offset = match (self.recovery_of(member.namespace), member.holder) {
            (Some(recovery), Some(_)) if flags.volatile => Some(recovery.offset()),
            (Some(recovery), Some(_)) => Some(recovery.next_offset()),
            (Some(_) | None, _) => None,
        };
        let Some(offset) = offset else {
            let packet = own.event(&namespace, None, name, args)?;
            return Ok(self.deliver(now, to, packet, flags));
        };
        // The client may come back with another parser.
        let codec = self.config.common_parser().clone();
        let packet = codec.event_at(&namespace, name, args, offset.as_str())?;
        let sent = self.deliver(now, to, packet.clone(), flags);
        // One that is refused is nobody's any more; one for a connection that is over is for the next.
        if !flags.volatile
            && sent != Sent::Full
            && let Some(holder) = member.holder
            && let Some(recovery) = self.recovery_of(member.namespace)
        {
            recovery.keep_for(now, holder, &packet);
            let due = recovery.poll_timeout();
            self.recovery_due = earliest(self.recovery_due, due);
        }
        Ok(sent)
    }

    /// Emits an event to everybody that `target` means. Says how many of them are here: those that may come back
    /// get it then.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn emit_to(
        &mut self,
        now: Instant,
        namespace: &str,
        target: &Target,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
    ) -> Result<usize, EncodeError> {
        let codec = self.config.common_parser().clone();
        let key = self.namespaces.find(namespace);
        let its = key.and_then(|key| self.namespaces.get(key));
        let Some(recovery) = its.and_then(|its| its.recovery.as_ref()) else {
            let packet = codec.event(namespace, None, name, args)?;
            return Ok(self.broadcast(now, namespace, target, &packet, flags));
        };
        let offset = match flags.volatile {
            true => recovery.offset(),
            false => recovery.next_offset(),
        };
        let packet = codec.event_at(namespace, name, args, offset.as_str())?;
        let to = self.select(namespace, target);
        let mut heard = false;
        for socket in &to {
            heard |= self.place(*socket).is_some_and(|it| it.holder.is_some());
            let _ = self.deliver(now, *socket, packet.clone(), flags);
        }
        if !flags.volatile
            && !target.is_nobody()
            && let Some(its) = key.and_then(|key| self.namespaces.get_mut(key))
            && let Some(recovery) = &mut its.recovery
        {
            let sender = target.skip.and_then(|key| its.rooms.id(key));
            recovery.keep(now, target, sender, heard, &packet);
            self.recovery_news.extend(key);
            let due = recovery.poll_timeout();
            self.recovery_due = earliest(self.recovery_due, due);
        }
        Ok(to.len())
    }

    /// What a namespace keeps for those that may come back, if it does.
    pub fn recovery_figures(&self, namespace: &str) -> Option<Figures> {
        let its = self.namespaces.get(self.namespaces.find(namespace)?)?;
        its.recovery.as_ref().map(Recovery::figures)
    }

    pub(super) fn expire_sessions(&mut self, now: Instant) {
        if self.recovery_due.is_none_or(|due| due.at > now) {
            return;
        }
        let keys: Vec<_> = self.namespaces.keys().collect();
        for key in keys {
            if let Some(recovery) = self.recovery_of(key) {
                recovery.handle_timeout(now);
            }
        }
        self.rearm_recovery();
    }

    /// The next session that will not come back.
    pub(super) fn expired(&mut self) -> Option<Event<T>> {
        while let Some(key) = self.recovery_news.first().copied() {
            if !self.namespaces.is_there(key) {
                self.recovery_news.remove(&key);
                continue;
            }
            let its = self.namespaces.get_mut(key);
            let recovery = its.and_then(|its| its.recovery.as_mut());
            if let Some(recovery::Event::Expired { id, why, data: () }) =
                recovery.and_then(Recovery::poll_event)
            {
                let namespace = self.namespaces.name(key).cloned().unwrap_or_default();
                return Some(Event::Expired { namespace, id, why });
            }
            if !self.is_awaited(key) {
                self.namespaces.clean_up(key);
            }
            self.recovery_news.remove(&key);
        }
        debug_assert!(self.is_all_told(), "there is news of a namespace");
        None
    }

    /// Whether there is nothing more to be told of any namespace. It looks at all of them.
    fn is_all_told(&self) -> bool {
        let mut all = self.namespaces.iter();
        all.all(|(_, its)| !its.recovery.as_ref().is_some_and(Recovery::has_events))
    }

    /// Keeps the one deadline of all namespaces true. What an emit throws away may have been due first: it is too
    /// early then until it has come, and no emit looks at them all.
    pub(super) fn rearm_recovery(&mut self) {
        let all = self.namespaces.iter();
        let due = all.filter_map(|(_, its)| its.recovery.as_ref()?.poll_timeout());
        self.recovery_due = due.fold(None, |first, next| earliest(first, Some(next)));
    }

    pub(super) fn due(&self) -> Option<Deadline> {
        let first = self.deadlines.first().map(|(due, _)| *due);
        let first = earliest(first, self.handshakes.deadline());
        let first = earliest(first, self.exchanges.deadline());
        earliest(first, self.recovery_due)
    }

    /// To do something to it that may end sessions.
    pub(super) fn recovery_of(&mut self, namespace: NamespaceKey) -> Option<&mut Recovery<()>> {
        let recovery = self.namespaces.get_mut(namespace)?.recovery.as_mut()?;
        self.recovery_news.insert(namespace);
        Some(recovery)
    }
}
