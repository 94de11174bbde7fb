//! What a namespace does on this node, for its adapter.

use std::borrow::Cow;
use std::time::Duration;

use sio_core::config::ConnectionStateRecovery;
use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::{Args, Encoded};

use super::Socket;
use super::afar::Told;
use super::inner::NamespaceInner;
use super::keeper::Kept;
use crate::adapter::{
    Adapter, Answers, Broadcast, ClusterEvent, Here, InMemory, Place, Recipients, RemoteSocket,
    ServerAck,
};
use crate::log::warn;
use crate::mailbox::command::{Command, Request};
use crate::mailbox::fan_out::spread;
use crate::mailbox::reply::Token;
use crate::mailbox::weight::Weight;

impl NamespaceInner {
    /// The packet of a message, for the sockets that are here.
    #[inline]
    fn written<'a>(&self, message: &'a Broadcast, ack: Option<u64>) -> Option<Cow<'a, Encoded>> {
        match message.packet(&self.setup().common_codec(), self.name(), ack) {
            Ok(packet) => Some(packet),
            Err(_why) => {
                warn!(namespace = self.name(), event = %message.event(), why = %_why, "not written");
                None
            }
        }
    }

    fn chosen(&self, of: &Recipients) -> Vec<Socket> {
        self.look(|rooms| rooms.select(&of.target(rooms)).cloned().collect())
    }
}

/// The part of this node, where there is no other.
impl Adapter for NamespaceInner {
    fn local(&self) -> &InMemory {
        self.in_memory()
    }

    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        Here::broadcast(self, message, to);
    }
}

impl Here for NamespaceInner {
    fn ack_timeout(&self) -> Duration {
        self.setup().config().ack_timeout
    }

    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        if let Some(kept) = self.keeper.get() {
            match kept {
                Kept::Here(keeper) => self.broadcast_kept(keeper, message, to),
                Kept::Afar(afar) => self.broadcast_afar(afar, message, to, Told::Untracked),
            }
            return;
        }
        let Some(mut packet) = self.written(message, None) else {
            return;
        };
        let flags = self.flags(to.flags());
        if flags.latest {
            packet = Cow::Owned(match packet {
                // Named as it was written.
                Cow::Borrowed(packet) => packet.clone(),
                Cow::Owned(packet) => packet.named(self.name(), message.event()),
            });
        }
        let wakers = self.look(|rooms| {
            let target = to.target(rooms);
            let recipients = || {
                let members = rooms.select(&target);
                members.map(|socket| (&**socket.task(), socket.key()))
            };
            spread(self.opened(), &target, flags, &packet, recipients)
        });
        wakers.wake();
    }

    fn broadcast_at(&self, message: &Broadcast, to: &Recipients, at: Option<Place>) {
        match (self.keeper.get(), at) {
            (Some(Kept::Afar(afar)), Some(at)) => {
                self.broadcast_afar(afar, message, to, Told::At(at));
            }
            (Some(Kept::Afar(afar)), None) => {
                self.broadcast_afar(afar, message, to, Told::Nowhere);
            }
            (Some(Kept::Here(_)) | None, _) => Here::broadcast(self, message, to),
        }
    }

    fn lose_track(&self) {
        if let Some(Kept::Afar(afar)) = self.keeper.get() {
            afar.lose_track();
        }
    }

    fn recovery(&self) -> Option<ConnectionStateRecovery> {
        self.setup().config().connection_state_recovery
    }

    #[cfg(feature = "cluster")]
    fn parent(&self) -> Option<usize> {
        let origin = self.origin.as_ref()?;
        Some(origin.parent.address())
    }

    fn broadcast_with_ack(
        &self,
        message: &Broadcast,
        to: &Recipients,
        answers: &Answers,
        asked: &mut dyn FnMut(usize),
    ) {
        let id = message.ack().filter(|_| answers.take_id(self.number()));
        let id = id.unwrap_or_else(|| self.next_ack());
        let Some(packet) = self.written(message, Some(id)) else {
            asked(0);
            return;
        };
        let weight = Weight::of(&packet);
        let flags = self.flags(Flags {
            latest: false,
            ..to.flags()
        });
        let sockets = self.chosen(to);
        asked(sockets.len());
        let parts = answers.ask(sockets.iter().map(|socket| socket.id().clone()));
        for (socket, part) in sockets.iter().zip(parts) {
            let command = Command::Request(Box::new(Request {
                socket: socket.key(),
                id,
                packet: Encoded::clone(&packet),
                flags,
                token: Token::many(part),
                timeout: to.time(),
            }));
            // Not taken: the token is dropped with the command, which counts as disconnected.
            let _ = socket.task().push_packet(command, weight, flags);
        }
    }

    fn sockets(&self, of: &Recipients) -> Vec<SocketId> {
        let chosen = self.chosen(of);
        chosen.iter().map(|socket| socket.id().clone()).collect()
    }

    fn count(&self, of: &Recipients) -> usize {
        self.look(|rooms| rooms.select(&of.target(rooms)).count())
    }

    fn fetch_sockets(&self, of: &Recipients) -> Vec<RemoteSocket> {
        let chosen = self.chosen(of);
        chosen.iter().map(RemoteSocket::from).collect()
    }

    fn rooms(&self) -> Vec<String> {
        self.look(|rooms| rooms.names().map(str::to_owned).collect())
    }

    fn has_room(&self, room: &str) -> bool {
        self.look(|rooms| rooms.has_room(room))
    }

    fn socket_rooms(&self, id: &SocketId) -> Option<Vec<String>> {
        self.look(|rooms| rooms.get(id.as_str()).cloned())
            .map(|socket| socket.rooms())
    }

    fn add_sockets(&self, of: &Recipients, rooms: &[&str]) {
        for socket in self.chosen(of) {
            // Those that are in too many rooms already do not.
            let _ = socket.join(rooms);
        }
    }

    fn del_sockets(&self, of: &Recipients, rooms: &[&str]) {
        for socket in self.chosen(of) {
            socket.leave(rooms);
        }
    }

    fn disconnect_sockets(&self, of: &Recipients, close: bool) {
        for socket in self.chosen(of) {
            socket.disconnect(close);
        }
    }

    fn server_side(&self, event: &str, args: &Args, ack: Option<ServerAck>) {
        self.hear_server_side(event, args, ack);
    }

    fn cluster(&self, event: &ClusterEvent) {
        self.hear_cluster(event);
    }
}

impl From<&Socket> for RemoteSocket {
    fn from(socket: &Socket) -> Self {
        Self::new(
            socket.id().clone(),
            socket.namespace().name().to_owned(),
            socket.rooms(),
            socket.shared_handshake().clone(),
            socket.shared_data(),
        )
    }
}
