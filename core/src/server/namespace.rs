//! The namespaces of a server, and who is in their rooms.

use bytestring::ByteString;

use super::{Server, Socket};
use crate::engine::Flags;
use crate::message::Encoded;
use crate::rooms::{MemberKey, RoomError, Rooms, Target};
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Namespace {
    name: ByteString,
    pub(super) rooms: Rooms<Socket>,
    /// Drawn for broadcasts that ask for answers: even, where sockets draw odd ones.
    next_ack: u64,
}

impl<T> Server<T> {
    /// Lets clients ask for a namespace from now on. `false`: they could before.
    pub fn open_namespace(&mut self, name: &str) -> bool {
        let new = !self.by_name.contains_key(name);
        if new {
            self.by_name.insert(name.into(), self.namespaces.len());
            self.namespaces.push(Namespace {
                name: name.into(),
                rooms: Rooms::new(self.key, self.config.max_rooms_per_socket),
                next_ack: 0,
            });
        }
        new
    }

    /// The namespace that a socket is in.
    pub fn namespace(&self, socket: Socket) -> Option<&str> {
        let (namespace, _) = self.place(socket)?;
        self.namespaces.get(namespace).map(|it| &*it.name)
    }

    pub(super) fn name_of(&self, socket: Socket) -> ByteString {
        let namespace = self
            .place(socket)
            .and_then(|(at, _)| self.namespaces.get(at));
        namespace.map(|it| it.name.clone()).unwrap_or_default()
    }

    /// Sends a packet to everybody that `target` means. Says how many that are.
    pub fn broadcast(
        &mut self,
        now: Instant,
        namespace: &str,
        target: &Target,
        packet: &Encoded,
        flags: Flags,
    ) -> usize {
        let to = self.select(namespace, target);
        for socket in &to {
            let _ = self.deliver(now, *socket, packet.clone(), flags);
        }
        to.len()
    }

    /// An ack id for a broadcast in a namespace: even, and not used before.
    pub fn next_ack(&mut self, namespace: &str) -> Option<u64> {
        let namespace = self.namespaces.get_mut(*self.by_name.get(namespace)?)?;
        let id = namespace.next_ack;
        namespace.next_ack = id.wrapping_add(2);
        Some(id)
    }

    /// A socket joins a room. `false`: it was there.
    ///
    /// # Errors
    /// It is gone, or is in too many rooms.
    pub fn join(&mut self, socket: Socket, room: &str) -> Result<bool, RoomError> {
        let (namespace, member) = self.place(socket).ok_or(RoomError::Gone)?;
        let namespace = self.namespaces.get_mut(namespace).ok_or(RoomError::Gone)?;
        namespace.rooms.join(member, room)
    }

    /// A socket leaves a room. `false`: it was not there.
    pub fn leave(&mut self, socket: Socket, room: &str) -> bool {
        self.place(socket).is_some_and(|(namespace, member)| {
            self.namespaces
                .get_mut(namespace)
                .is_some_and(|namespace| namespace.rooms.leave(member, room))
        })
    }

    /// The rooms of a socket, its own first.
    pub fn rooms_of(&self, socket: Socket) -> Vec<&str> {
        self.place(socket)
            .and_then(|(namespace, member)| {
                let namespace = self.namespaces.get(namespace)?;
                Some(namespace.rooms.rooms_of(member).collect())
            })
            .unwrap_or_default()
    }

    /// Everybody in a namespace that `target` means, in the order in which they are reached.
    pub fn select(&self, namespace: &str, target: &Target) -> Vec<Socket> {
        self.by_name
            .get(namespace)
            .and_then(|at| self.namespaces.get(*at))
            .map(|namespace| namespace.rooms.select(target).copied().collect())
            .unwrap_or_default()
    }

    /// The key by which a broadcast leaves its sender out ([`Target::skip`]).
    pub fn member(&self, socket: Socket) -> Option<MemberKey> {
        self.place(socket).map(|(_, member)| member)
    }

    /// A socket has left its namespace, and every room.
    pub(super) fn remove(&mut self, socket: Socket) {
        let Some((namespace, member)) = self.place(socket) else {
            return;
        };
        if let Some(namespace) = self.namespaces.get_mut(namespace) {
            namespace.rooms.remove(member);
        }
        if let Some(entry) = self.entry_mut(socket.connection) {
            // It was there: its place was found.
            entry.sockets.retain(|it| it.socket != socket.key);
        }
        self.recount(socket.connection);
    }

    fn place(&self, socket: Socket) -> Option<(usize, MemberKey)> {
        let entry = self.entry(socket.connection)?;
        let member = entry.sockets.iter().find(|it| it.socket == socket.key)?;
        Some((member.namespace, member.member))
    }
}
