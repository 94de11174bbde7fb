//! Connections that are recorded.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::{ConnectionKey, Server};
use crate::config::Config;
use crate::connection::{Connection, Event};
use crate::engine::{Close, Flags, Opened, Post, Reply, Sent, Session, WsClosed, WsOut};
use crate::id::{RequestId, Sid, SocketId};
use crate::message::{Encoded, Message};
use crate::protocol::Eio;
use crate::record::Recorded;
use crate::recovery::Pid;
use crate::socket::{AckError, AckTicket, ConnectTicket, Refusal, SocketKey};
use crate::time::Instant;

impl<T> Server<T> {
    /// Records the connections that come from now on, each up to so many bytes of a [`Log`](crate::record::Log); `None`:
    /// no more of them. The log of one that is over is given out by [`poll_log`](Self::poll_log), and waits until then:
    /// of the last 64 that are over.
    ///
    /// ```
    /// # use sio_core::config::Config;
    /// # use sio_core::engine::Close;
    /// # use sio_core::id::{HashKey, RequestId};
    /// # use sio_core::record::{Log, Replay};
    /// # use sio_core::server::{Server, bytes::Bytes, http::Request};
    /// # use sio_core::time::Instant;
    /// # let now = Instant::ORIGIN;
    /// let mut server: Server<()> = Server::new(Config::v4(), HashKey([1, 2])).unwrap();
    /// server.record(Some(64 * 1024));
    /// let request = Request::get("/socket.io/?EIO=4&transport=polling").body(Bytes::new()).unwrap();
    /// server.handle_request(now, RequestId(1), request, [7; 15]);
    /// let (_, response) = server.poll_http().unwrap();
    /// assert!(response.http.body().starts_with(b"0{"));
    ///
    /// let connection = server.connection_of("BwcHBwcHBwcHBwcHBwcH").unwrap();
    /// server.close(now, connection, Close::Discard);
    /// while server.poll_event(now).is_some() {}
    /// while server.poll_ws(connection).is_some() {}
    /// let log = Log::read(server.poll_log().unwrap())?;
    /// assert_eq!(Replay::new(log)?.finish(), Ok(()));
    /// # Ok::<(), sio_core::record::LogError>(())
    /// ```
    pub const fn record(&mut self, most: Option<usize>) {
        self.recording = most;
    }

    /// The log of a connection that was recorded and is over.
    pub fn poll_log(&mut self) -> Option<Vec<u8>> {
        self.logs.pop_front()
    }

    /// What was recorded so far of a connection that is not over.
    pub fn log(&self, connection: ConnectionKey) -> Option<&[u8]> {
        match &self.entry(connection)?.connection {
            Taped::Off(_) => None,
            Taped::On(recorded) => Some(recorded.log()),
        }
    }

    /// A connection is forgotten.
    pub(super) fn keep_log(&mut self, log: Option<Vec<u8>>) {
        let Some(log) = log else {
            return;
        };
        if self.logs.len() >= LOGS {
            self.logs.pop_front();
        }
        self.logs.push_back(log);
    }

    /// A new connection.
    pub(super) fn taped(&self, now: Instant, sid: Sid, opened: Opened) -> Taped<T> {
        let config: Arc<Config> = self.config.clone();
        match self.recording {
            None => {
                let session = Session::new(now, sid, opened, config.clone());
                Taped::Off(Connection::new(now, session, config))
            }
            Some(most) => {
                let codec = config.parser.clone();
                let recorded = Recorded::open(now, sid, opened, config, &codec, most);
                Taped::On(Box::new(recorded))
            }
        }
    }
}

/// Logs that wait to be given out. Past it the oldest is dropped.
const LOGS: usize = 64;

/// A connection, recorded or not.
#[derive(Clone, Debug, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly none are recorded, and those that are not stay where they are"
)]
pub(super) enum Taped<T> {
    Off(Connection<T>),
    On(Box<Recorded<T>>),
}

impl<T> Taped<T> {
    /// Its log, if it was recorded and that is not given out yet.
    pub(super) fn take_log(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Off(_) => None,
            Self::On(recorded) => Some(recorded.take_log()),
        }
    }
}

/// What is only looked at.
impl<T> Deref for Taped<T> {
    type Target = Connection<T>;

    fn deref(&self) -> &Connection<T> {
        match self {
            Self::Off(connection) => connection,
            Self::On(recorded) => recorded,
        }
    }
}

/// What either is told.
macro_rules! forward {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl<T> Taped<T> {
            $(
                #[inline]
                $(#[$attribute])*
                pub(super) fn $name(&mut self, $($argument: $type),*) $(-> $result)? {
                    match self {
                        Self::Off(it) => it.$name($($argument),*),
                        Self::On(it) => it.$name($($argument),*),
                    }
                }
            )*
        }
    };
}

forward! {
    fn handle_poll(now: Instant, id: RequestId, revision: Eio);
    fn handle_post(now: Instant, id: RequestId, revision: Eio, post: Post);
    fn handle_aborted(now: Instant, id: RequestId);
    fn handle_ws_open(now: Instant, revision: Eio, base64: bool) -> bool;
    fn handle_ws(now: Instant, frame: Message);
    fn handle_ws_progress(now: Instant);
    fn handle_ws_flushed(now: Instant);
    fn handle_ws_closed(now: Instant, cause: WsClosed);
    fn handle_late(now: Instant);
    fn handle_timeout(now: Instant);
    fn accept(now: Instant, ticket: ConnectTicket, id: &SocketId) -> Option<SocketKey>;
    fn accept_recoverable(
        now: Instant, ticket: ConnectTicket, id: &SocketId, pid: &Pid, missed: Vec<Encoded>
    ) -> Option<SocketKey>;
    fn reject(now: Instant, ticket: ConnectTicket, refusal: &Refusal);
    fn supersede(now: Instant, socket: SocketKey);
    fn deliver(now: Instant, socket: SocketKey, packet: Encoded, flags: Flags) -> Sent;
    #[expect(clippy::too_many_arguments, reason = "what an emit with ack consists of")]
    fn request(
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>
    ) -> Result<(), (AckError, T)>;
    fn respond(now: Instant, ticket: AckTicket, packet: Encoded) -> Sent;
    fn disconnect(now: Instant, socket: SocketKey);
    fn disconnect_all(now: Instant);
    fn expel(now: Instant, socket: SocketKey);
    fn shut_down(now: Instant);
    fn close(now: Instant, how: Close);
    fn pause(now: Instant, paused: bool);
    fn poll_event(now: Instant) -> Option<Event<T>>;
    fn poll_http() -> Option<(RequestId, Reply)>;
    fn poll_ws() -> Option<WsOut>;
}
