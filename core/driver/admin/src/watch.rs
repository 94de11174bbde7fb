//! What happens on this server, counted and shown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sio_driver::app::{
    Args, CloseReason, Conn, DisconnectReason, Incoming, IntoArgs, Message, Namespace, Packet,
    RoomEvent, Sid, Socket, SocketId, TransportKind, Value,
};
use sio_driver::binding::Runtime;

use crate::auth::hex;
use crate::date;
use crate::options::Mode;
use crate::shown::{self, Link};
use crate::stats::Figures;

/// Who hears of it.
pub(crate) struct Watch<R> {
    runtime: R,
    admin: Namespace,
    figures: Arc<Figures>,
    mode: Mode,
    /// As many as there are connections.
    links: Mutex<HashMap<Sid, Below>>,
}

/// A connection: its id on the page, which is not its secret one, and its sockets, if they are shown.
struct Below {
    client_id: String,
    sockets: Vec<Socket>,
}

impl<R: Runtime> Watch<R> {
    pub(crate) fn new(runtime: &R, admin: &Namespace, figures: Arc<Figures>, mode: Mode) -> Self {
        Self {
            runtime: runtime.clone(),
            admin: admin.clone(),
            figures,
            mode,
            links: Mutex::default(),
        }
    }

    /// Watches a namespace from now on.
    pub(crate) fn namespace(self: &Arc<Self>, namespace: &Namespace) {
        let watch = self.clone();
        // Before the application's own, whose events are shown then, too.
        namespace.prepend("connection", move |socket: Socket| {
            let watch = watch.clone();
            watch.enters(&socket);
            async move { watch.show(&socket).await }
        });
        if self.mode == Mode::Production {
            return;
        }
        let watch = self.clone();
        namespace.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
            watch.leaves(&socket);
            let (name, id) = (socket.namespace().name(), socket.id());
            watch.tell(
                "socket_disconnected",
                &(name, id, reason.as_str(), watch.date()),
            );
        });
        let (watch, name) = (self.clone(), namespace.name().to_owned());
        namespace.on_room_event(move |event: &RoomEvent| {
            let (what, room, id) = match event {
                RoomEvent::Joined(room, id) => ("room_joined", room, id),
                RoomEvent::Left(room, id) => ("room_left", room, id),
                RoomEvent::Created(_) | RoomEvent::Deleted(_) => return,
            };
            watch.tell(what, &(&name, room, id, watch.date()));
        });
    }

    /// Before anything that its client says is looked at.
    fn enters(self: &Arc<Self>, socket: &Socket) {
        self.link(socket);
        if self.mode == Mode::Production || *socket.namespace() == self.admin {
            return;
        }
        let watch = self.clone();
        let (name, id) = (socket.namespace().name().to_owned(), socket.id().clone());
        socket.use_(move |packet: &mut Incoming| {
            watch.event("event_received", (&name, &id), &packet.name, &packet.args);
            Ok::<(), &str>(())
        });
        let watch = self.clone();
        let (name, id) = (socket.namespace().name().to_owned(), socket.id().clone());
        socket.on_any_outgoing(move |event, args| {
            watch.event("event_sent", (&name, &id), event, args);
        });
    }

    async fn show(&self, socket: &Socket) {
        if self.mode == Mode::Development
            && let Some(shown) = shown::one(socket).await
        {
            self.tell("socket_connected", &(shown, self.date()));
        }
    }

    /// A connection, before anything that its client says is looked at.
    pub(crate) fn opens(self: &Arc<Self>, conn: &Conn) {
        let mut links = self.links();
        let is_new = !links.contains_key(conn.id());
        self.below(&mut links, conn);
        drop(links);
        if is_new {
            self.connects(conn, conn.transport());
        }
    }

    fn below<'a>(&self, links: &'a mut HashMap<Sid, Below>, conn: &Conn) -> &'a mut Below {
        links.entry(conn.id().clone()).or_insert_with(|| Below {
            client_id: hex(&self.runtime),
            sockets: Vec::new(),
        })
    }

    /// The connection below a socket. One that was there before anybody watched is counted with its next socket.
    fn link(self: &Arc<Self>, socket: &Socket) {
        let (conn, transport) = (socket.conn(), socket.conn().transport());
        self.opens(&conn);
        let mut links = self.links();
        let link = self.below(&mut links, &conn);
        let client_id = link.client_id.clone();
        if self.mode == Mode::Development {
            link.sockets.push(socket.clone());
        }
        drop(links);
        socket.set_local_data(Link {
            client_id,
            transport: transport.to_string(),
        });
    }

    fn connects(self: &Arc<Self>, conn: &Conn, transport: TransportKind) {
        self.count_one("rawConnection", None);
        let polls = Arc::new(AtomicBool::new(transport == TransportKind::Polling));
        if polls.load(Ordering::Relaxed) {
            self.figures.polls();
        }
        let watch = self.clone();
        conn.on_packet(move |packet| watch.count(["packetsIn", "bytesIn"], packet));
        let watch = self.clone();
        conn.on_packet_create(move |packet| watch.count(["packetsOut", "bytesOut"], packet));
        let (watch, id, polled) = (self.clone(), conn.id().clone(), polls.clone());
        conn.on_upgrade(move |transport| {
            if polled.swap(false, Ordering::Relaxed) {
                watch.figures.polls_no_more();
            }
            watch.upgraded(&id, transport);
        });
        let (watch, id) = (self.clone(), conn.id().clone());
        conn.on_close(move |reason: CloseReason| {
            let gone = watch.links().remove(&id);
            drop(gone);
            watch.count_one("rawDisconnection", Some(reason.as_str()));
            if polls.swap(false, Ordering::Relaxed) {
                watch.figures.polls_no_more();
            }
        });
        // It may have ended before anybody listened.
        if !conn.is_open() {
            let gone = self.links().remove(conn.id());
            drop(gone);
        }
    }

    fn leaves(&self, socket: &Socket) {
        let mut links = self.links();
        let gone = links.get_mut(socket.conn().id()).and_then(|link| {
            let at = link.sockets.iter().position(|it| it == socket)?;
            Some(link.sockets.swap_remove(at))
        });
        drop(links);
        drop(gone);
    }

    fn upgraded(&self, conn: &Sid, transport: TransportKind) {
        let sockets = self.links().get(conn).map(|link| link.sockets.clone());
        let transport = transport.to_string();
        for socket in sockets.unwrap_or_default() {
            socket.update_local_data(|link: &mut Link| link.transport.clone_from(&transport));
            let of = [
                ("id", Value::from(socket.id().as_str())),
                ("nsp", Value::from(socket.namespace().name())),
                ("transport", Value::from(transport.as_str())),
            ];
            self.tell("socket_updated", &(of.into_iter().collect::<Value>(),));
        }
    }

    fn event(&self, what: &str, of: (&str, &SocketId), name: &str, args: &Args) {
        // What no Rust string can hold is not shown.
        let Ok(values) = args.values() else { return };
        let event: Vec<_> = [Value::from(name)].into_iter().chain(values).collect();
        self.tell(what, &(of.0, of.1, event, self.date()));
    }

    fn tell(&self, what: &str, args: &impl IntoArgs) {
        // It can be written but for the bounds of an event: what is beyond them is not shown.
        let _ = self.admin.emit(what, args);
    }

    /// A packet that carries something, as Node counts them: of the engine's own ones none does.
    fn count(&self, [packets, bytes]: [&'static str; 2], packet: &Packet) {
        let length = match packet {
            Packet::Message(Message::Text(text)) => text.len(),
            Packet::Message(Message::Binary(bytes)) => bytes.len(),
            Packet::Open(_)
            | Packet::Close
            | Packet::Ping(_)
            | Packet::Pong(_)
            | Packet::Upgrade
            | Packet::Noop => 0,
        };
        if length > 0 {
            let counts = [(packets, None, 1), (bytes, None, length)];
            self.figures.count(self.now(), &counts);
        }
    }

    fn count_one(&self, kind: &'static str, sub_type: Option<&'static str>) {
        self.figures.count(self.now(), &[(kind, sub_type, 1)]);
    }

    fn now(&self) -> SystemTime {
        self.runtime.wall_clock()
    }

    fn date(&self) -> String {
        date::iso(self.now())
    }

    fn links(&self) -> MutexGuard<'_, HashMap<Sid, Below>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
