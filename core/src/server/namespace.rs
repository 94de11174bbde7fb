//! The namespaces of a server, and who is in their rooms.

use bytestring::ByteString;

use super::{Member, Namespace, Server, Socket};
use crate::engine::Flags;
use crate::message::Encoded;
use crate::namespaces::{Parameters, ParentKey, Pattern, whole_name};
use crate::recovery::Recovery;
use crate::rooms::{MemberKey, RoomError, Rooms, Target};
use crate::socket::DisconnectReason;
use crate::time::Instant;

impl<T> Server<T> {
    /// Lets clients ask for a namespace from now on. `false`: they could before. A name without a `/` at its
    /// beginning gets one.
    pub fn open_namespace(&mut self, name: &str) -> bool {
        let name = whole_name(name);
        let new = self.namespaces.find(&name).is_none();
        let birth = self.namespaces.birth_of(&name);
        let fresh = self.fresh();
        self.namespaces.open(&name, birth, fresh);
        new
    }

    pub(super) fn fresh(&self) -> impl FnOnce() -> Namespace + use<T> {
        let (key, config) = (self.key, self.config.clone());
        move || Namespace {
            rooms: Rooms::new(key, config.max_rooms_per_socket),
            next_ack: 0,
            recovery: Recovery::new(&config, key),
        }
    }

    /// Lets clients ask for children of a parent from now on: for names that look like its pattern, or if it has
    /// none, for names that [`allow`](Self::allow) is called for. Of several parents, the first one has a child.
    pub fn open_parent(&mut self, pattern: Option<Pattern>) -> ParentKey {
        self.namespaces.add_parent(pattern)
    }

    /// There is no namespace of this name any more. Its sockets leave, with the reason
    /// [`NamespaceRemoved`](crate::socket::DisconnectReason::NamespaceRemoved). Those who could have come back do
    /// not, and no [`Expired`](super::Event::Expired) tells of them. `false`: there was none.
    pub fn remove_namespace(&mut self, now: Instant, name: &str) -> bool {
        let everybody = self.select(name, &Target::default());
        let removed = self.namespaces.remove(name);
        for socket in everybody {
            self.with(socket.connection, |it| it.connection.expel(now, socket.key));
        }
        removed
    }

    /// The namespaces that there are, in the order of their names.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(|(name, _)| &**name)
    }

    /// The names of a parent's children, in their order.
    pub fn children(&self, parent: ParentKey) -> impl Iterator<Item = &str> {
        self.namespaces.children(parent).map(|(name, _)| &**name)
    }

    /// The parameters in the name of a child.
    pub fn parameters(&self, namespace: &str) -> Option<&Parameters> {
        let birth = self.namespaces.birth(self.namespaces.find(namespace)?)?;
        Some(&birth.parameters)
    }

    /// The namespace that a socket is in.
    pub fn namespace(&self, socket: Socket) -> Option<&str> {
        let Member { namespace, .. } = self.place(socket)?;
        self.namespaces.name(namespace).map(|name| &**name)
    }

    pub(super) fn name_of(&self, socket: Socket) -> ByteString {
        let place = self.place(socket);
        let name = place.and_then(|its| self.namespaces.name(its.namespace));
        name.cloned().unwrap_or_default()
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
        let namespace = self.namespaces.find(namespace)?;
        let namespace = self.namespaces.get_mut(namespace)?;
        let id = namespace.next_ack;
        namespace.next_ack = id.wrapping_add(2);
        Some(id)
    }

    /// A socket joins a room. `false`: it was there.
    ///
    /// # Errors
    /// It is gone, or is in too many rooms.
    pub fn join(&mut self, socket: Socket, room: &str) -> Result<bool, RoomError> {
        let its = self.place(socket).ok_or(RoomError::Gone)?;
        let namespace = self.namespaces.get_mut(its.namespace);
        let namespace = namespace.ok_or(RoomError::Gone)?;
        let joined = namespace.rooms.join(its.member, room);
        if joined == Ok(true)
            && let Some(holder) = its.holder
            && let Some(recovery) = &mut namespace.recovery
        {
            recovery.join(holder, room);
        }
        joined
    }

    /// A socket leaves a room. `false`: it was not there.
    pub fn leave(&mut self, socket: Socket, room: &str) -> bool {
        let Some(its) = self.place(socket) else {
            return false;
        };
        let Some(namespace) = self.namespaces.get_mut(its.namespace) else {
            return false;
        };
        let left = namespace.rooms.leave(its.member, room);
        if left
            && let Some(holder) = its.holder
            && let Some(recovery) = &mut namespace.recovery
        {
            recovery.leave_room(holder, room);
        }
        left
    }

    /// The rooms of a socket, its own first.
    pub fn rooms_of(&self, socket: Socket) -> Vec<&str> {
        self.place(socket)
            .and_then(|its| {
                let namespace = self.namespaces.get(its.namespace)?;
                Some(namespace.rooms.rooms_of(its.member).collect())
            })
            .unwrap_or_default()
    }

    /// Everybody in a namespace that `target` means, in the order in which they are reached.
    pub fn select(&self, namespace: &str, target: &Target) -> Vec<Socket> {
        self.namespaces
            .find(namespace)
            .and_then(|key| self.namespaces.get(key))
            .map(|namespace| namespace.rooms.select(target).copied().collect())
            .unwrap_or_default()
    }

    /// The key by which a broadcast leaves its sender out ([`Target::skip`]).
    pub fn member(&self, socket: Socket) -> Option<MemberKey> {
        self.place(socket).map(|its| its.member)
    }

    /// A socket has left its namespace, and every room.
    pub(super) fn remove(&mut self, now: Instant, socket: Socket, reason: DisconnectReason) {
        let Some(its) = self.place(socket) else {
            return;
        };
        if let Some(namespace) = self.namespaces.get_mut(its.namespace) {
            if let Some(holder) = its.holder
                && let Some(recovery) = &mut namespace.recovery
            {
                recovery.leave(now, holder, reason, ());
                self.recovery_news.insert(its.namespace);
            }
            namespace.rooms.remove(its.member);
        }
        self.part(its.namespace);
        if let Some(entry) = self.entry_mut(socket.connection) {
            // It was there: its place was found.
            entry.sockets.retain(|it| it.socket != socket.key);
        }
        if its.holder.is_some() {
            self.rearm_recovery();
        }
    }

    pub(super) fn place(&self, socket: Socket) -> Option<Member> {
        let entry = self.entry(socket.connection)?;
        let mut sockets = entry.sockets.iter();
        sockets.find(|it| it.socket == socket.key).copied()
    }
}
