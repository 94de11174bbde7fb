//! The machine of a client, and what it has told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use sio_driver::app::core::client::{
    AckTicket, ConnectError, Connection, DisconnectReason, Event, Work,
};
use sio_driver::app::core::id::RequestId;
use sio_driver::app::core::packet::Name;
use sio_driver::app::core::socket::{AckError, SocketKey};
use sio_driver::app::{Args, SocketId};
use sio_driver::binding::{Instant, Runtime};

use crate::sim::Sim;

/// What a client's handles and its tasks share.
pub(super) struct Shared {
    pub(super) sim: Sim,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) machine: Connection<Answer>,
    sockets: BTreeMap<SocketKey, Heard>,
    /// What is to be done, in order.
    pub(super) work: VecDeque<Work>,
    /// Requests and WebSockets that are open, and those of them that nobody listens to any more.
    pub(super) lines: BTreeSet<RequestId>,
    aborted: BTreeSet<RequestId>,
    /// Nothing will happen any more.
    pub(super) over: bool,
    /// Acks that have ended, since that was told to the world.
    ended: usize,
    waiting: Vec<Waker>,
}

/// What a socket was told, and nobody has taken.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) events: VecDeque<Message>,
    pub(super) ends: VecDeque<DisconnectReason>,
    pub(super) refused: Option<ConnectError>,
    pub(super) connected: bool,
    pub(super) id: Option<SocketId>,
    pub(super) recovered: bool,
}

/// An event, as it came.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: Name,
    pub(super) args: Args,
    pub(super) ack: Option<AckTicket>,
}

/// Where the answer to an emit is put.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(pub(super) Arc<Mutex<Option<Result<Args, AckError>>>>);

impl Answer {
    fn put(&self, answer: Result<Args, AckError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    pub(super) fn take(&self) -> Option<Result<Args, AckError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Shared {
    pub(super) fn new(sim: Sim, machine: Connection<Answer>) -> Arc<Self> {
        Arc::new(Self {
            sim,
            inner: Mutex::new(Inner {
                machine,
                sockets: BTreeMap::new(),
                work: VecDeque::new(),
                lines: BTreeSet::new(),
                aborted: BTreeSet::new(),
                over: false,
                ended: 0,
                waiting: Vec::new(),
            }),
        })
    }

    /// Tells the machine something, and everybody that there may be something for them.
    pub(super) fn tell<T>(&self, tell: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        self.with(true, tell)
    }

    /// Asks for something, of which others need not hear unless something comes of it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        self.with(false, look)
    }

    fn with<T>(&self, told: bool, act: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        let now = self.sim.now();
        let (value, ended, woken) = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let value = act(&mut inner, now);
            let news = inner.drain();
            let woken = match told || news {
                true => std::mem::take(&mut inner.waiting),
                false => Vec::new(),
            };
            (value, std::mem::take(&mut inner.ended), woken)
        };
        if ended > 0 {
            self.sim.world.with(|state| state.open_acks -= ended);
        }
        woken.into_iter().for_each(Waker::wake);
        value
    }

    /// Waits until something can be had. To be called with what tells nobody anything.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        have: impl FnOnce(&mut Inner) -> Option<T>,
    ) -> Poll<T> {
        self.look(|inner, _| match have(inner) {
            Some(value) => Poll::Ready(value),
            None => {
                inner.wait(cx);
                Poll::Pending
            }
        })
    }

    /// Nothing will happen any more: the host is gone, or all is said.
    pub(super) fn end(&self) {
        self.tell(|inner, now| {
            inner.machine.close(now);
            inner.over = true;
        });
    }
}

impl Inner {
    /// Takes what the machine has to tell. Whether it had anything.
    fn drain(&mut self) -> bool {
        let mut news = false;
        while let Some(event) = self.machine.poll_event() {
            news = true;
            self.hear(event);
        }
        while let Some(work) = self.machine.poll_work() {
            news = true;
            if let Work::Abort(id) = work {
                self.aborted.insert(id);
            } else {
                self.work.push_back(work);
            }
        }
        // Work may have come of it.
        while let Some(event) = self.machine.poll_event() {
            news = true;
            self.hear(event);
        }
        news
    }

    fn hear(&mut self, event: Event<Answer>) {
        match event {
            Event::Connected {
                socket,
                id,
                recovered,
            } => {
                let heard = self.heard(socket);
                (heard.connected, heard.recovered) = (true, recovered);
                heard.id = Some(id);
            }
            Event::Message {
                socket,
                name,
                args,
                ack,
            } => {
                let message = Message { name, args, ack };
                self.heard(socket).events.push_back(message);
            }
            Event::Acked { token, answer, .. } => {
                self.ended += 1;
                token.put(answer);
            }
            Event::ConnectError {
                socket,
                error,
                active: false,
            } => self.heard(socket).refused = Some(error),
            Event::Disconnected { socket, reason, .. } => {
                let heard = self.heard(socket);
                heard.connected = false;
                heard.ends.push_back(reason);
            }
            Event::Closed => self.over = true,
            // Nobody is asked, and the rest is known by what comes of it.
            Event::DialWanted { .. }
            | Event::AuthWanted { .. }
            | Event::Entering { .. }
            | Event::Flushed { .. }
            | Event::Opened { .. }
            | Event::ConnectError { .. }
            | Event::Error { .. }
            | Event::Waiting { .. }
            | Event::Attempt { .. }
            | Event::Failed { .. }
            | Event::GaveUp
            | Event::Upgraded
            | Event::UpgradeFailed(_)
            | Event::Pinged
            | Event::Writable
            | Event::Malformed(_) => {}
            _ => {}
        }
    }

    pub(super) fn heard(&mut self, socket: SocketKey) -> &mut Heard {
        self.sockets.entry(socket).or_default()
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|it| it.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    /// Whether nobody listens to a request or a WebSocket any more.
    pub(super) fn is_aborted(&self, id: RequestId) -> bool {
        self.over || self.aborted.contains(&id)
    }

    pub(super) fn finish(&mut self, id: RequestId) {
        self.lines.remove(&id);
        self.aborted.remove(&id);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
