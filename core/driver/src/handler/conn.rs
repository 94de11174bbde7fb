//! What is registered on the connection below a socket.

use std::sync::Arc;

use sio_core::engine::{Backlog, CloseReason, Eio, Packet, Seen, TransportKind};

use crate::handle::Conn;
use crate::mailbox::command::{Change, Command};
use crate::mailbox::task_handle::Watchers;

impl Conn {
    /// Runs `hook` when the connection has moved to another transport.
    #[doc(alias = "upgrade")]
    pub fn on_upgrade(&self, hook: impl Fn(TransportKind) + Send + Sync + 'static) {
        self.watch(|watchers| watchers.upgrade.push(Arc::new(hook)));
    }

    /// Runs `hook` when a WebSocket was opened beside the polling and has proved itself, from when on the client may go
    /// over to it.
    pub fn on_upgrading(&self, hook: impl Fn(TransportKind) + Send + Sync + 'static) {
        self.on_seen(move |seen| {
            if *seen == Seen::Upgrading {
                hook(TransportKind::WebSocket);
            }
        });
    }

    /// Runs `hook` for each packet of Engine.IO that its client has sent, before anything comes of it: messages (of an
    /// event with bytes in it there are several), pings and pongs, the close of a client that polls. From when its task
    /// knows of it: before anything else that it reads, where it is registered in a handler. For looking on, by
    /// monitors and logs: a connection that is looked at goes without what makes broadcasts cheap.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io, Packet, Socket};
    /// # let io = Io::new(Config::default());
    /// io.of("/").on_connect(|socket: Socket| {
    ///     let sid = socket.conn().id().clone();
    ///     socket.conn().on_packet(move |packet: &Packet| println!("{sid:?} says {packet:?}"));
    /// });
    /// ```
    #[doc(alias = "packet")]
    pub fn on_packet(&self, hook: impl Fn(&Packet) + Send + Sync + 'static) {
        self.on_seen(move |seen| {
            if let Seen::Received(packet) = seen {
                hook(packet);
            }
        });
    }

    /// Runs `hook` for each packet of Engine.IO that was made for its client, once it is queued: those that others emit,
    /// too, and the pings. As [`on_packet`](Self::on_packet) otherwise.
    #[doc(alias = "packetCreate")]
    pub fn on_packet_create(&self, hook: impl Fn(&Packet) + Send + Sync + 'static) {
        self.on_seen(move |seen| {
            if let Seen::Created(packet) = seen {
                hook(packet);
            }
        });
    }

    /// Runs `hook` for each sign of life: a pong of a client of revision 4, a ping of one of revision 3.
    #[doc(alias = "heartbeat")]
    pub fn on_heartbeat(&self, hook: impl Fn() + Send + Sync + 'static) {
        let revision = self.revision();
        self.on_packet(move |packet| match (packet, revision) {
            (Packet::Pong(_), Eio::V4) | (Packet::Ping(_), Eio::V3) => hook(),
            (
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping(_)
                | Packet::Pong(_)
                | Packet::Message(_)
                | Packet::Upgrade
                | Packet::Noop,
                Eio::V3 | Eio::V4,
            ) => {}
        });
    }

    /// Runs `hook` when packets are handed to its transport, with how many and their bytes: to its WebSocket, or as the
    /// answer to a poll. As [`on_packet`](Self::on_packet) otherwise.
    #[doc(alias = "flush")]
    pub fn on_flush(&self, hook: impl Fn(Backlog) + Send + Sync + 'static) {
        self.observe(|watchers| watchers.flush.push(Arc::new(hook)));
    }

    /// Runs `hook` when all that was handed to its transport has left, and nothing waits. Who waits for it once asks for
    /// [`flushed`](Self::flushed).
    #[doc(alias = "drain")]
    pub fn on_drain(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.observe(|watchers| watchers.drain.push(Arc::new(hook)));
    }

    fn on_seen(&self, hook: impl Fn(&Seen) + Send + Sync + 'static) {
        self.observe(|watchers| watchers.packets.push(Arc::new(hook)));
    }

    /// Adds to those who look at each packet.
    fn observe(&self, add: impl FnOnce(&mut Watchers)) {
        self.watch(add);
        self.tell(Command::Become(Change::Observe));
    }

    /// Runs `hook` when the connection has ended. Never, if it has already.
    #[doc(alias = "close")]
    pub fn on_close(&self, hook: impl Fn(CloseReason) + Send + Sync + 'static) {
        self.watch(|watchers| watchers.close.push(Arc::new(hook)));
    }
}
