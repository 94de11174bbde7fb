//! One client: an Engine.IO session, and the sockets that live on it.

mod event;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::deadline::{Deadline, earliest};
use crate::details::Details;
use crate::engine::{
    self, Close, CloseReason, Flags, Post, Reply, Seen, Sent, Session, WsClosed, WsOut,
};
use crate::id::{RequestId, Sid, SocketId};
use crate::message::{Encoded, Message};
use crate::packet::Codec;
use crate::protocol::{Eio, Protocol};
use crate::recovery::Pid;
use crate::socket::{
    self, AckError, AckTicket, ConnectTicket, DisconnectReason, Mux, Refusal, SocketKey,
};
use crate::time::Instant;

pub(crate) use event::Brought;
pub use event::Event;

/// One client that speaks Socket.IO, from handshake to close: a [`Session`], and the sockets on it. One with
/// whom nothing is spoken above Engine.IO is its [`Session`] alone.
///
/// 1. Tell it what happened: `handle_poll`, `handle_post`, `handle_ws`, `handle_timeout`, ..
/// 2. Ask for what you want: `deliver`, `request`, `accept`, `respond`, `disconnect`, `close`, ..
/// 3. Carry out what it wants: `poll_event` until it is empty (answering what asks for an answer),
///    then `poll_http` until it is empty, then `poll_ws` while the WebSocket is writable.
/// 4. Sleep until `poll_timeout`, or until there is something for step 1 or 2.
///
/// Steps 1 and 2 may be repeated before step 3. Messages are read into packets as `poll_event` comes
/// to them, so that an event sent right behind a CONNECT finds the namespace entered, if it was
/// accepted before `poll_event` was called again. Nothing is lost and nothing waits for a timeout to
/// come out.
///
/// `T` is the caller's own value that comes back with the answer to a [`request`](Self::request).
///
/// A clone, made for a replay, goes on as what it was made of does. Tickets that were given out before are for
/// that one alone; [`ConnectTicket::for_clone`] and [`AckTicket::for_clone`] make others.
#[derive(Clone, Debug, Hash)]
pub struct Connection<T> {
    session: Session,
    mux: Mux<T>,
    /// Why the session is over, to be said once its sockets have left.
    closed: Option<CloseReason>,
}

impl<T> Connection<T> {
    /// A connection over a session, whose packets are written and read by [`Config::parser`].
    ///
    /// The session's revision decides on Socket.IO's, which is one above it (§1): a client of revision 4
    /// asks for `/` by coming, so that its first event is [`Connecting`](crate::socket::Event::Connecting).
    ///
    /// The session may be new, or one that was used for messages alone until now. What it has not given out
    /// yet is read as packets; what it has, and nobody has looked at, is handed in with
    /// [`handle_message`](Self::handle_message) before anything else.
    pub fn new(now: Instant, session: Session, config: Arc<Config>) -> Self {
        let codec = config.parser.clone();
        Self::with_codec(now, session, config, &codec)
    }

    /// The same by a parser that is not the one of its configuration.
    pub fn with_codec(
        now: Instant,
        mut session: Session,
        config: Arc<Config>,
        codec: &Codec,
    ) -> Self {
        let protocol = session.revision().protocol();
        Self {
            mux: Mux::new(now, config, codec, protocol, &mut session),
            session,
            closed: None,
        }
    }

    /// A message that the session gave out before this was made of it.
    pub fn handle_message(&mut self, now: Instant, data: Message) {
        self.mux.handle(now, data, &mut self.session);
    }

    /// A GET has arrived that waits for packets; the handshake's own is answered at once (§9.2).
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        self.session.handle_poll(now, id, revision);
        self.returned();
    }

    /// A POST has begun, has arrived whole, or has failed (§9.3).
    pub fn handle_post(&mut self, now: Instant, id: RequestId, revision: Eio, post: Post) {
        self.session.handle_post(now, id, revision, post);
        self.returned();
    }

    /// The client has dropped a request that was not answered yet (§9.4).
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        self.session.handle_aborted(now, id);
    }

    /// So many bytes of what its GETs were answered with are not written yet
    /// ([`Session::handle_unwritten`]).
    pub fn handle_unwritten(&mut self, now: Instant, bytes: usize) {
        self.session.handle_unwritten(now, bytes);
    }

    /// As [`Session::handle_answer_lost`].
    pub fn handle_answer_lost(&mut self, now: Instant) {
        self.session.handle_answer_lost(now);
    }

    /// A WebSocket was opened for this session (§12). `false`: close it at once, nothing else is
    /// disturbed.
    pub fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        let wanted = self.session.handle_ws_open(now, revision, base64);
        self.returned();
        wanted
    }

    fn returned(&mut self) {
        self.mux.returned(&self.session);
    }

    /// A message has arrived on the WebSocket.
    pub fn handle_ws(&mut self, now: Instant, frame: Message) {
        self.session.handle_ws(now, frame);
    }

    /// Some of what [`poll_ws`](Self::poll_ws) gave has left: the client is reading.
    pub fn handle_ws_progress(&mut self, now: Instant) {
        self.session.handle_ws_progress(now);
    }

    /// All that [`poll_ws`](Self::poll_ws) gave has left.
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        self.session.handle_ws_flushed(now);
    }

    /// The WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.session.handle_ws_closed(now, cause);
    }

    /// The deadline of [`poll_timeout`](Self::poll_timeout) is looked at only now, before
    /// [`handle_timeout`](Self::handle_timeout): as [`Session::handle_late`] has it.
    pub fn handle_late(&mut self, now: Instant) {
        if let Some(due) = self.poll_timeout() {
            self.session.excuse(due, now);
        }
    }

    /// Acts on every deadline that has come. Hand in what has arrived first, as
    /// [`Session::handle_timeout`] has it.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.mux.handle_timeout(now, &mut self.session);
    }

    /// The client may enter the namespace as the socket `id`: CONNECT is queued for it. `None`: it has
    /// gone, `middleware_timeout` was over first, or the CONNECT cannot be written
    /// ([`Details::Unwritten`]).
    ///
    /// A client of revision 4 is not told the id; it has computed it ([`computed_id`](Self::computed_id)).
    pub fn accept(
        &mut self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
    ) -> Option<SocketKey> {
        self.mux.accept(now, &ticket, id, &mut self.session)
    }

    /// The same for a client that may come back as who it is, by this private id, which it is told; what it has
    /// missed, if it does so now, goes before ([`Recovery`]). Clients of revision 4 do not come back.
    ///
    /// [`Recovery`]: crate::recovery::Recovery
    pub fn accept_recoverable(
        &mut self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
        pid: &Pid,
        missed: Vec<Encoded>,
    ) -> Option<SocketKey> {
        let pid = Some(pid.as_str());
        self.mux
            .accept_as(now, &ticket, id, pid, missed, &mut self.session)
    }

    /// The namespace for which a ticket was given out, as long as that is not decided.
    pub fn asked_for(&self, ticket: &ConnectTicket) -> Option<&str> {
        self.mux.asked_for(ticket)
    }

    /// Whether its client is still there to be let in by a ticket.
    pub fn awaits(&self, ticket: &ConnectTicket) -> bool {
        self.session.is_open() && self.asked_for(ticket).is_some()
    }

    /// Whether its client could come back: it speaks revision 5.
    pub fn is_recoverable(&self) -> bool {
        self.session.revision().protocol() == Protocol::V5
    }

    /// The client of a socket has come back as this very socket by another connection, and this one hangs: it is
    /// closed, and the socket leaves with [`RecoveredElsewhere`](DisconnectReason::RecoveredElsewhere).
    pub fn supersede(&mut self, now: Instant, socket: SocketKey) {
        self.mux.supersede(now, socket, &mut self.session);
    }

    /// The client may not enter the namespace, and is told why.
    pub fn reject(&mut self, now: Instant, ticket: ConnectTicket, refusal: &Refusal) {
        self.mux.reject(now, &ticket, refusal, &mut self.session);
    }

    /// Sends a packet to a socket's client: as it is if it was written by the connection's parser, else what that
    /// parser makes of it, once for all connections that have the same. By another parser of the application's own it
    /// cannot be written ([`Sent::Unwritten`]): such packets are not read again.
    pub fn deliver(
        &mut self,
        now: Instant,
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
    ) -> Sent {
        self.mux
            .deliver(now, socket, packet, flags, &mut self.session)
    }

    /// How its packets are written and read.
    pub fn codec(&self) -> &Codec {
        self.mux.codec()
    }

    /// Whether packets of text by its parser for a socket's client may go to its WebSocket as they are, past the queue,
    /// which is what [`deliver`](Self::deliver) and then [`poll_ws`](Self::poll_ws) for each would come
    /// to. Say [`passed`](Self::passed) once they did.
    pub fn is_clear(&self, socket: SocketKey) -> bool {
        self.session.is_clear() && self.mux.namespace(socket).is_some()
    }

    /// From now on [`poll_seen`](Self::poll_seen) tells of its packets: [`Session::observe`].
    pub fn observe(&mut self) {
        self.session.observe();
    }

    /// What is told beside its events: [`Session::poll_seen`].
    pub fn poll_seen(&mut self) -> Option<Seen> {
        self.session.poll_seen()
    }

    /// Asks for when what was sent until now has left: [`Session::follow`].
    pub fn follow(&mut self) -> Option<u64> {
        self.session.follow()
    }

    /// How far that has come: [`Session::reached`].
    pub fn reached(&mut self) -> u64 {
        self.session.reached()
    }

    /// Packets have gone past the queue.
    pub fn passed(&mut self, now: Instant) {
        self.session.passed(now);
    }

    /// Sends a packet that asks for an answer. Unless this fails, exactly one
    /// [`Acked`](crate::socket::Event::Acked) brings the token back: with the answer, or with why there is none.
    ///
    /// `id` is the one that the packet was encoded with. Sockets draw odd ones and namespaces even
    /// ones, so that a broadcast may share one encoding among all its recipients. `timeout` is
    /// `ack_timeout` if `None`.
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
        self.mux.request(
            now,
            socket,
            id,
            packet,
            flags,
            token,
            timeout,
            &mut self.session,
        )
    }

    /// Answers a client's event.
    pub fn respond(&mut self, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent {
        self.mux.respond(now, &ticket, packet, &mut self.session)
    }

    /// Sends a message of Engine.IO as it is, beside the packets of the sockets.
    pub fn send(&mut self, now: Instant, data: &Message, flags: Flags) -> Sent {
        self.session.send(now, Encoded::from(data), flags)
    }

    /// Takes a socket out of its namespace, and tells its client (§16.3).
    pub fn disconnect(&mut self, now: Instant, socket: SocketKey) {
        self.mux.disconnect(now, socket, &mut self.session);
    }

    /// Takes a socket out of a namespace that is there no more, and tells its client as if it were the server's
    /// wish: the reason is [`NamespaceRemoved`](DisconnectReason::NamespaceRemoved).
    pub fn expel(&mut self, now: Instant, socket: SocketKey) {
        self.mux.expel(now, socket, &mut self.session);
    }

    /// Takes every socket out of its namespace, tells the client, then closes the connection (§16.3).
    pub fn disconnect_all(&mut self, now: Instant) {
        self.mux.disconnect_all(now, &mut self.session);
        self.session.close(now, Close::Flush);
    }

    /// The server is closing: every socket ends with
    /// [`ServerShuttingDown`](DisconnectReason::ServerShuttingDown), what is queued is still sent, then
    /// the connection closes. The client is not told to stay away, and comes back when it can.
    pub fn shut_down(&mut self, now: Instant) {
        self.mux.shut_down();
        self.session.shut_down(now);
    }

    /// Closes the connection under its sockets, whose reason is `forced close` (§10, §18).
    pub fn close(&mut self, now: Instant, how: Close) {
        self.session.close(now, how);
    }

    /// Ends the connection at once with a reason that was found above it: its owner cannot go on.
    pub fn fail(&mut self, now: Instant, reason: CloseReason) {
        self.session.fail(now, reason);
    }

    /// Leaves the packets of POSTs unread while the application has enough to do
    /// ([`Session::pause`]). What does not come from them is told all the same.
    pub fn pause(&mut self, now: Instant, paused: bool) {
        self.session.pause(now, paused);
    }

    /// Whether [`poll_event`](Self::poll_event) has nothing to tell and nothing to do.
    pub(crate) fn is_quiet(&self) -> bool {
        self.mux.is_quiet() && self.closed.is_none() && self.session.is_quiet()
    }

    /// What has happened, in order.
    pub fn poll_event(&mut self, now: Instant) -> Option<Event<T>> {
        let brought = self.bring(now);
        self.take(brought)
    }

    /// Works on what has come until something has happened, which [`take`](Self::take) hands out: so it can be looked at
    /// before, where it is. It is large to be moved.
    pub(crate) fn bring(&mut self, now: Instant) -> Brought {
        loop {
            if !self.mux.is_quiet() {
                return Brought::Socket;
            }
            if self.closed.is_some() {
                return Brought::Closed;
            }
            match self.session.poll_event() {
                None => return Brought::Nothing,
                Some(engine::Event::Message(data)) => self.handle_message(now, data),
                Some(engine::Event::Upgraded) => return Brought::Upgraded,
                Some(engine::Event::Closed {
                    reason,
                    violation: _,
                }) => {
                    self.mux.end(DisconnectReason::Connection(reason));
                    self.closed = Some(reason);
                }
            }
        }
    }

    /// What was brought.
    #[inline]
    pub(crate) fn take(&mut self, brought: Brought) -> Option<Event<T>> {
        match brought {
            Brought::Socket => self.mux.poll_event().map(Event::Socket),
            Brought::Nothing => None,
            Brought::Upgraded | Brought::Closed => self.take_own(brought),
        }
    }

    #[cold]
    fn take_own(&mut self, brought: Brought) -> Option<Event<T>> {
        match brought {
            Brought::Nothing | Brought::Socket => None,
            Brought::Upgraded => Some(Event::Upgraded),
            Brought::Closed => {
                let details = self.details();
                let reason = self.closed.take()?;
                Some(Event::Closed { reason, details })
            }
        }
    }

    /// What was brought of a socket, where it is.
    #[inline]
    pub(crate) fn first_event(&self) -> Option<&socket::Event<T>> {
        self.mux.first_event()
    }

    /// The next request that has its answer.
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        self.session.poll_http()
    }

    /// What to do next on the WebSocket. What is not pulled is the backlog: pull only while the
    /// socket takes more.
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        self.session.poll_ws()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        earliest(
            self.session.poll_timeout(),
            self.mux.deadline(&self.session),
        )
    }

    /// The session below: its id, transport, backlog.
    pub fn session(&self) -> &Session {
        &self.session
    }

    #[inline]
    pub(crate) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// What lies behind the reason for which the connection ends or has ended, if it was not anybody's wish.
    pub fn details(&self) -> Option<Details> {
        let above = self.mux.details().cloned();
        above.or_else(|| self.session.violation().map(Details::Violation))
    }

    /// The session's secret id.
    pub fn sid(&self) -> &Sid {
        self.session.sid()
    }

    /// The id that the client of a socket in `namespace` computes for itself, which is to be the socket's
    /// (§16.2). `None` in revision 5, where a socket is given an id of its own.
    pub fn computed_id(&self, namespace: &str) -> Option<SocketId> {
        self.mux.computed_id(namespace, &self.session)
    }

    /// The namespace of a socket, while it is in it.
    pub fn namespace(&self, socket: SocketKey) -> Option<&str> {
        self.mux.namespace(socket).map(|name| &**name)
    }

    /// Whether the client counts among those that may want nothing: it has joined no namespace yet, or, where
    /// it is in `/` by coming (§16.2), has polled once and not come back. `connect_timeout` ends that.
    pub const fn is_pending(&self) -> bool {
        self.mux.is_pending()
    }

    /// How many sockets are in their namespaces.
    pub fn sockets(&self) -> usize {
        self.mux.sockets().len()
    }

    /// Feeds all that can make a difference to what the connection does next, but for its configuration: two that
    /// were told the same feed the same.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        T: Hash,
    {
        self.hash(state);
    }

    /// How many emits wait for their answer.
    pub fn pending_acks(&self) -> usize {
        self.mux.pending_acks()
    }
}

#[cfg(test)]
mod conversations;

#[cfg(test)]
mod digests;

#[cfg(test)]
mod lasting;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket;

    const fn sendable<T: Send + Sync + 'static>() {}

    #[test]
    fn a_connection_can_move_between_threads() {
        sendable::<Connection<u64>>();
    }

    #[test]
    fn only_what_is_for_a_socket_that_is_there_passes_the_queue() {
        let now = Instant::ORIGIN;
        let config = Arc::new(Config::default());
        let opened = engine::Opened {
            transport: engine::TransportKind::WebSocket,
            revision: Eio::V4,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let mut connection = Connection::<()>::new(now, session, config);
        connection.handle_ws(now, Message::Text("40".into()));
        let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) =
            connection.poll_event(now)
        else {
            panic!("nobody asks");
        };
        while connection.poll_ws().is_some() {}
        assert!(!connection.is_clear(ticket.socket()));
        let id = SocketId::from_random([7; 15]);
        let socket = connection.accept(now, ticket, &id).unwrap();
        assert!(!connection.is_clear(socket), "CONNECT comes first");
        while connection.poll_ws().is_some() {}
        assert!(connection.is_clear(socket));
        connection.disconnect(now, socket);
        while connection.poll_ws().is_some() {}
        assert!(!connection.is_clear(socket));
    }

    #[test]
    fn an_idle_connection_is_small() {
        assert!(
            size_of::<Connection<u64>>() <= 720,
            "{} bytes",
            size_of::<Connection<u64>>()
        );
    }
}
