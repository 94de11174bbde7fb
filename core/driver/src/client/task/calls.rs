//! Events on their way through handlers.

use std::task::{Context, Poll};

use sio_core::client::AckTicket;
use sio_core::packet::{Args, Name};
use sio_core::socket::SocketKey;

use super::Task;
use super::jobs::{Callbacks, Guarded, Job, Owner, Waiting};
use crate::client::dialer::Dialer;
use crate::client::event::About;
use crate::client::inner::{Callback, Invocation, Socket};
use crate::event::{AckSlot, Progress, Started};
use crate::sync::guard::{guarded, let_go};

impl<R: Dialer> Task<R> {
    /// Finds the handlers of an event and runs them.
    pub(super) fn call(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        name: Name,
        args: Args,
        about: About,
        slot: AckSlot<AckTicket>,
    ) {
        let Some(known) = self.sockets.iter_mut().find(|it| it.inner.key == key) else {
            return;
        };
        let found = known.handlers(&name, &about);
        if found.is_empty() {
            return;
        }
        let inner = known.inner.clone();
        let mut call = Invocation::new(self.handle(&inner), name, args, about);
        call.event.ack.set(slot);
        call.event.share_ack(found.len());
        if inner.is_sequential() && self.is_busy(key) {
            return self.put_off(key, call, found, false);
        }
        self.run(cx, key, call, found);
    }

    fn is_busy(&self, key: SocketKey) -> bool {
        let mut all = self.waiting.iter();
        let waiting = all.find(|(its, _)| *its == key);
        waiting.is_some_and(|(_, it)| it.running > 0 || !it.events.is_empty())
    }

    fn waiting(&mut self, key: SocketKey) -> &mut Waiting {
        let at = match self.waiting.iter().position(|(its, _)| *its == key) {
            Some(at) => at,
            None => {
                self.waiting.push((key, Waiting::default()));
                self.waiting.len() - 1
            }
        };
        &mut self.waiting[at].1
    }

    /// Puts an event behind those that wait, or the rest of one before them.
    fn put_off(&mut self, key: SocketKey, mut call: Invocation, callbacks: Callbacks, first: bool) {
        call.event.args = call.event.args.detached();
        let waiting = self.waiting(key);
        waiting.bytes = waiting.bytes.saturating_add(size(&call));
        match first {
            true => waiting.events.push_front((call, callbacks)),
            false => waiting.events.push_back((call, callbacks)),
        }
    }

    /// Runs handlers of an event one after the other; where they must not interleave, those behind one that waits
    /// are put off.
    fn run(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        call: Invocation,
        mut callbacks: Callbacks,
    ) {
        while let Some(callback) = callbacks.pop() {
            let waits = self.start(cx, key, &callback, &call);
            if waits && call.socket.inner.is_sequential() && !callbacks.is_empty() {
                return self.put_off(key, call, callbacks, true);
            }
        }
    }

    /// Calls one handler, which runs to its first await. `true`: it has not ended.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        callback: &Callback,
        call: &Invocation,
    ) -> bool {
        call.event.begin();
        let outcome = match guarded(|| callback(call)) {
            Err(panic) => Err(panic),
            Ok(Started(Progress::Done(result))) => Ok(result),
            Ok(Started(Progress::Pending(mut future))) => {
                match guarded(|| future.as_mut().poll(cx)) {
                    Ok(Poll::Pending) => {
                        let owner = Owner {
                            socket: Socket {
                                inner: call.socket.inner.clone(),
                                alive: None,
                            },
                            key,
                            name: call.event.name.clone(),
                        };
                        self.waiting(key).running += 1;
                        self.jobs
                            .push(Job::Handler(Guarded::new(future), Box::new(owner)));
                        return true;
                    }
                    Ok(Poll::Ready(result)) => let_go(future).map(|()| result),
                    Err(panic) => {
                        let _ = let_go(future);
                        Err(panic)
                    }
                }
            }
        };
        self.ended(&call.socket, &call.event.name, outcome);
        false
    }

    /// A handler of this socket has ended, and the next event may begin.
    pub(super) fn next(&mut self, cx: &mut Context<'_>, key: SocketKey) {
        let waiting = self.waiting(key);
        waiting.running = waiting.running.saturating_sub(1);
        loop {
            let waiting = self.waiting(key);
            if waiting.running > 0 {
                return;
            }
            let Some((call, callbacks)) = waiting.events.pop_front() else {
                break;
            };
            waiting.bytes = waiting.bytes.saturating_sub(size(&call));
            self.run(cx, key, call, callbacks);
        }
        self.waiting.retain(|(its, _)| *its != key);
    }
}

/// What an event that waits takes.
fn size(call: &Invocation) -> usize {
    let content = call.event.args.size().saturating_add(call.event.name.len());
    content.saturating_add(size_of::<Invocation>())
}
