//! The machine of a connection, and what its kind alone has beside it.

use std::sync::Arc;

use sio_core::config::Config;
use sio_core::connection::Connection;
use sio_core::deadline::Deadline;
use sio_core::details::Details;
use sio_core::engine::{
    Close, CloseReason, Eio, Flags, Opened, Post, Reply, Seen, Sent, Session, WsClosed, WsOut,
};
use sio_core::id::{RequestId, Sid};
use sio_core::message::{Encoded, Message};
use sio_core::record::Recorded;
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

use super::dispatcher::Dispatcher;
use super::plain::Plain;
use super::speaker::Speaker;
use crate::endpoint::handshake::Handshake;
use crate::handle::{Io, Recording};
use crate::log::debug;
use crate::mailbox::reply::Token;
use crate::mailbox::task_handle::TaskHandle;

/// What is spoken over a session: Socket.IO, or nothing.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all speak Socket.IO, whose machine each message goes through"
)]
pub(super) enum Machine {
    SocketIo {
        connection: Connection<Token>,
        dispatcher: Box<Dispatcher>,
    },
    /// The same, written down.
    Recorded {
        connection: Box<Recorded<Token>>,
        dispatcher: Box<Dispatcher>,
        recording: Arc<Recording>,
    },
    Engine {
        session: Session,
        plain: Box<Plain>,
    },
}

/// What both can do, done by the one that is there.
macro_rules! either {
    ($machine:expr, $it:ident => $what:expr) => {
        match $machine {
            Machine::SocketIo {
                connection: $it, ..
            } => $what,
            Machine::Engine { session: $it, .. } => $what,
            Machine::Recorded {
                connection: $it, ..
            } => $what,
        }
    };
}

impl Machine {
    /// A new one that speaks Socket.IO.
    pub(super) fn speaking(
        now: Instant,
        sid: Sid,
        opened: Opened,
        config: Arc<Config>,
        io: Io,
        handshake: Arc<Handshake>,
        task: &TaskHandle,
    ) -> Self {
        let codec = io.codec_for(task, &handshake);
        let Some(recording) = io.recording_of(&handshake) else {
            let session = Session::new(now, sid, opened, config.clone());
            return Self::SocketIo {
                connection: Connection::with_codec(now, session, config, codec),
                dispatcher: Box::new(Dispatcher::new(io, handshake)),
            };
        };
        let most = recording.most();
        let connection = Recorded::open(now, sid, opened, config, codec, most);
        Self::Recorded {
            connection: Box::new(connection),
            dispatcher: Box::new(Dispatcher::new(io, handshake)),
            recording,
        }
    }

    pub(super) fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        either!(self, it => it.handle_poll(now, id, revision));
    }

    pub(super) fn handle_post(&mut self, now: Instant, id: RequestId, revision: Eio, post: Post) {
        either!(self, it => it.handle_post(now, id, revision, post));
    }

    pub(super) fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        either!(self, it => it.handle_aborted(now, id));
    }

    pub(super) fn handle_unwritten(&mut self, now: Instant, bytes: usize) {
        either!(self, it => it.handle_unwritten(now, bytes));
    }

    pub(super) fn handle_answer_lost(&mut self, now: Instant) {
        either!(self, it => it.handle_answer_lost(now));
    }

    pub(super) fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        either!(self, it => it.handle_ws_open(now, revision, base64))
    }

    #[inline]
    pub(super) fn handle_ws(&mut self, now: Instant, frame: Message) {
        either!(self, it => it.handle_ws(now, frame));
    }

    pub(super) fn handle_ws_progress(&mut self, now: Instant) {
        either!(self, it => it.handle_ws_progress(now));
    }

    #[inline]
    pub(super) fn handle_ws_flushed(&mut self, now: Instant) {
        either!(self, it => it.handle_ws_flushed(now));
    }

    pub(super) fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        either!(self, it => it.handle_ws_closed(now, cause));
    }

    /// Acts on deadlines that are looked at only now.
    pub(super) fn expire(&mut self, now: Instant) {
        either!(self, it => {
            it.handle_late(now);
            it.handle_timeout(now);
        });
    }

    /// Sends a message of Engine.IO as it is.
    pub(super) fn send(&mut self, now: Instant, data: &Message, flags: Flags) {
        let _ = match self {
            Self::SocketIo { connection, .. } => connection.send(now, data, flags),
            Self::Recorded { connection, .. } => connection.send(now, data, flags),
            Self::Engine { session, .. } => session.send(now, Encoded::from(data), flags),
        };
    }

    /// Sends a packet to the client of a socket. Where there are no sockets, it was for none.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        now: Instant,
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
    ) {
        let sent = match self {
            Self::SocketIo { connection, .. } => connection.deliver(now, socket, packet, flags),
            Self::Recorded { connection, .. } => connection.deliver(now, socket, packet, flags),
            Self::Engine { .. } => return,
        };
        if sent == Sent::Unwritten {
            debug!("not written by the client's parser");
        }
    }

    pub(super) fn close(&mut self, now: Instant, how: Close) {
        either!(self, it => it.close(now, how));
    }

    pub(super) fn shut_down(&mut self, now: Instant) {
        either!(self, it => it.shut_down(now));
    }

    pub(super) fn fail(&mut self, now: Instant, reason: CloseReason) {
        either!(self, it => it.fail(now, reason));
    }

    #[inline]
    pub(super) fn pause(&mut self, now: Instant, paused: bool) {
        either!(self, it => it.pause(now, paused));
    }

    #[inline]
    pub(super) fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        either!(self, it => it.poll_http())
    }

    #[inline]
    pub(super) fn poll_ws(&mut self) -> Option<WsOut> {
        either!(self, it => it.poll_ws())
    }

    #[inline]
    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        either!(self, it => it.poll_timeout())
    }

    pub(super) fn observe(&mut self) {
        either!(self, it => it.observe());
    }

    pub(super) fn poll_seen(&mut self) -> Option<Seen> {
        either!(self, it => it.poll_seen())
    }

    pub(super) fn follow(&mut self) -> Option<u64> {
        either!(self, it => it.follow())
    }

    pub(super) fn reached(&mut self) -> u64 {
        either!(self, it => it.reached())
    }

    /// What lies behind the reason for which it ends or has ended.
    pub(super) fn details(&self) -> Option<Details> {
        match self {
            Self::SocketIo { connection, .. } => connection.details(),
            Self::Recorded { connection, .. } => connection.details(),
            Self::Engine { session, .. } => session.violation().map(Details::Violation),
        }
    }

    /// Whether the client may turn out to be one that wants nothing. Where there is no namespace to join, none
    /// does.
    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::SocketIo { connection, .. } => connection.is_pending(),
            Self::Recorded { connection, .. } => connection.is_pending(),
            Self::Engine { .. } => false,
        }
    }

    #[inline]
    pub(super) fn session(&self) -> &Session {
        match self {
            Self::SocketIo { connection, .. } => connection.session(),
            Self::Recorded { connection, .. } => connection.session(),
            Self::Engine { session, .. } => session,
        }
    }

    /// The machine of Socket.IO, and the sockets.
    #[inline]
    pub(super) fn socket_io(&mut self) -> Option<(Speaker<'_>, &mut Dispatcher)> {
        match self {
            Self::SocketIo {
                connection,
                dispatcher,
            } => Some((Speaker::Plain(connection), dispatcher)),
            Self::Recorded {
                connection,
                dispatcher,
                ..
            } => Some((Speaker::Recorded(connection), dispatcher)),
            Self::Engine { .. } => None,
        }
    }

    /// The sockets.
    #[inline]
    pub(super) fn dispatcher(&self) -> Option<&Dispatcher> {
        match self {
            Self::SocketIo { dispatcher, .. } | Self::Recorded { dispatcher, .. } => {
                Some(dispatcher)
            }
            Self::Engine { .. } => None,
        }
    }

    #[inline]
    pub(super) fn dispatcher_mut(&mut self) -> Option<&mut Dispatcher> {
        match self {
            Self::SocketIo { dispatcher, .. } | Self::Recorded { dispatcher, .. } => {
                Some(dispatcher)
            }
            Self::Engine { .. } => None,
        }
    }

    /// It is over: its log is given out, if it was recorded, and has not been.
    pub(super) fn give_log(&mut self) {
        if let Self::Recorded {
            connection,
            recording,
            ..
        } = self
        {
            let log = connection.take_log();
            if !log.is_empty() {
                recording.give(log);
            }
        }
    }

    pub(super) fn plain(&mut self) -> Option<&mut Plain> {
        match self {
            Self::SocketIo { .. } | Self::Recorded { .. } => None,
            Self::Engine { plain, .. } => Some(plain),
        }
    }

    pub(super) fn handshake(&self) -> &Arc<Handshake> {
        match self {
            Self::SocketIo { dispatcher, .. } | Self::Recorded { dispatcher, .. } => {
                dispatcher.handshake()
            }
            Self::Engine { plain, .. } => plain.handshake(),
        }
    }

    /// Bytes of what waits for handlers.
    #[inline]
    pub(super) fn waiting_bytes(&self) -> usize {
        match self {
            Self::SocketIo { dispatcher, .. } | Self::Recorded { dispatcher, .. } => {
                dispatcher.waiting_bytes()
            }
            Self::Engine { plain, .. } => plain.waiting_bytes(),
        }
    }
}
