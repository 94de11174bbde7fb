//! How a client comes into a namespace: by its name, or as into a child of a parent.

use super::event::{ConnectionKey, Event, NamingTicket, Socket};
use super::{Member, Server};
use crate::id::SocketId;
use crate::namespaces::{Birth, NamespaceKey, Search};
use crate::socket::{ConnectTicket, Refusal};
use crate::time::Instant;

impl<T> Server<T> {
    /// The parent that was asked has a child of this name. What comes of that: [`Event::Connecting`]; or nothing,
    /// if the client is not there any more, or there are as many children as may be.
    pub fn allow(&mut self, now: Instant, ticket: NamingTicket) -> Option<Event<T>> {
        if !self.is_undecided(&ticket) {
            return None;
        }
        match ticket.parent {
            Some(parent) => {
                let parameters = Default::default();
                self.bring(now, ticket, Birth { parent, parameters })
            }
            None => self.asked(now, ticket),
        }
    }

    /// The parent that was asked has no child of this name. What comes of that: another parent is asked, or has
    /// it; or nothing, and the client is refused.
    pub fn deny(&mut self, now: Instant, ticket: NamingTicket) -> Option<Event<T>> {
        if !self.is_undecided(&ticket) {
            return None;
        }
        self.asked(now, ticket)
    }

    fn is_undecided(&self, ticket: &NamingTicket) -> bool {
        let entry = self.entry(ticket.connection);
        entry.is_some_and(|it| it.connection.asked_for(&ticket.ticket).is_some())
    }

    /// A client asks for a namespace, and those parents that were asked so far would not have it.
    pub(super) fn asked(&mut self, now: Instant, mut ticket: NamingTicket) -> Option<Event<T>> {
        let number = self.entry(ticket.connection)?.number;
        let search = match ticket.parent {
            Some(parent) => self
                .namespaces
                .search_behind(&ticket.namespace, number, parent),
            None => self.namespaces.search(&ticket.namespace, number),
        };
        match search {
            Search::Found(key) => self.connecting(ticket, key, false),
            Search::Child(birth) => self.bring(now, ticket, birth),
            Search::Ask(parent) => {
                ticket.parent = Some(parent);
                Some(Event::Naming { ticket, parent })
            }
            Search::Nowhere => self.turn_down(now, ticket),
        }
    }

    fn bring(&mut self, now: Instant, ticket: NamingTicket, birth: Birth) -> Option<Event<T>> {
        let number = self.entry(ticket.connection)?.number;
        let is_new = self.namespaces.find(&ticket.namespace).is_none();
        let fresh = self.fresh();
        let brought = self
            .namespaces
            .bring(&ticket.namespace, birth, number, fresh);
        match brought {
            Some(key) => self.connecting(ticket, key, is_new),
            None => self.turn_down(now, ticket),
        }
    }

    fn turn_down(&mut self, now: Instant, ticket: NamingTicket) -> Option<Event<T>> {
        let refusal = Refusal::invalid_namespace();
        self.reject(now, ticket.connection, ticket.ticket, &refusal);
        None
    }

    /// The client is a guest of a namespace, over which the embedder decides.
    fn connecting(
        &mut self,
        ticket: NamingTicket,
        key: NamespaceKey,
        is_new: bool,
    ) -> Option<Event<T>> {
        let NamingTicket {
            connection,
            ticket,
            namespace,
            auth,
            query,
            parent: _,
        } = ticket;
        self.namespaces.enter(key);
        let entry = self.entry_mut(connection)?;
        entry.asking.push((ticket.socket(), key));
        Some(Event::Connecting {
            connection,
            ticket,
            namespace,
            auth,
            query,
            is_new,
        })
    }

    /// What a client asked for is decided: it is no guest any more, unless it has entered.
    pub(super) fn answered(&mut self, socket: Socket) {
        let namespace = self.taken(socket);
        if let Some(namespace) = namespace {
            self.part(namespace);
        }
    }

    /// Somebody has left a namespace, or was turned away. It stays for those that may come back.
    pub(super) fn part(&mut self, namespace: NamespaceKey) {
        if self.namespaces.is_there(namespace) && self.is_awaited(namespace) {
            self.namespaces.leave_behind(namespace);
        } else {
            self.namespaces.leave(namespace);
        }
    }

    /// Whether sessions are kept there that may come back, or is to be told of some that will not.
    pub(super) fn is_awaited(&self, namespace: NamespaceKey) -> bool {
        let its = self.namespaces.get(namespace);
        let recovery = its.and_then(|its| its.recovery.as_ref());
        recovery.is_some_and(|recovery| recovery.has_away() || recovery.has_events())
    }

    /// The namespace that a client has asked for, if it is still there.
    pub(super) fn asked_for(
        &self,
        connection: ConnectionKey,
        ticket: &ConnectTicket,
    ) -> Option<NamespaceKey> {
        let asking = &self.entry(connection)?.asking;
        let its = asking.iter().find(|(key, _)| *key == ticket.socket());
        its.map(|(_, namespace)| *namespace)
            .filter(|namespace| self.namespaces.is_there(*namespace))
    }

    /// The namespace that a client has asked for, taken out.
    pub(super) fn taken(&mut self, socket: Socket) -> Option<NamespaceKey> {
        let entry = self.entry_mut(socket.connection)?;
        let asking = &mut entry.asking;
        let at = asking.iter().position(|(key, _)| *key == socket.key)?;
        Some(asking.remove(at).1)
    }

    /// The client may enter the namespace that it asked for, as the socket `id`; a client of revision 4
    /// as the one that it computes for itself (§16.2). If the namespace was removed meanwhile, it may not.
    pub fn accept(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        id: SocketId,
    ) -> Option<Socket> {
        let key = ticket.socket();
        let socket = Socket { connection, key };
        let namespace = self.taken(socket)?;
        if !self.namespaces.is_there(namespace) {
            self.part(namespace);
            self.reject(now, connection, ticket, &Refusal::invalid_namespace());
            return None;
        }
        let accepted = self.with(connection, |it| it.connection.accept(now, ticket, &id));
        if accepted.flatten().is_none() {
            self.part(namespace);
            return None;
        }
        let entry = self.entry(connection)?;
        let name = entry.connection.namespace(key)?;
        let id = entry.connection.computed_id(name).unwrap_or(id);
        let member = self.namespaces.get_mut(namespace)?.rooms.insert(id, socket);
        let sockets = &mut self.entry_mut(connection)?.sockets;
        sockets.push(Member {
            socket: key,
            namespace,
            member,
            holder: None,
        });
        Some(socket)
    }

    /// The client may not enter the namespace that it asked for.
    pub fn reject(
        &mut self,
        now: Instant,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        refusal: &Refusal,
    ) {
        let key = ticket.socket();
        self.answered(Socket { connection, key });
        self.with(connection, |it| it.connection.reject(now, ticket, refusal));
    }
}

#[cfg(test)]
mod tests;
