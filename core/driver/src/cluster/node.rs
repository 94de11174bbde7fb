//! The adapter of one namespace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sio_cluster::id::Uid;
use sio_cluster::message::{Act, Question, To, is_reserved_server_side};
use sio_cluster::node::Asked;
use sio_cluster::{Dialect, Subscriptions};
use sio_core::id::SocketId;
use sio_core::packet::{Args, Call, EncodeError};
use sio_core::rooms::RoomEvent;

use super::desk::{Known, What};
use super::handle::Handle;
use super::space::CUSTOM_REQUEST;
use super::waiter::Waiter;
use crate::adapter::{
    Adapter, AdapterError, Answers, Broadcast, ClusterStatus, Gathered, InMemory, KeptSession,
    Later, Recipients, RemoteSocket, RestoredSession, ServerAnswer, SessionClaim,
};
use crate::sync::one_shot::{Answer, answer};

/// The adapter of one namespace of a server that is in a [`Cluster`](super::Cluster).
pub struct ClusterAdapter {
    local: InMemory,
    handle: Arc<Handle>,
    number: u32,
    known: Arc<Known>,
    /// A room whose first member is about to join.
    created: Mutex<Option<String>>,
}

type Asking<T> = Later<Result<Gathered<T>, AdapterError>>;

type Gives<T> = Answer<Result<T, AdapterError>>;

impl ClusterAdapter {
    pub(super) fn new(local: InMemory, handle: Arc<Handle>) -> Self {
        Self {
            number: handle.desk.number(),
            known: Arc::default(),
            created: Mutex::default(),
            local,
            handle,
        }
    }

    /// Those that do not come back find out by what they hold.
    fn wish(&self, what: What) {
        let _ = self.push(what);
    }

    /// What has no room comes back.
    fn push(&self, what: What) -> Option<What> {
        self.handle.desk.push(self.number, what)
    }

    fn call(&self, message: &Broadcast) -> Call {
        Call {
            name: message.event().into(),
            args: message.args().clone(),
        }
    }

    fn ask<T: Send + Unpin + 'static>(
        &self,
        what: Asked,
        timeout: Option<Duration>,
        waiter: impl FnOnce(Gives<T>) -> Waiter,
    ) -> Later<Result<T, AdapterError>> {
        let (give, waiting) = answer();
        self.question(what, timeout, waiter(give));
        let desk = self.handle.desk.clone();
        Later::when(async move {
            let told = waiting.await;
            // What the wire has no words for was not asked.
            let unasked = || desk.closed().unwrap_or(AdapterError::Unsaid);
            told.unwrap_or_else(|| Err(unasked()))
        })
    }

    /// What is known here is told though the others cannot be asked.
    fn question(&self, what: Asked, timeout: Option<Duration>, waiter: Waiter) {
        let wish = What::Ask(what, timeout, waiter);
        if let Some(What::Ask(_, _, waiter)) = self.push(wish) {
            waiter.lost(&self.handle.desk.refusal(), self.known.others());
        }
    }

    /// Asks for ids where that is enough: they are what is told most cheaply.
    fn ids(of: &Recipients) -> Asked {
        let To { rooms, except, .. } = To::from(of);
        Asked::Nodes(match except.is_empty() {
            true => Question::Sockets(rooms),
            false => Question::Fetch(To {
                rooms,
                except,
                ..To::default()
            }),
        })
    }

    /// Does something with one socket. That it was done only one wire tells.
    fn one(
        &self,
        id: &SocketId,
        act: Act,
        all: impl FnOnce(&dyn Adapter, &Recipients) -> Later<Result<(), AdapterError>>,
    ) -> Later<Result<(), AdapterError>> {
        let of = Recipients::default().to(id.as_str());
        if self.local.socket_rooms(id).is_some() {
            return all(&self.local, &of);
        }
        if self.dialect() != Dialect::V2 {
            return all(self, &of);
        }
        let socket = id.as_str().to_owned();
        self.ask(Asked::One { socket, act }, None, Waiter::One)
    }

    fn dialect(&self) -> Dialect {
        self.handle.dialect
    }

    fn is_dynamic(&self) -> bool {
        self.handle.subscriptions != Subscriptions::All
    }

    fn may_say(&self) -> Result<(), AdapterError> {
        match self.dialect() {
            Dialect::V2 => Err(AdapterError::Unsaid),
            Dialect::Classic | Dialect::Sharded | Dialect::Streams => Ok(()),
        }
    }

    fn server_call(&self, event: &str, args: &Args) -> Result<Call, AdapterError> {
        self.may_say()?;
        if is_reserved_server_side(event) {
            let why = EncodeError::Reserved(event.into());
            return Err(AdapterError::Emit(why.into()));
        }
        Ok(Call {
            name: event.into(),
            args: args.clone(),
        })
    }
}

impl Adapter for ClusterAdapter {
    fn local(&self) -> &InMemory {
        &self.local
    }

    fn init(&self) {
        self.wish(What::Open(self.local.clone(), self.known.clone()));
        if self.is_dynamic() {
            for name in self.local.rooms() {
                let is_id = self.local.socket_rooms(&SocketId::told(&name)).is_some();
                let there = true;
                self.wish(What::Room { name, there, is_id });
            }
        }
    }

    fn close(&self) -> Later<()> {
        let (give, waiting) = answer();
        self.wish(What::Close(Some(give)));
        Later::when(async move {
            // Where the broker is away, there is nobody to be told.
            let _ = waiting.await;
        })
    }

    fn flush(&self) -> Later<Result<(), AdapterError>> {
        let (give, waiting) = answer();
        self.wish(What::Flush(give));
        let desk = self.handle.desk.clone();
        Later::when(async move { waiting.await.unwrap_or_else(|| Err(desk.refusal())) })
    }

    fn status(&self) -> ClusterStatus {
        self.known.status()
    }

    fn server_count(&self) -> Later<Result<usize, AdapterError>> {
        let (give, waiting) = answer();
        self.wish(What::Nodes(give));
        let desk = self.handle.desk.clone();
        Later::when(async move { waiting.await.unwrap_or_else(|| Err(desk.refusal())) })
    }

    fn joined(&self, _: &SocketId, rooms: &[&str]) -> Later<()> {
        if !self.is_dynamic() {
            return Later::ready(());
        }
        let (give, waiting) = answer();
        let rooms = rooms.iter().map(|room| (*room).to_owned());
        self.wish(What::Heard(rooms.collect(), give));
        Later::when(async move {
            let _ = waiting.await;
        })
    }

    fn wants_room_events(&self) -> bool {
        self.is_dynamic()
    }

    fn room_event(&self, event: &RoomEvent) {
        let mut created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        let what = match event {
            RoomEvent::Created(room) => {
                *created = Some(room.clone());
                return;
            }
            // Whose it is, the first who joins tells.
            RoomEvent::Joined(room, id) => match created.take_if(|name| name == room) {
                Some(name) => What::Room {
                    is_id: name == id.as_str(),
                    there: true,
                    name,
                },
                None => return,
            },
            RoomEvent::Left(..) => return,
            RoomEvent::Deleted(room) => What::Room {
                name: room.clone(),
                there: false,
                is_id: false,
            },
        };
        drop(created);
        self.wish(what);
    }

    fn recovers(&self) -> bool {
        self.dialect() == Dialect::Streams && self.local.recovery().is_some()
    }

    fn persist(&self, session: KeptSession) {
        self.wish(What::Persist(session));
    }

    fn restore(&self, claim: SessionClaim) -> Later<Option<RestoredSession>> {
        let (give, waiting) = answer();
        self.wish(What::Restore(claim, give));
        Later::when(async move { waiting.await.flatten() })
    }

    fn broadcast(&self, message: &Broadcast, to: &Recipients) {
        let what = What::Broadcast(self.call(message), To::from(to));
        if to.is_volatile() || !self.recovers() {
            self.local.broadcast(message, to);
            return self.wish(what);
        }
        // Those here hear of it when it is read.
        if self.push(what).is_some() {
            self.local.broadcast_at(message, to, None);
        }
    }

    fn broadcast_with_ack(&self, message: &Broadcast, to: &Recipients, answers: Answers) {
        self.local.broadcast_with_ack(message, to, &answers);
        if self.may_say().is_err() {
            return answers.silent(self.known.others());
        }
        let timeout = to.time().unwrap_or_else(|| self.local.ack_timeout());
        let mut of = To::from(to);
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        of.flags.timeout = Some(millis);
        let call = self.call(message);
        let what = Asked::Clients { call, to: of };
        self.question(what, Some(timeout), Waiter::Clients(answers));
    }

    fn sockets(&self, of: &Recipients) -> Asking<Vec<SocketId>> {
        let here = self.local.sockets(of);
        self.ask(Self::ids(of), None, |give| Waiter::Ids(here, give))
    }

    fn count(&self, of: &Recipients) -> Asking<usize> {
        let here = self.local.count(of);
        self.ask(Self::ids(of), None, |give| Waiter::Number(here, give))
    }

    fn fetch_sockets(&self, of: &Recipients) -> Asking<Vec<RemoteSocket>> {
        let here = self.local.fetch_sockets(of);
        let what = Asked::Nodes(Question::Fetch(To::from(of)));
        self.ask(what, of.time(), |give| Waiter::Sockets(here, give))
    }

    fn rooms(&self) -> Asking<Vec<String>> {
        let here = self.local.rooms();
        let what = Asked::Nodes(Question::Rooms);
        self.ask(what, None, |give| Waiter::Rooms(here, give))
    }

    fn add_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.local.add_sockets(of, rooms);
        self.wish(What::Join(To::from(of), owned(rooms)));
        Later::ready(self.may_say())
    }

    fn del_sockets(&self, of: &Recipients, rooms: &[&str]) -> Later<Result<(), AdapterError>> {
        self.local.del_sockets(of, rooms);
        self.wish(What::Leave(To::from(of), owned(rooms)));
        Later::ready(self.may_say())
    }

    fn disconnect_sockets(&self, of: &Recipients, close: bool) -> Later<Result<(), AdapterError>> {
        self.local.disconnect_sockets(of, close);
        self.wish(What::Disconnect(To::from(of), close));
        Later::ready(self.may_say())
    }

    fn client_rooms(&self, id: &SocketId) -> Later<Result<Vec<String>, AdapterError>> {
        if let Some(rooms) = self.local.socket_rooms(id) {
            return Later::ready(Ok(rooms));
        }
        let what = Asked::Nodes(Question::RoomsOf(id.as_str().to_owned()));
        self.ask(what, None, Waiter::RoomsOf)
    }

    fn remote_join(&self, id: &SocketId, room: &str) -> Later<Result<(), AdapterError>> {
        let act = Act::Join(room.to_owned());
        self.one(id, act, |by, of| by.add_sockets(of, &[room]))
    }

    fn remote_leave(&self, id: &SocketId, room: &str) -> Later<Result<(), AdapterError>> {
        let act = Act::Leave(room.to_owned());
        self.one(id, act, |by, of| by.del_sockets(of, &[room]))
    }

    fn remote_disconnect(&self, id: &SocketId, close: bool) -> Later<Result<(), AdapterError>> {
        let act = Act::Disconnect { close };
        self.one(id, act, |by, of| by.disconnect_sockets(of, close))
    }

    fn server_side_emit(&self, event: &str, args: &Args) -> Result<(), AdapterError> {
        let call = self.server_call(event, args)?;
        self.wish(What::ServerSide(call));
        Ok(())
    }

    fn server_side_ask(
        &self,
        event: &str,
        args: &Args,
        timeout: Option<Duration>,
    ) -> Asking<Vec<ServerAnswer>> {
        if self.dialect() == Dialect::V2 && event == CUSTOM_REQUEST {
            let what = Asked::Nodes(Question::Custom(args.clone()));
            return self.ask(what, timeout, Waiter::Servers);
        }
        match self.server_call(event, args) {
            Ok(call) => self.ask(Asked::Servers(call), timeout, Waiter::Servers),
            Err(why) => Later::ready(Err(why)),
        }
    }

    fn server_side_emit_to(
        &self,
        node: &str,
        event: &str,
        args: &Args,
    ) -> Result<(), AdapterError> {
        let call = self.server_call(event, args)?;
        self.wish(What::ServerSideTo(self.other(node)?, call));
        Ok(())
    }

    fn server_side_ask_to(
        &self,
        node: &str,
        event: &str,
        args: &Args,
        timeout: Option<Duration>,
    ) -> Later<Result<Args, AdapterError>> {
        let call = self.server_call(event, args);
        let what = call.and_then(|call| {
            let node = self.other(node)?;
            Ok(Asked::Server { node, call })
        });
        match what {
            Ok(what) => self.ask(what, timeout, Waiter::Server),
            Err(why) => Later::ready(Err(why)),
        }
    }
}

impl ClusterAdapter {
    /// The node of that id, if that one alone can be told anything.
    fn other(&self, node: &str) -> Result<Uid, AdapterError> {
        let uid = Uid::from(node);
        match self.dialect().reaches_alone(&uid) {
            true => Ok(uid),
            false => Err(AdapterError::Unsaid),
        }
    }
}

impl Drop for ClusterAdapter {
    /// A server that was dropped and not closed leaves its cluster, too.
    fn drop(&mut self) {
        self.wish(What::Close(None));
    }
}

impl std::fmt::Debug for ClusterAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ClusterAdapter");
        shown.field("namespace", &self.local.namespace());
        shown.field("status", &self.status()).finish()
    }
}

fn owned(rooms: &[&str]) -> Vec<String> {
    rooms.iter().map(|room| (*room).to_owned()).collect()
}
