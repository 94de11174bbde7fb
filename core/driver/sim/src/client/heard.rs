//! What a socket was told, and nobody has taken.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::Stream;
use sio_driver::app::SocketId;
use sio_driver::client::{
    self, ConnectError, Connected, DisconnectReason, Disconnected, Events, Inbox, Overflow,
};

/// What a socket was told. Whoever waits for something of it is woken when there is more.
pub(super) struct Heard {
    inner: Mutex<Inner>,
    waiting: Mutex<Vec<Waker>>,
    /// What the stream of its events wakes.
    bell: Waker,
}

/// It is no hold on what is heard: that has one on the client, which has this.
struct Bell(Weak<Heard>);

pub(super) struct Inner {
    stream: Option<Events>,
    pub(super) events: VecDeque<client::Event>,
    pub(super) ends: VecDeque<DisconnectReason>,
    pub(super) refused: Option<ConnectError>,
    pub(super) connected: bool,
    pub(super) id: Option<SocketId>,
    pub(super) recovered: bool,
    /// Nothing will happen any more.
    pub(super) over: bool,
}

impl Heard {
    /// Listens to a socket from now on.
    pub(super) fn of(socket: &client::Socket) -> Arc<Self> {
        let all = Inbox::new(usize::MAX, Overflow::Wait).bytes(usize::MAX);
        let heard = Arc::new_cyclic(|its: &Weak<Self>| Self {
            inner: Mutex::new(Inner {
                stream: Some(socket.events(all)),
                events: VecDeque::new(),
                ends: VecDeque::new(),
                refused: None,
                connected: false,
                id: None,
                recovered: false,
                over: false,
            }),
            waiting: Mutex::default(),
            bell: Waker::from(Arc::new(Bell(its.clone()))),
        });
        let its = Arc::downgrade(&heard);
        socket.on_connect(move |connected: Connected| {
            if let Some(its) = its.upgrade() {
                its.learn(|inner| {
                    (inner.connected, inner.recovered) = (true, connected.recovered);
                    inner.id = Some(connected.id);
                });
            }
        });
        let its = Arc::downgrade(&heard);
        socket.on_disconnect(move |disconnected: Disconnected| {
            if let Some(its) = its.upgrade() {
                its.learn(|inner| {
                    inner.connected = false;
                    inner.ends.push_back(disconnected.reason);
                });
            }
        });
        let its = Arc::downgrade(&heard);
        socket.on_connect_error(move |socket: client::Socket, error: ConnectError| {
            // While it wants to be in, it asks again.
            if let Some(its) = its.upgrade().filter(|_| !socket.active()) {
                its.learn(|inner| inner.refused = Some(error));
            }
        });
        heard
    }

    fn learn(&self, learn: impl FnOnce(&mut Inner)) {
        learn(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake();
    }

    fn wake(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = std::mem::take(&mut *waiting);
        drop(waiting);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Looks at what there is.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.fill(&mut Context::from_waker(&self.bell));
        look(&mut inner)
    }

    /// Waits until something can be had.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        have: impl FnOnce(&mut Inner) -> Option<T>,
    ) -> Poll<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|it| it.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        drop(waiting);
        self.look(have).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(heard) = self.0.upgrade() {
            heard.wake();
        }
    }
}

impl Inner {
    /// Takes what has come.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while let Some(stream) = &mut self.stream {
            match Pin::new(stream).poll_next(cx) {
                Poll::Ready(Some(event)) => self.events.push_back(event),
                Poll::Ready(None) => {
                    (self.stream, self.over, self.connected) = (None, true, false);
                }
                Poll::Pending => break,
            }
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").finish_non_exhaustive()
    }
}
