//! One socket in its task.

use std::collections::VecDeque;

use sio_core::packet::Name;
use sio_core::socket::SocketKey;

use crate::event::About;
use crate::sync::guard::{Panic, guarded, let_go};

use crate::handle::{Callback, Invocation, Socket};
use crate::listeners::{Cached, Found, TopicRef};

/// A socket, and what waits for its turn.
pub(super) struct SocketState {
    key: SocketKey,
    socket: Socket,
    tables: Tables,
    /// Handlers and packet middlewares that wait.
    busy: usize,
    /// A packet middleware waits: what comes behind must wait too.
    in_middlewares: bool,
    /// It has left, and is kept until what waits here is done.
    gone: bool,
    waiting: VecDeque<Step>,
}

/// Copies of the tables of handlers.
#[derive(Default)]
pub(super) struct Tables {
    own: Cached<Callback>,
    shared: Cached<Callback>,
}

/// What waits for its turn.
pub(super) enum Step {
    Event(Invocation),
    /// An event of which some handlers have run, where they run one after another.
    Rest(Invocation, VecDeque<Callback>),
}

impl SocketState {
    pub(super) fn new(key: SocketKey, socket: Socket) -> Self {
        Self {
            key,
            socket,
            tables: Tables::default(),
            busy: 0,
            in_middlewares: false,
            gone: false,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn key(&self) -> SocketKey {
        self.key
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether its next event may start.
    pub(super) fn is_ready(&self) -> bool {
        !self.in_middlewares && (self.busy == 0 || !self.socket.is_sequential())
    }

    /// Whether events wait.
    pub(super) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether its end waits for what came before it. Where order is promised, it does.
    pub(super) fn keeps_order(&self) -> bool {
        self.socket.is_sequential() || self.in_middlewares
    }

    /// Whether nothing more can happen to it.
    pub(super) fn is_over(&self) -> bool {
        self.gone && self.busy == 0 && self.waiting.is_empty()
    }

    /// A handler waits.
    pub(super) fn set_busy(&mut self) {
        self.busy += 1;
    }

    /// A packet middleware waits.
    pub(super) fn set_in_middlewares(&mut self) {
        self.busy += 1;
        self.in_middlewares = true;
    }

    /// One of those has ended.
    pub(super) fn rest(&mut self, middlewares: bool) {
        self.busy = self.busy.saturating_sub(1);
        self.in_middlewares &= !middlewares;
    }

    /// Its turn is behind all that waits. Says how many bytes that takes.
    pub(super) fn push_back(&mut self, call: Invocation) -> usize {
        let step = Step::Event(call);
        let size = step.size();
        self.waiting.push_back(step);
        size
    }

    /// The rest of what has begun comes before all else.
    pub(super) fn push_front(&mut self, call: Invocation, rest: VecDeque<Callback>) -> usize {
        let step = Step::Rest(call, rest);
        let size = step.size();
        self.waiting.push_front(step);
        size
    }

    pub(super) fn pop(&mut self) -> Option<Step> {
        self.waiting.pop_front()
    }

    /// It has left. Says how many bytes do not wait any more.
    pub(super) fn leave(&mut self) -> usize {
        self.gone = true;
        if self.keeps_order() {
            return 0;
        }
        self.waiting.drain(..).map(|step| step.size()).sum()
    }

    /// All that it waited for is gone but this, and so is what waited for that but its end. Says how many bytes
    /// are left.
    pub(super) fn forsake(
        &mut self,
        left: &[(SocketKey, bool)],
        dropped: &mut Vec<(Socket, Name)>,
    ) -> usize {
        let its = left.iter().filter(|(key, _)| *key == self.key);
        self.busy = its.clone().count();
        self.in_middlewares = its.clone().any(|(_, in_middlewares)| *in_middlewares);
        let (kept, lost): (VecDeque<_>, VecDeque<_>) =
            self.waiting.drain(..).partition(Step::tells_end);
        self.waiting = kept;
        dropped.extend(lost.into_iter().map(Step::event));
        let sizes = self.waiting.iter().map(Step::size);
        sizes.fold(0, usize::saturating_add)
    }

    /// Its handlers as they are now. Taken out while they run: to call one from here costs no count of
    /// references. With old tables, the last of what they held may go.
    pub(super) fn take_tables(&mut self) -> (Tables, Result<(), Panic>) {
        let (own, shared) = (self.socket.listeners(), self.socket.namespace().listeners());
        let passing = guarded(|| {
            own.refresh(&mut self.tables.own);
            shared.refresh(&mut self.tables.shared);
        });
        (std::mem::take(&mut self.tables), passing)
    }

    pub(super) fn give_back(&mut self, tables: Tables) {
        self.tables = tables;
    }
}

impl Drop for SocketState {
    /// What its handlers capture may be the socket: they would keep each other.
    fn drop(&mut self) {
        let _ = guarded(|| {
            self.socket.exit();
            self.socket.release();
        });
        let _ = let_go(std::mem::take(&mut self.tables.own));
        let _ = let_go(std::mem::take(&mut self.tables.shared));
        let _ = let_go(std::mem::take(&mut self.waiting));
    }
}

impl Tables {
    /// The handlers of an event. Those that run once are not found again.
    pub(super) fn find(&self, call: &Invocation) -> (Found<'_, Callback>, Result<(), Panic>) {
        let topics: &[TopicRef<'_>] = match call.event.about {
            About::Connect => &[TopicRef::Connect],
            About::Event => &[TopicRef::AnyEvent, TopicRef::Event(&call.event.name)],
            About::Disconnecting(..) => &[TopicRef::Disconnecting],
            About::Disconnect(..) => &[TopicRef::Disconnect],
            About::Error(..) => &[TopicRef::Error, TopicRef::Event("error")],
        };
        let (mut found, mut passing) = (Found::new(), Ok(()));
        self.find_each(call, topics, &mut found, &mut passing);
        if found.is_empty() && matches!(call.event.about, About::Event) {
            self.find_each(call, &[TopicRef::Unhandled], &mut found, &mut passing);
        }
        (found, passing)
    }

    #[inline]
    fn find_each<'a>(
        &'a self,
        call: &Invocation,
        topics: &[TopicRef<'_>],
        found: &mut Found<'a, Callback>,
        passing: &mut Result<(), Panic>,
    ) {
        let (own, shared) = (call.socket.listeners(), call.socket.namespace().listeners());
        for topic in topics {
            for (table, listeners) in [(&self.shared, shared), (&self.own, own)] {
                if table.find(*topic, found) {
                    let swept = guarded(|| listeners.sweep());
                    *passing = std::mem::replace(passing, Ok(())).and(swept);
                }
            }
        }
    }
}

impl Step {
    /// Whose event it is, and which.
    fn event(self) -> (Socket, Name) {
        let (Self::Event(call) | Self::Rest(call, _)) = self;
        (call.socket, call.event.name)
    }

    /// Whether it is that the socket leaves.
    fn tells_end(&self) -> bool {
        let (Self::Event(call) | Self::Rest(call, _)) = self;
        matches!(
            call.event.about,
            About::Disconnecting(..) | About::Disconnect(..)
        )
    }

    /// What it holds, itself included: an event without a name and arguments is not free.
    pub(super) fn size(&self) -> usize {
        let (Self::Event(call) | Self::Rest(call, _)) = self;
        call.event
            .args
            .size()
            .saturating_add(call.event.name.len())
            .saturating_add(size_of::<Self>())
    }
}
