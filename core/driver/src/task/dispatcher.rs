//! The sockets of a connection: whose event may start, and what waits for its turn.

use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytestring::ByteString;
use sio_core::namespaces::ClientNumber;
use sio_core::packet::Name;
use sio_core::socket::{ConnectTicket, SocketKey};
use smallvec::SmallVec;

use super::socket_state::{SocketState, Step};
use crate::endpoint::handshake::Handshake;
use crate::handle::{Callback, Invocation, Io, Socket};

/// How many clients have asked for namespaces that were not there, or were children.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// What a Socket.IO connection has besides the connection. It starts nothing: it says what may be started.
pub(super) struct Dispatcher {
    io: Io,
    handshake: Arc<Handshake>,
    /// One, for nearly every client.
    sockets: SmallVec<[SocketState; 1]>,
    /// Bytes of events that wait, of all sockets.
    waiting_bytes: usize,
    /// Clients that want to enter a namespace and wait because too many handlers do. No more than there
    /// may be namespaces.
    connecting: Vec<PendingConnect>,
    /// By which it brings namespaces into being, once it has asked for one that is not there.
    number: Cell<Option<NonZeroU64>>,
}

/// A client that wants to enter a namespace.
pub(super) struct PendingConnect {
    pub(super) ticket: ConnectTicket,
    pub(super) namespace: ByteString,
    pub(super) auth: Option<ByteString>,
    /// What a client of revision 4 wrote behind the name.
    pub(super) query: Option<ByteString>,
}

/// What may start, of all that waited.
pub(super) enum Next {
    Connect(PendingConnect),
    Step(SocketKey, Step),
}

impl Dispatcher {
    pub(super) fn new(io: Io, handshake: Arc<Handshake>) -> Self {
        Self {
            io,
            handshake,
            sockets: SmallVec::new(),
            waiting_bytes: 0,
            connecting: Vec::new(),
            number: Cell::new(None),
        }
    }

    pub(super) fn io(&self) -> &Io {
        &self.io
    }

    /// By which it brings namespaces into being.
    pub(super) fn number(&self) -> ClientNumber {
        let drawn = || NonZeroU64::new(NUMBERS.fetch_add(1, Ordering::Relaxed));
        let number = self.number.get().or_else(drawn);
        self.number.set(number);
        ClientNumber(number.map_or(0, NonZeroU64::get))
    }

    pub(super) fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    /// Bytes of events that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Its sockets, those included that have left and for whom something waits.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.iter().map(SocketState::socket)
    }

    pub(super) fn socket(&mut self, key: SocketKey) -> Option<&mut SocketState> {
        self.sockets.iter_mut().find(|socket| socket.key() == key)
    }

    pub(super) fn enter(&mut self, key: SocketKey, socket: Socket) {
        self.sockets.push(SocketState::new(key, socket));
    }

    /// Whether somebody who wants to enter has to wait for another.
    pub(super) fn is_connecting(&self) -> bool {
        !self.connecting.is_empty()
    }

    pub(super) fn put_off_connect(&mut self, connect: PendingConnect) {
        self.connecting.push(connect);
    }

    /// Nobody waits any more for what decides over this socket, or over any.
    pub(super) fn forget_connect(&mut self, socket: Option<SocketKey>) {
        let of = |connect: &PendingConnect| {
            socket.is_none_or(|socket| connect.ticket.socket() == socket)
        };
        self.connecting.retain(|connect| !of(connect));
    }

    /// Puts an event behind those that wait.
    pub(super) fn put_off(&mut self, key: SocketKey, mut call: Invocation) {
        // Copied: it may wait long, and must not hold on to a read buffer.
        call.event.args = call.event.args.detached();
        if let Some(socket) = self.socket(key) {
            let size = socket.push_back(call);
            self.waiting_bytes = self.waiting_bytes.saturating_add(size);
        }
    }

    /// Whether what has begun of this socket must have ended before anything else of it begins.
    pub(super) fn is_held(&mut self, key: SocketKey) -> bool {
        self.socket(key).is_some_and(|socket| !socket.is_ready())
    }

    /// Puts the rest of an event before all that waits.
    pub(super) fn put_off_rest(
        &mut self,
        key: SocketKey,
        mut call: Invocation,
        rest: VecDeque<Callback>,
    ) {
        call.event.args = call.event.args.detached();
        if let Some(socket) = self.socket(key) {
            let size = socket.push_front(call, rest);
            self.waiting_bytes = self.waiting_bytes.saturating_add(size);
        }
    }

    /// What may start, if there is room for it. `at` is 0 at first, and counts the sockets for whom nothing may.
    pub(super) fn next(&mut self, at: &mut usize) -> Option<Next> {
        if !self.connecting.is_empty() {
            return Some(Next::Connect(self.connecting.remove(0)));
        }
        loop {
            let socket = self.sockets.get_mut(*at)?;
            if !socket.is_ready() {
                *at += 1;
            } else if let Some(step) = socket.pop() {
                let key = socket.key();
                self.waiting_bytes = self.waiting_bytes.saturating_sub(step.size());
                return Some(Next::Step(key, step));
            } else if socket.is_over() {
                self.sockets.remove(*at);
            } else {
                *at += 1;
            }
        }
    }

    /// A handler of the socket has ended, or a packet middleware.
    pub(super) fn rest(&mut self, key: SocketKey, middlewares: bool) {
        if let Some(socket) = self.socket(key) {
            socket.rest(middlewares);
        }
    }

    /// A socket has left. It goes as soon as nothing waits for it any more.
    pub(super) fn leave(&mut self, key: SocketKey) {
        if let Some(socket) = self.socket(key) {
            let dropped = socket.leave();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(dropped);
        }
        self.sockets.retain(|socket| !socket.is_over());
    }

    /// Handlers that waited are gone but these, and so is what waited for them, which is returned: nothing is
    /// left but to tell that a socket has left.
    pub(super) fn forsake(&mut self, left: &[(SocketKey, bool)]) -> Vec<(Socket, Name)> {
        let mut dropped = Vec::new();
        self.waiting_bytes = 0;
        for socket in &mut self.sockets {
            let bytes = socket.forsake(left, &mut dropped);
            self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        }
        dropped
    }
}
